"""Generations of records for many victims at once: differential evolution over what each of them can become."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import Ask, Outcome
from vauban.records import Floats, Ints, Mask, Records
from vauban.tactics.ledger import Ledger
from vauban.tactics.moves import Range
from vauban.tactics.streams import Streams

_WILD = 0.35
"""Share of a child's changes that are drawn from all that is attainable."""
_GIVEN = 0.1
"""Share of children that take after a record known to reach the goal."""
_SAVING = 0.002
"""Share of its cost that a child must save, once some record reached the goal."""
_NEARER = 0.1
"""Share of children of which changes are taken back instead, wholly or in part."""


@dataclass
class Population:
    """The records that children come from, p of each victim, the fittest first; arrays are changed in place.

    What reached the goal is as unfit as it is dear, 1 being the victim's best; what did not is as unfit as it is far
    from the threshold, 1 on it and 2 as far as the victim's own record. So much of a population is what is cheaper than
    the best and all but reaches the goal. Of equals the younger one is kept: on a plateau of trees, where no score says
    which way, the population drifts until something moves.

    Attributes:
        values: (n, p, m) of the mutable features.
        cost, progress: (n, p); infinite and NaN where there is none.
        start: (n,) progress of the victims' own records.
    """

    values: Floats
    cost: Floats
    progress: Floats
    start: Floats

    @staticmethod
    def of(ledger: Ledger, start: Floats, size: int) -> Population:
        """Return populations of the victims' own records alone, whose progress (n,) is known."""
        own = ledger.cohort.records[:, ledger.schema.mutable]
        cost, progress = np.full((len(own), size), np.inf), np.full((len(own), size), np.nan)
        cost[:, 0], progress[:, 0] = 0.0, start
        return Population(np.repeat(own[:, None], size, axis=1), cost, progress, start)

    def join(self, ledger: Ledger, who: Ints, records: Records, progress: Floats) -> Mask:
        """Keep the fittest of parents and children (k, c, d) with their progress (k, c).

        Returns:
            (k,) for whom the fittest is another one than before.
        """
        k, c, d = records.shape
        original = np.repeat(ledger.cohort.records[who], c, axis=0)
        cost = ledger.schema.cost(original, records.reshape(-1, d)).reshape(k, c)
        values = np.concatenate([records[:, :, ledger.schema.mutable], self.values[who]], axis=1)
        cost = np.concatenate([cost, self.cost[who]], axis=1)  # children first: the sort is stable
        progress = np.concatenate([progress, self.progress[who]], axis=1)
        unfit = self._unfit(ledger, who, cost, progress)
        order = np.argsort(unfit, axis=1, kind="stable")
        cost, progress, unfit = (np.take_along_axis(x, order, axis=1) for x in (cost, progress, unfit))
        same = np.zeros(unfit.shape, dtype=np.bool_)
        same[:, 1:] = (cost[:, 1:] == cost[:, :-1]) & (progress[:, 1:] == progress[:, :-1])
        once = np.argsort(same | np.isinf(unfit), axis=1, kind="stable")[:, : self.cost.shape[1]]
        before = self.cost[who, 0], self.progress[who, 0]
        cost, progress = (np.take_along_axis(x, once, axis=1) for x in (cost, progress))
        order = np.take_along_axis(order, once, axis=1)
        self.values[who] = np.take_along_axis(values, order[:, :, None], axis=1)
        self.cost[who], self.progress[who] = cost, progress
        return np.asarray((cost[:, 0] < before[0]) | (progress[:, 0] > before[1]))

    def _unfit(self, ledger: Ledger, who: Ints, cost: Floats, progress: Floats) -> Floats:
        """Return what records (k, c) are sorted by; inf where nothing was answered."""
        above = ledger.above[who, None]
        way = np.maximum(above - self.start[who, None], 1e-12)
        with np.errstate(invalid="ignore", divide="ignore"):
            behind = np.where(np.isfinite(above), 1 + (above - progress) / way, 1 - progress)
            unfit = np.where(progress >= above, cost / np.maximum(ledger.cost[who, None], 1e-300), behind)
        return np.where(np.isnan(progress), np.inf, unfit)


def evolve(
    ledger: Ledger, population: Population, given: Floats, ranges: Range, children: int, patience: int
) -> Generator[Ask, Outcome, None]:
    """Breed generation after generation until the questions are spent, or nothing better came of so many of them.

    A child is a parent plus a scaled difference of two others (DE; Storn and Price 1997) in some of its features;
    categories are taken from the first of the two. What comes of it is repaired to what the victim can become.

    Args:
        ledger: the books; what is no cheaper than the victim's best is not asked.
        population: what there is to begin with.
        given: (g, m) values of records that reach the goal.
        ranges: how far to go where the schema has no bound.
        children: of each victim in a generation.
        patience: generations.
    """
    schema, original = ledger.schema, ledger.cohort.records
    streams = Streams.of(ledger.cohort)
    low, high = _reach(ledger, ranges)
    idle = np.zeros(len(original), dtype=np.int64)
    while True:
        live = np.flatnonzero((ledger.left > 0) & (idle < patience))
        if not len(live):
            return
        values = _children(ledger, population, streams, live, given, (low, high), children)
        rows = np.repeat(live, children)
        records = original[rows]
        records[:, schema.mutable] = values
        records = _cheap_enough(ledger, rows, schema.repair(original[rows], records), streams, live)
        left = ledger.left[live].copy()
        got = yield from ledger.ask(rows, records, schema.cost(original[rows], records), distinct=False)
        shape = (len(live), children)
        better = population.join(ledger, live, records.reshape(*shape, -1), got.reshape(shape))
        idle[live] = np.where(better, 0, idle[live] + 1 + (ledger.left[live] == left))


def _cheap_enough(ledger: Ledger, rows: Ints, records: Records, streams: Streams, live: Ints) -> Records:
    """Return records (r, d) that cost less than their victims' best: less of numbers, fewer listed values."""
    schema, original = ledger.schema, ledger.cohort.records[rows]
    u = streams.uniform(live, 2 * len(rows) // len(live)).reshape(-1, 2)
    most = ledger.cost[rows] * (1 - _SAVING) * np.where(u[:, 0] < 0.6, 1.0, 0.4 + 0.6 * u[:, 1])
    parts = schema.costs(original, records)
    over = np.flatnonzero(parts.sum(axis=1) > most)
    if not len(over):
        return records
    parts, was = parts[over], original[over][:, schema.mutable]
    number = np.isin(schema.mutable, schema.numbers)
    # listed values are kept from a random place on, as far as they can be afforded
    place = (u[over, 1] * parts.shape[1]).astype(np.int64)
    order = (place[:, None] + np.arange(parts.shape[1])) % parts.shape[1]
    listed = np.take_along_axis(np.where(number, 0.0, parts), order, axis=1)
    kept = np.empty(parts.shape, dtype=np.bool_)
    np.put_along_axis(kept, order, np.cumsum(listed, axis=1) <= most[over, None], axis=1)
    kept |= number
    rest = most[over] - np.where(number, 0.0, parts * kept).sum(axis=1)
    spent = np.where(number, parts, 0.0).sum(axis=1)
    share = np.clip(rest / np.maximum(spent, 1e-300), 0.0, 1.0)[:, None]
    now = records[over][:, schema.mutable]
    out = records.copy()
    changed = np.where(number, was + share * (now - was), np.where(kept, now, was))
    out[over[:, None], schema.mutable] = changed
    return schema.repair(original, out)


def _reach(ledger: Ledger, ranges: Range) -> tuple[Floats, Floats]:
    """Return between which values (n, m) each victim's mutable features can be drawn; categories by index."""
    schema = ledger.schema
    low, high = schema.span(ledger.cohort.records)
    n = schema.numbers
    own = ledger.cohort.records[:, n]
    low[:, n] = np.where(np.isfinite(low[:, n]), low[:, n], np.minimum(ranges.low, own))
    high[:, n] = np.where(np.isfinite(high[:, n]), high[:, n], np.maximum(ranges.high, own))
    for j in schema.categories:
        low[:, j], high[:, j] = 0.0, len(schema.moves(int(j))) - 1e-9
    return low[:, schema.mutable], high[:, schema.mutable]


def _children(
    ledger: Ledger,
    population: Population,
    streams: Streams,
    live: Ints,
    given: Floats,
    reach: tuple[Floats, Floats],
    count: int,
) -> Floats:
    """Return the values (k * count, m) of the children of some victims."""
    schema, p = ledger.schema, population.cost.shape[1]
    m = len(schema.mutable)
    u = streams.uniform(live, count * (7 + 3 * m)).reshape(len(live) * count, 7 + 3 * m)
    rows, at = np.repeat(live, count), np.arange(m)
    change, wild, part = u[:, 7 : 7 + m], u[:, 7 + m : 7 + 2 * m], u[:, 7 + 2 * m :]
    parent = population.values[rows, (u[:, 0] ** 2 * p).astype(np.int64)]
    one = population.values[rows, (u[:, 1] * p).astype(np.int64)]
    other = population.values[rows, (u[:, 2] * p).astype(np.int64)]
    own = ledger.cohort.records[rows[:, None], schema.mutable]
    number = np.isin(schema.mutable, schema.numbers)
    scale = 0.3 + 0.9 * u[:, 3, None]
    moved = np.where(number, parent + scale * (one - other), one)
    if len(given):
        donor = given[(u[:, 1] * len(given)).astype(np.int64)]
        takes_after = (u[:, 4] < _GIVEN)[:, None]
        moved = np.where(takes_after, np.where(np.isnan(donor), parent, donor), moved)
    low, high = reach[0][rows], reach[1][rows]
    anywhere = low + part * (high - low)
    close = own + (part - 0.5) ** 3 * 8 * (high - low)  # most differ little from what the victim is
    anywhere = np.where(number, np.where(u[:, 1, None] < 0.5, anywhere, close), np.floor(anywhere))
    moved = np.where(wild < _WILD, anywhere, moved)
    chosen = (change < float(m) ** -u[:, 5, None]) | (at == (u[:, 2] * m).astype(np.int64)[:, None])
    child = np.where(chosen, moved, parent)
    back = np.where(number & (part < 0.5), own + 2 * part * (parent - own), own)
    nearer = (u[:, 6] < _NEARER)[:, None]
    return np.asarray(np.where(nearer, np.where(chosen, back, parent), child))
