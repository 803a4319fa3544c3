"""Search tables with scores: measure one-feature changes, combine those that gain most for their cost, shrink."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from vauban.contracts import SCORE, Ask, Brief, Claim, Cohort, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Floats, Ints, Modality, Records
from vauban.schema import TableSchema
from vauban.schema.feature import directed_cost
from vauban.tactics.blend import Measured, blend
from vauban.tactics.ledger import Ledger
from vauban.tactics.moves import Moves, Range, moves_around

DONORS = 32
"""Records that reach the goal which victims are dressed as, at most."""
ALONG, ZOOMS = 12, 3
"""Records asked about between two known ones, and how often, to find the score at which the decision turns."""
CORRECTIONS = 4
"""How often a prediction is corrected by its answer before the gains are measured anew."""
EVEN = 0.01
"""Error of a prediction below which gains are taken to add up."""
WORTH = 1e-3
"""Share of its cost that a new record must be predicted to save."""
SHARE = 0.01
"""Share of a record's cost below which a change is not worth shrinking."""
NARROW = 0.02
"""How narrow, relative to the change, quartering makes the interval in which it may end."""
QUARTERINGS = 4
"""Most quarterings of one change."""


@dataclass(frozen=True)
class Bracket:
    """What scouting learnt: between which progress the decision turns, records that reach the goal, and effects."""

    below: float = -np.inf
    above: float = np.inf
    donors: Records = field(default_factory=lambda: np.empty((0, 0)))
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class GreedySearch:
    """Measure every one-feature change, combine the most efficient ones, shrink what passed, and look again from there.

    A batched best-first search over one-feature changes as in Kulynych et al. ("Evading classifiers in discrete
    domains with provable optimality guarantees", 2018), with scores as its guide: what changes gain is measured
    around a record, their gains are added up to predict the cheapest combination, the answer corrects the prediction.

    Attributes:
        levels: values measured of a number in each direction.
        scouting: most questions to find the score at which the decision turns.
        donors: known records, by price, whose changeable features each victim tries on a round.
        patience: rounds without a saving after which a victim is left alone.
        trust: the same where the model is seen to be a sum over features, which leaves little to find.
    """

    levels: int = 5
    scouting: int = 300
    donors: int = 6
    patience: int = 10
    trust: int = 4

    modalities = frozenset({Modality.TABULAR})
    wants = SCORE

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Bracket]:
        """Ask about known records, then between the two nearest to the threshold on either side."""
        most = min(self.scouting, brief.budget.scouting)
        known = brief.known.records
        if not len(known) or not most or not isinstance(brief.schema, TableSchema):
            return Bracket()
        sample = known[
            brief.rng().permutation(len(known))[: max(most - ZOOMS * (ALONG + len(brief.schema.features)), 1)]
        ]
        try:
            outcome = yield Ask(sample, None, SCORE)
        except BudgetSpent:
            return Bracket()
        sample = sample[outcome.answered]
        progress = brief.progress(outcome.scores[outcome.answered])  # type: ignore[index]
        reached = brief.reached(outcome.decisions[outcome.answered])
        effects = _effects(brief.schema, sample, progress, brief.cell.harmful)
        below = float(progress[~reached].max(initial=-np.inf))
        above = float(progress[reached].min(initial=np.inf))
        donors = sample[reached]
        if not reached.any() or reached.all():
            return Bracket(below, above, donors, effects)
        low = sample[~reached][np.argmax(progress[~reached])]
        high = sample[reached][np.argmin(progress[reached])]
        for _ in range(ZOOMS):
            path = _path(brief.schema, low, high)
            try:
                outcome = yield Ask(path, None, SCORE)
            except BudgetSpent:
                break
            progress = brief.progress(outcome.scores[outcome.answered])  # type: ignore[index]
            reached = brief.reached(outcome.decisions[outcome.answered])
            below = float(progress[~reached].max(initial=below))
            above = float(progress[reached].min(initial=above))
            path = np.concatenate([low[None], path[outcome.answered], high[None]])
            turn = int(np.argmax(np.concatenate([[False], reached, [True]])))
            low, high = path[turn - 1], path[turn]
        return Bracket(below, above, donors, effects)

    def search(self, cohort: Cohort, intelligence: Bracket, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask for all victims at once, round by round."""
        if not len(cohort) or not isinstance(brief.schema, TableSchema) or not len(brief.schema.mutable):
            return ()
        ledger = Ledger.open(brief.schema, brief, cohort, SCORE, intelligence.below, intelligence.above)
        with suppress(BudgetSpent):
            yield from _hunt(ledger, intelligence, Range.of(brief.schema, brief.known.records), self)
        return ()


def _path(schema: TableSchema, low: Records, high: Records) -> Records:
    """Return records between two: their listed values change one after the other, then their numbers evenly."""
    listed = np.array([f.listed for f in schema.features])
    steps = [low]
    for j in np.flatnonzero(listed & ~(low == high)):
        steps.append(steps[-1].copy())
        steps[-1][j] = high[j]
    step = schema.step
    for share in np.linspace(0, 1, ALONG + 1)[:-1]:
        with np.errstate(invalid="ignore", divide="ignore"):
            value = low + share * (high - low)
            value = np.where(step > 0, np.rint(value / step) * step, value)
        steps.append(np.where(listed, high, value))
    return schema.derived(np.array(steps[1:]))


def _effects(schema: TableSchema, records: Records, progress: Floats, harmful: bool) -> tuple[Effect, ...]:
    """Return the features by how strongly they go with progress over known records, strongest first."""
    found = []
    spread = float(progress.std()) if len(progress) else 0.0
    for j, feature in enumerate(schema.features):
        column = records[:, j]
        there = ~np.isnan(column)
        if there.sum() < 3 or spread == 0 or np.ptp(column[there]) == 0:
            continue
        if feature.listed:
            codes = column[there].astype(np.intp)
            count = np.bincount(codes, minlength=len(feature.values))
            mean = np.bincount(codes, progress[there], len(feature.values)) / np.maximum(count, 1)
            strength = float(np.sqrt(np.average((mean - progress[there].mean()) ** 2, weights=count)))
            order = np.argsort(mean if harmful else -mean, kind="stable")
            values = tuple(str(feature.values[v]) for v in order if count[v])
            found.append(Effect(feature.name, strength, "both", values=values))
        else:
            r = float(np.corrcoef(column[there], progress[there])[0, 1])
            raises = (r < 0) == harmful
            found.append(Effect(feature.name, abs(r) * spread, "raises" if raises else "lowers"))
    return tuple(sorted(found, key=lambda e: (-e.effect, e.name)))


def _hunt(ledger: Ledger, picture: Bracket, ranges: Range, how: GreedySearch) -> Generator[Ask, Outcome, None]:
    original = ledger.cohort.records
    start = yield from ledger.ask(np.arange(len(original)), original, np.zeros(len(original)))
    anchor, at_anchor = original.copy(), start.copy()
    idle, even = np.zeros(len(original), dtype=np.int64), np.zeros(len(original), dtype=bool)
    donors = _donors(ledger.brief, picture)
    turn = 0
    while True:
        still = np.where(
            ledger.flipped, np.where(even, how.trust, how.patience), how.patience + len(donors) // how.donors
        )
        live = np.flatnonzero((ledger.left > 0) & (idle < still) & ~np.isnan(start))
        if not len(live):
            return
        before = ledger.cost[live].copy()
        moves, gains = yield from _measure(ledger, live, anchor[live], at_anchor[live], ranges, how.levels, turn)
        tried = yield from _combine(ledger, live, moves, gains, at_anchor[live])
        even[live] = np.where(np.isnan(tried.error), even[live], tried.error < EVEN)
        poor = live if turn else live[~ledger.flipped[live]]
        yield from _borrow(ledger, poor, donors, how.donors * turn, how.donors)
        yield from _shrink(ledger, live)
        single = (ledger.best[live] != original[live])[:, ledger.schema.mutable].sum(axis=1) == 1
        idle[live] = np.where(ledger.cost[live] < before * (1 - WORTH), 0, idle[live] + 1 + single)
        turn += 1
        flipped = ledger.flipped[live]
        stuck, tried_ = live[~flipped], (tried.records[~flipped], tried.progress[~flipped])
        further = tried_[1] > at_anchor[stuck]
        anchor[stuck[further]], at_anchor[stuck[further]] = tried_[0][further], tried_[1][further]
        mine, lone = live[flipped & ~single], live[flipped & single]
        anchor[lone], at_anchor[lone] = original[lone], start[lone]  # around a single change, nothing cheaper lies
        if turn % 2 == 1:
            anchor[mine], at_anchor[mine] = ledger.best[mine], ledger.progress[mine]
        elif turn % 4 == 2:  # from the start again: another way may be cheaper
            anchor[mine], at_anchor[mine] = original[mine], start[mine]
        else:
            anchor[mine] = _without(ledger, mine, turn // 4 - 1)
            at_anchor[mine] = yield from ledger.ask(
                mine, anchor[mine], ledger.schema.cost(original[mine], anchor[mine])
            )
            lost = mine[np.isnan(at_anchor[mine])]
            anchor[lost], at_anchor[lost] = original[lost], start[lost]


def _without(ledger: Ledger, mine: Ints, rank: int) -> Records:
    """Return the best records with one change taken back: the dearest, at rank 0; the next dearest, at rank 1..."""
    schema = ledger.schema
    records = ledger.best[mine].copy()
    parts = schema.costs(ledger.cohort.records[mine], records)
    changes = np.maximum((parts > 0).sum(axis=1), 1)
    slot = np.argsort(-parts, axis=1, kind="stable")[np.arange(len(mine)), rank % changes]
    feature = schema.mutable[slot]
    records[np.arange(len(mine)), feature] = ledger.cohort.records[mine, feature]
    return records


def _donors(brief: Brief, picture: Bracket) -> Records:
    """Return records that reached the goal; where nobody asked, those of the class that should."""
    found = picture.donors if len(picture.donors) else brief.known.of(0 if brief.cell.harmful else 1)
    return found[:DONORS]


def _borrow(ledger: Ledger, live: Ints, donors: Records, first: int, each: int) -> Generator[Ask, Outcome, None]:
    """Dress the victims as records that reach the goal, in all that may change: the cheapest from ``first`` on."""
    if first >= len(donors) or not len(live):
        return
    original = ledger.cohort.records[live]
    order = np.argsort(_fares(ledger.schema, original, donors), axis=1, kind="stable")[:, first : first + each]
    rows = np.repeat(np.arange(len(live)), order.shape[1])
    dressed = ledger.schema.repair(original[rows], donors[order.ravel()])
    yield from ledger.ask(live[rows], dressed, ledger.schema.cost(original[rows], dressed), distinct=False)


def _fares(schema: TableSchema, original: Records, donors: Records) -> Floats:
    """Return about what dressing each victim as each donor costs (k, D), without what he cannot change."""
    low, high = schema.span(original)
    total = np.zeros((len(original), len(donors)))
    for at, j in enumerate(schema.numbers):
        change = np.clip(donors[None, :, j], low[:, j, None], high[:, j, None]) - original[:, j, None]
        total += np.nan_to_num(directed_cost(change, schema.up[at], schema.down[at]), nan=0.0, posinf=0.0)
    for j in schema.categories.tolist():
        there = ~np.isnan(original[:, j])[:, None] & ~np.isnan(donors[:, j])
        matrix = np.where(np.isfinite(schema.moves(j)), schema.moves(j), 0.0)
        was, now = np.nan_to_num(original[:, j]).astype(np.intp), np.nan_to_num(donors[:, j]).astype(np.intp)
        total += np.where(there, matrix[was[:, None], now[None, :]], 0.0)
    return total


def _measure(
    ledger: Ledger, live: Ints, anchor: Records, progress: Floats, ranges: Range, levels: int, turn: int
) -> Generator[Ask, Outcome, tuple[Moves, Floats]]:
    """Ask about every one-feature change of the anchors; return the moves and gains (k, M) over the original value."""
    schema, original = ledger.schema, ledger.cohort.records[live]
    moves = moves_around(schema, original, anchor, ledger.cost[live], ranges, levels, (0.618 * turn) % 1.0)
    k, width = moves.values.shape
    slots = len(schema.mutable)
    here_cost = np.zeros((k, slots))
    row, column = np.nonzero(moves.here)
    here_cost[row, moves.slot[column]] = moves.costs[row, column]
    row, column = np.nonzero(~np.isnan(moves.values) & ~moves.here)
    records = anchor[row]
    records[np.arange(len(row)), moves.feature[column]] = moves.values[row, column]
    costs = here_cost.sum(axis=1)[row] - here_cost[row, moves.slot[column]] + moves.costs[row, column]
    got = yield from ledger.ask(live[row], records, costs)
    measured = np.full((k, width), np.nan)
    measured[moves.here] = 0.0
    measured[row, column] = got - progress[row]
    home = np.zeros((k, slots))
    row, column = np.nonzero(moves.home)
    home[row, moves.slot[column]] = measured[row, column]
    return moves, measured - home[:, moves.slot]


@dataclass(frozen=True)
class _Tried:
    """Of each victim, the combination that came nearest to the goal: record (k, d) and progress (k,).

    ``error`` (k,) is by how much of what was needed the first prediction was wrong; NaN where none was made.
    """

    records: Records
    progress: Floats
    error: Floats


def _combine(
    ledger: Ledger, live: Ints, moves: Moves, gains: Floats, at_anchor: Floats
) -> Generator[Ask, Outcome, _Tried]:
    """Ask about the cheapest combinations that the measured gains predict to reach; correct the prediction; repeat."""
    schema = ledger.schema
    measured = Measured.of(moves, gains)
    base = at_anchor.copy()  # progress of the original, as the sum of gains sees it
    row, column = np.nonzero(moves.here)
    np.subtract.at(base, row, np.nan_to_num(gains[row, column]))
    full = measured.stairs.most * (1 - 1e-9)  # where nothing is known to suffice, try all that gains
    tried = _Tried(ledger.cohort.records[live], np.full(len(live), -np.inf), np.full(len(live), np.nan))
    open_, miss = np.arange(len(live)), np.zeros(len(live))
    for turn in range(CORRECTIONS):
        rows = live[open_]
        aim = ledger.above[rows]
        if 0 < turn < CORRECTIONS - 1:  # the decision may turn before the least progress that is known to be enough
            aim = np.where(np.isfinite(ledger.below[rows]), aim / 2 + ledger.below[rows] / 2, aim)
        need = aim - base[open_] + miss[open_]
        need = np.where(ledger.flipped[rows], need, np.minimum(need, full[open_]))
        mine = measured if len(open_) == len(live) else measured.pick(open_)
        below = ledger.cost[rows] * (1 - WORTH)
        chosen = [blend(mine, need, below, between=True)]
        going = [np.flatnonzero(chosen[0].cost < np.inf)]
        # the further value costs more than one in between, so that only who found the one looks for the other
        further = blend(mine.pick(going[0]), need[going[0]], below[going[0]], between=False)
        chosen.append(further)
        going.append(going[0][further.cost < np.inf])
        trying = np.concatenate(going)
        values = np.concatenate([chosen[0].values[going[0]], further.values[further.cost < np.inf]])
        original = ledger.cohort.records[rows[trying]]
        records = original.copy()
        records[:, schema.mutable] = _outward(schema, original[:, schema.mutable], values)
        got = yield from ledger.ask(rows[trying], records, schema.cost(original, records), distinct=False)
        short = np.full(len(open_), np.nan)
        for at in (slice(None, len(going[0])), slice(len(going[0]), None)):
            who = open_[trying[at]]
            short[trying[at]] = np.fmin(short[trying[at]], aim[trying[at]] - got[at])
            nearer = got[at] > tried.progress[who]
            tried.records[who[nearer]], tried.progress[who[nearer]] = records[at][nearer], got[at][nearer]
        if turn == 0:
            first = going[0]
            with np.errstate(invalid="ignore", divide="ignore"):
                tried.error[first] = np.abs((aim[first] - got[: len(first)]) / need[first])
        again = np.isfinite(short)
        miss[open_[again]] += short[again]
        open_ = open_[again]
        if not len(open_):
            break
    return tried


def _outward(schema: TableSchema, was: Floats, values: Floats) -> Floats:
    """Return values (k, m) of the mutable features put on their grid, away from the original."""
    step = schema.step[schema.mutable]
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = values / step
        onto = np.where(values > was, np.ceil(steps - 1e-6), np.floor(steps + 1e-6)) * step
    return np.where((step > 0) & (values != was), onto, values)


def _shrink(ledger: Ledger, live: Ints) -> Generator[Ask, Outcome, None]:
    """Take single changes of the best records back, the dearest first: wholly, or as far as quartering finds."""
    schema = ledger.schema
    mine = live[ledger.flipped[live]]
    number = np.isin(schema.mutable, schema.numbers)
    done = np.zeros((len(mine), len(schema.mutable)), dtype=bool)
    slot, tries = np.full(len(mine), -1), np.zeros(len(mine), dtype=np.int64)
    low, high, unit, rest = (np.zeros(len(mine)) for _ in range(4))
    while len(mine):
        fresh = np.flatnonzero(slot < 0)
        if len(fresh):
            original, best = ledger.cohort.records[mine[fresh]], ledger.best[mine[fresh]]
            parts = schema.costs(original, best)
            left = np.where(done[fresh], 0.0, parts)
            slot[fresh] = np.argmax(left, axis=1)
            every = np.arange(len(fresh))
            feature, dearest = schema.mutable[slot[fresh]], left[every, slot[fresh]]
            low[fresh], high[fresh], tries[fresh] = original[every, feature], best[every, feature], 0
            rest[fresh] = parts.sum(axis=1) - dearest
            unit[fresh] = dearest / np.maximum(np.abs(high[fresh] - low[fresh]), 1e-300)
            done[fresh, slot[fresh]] = True
            keep = ledger.left[mine] > 0
            keep[fresh] &= dearest > SHARE * ledger.cost[mine[fresh]]
            mine, slot, done, tries = mine[keep], slot[keep], done[keep], tries[keep]
            low, high, unit, rest = low[keep], high[keep], unit[keep], rest[keep]
        feature = schema.mutable[slot]
        was, step = ledger.cohort.records[mine, feature], schema.step[feature]
        values = low[:, None] + np.array([0.0, 0.25, 0.5, 0.75]) * (high - low)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            onto = np.rint(values / step[:, None]) * step[:, None]
        values[:, 1:] = np.where(step[:, None] > 0, onto, values)[:, 1:]
        worth = (values != low[:, None]) & (values != high[:, None]) & number[slot][:, None]
        worth[:, 0] = tries == 0
        worth[:, 2:] &= values[:, 2:] != values[:, 1:-1]
        row, k = np.nonzero(worth)
        records = ledger.best[mine[row]]
        records[np.arange(len(row)), feature[row]] = values[row, k]
        costs = rest[row] + unit[row] * np.abs(values[row, k] - was[row])
        got = yield from ledger.ask(mine[row], records, costs)
        enough = np.zeros(values.shape, dtype=bool)
        enough[row, k] = got >= ledger.above[mine[row]]
        first = np.where(enough.any(axis=1), enough.argmax(axis=1), 4)  # the least of the change that is enough
        every = np.arange(len(mine))
        edges = np.concatenate([values, high[:, None]], axis=1)
        low, high = edges[every, np.maximum(first - 1, 0)], edges[every, first]
        tries += 1
        wide = np.abs(high - low) > np.maximum(NARROW * np.abs(high - was), step * 1.5)
        slot[~number[slot] | (first == 0) | ~wide | (tries >= QUARTERINGS)] = -1
