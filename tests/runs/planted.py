"""A system of one number, and attacks of which it is known whom they reach: the others ask in vain."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vauban.catalogue import Entry
from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, NothingLearnt, Outcome, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Floats, Modality
from vauban.schema import Feature, Kind, Price, TableSchema
from vauban.system import Part, Parts, System
from vauban.targets import CallableTarget
from vauban.threat import Budget, Cell, Grant, ThreatModel

SCHEMA = TableSchema((Feature("x", Kind.NUMERIC, 0, 1000, price=Price(1, 1)),))


def harm(frame: pd.DataFrame) -> Floats:
    """Numbers of 50 and more are harmful, and the model knows it."""
    return np.asarray(frame["x"].to_numpy(dtype=np.float64) / 100)


def part(numbers: Sequence[float]) -> Part:
    x = np.array(numbers, dtype=np.float64)
    return Part(pd.DataFrame({"x": x}), (x >= 50).astype(np.int8))


def system(tuning: Sequence[float], victims: Sequence[float], known: Sequence[float] = (1.0, 400.0)) -> System:
    """Return the system; good records are added to the victims', which no attack here works on."""
    victims = [*victims, *range(10, 40)]
    target = CallableTarget(harm, SCHEMA, 0.5, name="number")
    about = {"name": "numbers", "kind": "table", "source": "here", "removed": {}}
    return System("numbers", target, Parts(part(()), part(tuning), part(known), part(victims)), None, about)


def threats(queries: int = 50, flagged: int | None = None) -> tuple[ThreatModel, ...]:
    return (ThreatModel(Cell.EI, "somebody", frozenset({Grant.LABEL}), Budget(queries, queries, flagged)),)


@dataclass(frozen=True)
class Parity:
    """Ask in vain ``asks`` times, then make numbers pass whose remainder by ``by`` is ``rest``; others stay blocked."""

    by: int = 2
    rest: int = 0
    asks: int = 1
    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        mine = cohort.records[:, 0].astype(int) % self.by == self.rest
        with suppress(BudgetSpent):
            for i in range(self.asks):
                yield Ask(np.full((len(cohort), 1), 900.0 + i), cohort.ids)
            yield Ask(np.where(mine, 0.0, 901.0)[:, None], cohort.ids)
        return ()


def line(name: str, **parameters: int) -> Entry:
    return Entry(name, "planted:Parity", parameters=parameters)


ODD, EVEN = line("odd", rest=1), line("even", rest=0, asks=3)
