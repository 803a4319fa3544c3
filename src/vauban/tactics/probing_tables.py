"""Probe a model of tables before any victim is at hand: what moves it, which way, where it turns; a picture of it.

Questions go, in an order that does not depend on the budget, to records as they occur in the class aimed at, to one
record changed one feature at a time, to records near the line of what has been learnt so far (uncertainty sampling:
Lewis and Gale, "A sequential algorithm for training text classifiers", SIGIR 1994), and to bisections along the
features that matter most, between a passing and a blocked value (the line search of Lowd and Meek, "Adversarial
learning", KDD 2005, section 3).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from vauban.contracts import Ask, Brief, Decisions, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Floats, Mask, Records
from vauban.schema import TableSchema
from vauban.tactics.evidence import Notebook
from vauban.tactics.profile import effects_of, spread, turning, with_value
from vauban.tactics.table_substitute import RECIPES, Design, TableSubstitute, best_recipe, fit, learn_labels

ROUND = 50
PROFILED = 100
"""Records whose profiles effects are the mean of."""
TURNED = 800
"""Records of which the substitute is asked where they turn."""


@dataclass(frozen=True)
class TablePicture:
    """What probing learnt of a model of tables. Picklable; plain data and fitted scikit-learn estimators.

    Attributes:
        effects: strongest first; sizes are changes over the feature's natural spread in the class looked at: of the
            margin (log-odds, for a model that answers probabilities), or of the share of records blocked where only
            labels are granted.
        substitute: what predicts the model.
    """

    effects: tuple[Effect, ...]
    substitute: TableSubstitute

    def decide(self, records: Records) -> Decisions:
        """Return PASS or BLOCK for encoded records (n, d).

        A referral is predicted as what it means to him: BLOCK to one who wants to pass, PASS to one who wants blocks.
        """
        return self.substitute.decide(records)


@dataclass
class _Turn:
    """Brackets around the value of one feature at which the decision of each of m records turns."""

    j: int
    bases: Records
    low: Floats
    high: Floats
    low_side: Mask
    scope: tuple[float, float]
    step: float

    def tolerance(self) -> float:
        return max((self.scope[1] - self.scope[0]) / 64, self.step)

    def middle(self) -> Floats:
        middle = (self.low + self.high) / 2
        if self.step:
            middle = np.clip(np.floor(middle / self.step) * self.step, self.low, self.high)
        return middle

    def open(self) -> Mask:
        """Return whose turn (m,) could be the median one, and is not yet known closely."""
        first, last = np.median(self.low), np.median(self.high)
        wide = self.high - self.low > 1.001 * self.tolerance()
        return np.asarray(wide & (self.high >= first) & (self.low <= last))

    def estimates(self) -> Floats:
        """Return the turn of each record (m,): on a grid the first value of the other side."""
        return self.high if self.step and self.tolerance() == self.step else (self.low + self.high) / 2

    def narrow(self, asked: Mask, middle: Floats, side: Mask) -> None:
        below = np.zeros(len(self.low), dtype=np.bool_)
        below[asked] = side == self.low_side[asked]
        self.low = np.where(asked & below, middle, self.low)
        self.high = np.where(asked & ~below, middle, self.high)


@dataclass
class _Probe:
    """One exploration under way."""

    brief: Brief
    schema: TableSchema
    bases: int
    most: int
    notes: Notebook = field(init=False)
    rng: np.random.Generator = field(init=False)
    turns: dict[int, _Turn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.brief.known
        self.notes = Notebook(self.brief)
        self.rng = self.brief.rng()
        aimed = known.records[known.aimed]
        self.pool = aimed if len(aimed) else known.records
        if not len(self.pool):
            self.pool = _drawn(self.schema, 500, self.rng)
        self.pool = self.pool[self.rng.permutation(len(self.pool))]
        self.seed = int(self.rng.integers(2**31))
        everything = known.records if len(known.records) else self.pool
        labels = None if known.labels is None else known.labels.astype(bool)
        self.prior = learn_labels(self.schema, everything, labels, self.seed)
        self.design = Design.of(self.schema, everything)
        self.grids = [spread(f, self.pool[:, j]) for j, f in enumerate(self.schema.features)]
        self.changes = [(j, float(v)) for j, values in enumerate(self.grids) for v in self._ends(j, values)]
        self.believed, self.fitted_on = self.prior, 0
        self.recipe, self.chosen_on = RECIPES[0], 0

    def _ends(self, j: int, values: Floats) -> Floats:
        return values if self.schema.features[j].listed else values[[0, -1]] if len(values) > 1 else values[:0]

    def substitute(self, *, final: bool = False) -> TableSubstitute:
        """Return what the answers so far teach. How it is made is chosen anew at the end, and as answers double."""
        if final or len(self.notes) != self.fitted_on:
            data = self.notes.answered()
            if final or len(data) >= 2 * self.chosen_on:
                self.recipe, self.chosen_on = best_recipe(data, self.design, self.prior, self.seed), len(data)
            self.believed, self.fitted_on = fit(self.recipe, data, self.design, self.prior, self.seed), len(data)
        return self.believed

    # --- questions --------------------------------------------------------------------------------

    def run(self) -> Generator[Ask, Outcome, None]:
        """Ask, in an order that does not depend on the budget, until the budget is spent or nothing new is left."""
        yield from self.as_they_occur(ROUND)
        yield from self.one_feature_changes(ROUND)
        yield from self.as_they_occur(ROUND)
        yield from self.near_the_line(ROUND)
        yield from self.where_it_turns(3)
        before = -1
        while before < len(self.notes) < self.most:
            before = len(self.notes)
            n = ROUND * max(1, before // 500)
            yield from self.as_they_occur(2 * n)
            yield from self.one_feature_changes(n)
            yield from self.near_the_line(n)
            yield from self.where_it_turns(1)
            yield from self.near_the_line(n)

    def as_they_occur(self, n: int) -> Generator[Ask, Outcome, None]:
        fresh = self.pool[self.notes.new(self.pool)][:n]
        yield from self.notes.ask(fresh, natural=True)
        if len(fresh) < n:
            mixed, parents = self.mixed(n - len(fresh))
            yield from self.notes.ask(mixed, made_of=parents)

    def mixed(self, n: int) -> tuple[Records, Records]:
        """Return records between those he has: one's values, a third of them another's; and the first parents."""
        one, other = (self.pool[self.rng.integers(len(self.pool), size=2 * n)] for _ in range(2))
        child = np.where(self.rng.random(one.shape) < 1 / 3, other, one)
        new = np.flatnonzero(self.notes.new(child))[:n]
        return child[new], one[new]

    def near_the_line(self, n: int) -> Generator[Ask, Outcome, None]:
        fresh = self.pool[self.notes.new(self.pool)][:2000]
        mixed, parents = self.mixed(4 * n)
        records, parents = np.concatenate([fresh, mixed]), np.concatenate([fresh, parents])
        distance = np.abs(self.substitute().margin(records))
        nearest = np.argsort(distance, kind="stable")[: 2 * n]
        chosen = self.rng.permutation(nearest)[:n]
        yield from self.notes.ask(records[chosen], made_of=parents[chosen])

    def one_feature_changes(self, n: int) -> Generator[Ask, Outcome, None]:
        answered = self.notes.answered()
        margins = self.substitute().margin(answered.records) if answered.margins is None else answered.margins
        margins = np.where(answered.natural, np.abs(margins), np.inf)
        base = answered.records[[int(np.argmin(margins))]] if answered.natural.any() else self.pool[:1]
        batch, self.changes = self.changes[:n], self.changes[n:] + self.changes[:n]
        records = np.repeat(base, len(batch), axis=0)
        for i, (j, value) in enumerate(batch):
            records[i, j] = value
        records = records[self.notes.new(records)]
        yield from self.notes.ask(records, made_of=np.repeat(base, len(records), axis=0))

    def where_it_turns(self, features: int) -> Generator[Ask, Outcome, None]:
        substitute = self.substitute()
        for effect in self.effects(substitute):
            j = self.schema.index(effect.name)
            grid = self.pool[:, j][~np.isnan(self.pool[:, j])]
            if features == 0:
                return
            follows = self.schema.relations and j in self.schema.rules.derived
            if self.schema.features[j].listed or follows or j in self.turns or len(grid) == 0 or effect.effect == 0:
                continue
            low, high = np.quantile(grid, [0.01, 0.99], method="nearest")
            if high <= low:
                continue
            features -= 1
            yield from self.turn(j, float(low), float(high), substitute)

    def turn(self, j: int, low: float, high: float, substitute: TableSubstitute) -> Generator[Ask, Outcome, None]:
        """Bisect feature j of several records at once."""
        bases = self.turn_bases(j, low, high, substitute)
        m = len(bases)
        ends = np.concatenate([with_value(bases, j, low), with_value(bases, j, high)])
        side, _ = yield from self.notes.ask(ends, made_of=np.tile(bases, (2, 1)))
        differ = side[:m] != side[m:]
        step = float(self.schema.step[j])
        k = int(differ.sum())
        turn = _Turn(j, bases[differ], np.full(k, low), np.full(k, high), side[:m][differ], (low, high), step)
        self.turns[j] = turn
        while k and (asked := turn.open()).any():
            middle = turn.middle()
            records = with_value(turn.bases[asked], j, middle[asked])
            side, _ = yield from self.notes.ask(records, made_of=turn.bases[asked])
            turn.narrow(asked, middle, side)

    def turn_bases(self, j: int, low: float, high: float, substitute: TableSubstitute) -> Records:
        """Return records that are believed to turn, evenly spread over where they are believed to."""
        sample = self.pool[~np.isnan(self.pool[:, j])][:TURNED]
        at = turning(substitute.margin, sample, j, low, high)
        turns = np.flatnonzero(~np.isnan(at))
        if len(turns) >= self.bases:
            ranked = turns[np.argsort(at[turns], kind="stable")]
            even = ((np.arange(self.bases) + 0.5) / self.bases * len(ranked)).astype(np.intp)
            return np.asarray(sample[ranked[even]])
        nearest = np.argsort(np.abs(substitute.margin(sample)), kind="stable")
        chosen = np.concatenate([turns, nearest[~np.isin(nearest, turns)]])[: self.bases]
        return np.asarray(sample[chosen])

    # --- what they told ---------------------------------------------------------------------------

    def effects(self, substitute: TableSubstitute) -> tuple[Effect, ...]:
        found = {j: v for j, t in self.turns.items() if (v := self.threshold(t, substitute)) is not None}
        few = self.pool[:PROFILED]
        return effects_of(substitute.margin, self.schema, few, self.pool, found, shares=not self.notes.scored)

    def threshold(self, turn: _Turn, substitute: TableSubstitute) -> float | None:
        """Return the median turn of the class; None where too few records turn, or none of them is known closely.

        It is the median of those bisected, and by how much the substitute thinks that they differ from the class.
        """
        width = turn.scope[1] - turn.scope[0]
        if len(turn.bases) < max(3, self.bases // 4):
            return None
        if np.median(turn.high) - np.median(turn.low) > max(width / 8, turn.step):
            return None
        measured = float(np.median(turn.estimates()))
        here = turning(substitute.margin, turn.bases, turn.j, *turn.scope)
        there = turning(substitute.margin, self.pool[:TURNED], turn.j, *turn.scope)
        if turn.tolerance() == turn.step or np.isnan(here).any() or np.isnan(there).all():
            return measured
        differ = float(np.nanmedian(there) - np.median(here))
        return float(np.clip(measured + np.clip(differ, -width / 10, width / 10), *turn.scope))

    def picture(self) -> TablePicture:
        substitute = self.substitute(final=True)
        return TablePicture(self.effects(substitute), substitute)


def probe_table(brief: Brief, schema: TableSchema, bases: int, most: int) -> Generator[Ask, Outcome, TablePicture]:
    """Ask within the budget and return the picture.

    Args:
        brief: of the scouting.
        schema: of its records.
        bases: records that are bisected along a feature; the threshold is the median of those that turn.
        most: no round of questions is begun after so many, whatever the budget.
    """
    probe = _Probe(brief, schema, bases, most)
    with suppress(BudgetSpent):
        yield from probe.run()
    return probe.picture()


def _drawn(schema: TableSchema, n: int, rng: np.random.Generator) -> Records:
    """Return records drawn from what the schema says can occur, for an attacker who has none."""
    d = len(schema)
    low = np.where(np.isfinite(schema.lower), schema.lower, np.where(np.isfinite(schema.upper), schema.upper - 1, -1.0))
    high = np.where(np.isfinite(schema.upper), schema.upper, low + 2)
    out = low + rng.random((n, d)) * (high - low)
    step = schema.step
    gridded = step > 0
    out[:, gridded] = np.rint(out[:, gridded] / step[gridded]) * step[gridded]
    return np.asarray(np.clip(out, schema.lower, schema.upper))
