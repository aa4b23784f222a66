"""Runs a function in a forked child and hands back its result or its exception.

What the function imports, opens and starts ends with the child: the parent stays as it was, ready to be forked again.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


def in_child(function: Callable[[], T]) -> T:
    """The result of `function`, which must be picklable as its exceptions must. Raises what it raises."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(function, sender), name="hexclave-preparation")
    process.start()
    sender.close()
    try:
        outcome = receiver.recv()
    except EOFError:
        outcome = RuntimeError(f"the preparation ended with exit code {process.exitcode}")
    process.join()
    if isinstance(outcome, Exception):
        raise outcome
    result: T = outcome[0]
    return result


def _run(function: Callable[[], Any], sender: Connection) -> None:
    try:
        outcome: Any = (function(),)
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        outcome = _picklable(error)
    sender.send(outcome)


def _picklable(error: Exception) -> Exception:
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever its constructor wants
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error if type(copy) is type(error) else RuntimeError(str(error))
