"""Builds and starts servers, and loads them."""

import csv
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
RELEASE = BENCH / "target" / "release"
OWN = BENCH / "target" / "own"

ADAPTERS = ["realtime-smol", "realtime-std"]
# Hand-written, over the bare machines; measured when named with `--only`.
LOOPS = ["realtime-io-uring", "realtime-polling"]
GATEWAY = "realtime-server"
OURS = [*ADAPTERS, *LOOPS, GATEWAY]
PEERS = [
    "fastwebsockets",
    "tokio-websockets",
    "sockudo-ws",
    "yawc",
    "tokio-tungstenite",
    "async-tungstenite-smol",
    "tungstenite-threads",
]


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# Building and starting


def build(packages, adapters=ADAPTERS):
    """Builds packages of this workspace, and the examples of adapters."""
    run_cargo(BENCH, "build", "--release", *(f"--package={package}" for package in packages))
    for package in adapters:
        examples = ROOT / package / "examples"
        programs = [name for name in ("echo", "rooms") if (examples / f"{name}.rs").exists()]
        (OWN / package).mkdir(parents=True, exist_ok=True)
        for program in programs:
            run_cargo(ROOT, "build", "--release", "-p", package, "--example", program)
            # The examples of both adapters have the same names, and would overwrite each other.
            shutil.copy2(ROOT / "target" / "release" / "examples" / program, OWN / package / program)


def run_cargo(directory, *arguments):
    subprocess.run(["cargo", *arguments], cwd=directory, check=True)


def own_server(name, program):
    return f"{OWN / name / program} {{address}}"


class Server:
    """A server that runs on a core of its own until the block ends."""

    def __init__(self, command, core, wrapper=()):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.is_wrapped = bool(wrapper)
        host, port = self.address.split(":")
        for name, value in {"address": self.address, "host": host, "port": port}.items():
            command = command.replace("{" + name + "}", value)
        command = shlex.split(command)
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [*wrapper, "taskset", "-c", core, *command], stdout=subprocess.DEVNULL, stderr=self.errors
        )

    @property
    def pid(self):
        # A wrapper is the parent of `taskset`, which becomes the server.
        return children(self.process.pid)[0] if self.is_wrapped else self.process.pid

    def __enter__(self):
        host, port = self.address.split(":")
        for _ in range(500):
            if self.process.poll() is not None:
                self.errors.seek(0)
                sys.exit(f"a server ended at once: {shlex.join(self.process.args)}\n{self.errors.read()}")
            try:
                socket.create_connection((host, int(port))).close()
                return self
            except OSError:
                time.sleep(0.01)
        sys.exit(f"a server does not listen: {shlex.join(self.process.args)}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def load(mode, case, seconds, server, core, *more):
    """Loads a server and returns what was measured, or what went wrong as `error`."""
    connections, size, in_flight = case.split(":")
    command = ["taskset", "-c", core, RELEASE / "load", mode, server.address]
    command += ["--pid", str(server.pid), "--connections", connections]
    command += ["--bytes", size, "--in-flight", in_flight, "--seconds", str(seconds), *more]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        # A server that fails is a result too; the others go on.
        print(f"{case}: {run.stderr.strip()}", file=sys.stderr)
        return {"error": run.stderr.strip()}
    return {name: float(value) for name, value in (pair.split("=") for pair in run.stdout.split())}


def write_csv(path, lines):
    columns = list(dict.fromkeys(column for line in lines for column in line))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for line in lines:
            writer.writerow({c: f"{v:.6g}" if isinstance(v, float) else v for c, v in line.items()})


def shown(value):
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
