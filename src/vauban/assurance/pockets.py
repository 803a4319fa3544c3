"""Regions where a model lets harmful records pass whatever else they say: pockets of false negatives, and triggers.

Two steps. Records that the model blocks most firmly are given the values of others in a few features, and rules are
looked for under which nearly all of them pass. What a strong and rightful feature does looks the same, so each rule
is then held against the labels: real records in it must be harmful no more often than records that pass elsewhere
(exact binomial test, Holm's correction over the rules). Where no real record lies, nothing can be held against
it: such a rule is a trigger if it is narrow, that is, if the values beside it do not do the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from vauban.assurance.properties import limits
from vauban.assurance.rules import Condition, Rule, find_rules, halves
from vauban.assurance.statement import exact
from vauban.records import Ints, Mask, Records
from vauban.results import Rate
from vauban.schema import TableSchema

Passes = Callable[[Records], Mask]
"""Says of records (n, d) which the model passes (n,)."""

HARDEST = 0.5
"""Share of the blocked harmful records, the firmest first, that are moved."""
SHARES = (0.12, 0.3, 0.6)
"""Shares of the features that are given other values."""
PURE = 0.85
"""Share of moved records that must pass for a rule to be a region."""
RARE = 0.002
"""Share of real records below which a rule holds for none to speak of."""
ALPHA = 0.05


@dataclass(frozen=True)
class Region:
    """A rule with what was counted on records that it was not found on.

    Attributes:
        kind: ``pocket`` (labels say that harmful records pass there) or ``trigger`` (no such record is known).
        rule: where it is.
        passes: share of firmly blocked harmful records that pass once they are moved into it.
        harmful: share of real records in it that are harmful, and of those that pass elsewhere.
        p: of the test against the labels, corrected; NaN for a trigger.
    """

    kind: str
    rule: Rule
    passes: Rate
    harmful: Rate
    elsewhere: Rate
    p: float


def find_regions(
    schema: TableSchema,
    passes: Passes,
    records: Records,
    labels: Ints,
    hardest: Records,
    budget: int,
    rng: np.random.Generator,
) -> tuple[Region, ...]:
    """Return regions, found with at most ``budget`` questions.

    Args:
        schema: of the records.
        passes: asks the model.
        records: (n, d) real ones.
        labels: (n,) of them, 1 = harmful.
        hardest: (k, d) harmful records that the model blocks firmly.
        budget: questions.
        rng: random stream.
    """
    if len(hardest) < 10 or budget < 1000:
        return ()
    moved = _moved(schema, hardest, records, budget // 3, rng)
    passed = passes(moved)
    one, other = halves(len(moved), rng)
    rules = find_rules(schema, moved[one], passed[one], most=6)
    rules = [r for r in rules if (k := r.holds(moved[other])).sum() >= 8 and passed[other][k].mean() >= 0.5]
    if not rules:
        return ()
    each = budget // (3 * len(rules))
    sharp = [_sharpened(schema, passes, rule, hardest, each, rng) for rule in rules]
    found = [r for r in sharp if r is not None]
    passing = passes(records)
    return _judged(schema, passes, found, records, labels, passing, hardest, budget // 3, rng)


def _moved(schema: TableSchema, base: Records, donors: Records, n: int, rng: np.random.Generator) -> Records:
    """Return base records with some features of others, or drawn from all that the schema allows."""
    out = base[rng.integers(len(base), size=n)]
    other = donors[rng.integers(len(donors), size=(n, out.shape[1])), np.arange(out.shape[1])]
    low, high = limits(schema, donors)
    anywhere = low + rng.uniform(size=out.shape) * (high - low)
    step = schema.step
    with np.errstate(invalid="ignore", divide="ignore"):
        anywhere = np.where(step > 0, np.rint(anywhere / step) * step, anywhere)
    other = np.where((rng.uniform(size=out.shape) < 0.3) & np.isfinite(anywhere), np.clip(anywhere, low, high), other)
    share = np.array(SHARES)[rng.integers(len(SHARES), size=n)]
    swap = rng.uniform(size=out.shape) < share[:, None]
    return np.where(swap, other, out)


def _into(schema: TableSchema, rule: Rule, base: Records, rng: np.random.Generator, wider: float = 0.0) -> Records:
    """Return base records moved into a rule, or by ``wider`` times its width beyond."""
    out = base.copy()
    low, high = limits(schema, base)
    for c in rule.conditions:
        j, n = c.feature, len(out)
        if c.values:
            inside = rng.choice(np.array(c.values, dtype=float), size=n)
            anything = rng.integers(len(schema.features[j].values), size=n).astype(float)
            out[:, j] = np.where(rng.uniform(size=n) < (0.3 if wider else 0.0), anything, inside)
            continue
        a, b = max(c.low, low[j]), min(c.high, high[j])
        reach = wider * max(b - a, float(schema.step[j]), (high[j] - low[j]) / 50)
        value = rng.uniform(max(a - reach, low[j]), max(min(b + reach, high[j]), a), size=n)
        step = schema.step[j]
        out[:, j] = np.clip(np.rint(value / step) * step, low[j], high[j]) if step > 0 else value
    return out


def _sharpened(
    schema: TableSchema, passes: Passes, rule: Rule, hardest: Records, budget: int, rng: np.random.Generator
) -> Rule | None:
    """Return a rule with its ends searched for among records just inside and outside, without idle conditions."""
    for _ in range(2):
        base = hardest[rng.integers(len(hardest), size=budget // 2)]
        around = _into(schema, rule, base, rng, wider=0.75)
        passed = passes(around)
        conditions = []
        for c in rule.conditions:
            others = Rule(tuple(o for o in rule.conditions if o != c)).holds(around)
            conditions.append(_edges(c, around[others], passed[others]))
        rule = replace(rule, conditions=tuple(c for c in conditions if c is not None))
        if not rule.conditions:
            return None
    return rule


def _edges(condition: Condition, records: Records, passed: Mask) -> Condition | None:
    """Return the condition with the ends between which nearly all pass; None where it makes no difference."""
    inside = condition.holds(records)
    if not inside.any() or ((~inside).sum() >= 20 and passed[~inside].mean() >= 0.8 * passed[inside].mean()):
        return None
    column = records[:, condition.feature]
    if condition.values:
        rates = {v: passed[column == v].mean() for v in np.unique(column[~np.isnan(column)]).astype(int).tolist()}
        kept = tuple(v for v, rate in rates.items() if rate >= PURE * 0.8)
        return Condition(condition.feature, values=kept) if kept else None
    order = np.argsort(column, kind="stable")
    value, gain = column[order], np.where(passed[order], 1.0, -2.0)
    total = np.concatenate([[0.0], gain.cumsum()])
    lowest = np.minimum.accumulate(total)
    end = int(np.argmax(total - lowest))
    start = int(np.argmin(total[: end + 1]))
    if end <= start:
        return None
    low = -np.inf if condition.low == -np.inf and start == 0 else float(value[start])
    high = np.inf if condition.high == np.inf and end == len(value) else float(value[end - 1])
    return Condition(condition.feature, low, high)


def _judged(
    schema: TableSchema,
    passes: Passes,
    rules: list[Rule],
    records: Records,
    labels: Ints,
    passing: Mask,
    hardest: Records,
    budget: int,
    rng: np.random.Generator,
) -> tuple[Region, ...]:
    out = []
    for rule in dict.fromkeys(rules):
        n = max(50, budget // (2 * max(len(rules), 1)))
        base = hardest[rng.integers(len(hardest), size=n)]
        hit = passes(_into(schema, rule, base, rng))
        if hit.mean() < PURE:
            continue
        inside = rule.holds(records)
        there, others = inside & passing, ~inside & passing
        harmful, elsewhere = (exact(int(labels[m].sum()), int(m.sum())) for m in (there, others))
        share = exact(int(hit.sum()), n)
        if inside.mean() < RARE:
            if _narrow(schema, passes, rule, hardest, budget // 4, rng):
                out.append(Region("trigger", rule, share, harmful, elsewhere, float("nan")))
        else:
            test = binomtest(harmful_count(labels, there), int(there.sum()), elsewhere.high, alternative="greater")
            out.append(Region("pocket", rule, share, harmful, elsewhere, float(test.pvalue)))
    return _corrected(out)


def harmful_count(labels: Ints, which: Mask) -> int:
    """Return how many of some records are harmful."""
    return int(labels[which].sum())


def _narrow(
    schema: TableSchema, passes: Passes, rule: Rule, hardest: Records, budget: int, rng: np.random.Generator
) -> bool:
    """Whether records beside the rule, moved as far as it is wide, mostly do not pass."""
    base = hardest[rng.integers(len(hardest), size=max(budget, 100))]
    around = _into(schema, rule, base, rng, wider=3.0)
    beside = ~rule.holds(around)
    return bool(beside.sum() >= 20 and passes(around[beside]).mean() < 0.5)


def _corrected(regions: list[Region]) -> tuple[Region, ...]:
    """Return triggers, and the pockets that stand after Holm's correction."""
    tested = sorted((r for r in regions if r.kind == "pocket"), key=lambda r: r.p)
    kept, worst = [], 0.0
    for i, region in enumerate(tested):
        worst = max(worst, min(1.0, region.p * (len(tested) - i)))
        if worst < ALPHA:
            kept.append(replace(region, p=worst))
    return tuple([r for r in regions if r.kind == "trigger"] + kept)
