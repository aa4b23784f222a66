"""What the operating system knows about a server's processes, and one figure: a load run against it with the CPU time it cost."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.load import Outcome, Spec

LOAD = Path(__file__).with_name("load.py")


class ProcessTree:
    """A server's first process and all its descendants."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def _all(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """User and system time used so far."""
        return sum(times.user + times.system for times in (process.cpu_times() for process in self._all()))

    def memory_mib(self) -> float:
        """Proportional set size: a page shared by n processes counts 1/n in each."""
        return float(sum(process.memory_full_info().pss for process in self._all()) / 2**20)


@dataclass(frozen=True)
class Figure:
    """The cost of one call: CPU microseconds of the server per request, requests per second, latencies in milliseconds."""

    cpu_micros: float
    per_second: float
    p50: float
    p99: float


def start_load(spec: Spec) -> "subprocess.Popen[str]":
    """Starts a load generator; `finish_load` waits for it."""
    process = subprocess.Popen([sys.executable, str(LOAD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(spec)))
    process.stdin.close()
    return process


def finish_load(process: "subprocess.Popen[str]") -> Outcome:
    """The outcome of a load generator that was started; ends the benchmark when an answer was not 2xx."""
    assert process.stdout is not None
    output = process.stdout.read()
    if process.wait() != 0:
        sys.exit("the load generator failed")
    outcome = Outcome(**json.loads(output))
    refused = {status: count for status, count in outcome.statuses.items() if not status.startswith("2")}
    if refused:
        sys.exit(f"answers that were not 2xx: {refused}")
    return outcome


def run_once(tree: ProcessTree, spec: Spec) -> Figure:
    """Sends the load and relates what it cost to the number of requests."""
    before = tree.cpu_seconds()
    outcome = finish_load(start_load(spec))
    spent = tree.cpu_seconds() - before
    return Figure(spent / outcome.count * 1e6, outcome.per_second, outcome.percentile(0.5), outcome.percentile(0.99))


def best(figures: list[Figure]) -> Figure:
    """The least CPU and latency and the most requests of several rounds: what else runs on the machine only ever adds."""
    return Figure(
        min(f.cpu_micros for f in figures), max(f.per_second for f in figures), min(f.p50 for f in figures), min(f.p99 for f in figures)
    )
