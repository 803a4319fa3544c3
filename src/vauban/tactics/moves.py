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
    n, mutable = len(original), schema.mutable
    if not len(mutable):
        none = np.empty((n, 0))
        empty = np.empty(0, dtype=np.int64)
        return Moves(empty, empty, empty.astype(bool), none, none, none.astype(bool), none.astype(bool))
    place = np.full(len(schema.step), -1)  # of a feature among the numbers
    place[schema.numbers] = np.arange(len(schema.numbers))
    rises, falls = schema.up < FORBIDDEN, schema.down < FORBIDDEN
    width = [2 + levels * (int(rises[place[j]]) + int(falls[place[j]])) if place[j] >= 0 else len(schema.moves(int(j)))
             for j in mutable]  # fmt: skip
    slot = np.repeat(np.arange(len(mutable)), width)
    columns, start = mutable[slot], np.cumsum([0, *width])
    table, price = np.empty((n, len(slot))), np.empty((n, len(slot)))
    alike: dict[tuple[bool, bool, bool], list[int]] = {}  # numbers with the same columns are worked out together
    for at, j in enumerate(mutable.tolist()):
        if place[j] >= 0:
            kind = bool(rises[place[j]]), bool(falls[place[j]]), bool(schema.step[j] > 0)
            alike.setdefault(kind, []).append(at)
            continue
        matrix, mine = schema.moves(j), slice(start[at], start[at + 1])
        table[:, mine] = np.where(np.isnan(original[:, j])[:, None], np.nan, np.arange(len(matrix), dtype=np.float64))
        price[:, mine] = matrix[np.nan_to_num(original[:, j]).astype(np.intp)]
    for (up, down, _), slots in alike.items():
        values, cost = _numbers(schema, mutable[slots], original, anchor, most, ranges, levels, phase, up=up, down=down)
        where = (start[slots][:, None] + np.arange(values.shape[2])).ravel()
        table[:, where], price[:, where] = values.reshape(n, len(where)), cost.reshape(n, len(where))
    home, here = table == original[:, columns], table == anchor[:, columns]
    table[~((price < most[:, None]) & (price < FORBIDDEN)) & ~home & ~here] = np.nan
    return Moves(columns, slot, place[columns] >= 0, table, np.where(np.isnan(table), np.inf, price), home, here)


def _numbers(
    schema: TableSchema,
    features: Ints,
    original: Records,
    anchor: Records,
    most: Floats,
    ranges: Range,
    levels: int,
    phase: float,
    *,
    up: bool,
    down: bool,
) -> tuple[Floats, Floats]:
    """Return values of numbers (n, m, c), rising, NaN at the end of a row, and what they cost.

    All rise if ``up``, all fall if ``down``; all have a grid, or none has.
    """
    low, high = schema.span(original)
    at = np.searchsorted(schema.numbers, features)
    was, step = original[:, features], schema.step[features]
    block = [was[:, :, None], anchor[:, features, None]]
    if up:
        room, usual = high[:, features] - was, np.maximum(ranges.high[at] - was, 0.0)
        block.append(was[:, :, None] + _amounts(was, room, usual, schema.up[at], step, most, levels, phase, 1.0))
    if down:
        room, usual = was - low[:, features], np.maximum(was - ranges.low[at], 0.0)
        block.append(was[:, :, None] - _amounts(was, room, usual, schema.down[at], step, most, levels, phase, -1.0))
    values = np.sort(np.concatenate(block, axis=2), axis=2)
    values[:, :, 1:][values[:, :, 1:] == values[:, :, :-1]] = np.nan
    values = np.sort(values, axis=2)
    change = values - was[:, :, None]
    with np.errstate(invalid="ignore"):  # what is forbidden costs infinitely much, and nothing where nothing changes
        dearer, cheaper = change * schema.up[at][:, None], -change * schema.down[at][:, None]
    return values, np.where(change > 0, dearer, np.where(change < 0, cheaper, 0.0))


def _amounts(
    was: Floats,
    room: Floats,
    usual: Floats,
    price: Floats,
    step: Floats,
    most: Floats,
    levels: int,
    phase: float,
    sign: float,
) -> Floats:
    """Return amounts (n, m, levels) by which numbers (n, m) move, on their grids, NaN where there is no room.

    The numbers all have a grid, or none has; ``price`` and ``step`` are (m,). The first amount goes as far as there is
    room (n, m) and ``most`` (n,) allows, the others by thirds from the ``usual`` range (n, m).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(price > 0, np.minimum(room, most[:, None] / price), room)[:, :, None]
    usual, room = usual[:, :, None], room[:, :, None]
    far = np.where(np.isfinite(reach), reach, usual)
    near = np.minimum(far / RATIO, np.where(usual > 0, usual, np.inf))
    amounts = np.concatenate([far * RATIO**-phase, near * RATIO ** -(np.arange(levels - 1) + phase)], axis=2)
    if (step > 0).all():
        grid = step[:, None]
        few = np.floor(reach / grid + 1e-9)
        amounts = np.where(few <= levels, np.minimum(np.arange(1, levels + 1), few) * grid, amounts)
        start = sign * was[:, :, None]  # mirrored, so that every move goes up
        target = np.floor((start + amounts) / grid + 1e-9) * grid
        target = np.where(target > start, target, (np.floor(start / grid + 1e-6) + 1) * grid)
        amounts = target - start
        amounts[amounts > room * (1 + 1e-12)] = np.nan
    with np.errstate(invalid="ignore"):
        amounts[~(amounts > 0)] = np.nan
    return np.asarray(amounts)
