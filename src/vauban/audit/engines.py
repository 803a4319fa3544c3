"""Run independent jobs here or in worker processes: the results do not depend on which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")


def run_jobs(work: Callable[[J], R], jobs: Sequence[J], workers: int) -> Iterator[R]:
    """Yield what ``work`` makes of each job, in the jobs' order."""
    if workers <= 1 or len(jobs) <= 1:
        yield from map(work, jobs)
        return
    import joblib

    yield from joblib.Parallel(n_jobs=workers, return_as="generator")(joblib.delayed(work)(job) for job in jobs)
