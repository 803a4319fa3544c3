"""Run independent jobs here or in worker processes: the results do not depend on which."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")


def run_jobs(work: Callable[[J], R], jobs: Sequence[J], workers: int) -> Iterator[R]:
    """Yield what ``work`` makes of each job, in the jobs' order.

    Ctrl-C reaches every process of a terminal: this one raises KeyboardInterrupt and ends its workers, which do not
    listen to it themselves.
    """
    if workers <= 1 or len(jobs) <= 1:
        yield from map(work, jobs)
        return
    import joblib

    calls = (joblib.delayed(_undisturbed)(work, job, os.getpid()) for job in jobs)
    with _inherited_deafness():
        results = joblib.Parallel(n_jobs=workers, return_as="generator")(calls)
    yield from results


def _undisturbed(work: Callable[[J], R], job: J, parent: int) -> R:
    if os.getpid() != parent:  # a worker that was started later, to replace one, inherits nothing
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return work(job)


@contextmanager
def _inherited_deafness() -> Iterator[None]:
    """Ignore Ctrl-C while workers are started: they inherit it, and it would interrupt their imports."""
    if threading.current_thread() is not threading.main_thread():  # no other may set a handler
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
