"""Prints the figures as Markdown tables, ready for benchmarks/README.md."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import apsw

from benchmarks.measure import Figure

LIBRARIES = ("granian", "starlette", "msgspec", "apsw", "asyncpg", "cryptography", "argon2-cffi")
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Row:
    """One call: the figures of our server and of the bare application, and of argon2id alone where that is what it is made of."""

    name: str
    ours: Figure
    bare: Figure
    argon2id_micros: float | None = None


@dataclass(frozen=True)
class Latency:
    """Milliseconds of session reads, idle and beside sign-ins, and how many of these there were."""

    idle_p50: float
    idle_p99: float
    busy_p50: float
    busy_p99: float
    sign_ins_per_second: float


class Report:
    """Writes to standard output, one table after the other."""

    def versions(self) -> None:
        """Date, machine and versions."""
        libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
        print(f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {libraries},")
        print(f"SQLite {apsw.sqlite_lib_version()}. CPU is user + system time of all server processes, concurrency 16.")

    def primitives(self, es256: tuple[float, float]) -> None:
        """What this machine needs for the primitives today."""
        print(f"Bare on this machine at that time: ES256 signature {es256[0]:.0f} µs, verification {es256[1]:.0f} µs.", flush=True)

    def start_and_memory(self, database: str, first: float, later: float, mebibytes: float) -> None:
        """Seconds from the command to a healthy server, and memory after use."""
        print(f"\n{NAMES[database]}: healthy {first:.2f} s after the first start, {later:.2f} s after later ones;", end=" ")
        print(f"{mebibytes:.0f} MiB (PSS, all processes) after 1,000 requests.", flush=True)

    def comparison(self, database: str, users: int, rows: Sequence[Row]) -> None:
        """Ours beside the bare application."""
        print(
            f"\n| {NAMES[database]}, {users:,} users | CPU µs | bare | ratio | requests/s | bare | p99 ms |\n|---|--:|--:|--:|--:|--:|--:|"
        )
        for row in rows:
            costs = f"{row.ours.cpu_micros:,.0f} | {row.bare.cpu_micros:,.0f} | {row.ours.cpu_micros / row.bare.cpu_micros:.2f}"
            print(f"| {row.name} | {costs} | {row.ours.per_second:,.0f} | {row.bare.per_second:,.0f} | {row.ours.p99:.1f} |")
        for row in rows:
            if row.argon2id_micros is not None:
                ratio = row.ours.cpu_micros / row.argon2id_micros
                print(
                    f"\nargon2id alone, in the same rounds: {row.argon2id_micros:,.0f} µs; a {row.name} costs {ratio:.3f} times that.",
                    flush=True,
                )

    def latency(self, database: str, found: Latency) -> None:
        """Session reads while sign-ins saturate the pool."""
        print(
            f"\n{NAMES[database]}: p99 of session reads {found.idle_p99:.2f} ms idle, {found.busy_p99:.2f} ms beside {found.sign_ins_per_second:.0f}"
            f" sign-ins per second: {found.busy_p99 / found.idle_p99:.1f} times (p50 {found.idle_p50:.2f} and {found.busy_p50:.2f} ms).",
            flush=True,
        )

    def sizes(self, database: str, sizes: Mapping[int, Mapping[str, Figure]]) -> None:
        """The same calls with more users in the database."""
        counts = sorted(sizes)
        print(f"\n| {NAMES[database]}, CPU µs at … users |" + "".join(f" {count:,} |" for count in counts) + " ratio |")
        print("|---|" + "--:|" * (len(counts) + 1))
        for name, first in sizes[counts[0]].items():
            costs = [sizes[count][name].cpu_micros for count in counts]
            print(f"| {name} |" + "".join(f" {cost:,.0f} |" for cost in costs) + f" {costs[-1] / first.cpu_micros:.2f} |", flush=True)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
