"""Derived features, compiled: what they are in whole batches of records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.errors import BadInput
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema.expression import Calculation, Columns, Expression, Steps, Was, numbers_of, ranked, read_by
from vauban.schema.feature import ON_GRID
from vauban.schema.relations import Derived


def same(one: Records, other: Records) -> Mask:
    """Return where two arrays hold the same, missing values included."""
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))


@dataclass(frozen=True, eq=False)
class Follows:
    """A derived feature.

    Attributes:
        feature: its position.
        expression: what it follows from, in ranks where it is listed.
        causes: positions of what the expression reads in the new record; ``memories`` of what it reads in the original.
        tolerance, otherwise: as in `Derived`.
    """

    feature: int
    expression: Expression
    causes: Ints
    memories: Ints
    tolerance: float
    otherwise: float | None

    @staticmethod
    def of(relation: Derived, columns: Columns) -> Follows:
        """Compile; BadInput for unknown features, or a derived one that has a price."""
        j = columns.index(relation.feature)
        feature = columns.features[j]
        if feature.price.mutable:
            raise BadInput(
                f"The feature {feature.name!r} is derived: it follows from others and is moved at no price of its own. "
                "Leave it immutable, and price its causes."
            )
        columns.check(relation.expression)
        causes = sorted({columns.index(n) for n in read_by(relation.expression)})
        memories = sorted({columns.index(n) for n in _remembered(relation.expression)})
        return Follows(
            j,
            ranked(relation.expression, feature),
            np.array(causes, dtype=np.int64),
            np.array(memories, dtype=np.int64),
            relation.tolerance,
            relation.otherwise,
        )

    def _computed(self, columns: Columns, before: Records, after: Records) -> tuple[Floats, Mask]:
        """Return what follows (n,), not finite where nothing does, and where a value that it needs is missing (n,)."""
        feature = columns.features[self.feature]
        raw = np.array(columns.value(self.expression, before, after))
        if self.otherwise is not None:
            raw[~np.isfinite(raw)] = self.otherwise
        numbers = numbers_of(feature)
        if numbers is not None and isinstance(self.expression, (Calculation, str, Was, float, int)):
            hit = raw[:, None] == numbers[:-1]
            raw = np.where(hit.any(axis=1), hit.argmax(axis=1), np.nan)
        elif feature.step:
            raw = np.rint(raw / feature.step) * feature.step
        gone = np.isnan(after[:, self.causes]).any(axis=1) | np.isnan(before[:, self.memories]).any(axis=1)
        return raw, gone | np.isnan(before[:, self.feature])

    def _still(self, before: Records, after: Records) -> Mask:
        return np.asarray(same(before[:, self.causes], after[:, self.causes]).all(axis=1))

    def value(self, columns: Columns, before: Records, after: Records) -> Floats:
        """Return the feature's value (n,) in the new records: what it was where no cause changed, or one is missing."""
        raw, gone = self._computed(columns, before, after)
        return np.where(gone | self._still(before, after), before[:, self.feature], raw)

    def fresh(self, columns: Columns, records: Records) -> Floats:
        """Return what follows in records that were made of nothing (n,), or what they hold if that is none."""
        raw, gone = self._computed(columns, records, records)
        return np.where(gone | ~np.isfinite(raw), records[:, self.feature], raw)

    def kept(self, columns: Columns, before: Records, after: Records) -> Mask:
        """Return where the new record's value is what it must be, and one that the feature can have (n,)."""
        was, now = before[:, self.feature], after[:, self.feature]
        want = self.value(columns, before, after)
        right = (np.abs(now - want) <= self.tolerance) & np.isfinite(want) & self._inside(columns, now)
        stays = self._still(before, after) | np.isnan(want)
        return np.where(stays, same(now, was) & same(now, want), right)

    def fits(self, columns: Columns, before: Records, derived: Records) -> Mask:
        """Return where a value just derived is one that the feature can have, or had (n,)."""
        now = derived[:, self.feature]
        kept = same(now, before[:, self.feature]) & (self._still(before, derived) | np.isnan(now))
        return np.asarray(self._inside(columns, now) | kept)

    def _inside(self, columns: Columns, values: Floats) -> Mask:
        feature = columns.features[self.feature]
        slack = ON_GRID * (feature.step or 0.0)
        return np.asarray((values >= feature.lower - slack) & (values <= feature.upper + slack) & np.isfinite(values))

    def off(self, columns: Columns, records: Records) -> Floats:
        """Return by how much each record's value is off (n,); 0 where it is missing, infinite where none follows.

        What follows from the original too can be said of no record by itself: it is not off.
        """
        if len(self.memories):
            return np.zeros(len(records))
        raw, gone = self._computed(columns, records, records)
        off = np.abs(records[:, self.feature] - raw)
        return np.where(gone, 0.0, np.where(np.isnan(off), np.inf, off))


def _remembered(expression: Expression) -> list[str]:
    if isinstance(expression, Was):
        return [expression.feature]
    if isinstance(expression, Steps):
        return _remembered(expression.of)
    if isinstance(expression, Calculation):
        return [name for part in expression.of for name in _remembered(part)]
    return []
