"""What grows with clients, channels, members and messages."""

import csv
import statistics
import subprocess
import sys

from harness import BENCH, RELEASE, Server, build, load, own_server, run_cargo, write_csv
from plot import lines

# What grows, in a server that is loaded: how it is, and how far it goes.
SERVED = {
    "subscribers": ("fanout", "{}:64:16", [10, 30, 100, 300, 1_000, 3_000, 10_000, 15_000]),
    "message bytes": ("echo", "10:{}:1", [16, 256, 4_096, 65_536, 1_048_576, 16_777_216]),
    "connections": ("idle", "{}:16:1", [100, 1_000, 5_000, 9_500]),
}
IN_MEMORY = ["channels", "channels per client", "members"]


def run(arguments):
    chosen = arguments.only.split(",") if arguments.only else [*SERVED, *IN_MEMORY]
    unknown = [axis for axis in chosen if axis not in [*SERVED, *IN_MEMORY]]
    if unknown:
        sys.exit(f"nothing is called {', '.join(unknown)}; there are {', '.join([*SERVED, *IN_MEMORY])}")
    if not arguments.no_build:
        build(["load"], ["realtime-smol"])
        run_cargo(BENCH, "build", "--release", "--package=growth")
    rounds = []
    for number in range(arguments.rounds):
        for axis in chosen:
            rows = list(measure(arguments, axis) if axis in SERVED else in_memory(arguments, axis))
            rounds += [{"axis": axis, "round": number, **row} for row in rows]
            print(f"{axis} round {number + 1}", file=sys.stderr)
    arguments.out.mkdir(parents=True, exist_ok=True)
    table = medians(rounds)
    write_csv(arguments.out / "growth.csv", table)
    write_csv(arguments.out / "growth-rounds.csv", rounds)
    (arguments.out / "growth.svg").write_text(lines("What grows, and what it costs", panels(table)))
    print("| axis | x | figure | median | unit |\n|---|---|---|---|---|")
    for row in table:
        print(f"| {row['axis']} | {row['x']:,} | {row['figure']} | {row['median']:,.0f} | {row['unit']} |")


def measure(arguments, axis):
    """One row for each figure at each point."""
    mode, case, points = SERVED[axis]
    server_core, load_core = arguments.cores.split(",")
    command = own_server("realtime-smol", "rooms" if mode == "fanout" else "echo")
    for x in points:
        with Server(command, server_core) as server:
            result = load(mode, case.format(x), arguments.seconds, server, load_core)
        if "error" in result:
            continue
        if mode == "idle":
            yield row(x, "resident per idle connection", "bytes", result["bytes_per_connection"])
            yield row(x, "accept, handshake and one echo", "ns", result["open_cpu_ns"])
            continue
        cpu = result["server_cpu_ns"]
        if mode == "fanout":
            yield row(x, "per delivery", "ns", cpu / result["done"])
            yield row(x, "resident per subscriber, the process included", "bytes", result["resident_kib"] * 1024 / x)
        else:
            yield row(x, "per message", "ns", cpu / result["done"])
            if x >= 1024:
                yield row(x, "per KiB", "ns", cpu / result["done"] / x * 1024)


def in_memory(arguments, axis):
    core = arguments.cores.split(",")[0]
    command = ["taskset", "-c", core, RELEASE / "growth", axis]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in csv.DictReader(output.splitlines()):
        # The name of an axis may begin with another one.
        if line["axis"] == axis:
            yield row(int(line["x"]), line["figure"], line["unit"], float(line["value"]))


def row(x, figure, unit, value):
    return {"x": x, "figure": figure, "unit": unit, "value": value}


def medians(rounds):
    values = {}
    for line in rounds:
        values.setdefault((line["axis"], line["x"], line["figure"], line["unit"]), []).append(line["value"])
    return [
        {
            "axis": axis,
            "x": x,
            "figure": figure,
            "unit": unit,
            "median": statistics.median(of_point),
            "min": min(of_point),
            "max": max(of_point),
        }
        for (axis, x, figure, unit), of_point in values.items()
    ]


def panels(table):
    """One for each axis and unit."""
    series = {}
    for line in table:
        if line["median"] > 0:
            in_panel = series.setdefault(f"{line['unit']}, by {line['axis']}", {})
            in_panel.setdefault(line["figure"], []).append((line["x"], line["median"]))
    return series
