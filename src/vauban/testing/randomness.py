"""Poison every source of randomness but seeded streams."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from vauban.testing.check import require


@contextmanager
def only_own_randomness(seed: int) -> Iterator[None]:
    """Seed the global random states, refuse unseeded generators, and raise AssertionError if global states moved."""
    kept = random.getstate(), np.random.get_state()
    make = np.random.default_rng

    def seeded(given: Any = None) -> np.random.Generator:
        require(given is not None, "It made a generator without a seed: use `cohort.rng(i)` or `brief.rng()`.")
        return make(given)

    random.seed(seed)
    np.random.seed(seed)
    try:
        before = _states()
        with mock.patch.object(np.random, "default_rng", seeded):
            yield
        require(before == _states(), "It drew from the global random state: use `cohort.rng(i)` or `brief.rng()`.")
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])


def _states() -> tuple[Any, str]:
    return random.getstate(), repr(np.random.get_state())
