"""The wrapper between a rival and the model: repairs, counts rows and calls, stops at the cap, keeps what passed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rivals.space import Space
from vauban.contracts import LABEL, SCORE, Target
from vauban.records import Floats, Records
from vauban.threat import Decision


class CapReached(Exception):
    """No more rows may be asked."""


@dataclass
class Counted:
    """What a rival sees of the model, for some victims (n, d): each row that it asks belongs to one of them.

    ``trail`` holds for each victim the rows after which a cheaper passing record was found, with its cost.
    """

    target: Target
    space: Space
    victims: Records
    cap: int
    rows: NDArray[np.int64] = field(init=False)
    best: Floats = field(init=False)
    trail: list[list[tuple[int, float]]] = field(init=False)
    calls: int = 0
    model_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Start with nothing asked."""
        self.rows = np.zeros(len(self.victims), dtype=np.int64)
        self.best = np.full(len(self.victims), np.inf)
        self.trail = [[] for _ in self.victims]

    def ask(self, rows: NDArray[np.float32], owner: NDArray[np.int64], *, scores: bool = False) -> Floats:
        """Return for each row the share of "blocked" (n,): 0 or 1, or the score. CapReached when nothing is left.

        A victim's rows past its cap are not scored: they are answered as blocked.
        """
        ahead = (
            np.array([(owner[:i] == owner[i]).sum() for i in range(len(owner))]) if len(owner) > 1 else np.zeros(1, int)
        )
        within = self.rows[owner] + ahead < self.cap
        if not within.any():
            raise CapReached
        records = self.space.decode(rows[within], self.victims[owner[within]])
        started = time.perf_counter()
        answers = self.target.answer(records, SCORE if scores else LABEL)
        self.model_seconds += time.perf_counter() - started
        self.calls += 1
        passed = answers.decisions == Decision.PASS
        cost = self.space.schema.cost(self.victims[owner[within]], records)
        for who, won, price in zip(owner[within].tolist(), passed.tolist(), cost.tolist(), strict=True):
            self.rows[who] += 1
            if won and price < self.best[who]:
                self.best[who] = price
                self.trail[who].append((int(self.rows[who]), price))
        out = np.ones(len(rows))
        if scores:
            assert answers.scores is not None
            # The deployed threshold is put at one half, which is where the rivals believe that decisions turn.
            t = self.target.threshold
            s = np.asarray(answers.scores)
            out[within] = np.where(s >= t, 0.5 + 0.5 * (s - t) / max(1 - t, 1e-9), 0.5 * s / max(t, 1e-9))
        else:
            out[within] = ~passed
        return out

    def costs_at(self, cap: int) -> Floats:
        """Return the cheapest cost of each victim within so many rows (n,), infinite where none passed."""
        return np.array([min((c for row, c in found if row <= cap), default=np.inf) for found in self.trail])
