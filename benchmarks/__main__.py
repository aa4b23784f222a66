"""`make bench`: what each call costs our server, beside the same work without our code, on both databases.

The measure is CPU time of the server's processes from the operating system, because it compares between runs where times do not. Rounds of
ours and of the bare application alternate; each figure is the best of its rounds.
"""

import argparse
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from tests.server import DATABASES, DatabaseKind

from benchmarks import primitives, report
from benchmarks.load import Outcome, Spec
from benchmarks.measure import Figure, best, finish_load, run_once, start_load
from benchmarks.targets import CALLS, Bare, Ours, Target, spec_of

HASH_CALL = "sign-in"
SMALL = 1_000
IDLE_READS_PER_SECOND = 200


@dataclass(frozen=True)
class Plan:
    """How much to do: users in the database, seconds of each round (roughly), rounds, sizes to compare."""

    users: int = 100_000
    rounds: int = 4
    reads: int = 12_000
    lists: int = 600
    hashes: int = 300
    paced_seconds: float = 8
    million: bool = False

    def count(self, call: str) -> int:
        """Requests of one round."""
        return {"list of 100 users": self.lists, HASH_CALL: self.hashes}.get(call, self.reads)


QUICK = Plan(users=5_000, rounds=1, reads=2_000, lists=100, hashes=60, paced_seconds=4)


def compare(ours: Target, bare: Target, plan: Plan) -> Iterator[report.Row]:
    """Each call with the figures of ours and of the bare application; for sign-in also of argon2id alone."""
    for name, call in CALLS.items():
        specs = [(target.tree, spec_of(target, call, plan.count(name))) for target in (ours, bare)]
        for tree, spec in specs:
            run_once(tree, Spec(spec.port, spec.requests, count=max(20, plan.count(name) // 10)))
        rounds: list[list[Figure]] = []
        hashing: list[float] = []
        for _ in range(plan.rounds):
            rounds.append([run_once(tree, spec) for tree, spec in specs])
            if name == HASH_CALL:
                hashing.append(primitives.argon2id_micros(plan.hashes))
        yield report.Row(name, best([each[0] for each in rounds]), best([each[1] for each in rounds]), min(hashing, default=None))


def alone(ours: Target, plan: Plan) -> dict[str, Figure]:
    """The figures of ours without sign-in, whose cost is the hash."""
    figures = {}
    for name, call in CALLS.items():
        if name != HASH_CALL:
            spec = spec_of(ours, call, plan.count(name))
            run_once(ours.tree, Spec(spec.port, spec.requests, count=max(20, plan.count(name) // 10)))
            figures[name] = best([run_once(ours.tree, spec) for _ in range(plan.rounds)])
    return figures


def reads_beside_sign_ins(ours: Target, plan: Plan) -> report.Latency:
    """Session reads at a steady pace: idle, and while sign-ins saturate the hashing pool; the best of the rounds, as everywhere."""
    seconds = plan.paced_seconds
    reads = Spec(ours.port, ours.requests("me"), connections=4, seconds=seconds, per_second=IDLE_READS_PER_SECOND)
    sign_ins = Spec(ours.port, ours.requests("sign_in"), connections=8, seconds=seconds + 1)
    idle: list[Outcome] = []
    busy: list[Outcome] = []
    hashed: list[Outcome] = []
    for _ in range(plan.rounds):
        idle.append(finish_load(start_load(reads)))
        beside = start_load(sign_ins)
        busy.append(finish_load(start_load(reads)))
        hashed.append(finish_load(beside))
    rate = max(each.count / each.seconds for each in hashed)
    return report.Latency(*(min(each.percentile(part) for each in some) for some in (idle, busy) for part in (0.5, 0.99)), rate)


def measure(database: DatabaseKind, plan: Plan, printer: report.Report) -> None:
    """All figures of one database."""
    with closing(Ours(database)) as ours:
        later = ours.restart()
        ours.fill(SMALL)
        _use(ours, 1000)
        printer.start_and_memory(database, ours.seconds_to_start, later, ours.tree.memory_mib())
        sizes = {SMALL: alone(ours, plan)}
        ours.fill(plan.users)
        with closing(Bare(ours)) as bare:
            printer.comparison(database, plan.users, list(compare(ours, bare, plan)))
        printer.latency(database, reads_beside_sign_ins(ours, plan))
        sizes[plan.users] = alone(ours, plan)
        if plan.million:
            ours.fill(1_000_000)
            sizes[1_000_000] = alone(ours, plan)
        printer.sizes(database, sizes)


def _use(ours: Target, count: int) -> None:
    """Mixed requests, so that memory is that of a server in use."""
    requests = [each for call in ("me", "user", "refresh") for each in ours.requests(call)]
    finish_load(start_load(Spec(ours.port, requests, count=count)))


def main() -> None:
    """Reads the arguments, measures, prints Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few users and short rounds: does everything work?")
    parser.add_argument("--million", action="store_true", help="compare the cost also at 1,000,000 users")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else Plan(million=arguments.million)
    printer = report.Report()
    printer.versions()
    printer.primitives(primitives.es256_micros())
    for database in arguments.database or DATABASES:
        measure(database, plan, printer)


if __name__ == "__main__":
    main()
