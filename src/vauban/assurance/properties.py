"""Metamorphic properties: pairs of records of which it is known how their decisions must compare, not what they are.

A property draws variations of records. None needs a label: that the decision of the second contradicts that of the
first is a failure of the model whatever the truth is (Chen, Cheung and Yiu 1998; Ribeiro et al., CheckList, ACL 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vauban.assurance.expectations import Expectations, Expected
from vauban.assurance.wording import EDITS
from vauban.contracts import Decisions
from vauban.records import Floats, Mask, Records, messages
from vauban.schema import Schema, TableSchema

REAL = 0.5
"""Share of variations of a feature that are values of real records."""


class Property(Protocol):
    """One thing that must hold between a record and a variation of it."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def meaning(self) -> str:
        """What must hold, in a sentence."""
        ...

    def vary(self, records: Records, rng: np.random.Generator) -> tuple[Records, Records]:
        """Return pairs (m, ...), m <= n: records for which there is a variation, and one variation of each."""
        ...

    def broken(self, before: Decisions, after: Decisions) -> Mask:
        """Return where the two decisions contradict the property (m,)."""
        ...


@dataclass(frozen=True)
class Feature:
    """A feature whose change may move the decision one way only, or not at all.

    Attributes:
        schema: of the records.
        feature: its position.
        expected: see `Expected`.
        low, high: between which values it is varied.
        seen: (k,) values of real records, sorted: a number that may go to 200,000 is mostly far less.
    """

    schema: TableSchema
    feature: int
    expected: Expected
    low: float
    high: float
    seen: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    @property
    def name(self) -> str:
        """The feature and what is expected of it."""
        return f"{self.schema.features[self.feature].name} {self.expected.value}"

    @property
    def meaning(self) -> str:
        """What must hold."""
        return f"{self.schema.features[self.feature].name}: {self.expected.meaning}"

    def vary(self, records: Records, rng: np.random.Generator) -> tuple[Records, Records]:
        """Give the feature another value: a safer one, or any; half are real ones, half drawn evenly of all allowed."""
        j, step = self.feature, float(self.schema.step[self.feature])
        now = records[:, j]
        low, high = np.full(len(now), self.low), np.full(len(now), self.high)
        if self.expected is Expected.SAFER:
            low = np.fmax(now, self.low)
        elif self.expected is Expected.RISKIER:
            high = np.fmin(now, self.high)
        value = low + rng.uniform(size=len(now)) * (high - low)
        first, last = np.searchsorted(self.seen, low, "left"), np.searchsorted(self.seen, high, "right")
        real = np.flatnonzero((last > first) & (rng.uniform(size=len(now)) < REAL))
        value[real] = self.seen[rng.integers(first[real], last[real])]
        if step > 0:
            value = np.clip(np.rint(value / step) * step, np.ceil(low / step) * step, np.floor(high / step) * step)
        possible = np.isfinite(value) & (value != now) & (value >= self.low) & (value <= self.high)
        if self.expected is Expected.SAFER:  # never of a missing value: nothing is safer or riskier than that
            possible &= value > now
        elif self.expected is Expected.RISKIER:
            possible &= value < now
        after = records[possible].copy()
        after[:, j] = value[possible]
        after, obeys = self.schema.obeying(records[possible], after)
        obeys &= after[:, j] == value[possible]  # a derived feature cannot be varied by itself
        return records[possible][obeys], after[obeys]

    def broken(self, before: Decisions, after: Decisions) -> Mask:
        """A safer value with a worse decision, or any change of decision where there must be none."""
        one_way = self.expected in (Expected.SAFER, Expected.RISKIER)
        return np.asarray(after > before if one_way else before != after)


@dataclass(frozen=True)
class Wording:
    """An edit after which a message says the same."""

    edit: str

    @property
    def name(self) -> str:
        """The edit."""
        return self.edit

    @property
    def meaning(self) -> str:
        """What must hold."""
        return f"{EDITS[self.edit][0]}: the decision must not change"

    def vary(self, records: Records, rng: np.random.Generator) -> tuple[Records, Records]:
        """Edit every message that the edit changes."""
        edit = EDITS[self.edit][1]
        after = messages(edit(text, rng) for text in records)
        changed = np.array([a != b for a, b in zip(records, after, strict=True)], dtype=bool)
        return records[changed], after[changed]

    def broken(self, before: Decisions, after: Decisions) -> Mask:
        """Any change of decision."""
        return np.asarray(before != after)


def properties_of(schema: Schema, expectations: Expectations, known: Records) -> Sequence[Property]:
    """Return all properties that can be tried: of messages every edit, of a table what people expect of it.

    Args:
        schema: of the records.
        expectations: of a table's features.
        known: real records: numbers without bounds are varied within their range.
    """
    if not isinstance(schema, TableSchema):
        return [Wording(name) for name in EDITS]
    low, high = limits(schema, known)
    return [
        Feature(schema, (j := schema.index(name)), expected, float(low[j]), float(high[j]), _seen(known[:, j]))
        for name, expected in expectations.features.items()
        if expected is not Expected.GROUND and name in schema.names  # the model is not given every protected attribute
    ]


def _seen(column: Floats) -> Floats:
    return np.sort(column[~np.isnan(column)])


def limits(schema: TableSchema, known: Records) -> tuple[Records, Records]:
    """Return between which values each feature is tried (d,): its bounds, or without any, the range of ``known``."""
    seen = np.isfinite(known).any(axis=0) if len(known) else np.zeros(len(schema), dtype=bool)
    least, most = np.zeros(len(schema)), np.ones(len(schema))
    if seen.any():
        least[seen], most[seen] = np.nanmin(known[:, seen], axis=0), np.nanmax(known[:, seen], axis=0)
    low = np.where(np.isfinite(schema.lower), schema.lower, least)
    high = np.where(np.isfinite(schema.upper), schema.upper, most)
    return low, high
