"""Writes the figures in README.md, from the CSV files in `results`."""

import csv
import re

from harness import BENCH, shown

PAGE = BENCH / "README.md"
RESULTS = BENCH / "results"
LESS_IS_BETTER = {"idle", "syscalls"}

# Subjects of `micro` that are no peers, but what could be.
LIMITS = {"hand loop", "plain queues"}


def update():
    """Rewrites what stands between `<!-- figures NAME -->` and `<!-- end -->`."""

    def write(found):
        name = found.group(1)
        return f"<!-- figures {name} -->\n\n{FIGURES[name]()}\n\n<!-- end -->"

    text = PAGE.read_text()
    PAGE.write_text(re.sub(r"<!-- figures (\S+) -->\n.*?<!-- end -->", write, text, flags=re.DOTALL))


def read(name):
    path = RESULTS / f"{name}.csv"
    return list(csv.DictReader(path.open())) if path.exists() else []


def against_peers():
    """The smol server beside the best peer, case by case."""
    lines = []
    for table in ("echo", "fanout", "handshakes", "idle", "syscalls"):
        rows = read(table)
        for own in rows:
            if own["server"] == "realtime-smol":
                best, ratio = best_peer(table, rows, own)
                latencies = [f"{float(own[name]):,.0f}" if own.get(name) else "" for name in ("p50_us", "p99_us")]
                lines.append([table, own["case"], number(own["median"]), best, ratio, *latencies])
    return markdown(["table", "case", "realtime-smol", "best peer", "ratio", "p50, µs", "p99, µs"], lines)


def peers_ahead():
    """Each case in which a peer is better than the smol server, and whether the rounds agree on it."""
    lines = []
    for table in ("echo", "fanout", "handshakes", "idle", "syscalls"):
        rows = read(table)
        sign = -1 if table in LESS_IS_BETTER else 1
        for own in rows:
            if own["server"] != "realtime-smol":
                continue
            for peer in rows:
                ahead = sign * (float(peer["of_ours"]) - 1)
                if peer["case"] == own["case"] and not peer["server"].startswith("realtime-") and ahead > 0:
                    worst, best = ("min", "max") if sign == 1 else ("max", "min")
                    is_clear = sign * (float(peer[worst]) - float(own[best])) > 0
                    ratio = f"{float(peer['of_ours']):.2f}"
                    lines.append([table, own["case"], peer["server"], ratio, agreement(is_clear)])
    lines += codec_peers_ahead()
    if not lines:
        return "In none of the cases that are measured."
    return markdown(["table", "case", "peer", "of ours", ""], lines)


def codec_peers_ahead():
    """The same of the codec in memory, where less is better."""
    lines = []
    rows = read("micro")
    for own in rows:
        if own["subject"] != "realtime":
            continue
        for peer in rows:
            is_peer = peer["of_best_peer"] and not peer["subject"].startswith("realtime") and peer["subject"] not in LIMITS
            if is_peer and peer["case"] == own["case"] and float(peer["median_ns"]) < float(own["median_ns"]):
                is_clear = float(peer["max_ns"]) < float(own["min_ns"])
                ratio = f"{float(own['median_ns']) / float(peer['median_ns']):.2f}"
                lines.append(["micro", own["case"], peer["subject"], ratio, agreement(is_clear)])
    return lines


def agreement(is_clear):
    return "in every round" if is_clear else "within what rounds differ by"


def best_peer(table, rows, own):
    peers = [row for row in rows if row["case"] == own["case"] and not row["server"].startswith("realtime-")]
    if not peers:
        return "", ""
    best = (min if table in LESS_IS_BETTER else max)(peers, key=lambda row: float(row["median"]))
    return best["server"], f"{float(own['of_best_peer']):.2f}"


def loops():
    rows = read("loops")
    lines = [
        [row["case"], row["server"], number(row["median"]), f"{float(row['of_ours']):.2f}"]
        for row in rows
        if row["server"] != "realtime-smol"
    ]
    return markdown(["case", "loop", "per second of CPU time", "of realtime-smol"], lines)


def io_uring():
    """Where the loop over io_uring is ahead of the smol server, and where not, the clearest first."""
    rows = [row for row in read("loops") if row["server"] == "realtime-io-uring"]
    if not rows:
        return "Not measured yet."
    rows.sort(key=lambda row: -float(row["of_ours"]))
    ahead = [row for row in rows if float(row["of_ours"]) >= 1]
    behind = [row for row in reversed(rows) if float(row["of_ours"]) < 1]
    return f"Ahead in {listed(ahead)}; behind in {listed(behind)}."


def listed(rows):
    return ", ".join(f"{row['case']} ({float(row['of_ours']):.2f})" for row in rows) or "none"


def gateways():
    lines = [
        [row["case"], row["server"], number(row["median"]), f"{float(row['of_ours']):.2f}"] for row in read("gateways")
    ]
    return markdown(["case", "gateway", "figure", "of realtime-server"], lines)


def growth():
    by_figure = {}
    for row in read("growth"):
        by_figure.setdefault((row["axis"], row["figure"], row["unit"]), []).append((int(row["x"]), row["median"]))
    lines = []
    for (axis, figure, unit), points in by_figure.items():
        (least, first), (most, last) = min(points), max(points)
        lines.append([f"{least:,} to {most:,} {axis}", figure, f"{number(first)} {unit}", f"{number(last)} {unit}"])
    return markdown(["what grows", "figure", "at first", "at last"], lines)


def scaling():
    rows = read("scaling")
    measured, under_lock, modelled = {}, {}, {}
    for row in rows:
        if row["kind"] == "modelled":
            case = f"{row['case']}: {row['figure']}"
            modelled.setdefault(case, {})[row["drivers"]] = number(row["value"])
        elif row["case"].startswith("in memory"):
            under_lock.setdefault(row["figure"], {})[row["drivers"]] = number(row["value"])
        else:
            measured.setdefault(f"{row['case']}: {row['figure']}", {})[row["drivers"]] = number(row["value"])
    tables = {
        "Measured": measured,
        "Measured in memory, for so many drivers": under_lock,
        "Modelled, for so many drivers": modelled,
    }
    return "\n\n".join(f"{name}:\n\n{by_drivers(cases)}" for name, cases in tables.items())


def by_drivers(cases):
    drivers = list(dict.fromkeys(name for of_case in cases.values() for name in of_case))
    return markdown(["", *drivers], [[case, *of_case.values()] for case, of_case in cases.items()])


FIGURES = {
    "against-peers": against_peers,
    "peers-ahead": peers_ahead,
    "loops": loops,
    "io-uring": io_uring,
    "gateways": gateways,
    "growth": growth,
    "scaling": scaling,
}


def number(text):
    return shown(float(text))


def markdown(header, lines):
    if not lines:
        return "Not measured yet."
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
