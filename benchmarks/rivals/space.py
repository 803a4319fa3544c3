"""The space that the rivals search: numbers and ranks in [0, 1], categories one-hot. They know no other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vauban.records import Floats, Records
from vauban.schema import TableSchema


@dataclass(frozen=True)
class Space:
    """Translates between a schema's records (n, d) and rows of [0, 1] (n, D)."""

    schema: TableSchema
    low: Floats
    high: Floats

    @classmethod
    def around(cls, schema: TableSchema, known: Records) -> Space:
        """Return the space that spans what the attacker has seen of each number, within its bounds."""
        low = np.where(np.isfinite(schema.lower), schema.lower, np.nanmin(known, axis=0))
        high = np.where(np.isfinite(schema.upper), schema.upper, np.nanmax(known, axis=0))
        seen_low, seen_high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
        numbers = np.array([not f.listed for f in schema.features])
        low, high = (
            np.where(numbers, np.maximum(low, seen_low), low),
            np.where(numbers, np.minimum(high, seen_high), high),
        )
        return cls(schema, low, np.where(high > low, high, low + 1))

    @cached_property
    def places(self) -> list[tuple[int, int, bool]]:
        """Of each feature: its first place in a row, how many it has, and whether it is one-hot."""
        out, at = [], 0
        for feature in self.schema.features:
            one_hot = feature.listed and feature.kind.value == "categorical"
            width = len(feature.values) if one_hot else 1
            out.append((at, width, one_hot))
            at += width
        return out

    def encode(self, records: Records) -> NDArray[np.float32]:
        """Return rows (n, D); what is missing is put at 0."""
        parts = []
        for j, (_, width, one_hot) in enumerate(self.places):
            column = np.nan_to_num(records[:, j])
            if one_hot:
                parts.append(np.eye(width)[column.astype(int)])
            else:
                parts.append(np.clip((column - self.low[j]) / (self.high[j] - self.low[j]), 0, 1)[:, None])
        return np.concatenate(parts, axis=1).astype(np.float32)

    def decode(self, rows: NDArray[np.float32], before: Records) -> Records:
        """Return records (n, d) repaired to what the attacker can make of ``before`` (n, d): our schema, given away.

        A value that did not move in the row is the original one, to the last bit.
        """
        start = self.encode(before)
        out = before.copy()
        for j, (at, width, one_hot) in enumerate(self.places):
            if one_hot:
                out[:, j] = rows[:, at : at + width].argmax(axis=1)
            else:
                moved = np.abs(rows[:, at] - start[:, at]) > 1e-6
                value = self.low[j] + rows[:, at].astype(np.float64) * (self.high[j] - self.low[j])
                step = self.schema.step[j]
                value = np.rint(value / step) * step if step > 0 else value
                out[:, j] = np.where(moved, value, before[:, j])
        return np.asarray(self.schema.repair(before, out))

    @cached_property
    def mask(self) -> NDArray[np.float32]:
        """1 where the attacker can change anything, (D,)."""
        changeable = set(self.schema.mutable.tolist())
        return np.concatenate(
            [np.full(width, float(j in changeable)) for j, (_, width, _) in enumerate(self.places)]
        ).astype(np.float32)
