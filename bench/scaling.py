"""What a second driver costs, measured; and what more of them could do, modelled from the part that is serial."""

import os
import statistics
import sys
from pathlib import Path

from growth import in_memory
from harness import BENCH, Server, build, load, own_server, run_cargo, write_csv
from plot import lines

CASES = ["echo 50:125:1", "echo 50:125:16", "fanout 1000:64:1", "fanout 1000:64:16"]

# A server starts a driver for each core that it finds itself on; where they run afterwards is another matter.
SETTINGS = {"1 driver": ("one", "one"), "2 drivers on one core": ("both", "one"), "2 drivers": ("both", "both")}

# From this case the model takes what a delivery costs.
MODELLED = "fanout 1000:64:16"
SUBSCRIBERS = [10, 100, 1_000, 10_000]


def run(arguments):
    if not arguments.no_build:
        build(["load"], ["realtime-smol"])
        run_cargo(BENCH, "build", "--release", "--package=growth")
    rounds = []
    for number in range(arguments.rounds):
        for case in CASES:
            for setting in SETTINGS:
                cost = measure(arguments, case, setting)
                rounds.append({"case": case, "round": number, "setting": setting, "ns": cost})
                print(f"{case} round {number + 1} {setting}: {cost:,.0f} ns", file=sys.stderr)
    serial = {(line["figure"], line["x"]): line["value"] for line in in_memory(arguments, "loops")}
    measured = list(summarize(rounds, serial))
    modelled = list(model(rounds, serial))
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.out / "scaling.csv", measured + modelled)
    write_csv(arguments.out / "scaling-rounds.csv", rounds)
    (arguments.out / "scaling.svg").write_text(lines("Scaling over drivers", panels(measured, modelled)))
    for line in measured + modelled:
        print(" | ".join(str(value) for value in line.values()))


def measure(arguments, case, setting):
    """Nanoseconds of the server's CPU time for each message."""
    server_core, load_core = arguments.cores.split(",")
    cores = {"one": server_core, "both": arguments.cores}
    starts_on, runs_on = SETTINGS[setting]
    mode, _, shape = case.rpartition(" ")
    command = own_server("realtime-smol", "rooms" if mode == "fanout" else "echo")
    with Server(command, cores[starts_on]) as server:
        if runs_on != starts_on:
            for thread in Path(f"/proc/{server.pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {int(core) for core in cores[runs_on].split(",")})
        result = load(mode, shape, arguments.seconds, server, load_core)
    return float("nan") if "error" in result else result["server_cpu_ns"] / result["done"]


def summarize(rounds, serial):
    for case in CASES:
        for setting in SETTINGS:
            own = {line["round"]: line["ns"] for line in rounds if (line["case"], line["setting"]) == (case, setting)}
            one = {line["round"]: line["ns"] for line in rounds if (line["case"], line["setting"]) == (case, "1 driver")}
            ratio = statistics.median(own[number] / one[number] for number in own)
            yield line_of("measured", case, setting, "CPU time per message, ns", statistics.median(own.values()))
            yield line_of("measured", case, setting, "CPU time, of that with 1 driver", ratio)
    for (figure, drivers), value in serial.items():
        yield line_of("measured", "in memory, 1000 subscribers", drivers, f"{figure}, ns", value)


def model(rounds, serial):
    """Broadcasts pass one lock, one after the other; deliveries are shared out among the drivers.

    With n drivers, a broadcast holds the lock for L, all drivers included that have a subscriber and take their orders, and
    costs P = subscribers * what a delivery costs beside it. So 1 / max(L, (P + L) / n) broadcasts per second can be made at
    most: either the lock is always held, or all cores are busy. What it leaves out makes it less: who waits for the lock,
    waking drivers that sleep, caches, and the kernel's own limits.
    """

    def cost(setting):
        of_case = [line["ns"] for line in rounds if (line["case"], line["setting"]) == (MODELLED, setting)]
        return statistics.median(of_case)

    drivers = sorted({x for _, x in serial})
    for subscribers in SUBSCRIBERS:
        for n in drivers:
            visited = max(x for x in drivers if x <= min(n, subscribers))
            held = serial["broadcast under the lock", visited] + serial["take all orders under the lock", visited]
            each = cost("1 driver") if n == 1 else cost("2 drivers on one core")
            # What was measured has one broadcast's share of the lock in it.
            beside = subscribers * max(0, each - serial["broadcast under the lock", min(n, 2)] / 1_000)
            taken = 1e9 / max(held, (beside + held) / n)
            case = f"fanout to {subscribers}"
            yield line_of("modelled", case, n, "deliveries per second at most", taken * subscribers)
    for n in drivers:
        most = 1e9 / serial["subscribe under the lock", n]
        yield line_of("modelled", "subscribe", n, "subscribes per second at most", most)


def line_of(kind, case, drivers, figure, value):
    return {"kind": kind, "case": case, "drivers": drivers, "figure": figure, "value": value}


def panels(measured, modelled):
    deliveries, held = {}, {}
    for line in modelled:
        if line["figure"].startswith("deliveries"):
            deliveries.setdefault(line["case"], []).append((line["drivers"], line["value"]))
    for line in measured:
        if line["case"].startswith("in memory"):
            held.setdefault(line["figure"], []).append((line["drivers"], line["value"]))
    return {
        "modelled: deliveries per second, by drivers": deliveries,
        "measured: under the lock, by drivers": held,
    }
