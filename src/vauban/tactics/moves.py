"""One-feature moves of every victim of a cohort, priced: what a search on tables measures and combines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import FORBIDDEN, TableSchema

RATIO = 3.0
"""How much nearer each further level of a number lies: a few levels cover prices from cents to fortunes."""


@dataclass(frozen=True)
class Moves:
    """Values that single features can be given, M columns; NaN where a victim has no such move.

    The original value and the anchor's are among them. A number's columns are in rising order.

    Attributes:
        feature: (M,) positions in the record; ``slot`` (M,) positions in ``schema.mutable``.
        smooth: (M,) whether values in between are possible.
        values: (n, M); ``costs`` (n, M) is what the feature costs at that value, from the original.
        home: (n, M) where the original value is; ``here`` (n, M) where the anchor's is.
    """

    feature: Ints
    slot: Ints
    smooth: Mask
    values: Floats
    costs: Floats
    home: Mask
    here: Mask

    def nearer(self, row: Ints, column: Ints) -> Ints:
        """Return for moves (c,) the column of the next one of that victim towards the original value (c,).

        It is the move itself where its values are listed, or where it is the original value.
        """
        feature = self.slot[column]
        original = np.full((len(self.values), int(self.slot.max(initial=-1)) + 1), np.nan)
        at, k = np.nonzero(self.home)
        original[at, self.slot[k]] = self.values[at, k]
        away = np.sign(self.values[row, column] - original[row, feature])
        return column - np.where(self.smooth[column], np.nan_to_num(away), 0.0).astype(np.int64)


@dataclass(frozen=True)
class Range:
    """Between which values most is tried of ``schema.numbers``: lowest and highest (m,), finite."""

    low: Floats
    high: Floats

    @staticmethod
    def of(schema: TableSchema, known: Records) -> Range:
        """Return the range of known records, twice as wide; without any, the schema's, or from -10 to 10."""
        low, high = schema.lower[schema.numbers], schema.upper[schema.numbers]
        low, high = np.where(np.isfinite(low), low, -10.0), np.where(np.isfinite(high), high, 10.0)
        columns = known[:, schema.numbers] if len(known) else np.full((1, len(schema.numbers)), np.nan)
        seen = np.asarray(~np.isnan(columns).all(axis=0))
        if seen.any():
            least, most = np.nanmin(columns[:, seen], axis=0), np.nanmax(columns[:, seen], axis=0)
            half = np.maximum((most - least) / 2, 1.0)
            low[seen], high[seen] = least - half, most + half
        return Range(low, high)


def moves_around(
    schema: TableSchema, original: Records, anchor: Records, most: Floats, ranges: Range, levels: int, phase: float
) -> Moves:
    """Return moves of single features.

    Args:
        schema: of the records.
        original: the victims' records (n, d).
        anchor: records (n, d) that the moves depart from.
        most: (n,) moves that cost this or more on their own are left out.
        ranges: how far to go where the schema has no bound.
        levels: values tried of a number in each direction, from what ``most`` allows down by thirds.
        phase: 0 to 1, shifts the levels by a part of a third.
    """
    n = len(original)
    low, high = schema.span(original)
    feature: list[int] = []
    smooth: list[bool] = []
    values: list[Floats] = []
    costs: list[Floats] = []
    position = {int(j): at for at, j in enumerate(schema.numbers)}
    for j in schema.mutable.tolist():
        was, now = original[:, j], anchor[:, j]
        if j in position:
            at = position[j]
            up, down, step = float(schema.up[at]), float(schema.down[at]), float(schema.step[j])
            block = [was[:, None], now[:, None]]
            if up < FORBIDDEN:
                room, usual = high[:, j] - was, np.maximum(ranges.high[at] - was, 0.0)
                block.append(was[:, None] + _amounts(was, room, usual, up, step, most, levels, phase, 1.0))
            if down < FORBIDDEN:
                room, usual = was - low[:, j], np.maximum(was - ranges.low[at], 0.0)
                block.append(was[:, None] - _amounts(was, room, usual, down, step, most, levels, phase, -1.0))
            column = np.sort(np.concatenate(block, axis=1), axis=1)
            column[:, 1:][column[:, 1:] == column[:, :-1]] = np.nan
            column = np.sort(column, axis=1)
            change = column - was[:, None]
            with np.errstate(invalid="ignore"):
                cost = np.where(change > 0, change * up, np.where(change < 0, -change * down, 0.0))
        else:
            matrix = schema.moves(j)
            column = np.broadcast_to(np.arange(len(matrix), dtype=np.float64), (n, len(matrix))).copy()
            column[np.isnan(was)] = np.nan
            cost = matrix[np.nan_to_num(was).astype(np.intp)]
        feature += [j] * column.shape[1]
        smooth += [j in position] * column.shape[1]
        values.append(column)
        costs.append(cost)
    if not feature:
        none = np.empty((n, 0))
        empty = np.empty(0, dtype=np.int64)
        return Moves(empty, empty, empty.astype(bool), none, none, none.astype(bool), none.astype(bool))
    columns = np.array(feature)
    table, price = np.concatenate(values, axis=1), np.concatenate(costs, axis=1)
    home, here = table == original[:, columns], table == anchor[:, columns]
    table[~((price < most[:, None]) & (price < FORBIDDEN)) & ~home & ~here] = np.nan
    slot = np.searchsorted(schema.mutable, columns)
    return Moves(columns, slot, np.array(smooth), table, np.where(np.isnan(table), np.inf, price), home, here)


def _amounts(
    was: Floats,
    room: Floats,
    usual: Floats,
    price: float,
    step: float,
    most: Floats,
    levels: int,
    phase: float,
    sign: float,
) -> Floats:
    """Return amounts (n, levels) by which a number moves, on its grid, NaN where there is no room.

    The first goes as far as there is room (n,) and ``most`` allows, the others by thirds from the ``usual`` range (n,).
    """
    reach = np.minimum(room, most / price) if price > 0 else room
    far = np.where(np.isfinite(reach), reach, usual)[:, None]
    near = np.minimum(far / RATIO, np.where(usual > 0, usual, np.inf)[:, None])
    amounts = np.concatenate([far * RATIO**-phase, near * RATIO ** -(np.arange(levels - 1) + phase)], axis=1)
    if step > 0:
        few = np.floor(reach / step + 1e-9)[:, None]
        amounts = np.where(few <= levels, np.minimum(np.arange(1, levels + 1), few) * step, amounts)
        start = sign * was[:, None]  # mirrored, so that every move goes up
        target = np.floor((start + amounts) / step + 1e-9) * step
        target = np.where(target > start, target, (np.floor(start / step + 1e-6) + 1) * step)
        amounts = target - start
        amounts[amounts > room[:, None] * (1 + 1e-12)] = np.nan
    with np.errstate(invalid="ignore"):
        amounts[~(amounts > 0)] = np.nan
    return np.asarray(amounts)
