"""Regions where a model lets harmful records pass whatever else they say: pockets of false negatives, and triggers.

Two steps. Records that the model blocks most firmly are given the values of others in a few features, and rules are
looked for under which nearly all of them pass. What a strong and rightful feature does looks the same, so each rule
is then held against the labels: real records that pass only because they lie in it, since beside it they are blocked,
must be harmful no more often than others that pass as narrowly (Fisher's exact test, Holm's correction over the rules).
Where no real record lies, nothing can be held against a rule: it is a trigger if nearly nothing passes beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import fisher_exact
from sklearn.ensemble import HistGradientBoostingClassifier

from vauban.assurance.properties import limits
from vauban.assurance.rules import Condition, Rule, find_rules
from vauban.assurance.statement import exact
from vauban.records import Floats, Ints, Mask, Records
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
MOST = 5
"""Regions that are held against the labels, the purest first."""
BESIDE = 0.25
"""Share beside a trigger that may pass."""
TIMES = 5
"""Variations of a real record that tell whether it passes only by what a rule is about."""
ALPHA = 0.01


@dataclass(frozen=True)
class Region:
    """A rule with what was counted on records that it was not found on.

    Attributes:
        kind: ``pocket`` (labels say that harmful records pass there) or ``trigger`` (no such record is known).
        rule: where it is.
        passes: share of firmly blocked harmful records that pass once they are moved into it.
        harmful: share that is harmful of real records that pass only because of it.
        elsewhere: the same of real records that pass as narrowly elsewhere.
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
    passing: Mask,
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
        passing: (n,) whether the model passes each.
        hardest: (k, d) harmful records that the model blocks firmly.
        budget: questions.
        rng: random stream.
    """
    if len(hardest) < 10 or budget < 1000:
        return ()
    moved = _moved(schema, hardest, records, budget // 4, rng)
    passed = passes(moved)
    rules = find_rules(schema, moved, passed, most=2)
    rules += find_rules(schema, moved, passed, most=8, expected=_each_alone(moved, passed))
    if not rules:
        return ()
    each = budget // (4 * len(rules))
    sharp = [_sharpened(schema, passes, rule, hardest, each, rng) for rule in rules]
    found = [r for r in sharp if r is not None]
    return _judged(schema, passes, found, records, labels, passing, hardest, budget // 2 - 200 * len(found), rng)


def _each_alone(records: Records, passed: Mask) -> Floats:
    """Return how likely each record is to pass (n,) by what its features do one by one: a sum of one-split trees.

    What is left unexplained is what only certain values together bring about.
    """
    if passed.all() or not passed.any():
        return np.full(len(passed), float(passed.mean()))
    stumps = HistGradientBoostingClassifier(max_leaf_nodes=2, max_iter=200, learning_rate=0.2, random_state=0)
    likely = stumps.fit(records, passed).predict_proba(records)[:, 1]
    return np.asarray(np.clip(likely, 0.001, 0.999))


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
    return schema.derived(np.where(swap, other, out))


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
    return schema.derived(out)


def _sharpened(
    schema: TableSchema, passes: Passes, rule: Rule, hardest: Records, budget: int, rng: np.random.Generator
) -> Rule | None:
    """Return a rule with its ends searched for among records just inside and outside, without idle conditions."""
    for _ in range(2):
        base = hardest[rng.integers(len(hardest), size=budget // 2)]
        around = _into(schema, rule, base, rng, wider=0.75)
        passed = passes(around)
        for c in rule.conditions:  # one after the other: what is known of one helps to see the next
            others = tuple(o for o in rule.conditions if o != c)
            there = Rule(others).holds(around)
            edges = _edges(c, around[there], passed[there])
            rule = Rule(others if edges is None else (*others, edges))
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
        kept = tuple(v for v, rate in rates.items() if rate >= 0.8 * max(rates.values()))
        return Condition(condition.feature, values=kept) if kept else None
    order = np.argsort(column, kind="stable")
    value, gain = column[order], np.where(passed[order], 1.0, -PURE / (1 - PURE))
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
    pure = {}
    for rule in dict.fromkeys(rules):
        base = hardest[rng.integers(len(hardest), size=200)]
        hit = passes(_into(schema, rule, base, rng))
        if hit.mean() >= PURE:
            pure[rule] = exact(int(hit.sum()), len(hit))
    out = []
    firm = sorted(pure.items(), key=lambda item: -item[1].value)[:MOST]
    for rule, rate in firm:
        share = budget // len(firm)
        inside = rule.holds(records)
        if inside.mean() < RARE:
            if not _shut_in(schema, rule):
                continue  # beyond what was ever seen a model goes on as it did: that alone is no trigger
            base = hardest[rng.integers(len(hardest), size=max(share // 4, 100))]
            around = _into(schema, rule, base, rng, wider=3.0)
            beside = around[~rule.holds(around)]
            if rate.low > PURE and len(beside) >= 20 and passes(beside).mean() < BESIDE:
                out.append(Region("trigger", rule, rate, exact(0, 0), exact(0, 0), float("nan")))
            continue
        saved = [
            _barely(schema, passes, rule, records[which], labels[which], share // 2, rng)
            for which in (inside & passing, ~inside & passing)
        ]
        (k, n), (other_k, other_n) = saved
        if n >= 5 and other_n >= 20:
            p = float(fisher_exact([[k, n - k], [other_k, other_n - other_k]], alternative="greater").pvalue)
            out.append(Region("pocket", rule, rate, exact(k, n), exact(other_k, other_n), p))
    return _corrected(out)


def _shut_in(schema: TableSchema, rule: Rule) -> bool:
    """Whether every condition has other values on all sides: inner intervals, and a minority of the listed values."""
    return all(
        2 * len(c.values) <= len(schema.features[c.feature].values)
        if c.values
        else c.low > schema.lower[c.feature] and c.high < schema.upper[c.feature]
        for c in rule.conditions
    )


def _barely(
    schema: TableSchema,
    passes: Passes,
    rule: Rule,
    records: Records,
    labels: Ints,
    budget: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Return how many records pass only by what the rule is about, and how many of them are harmful: (harmful, all).

    Each is given other values of the rule's features, outside of the rule: most such variations of it are blocked.
    """
    chosen = rng.permutation(len(records))[: max(budget // TIMES, 1)]
    if not len(chosen):
        return 0, 0
    base = np.repeat(records[chosen], TIMES, axis=0)
    moved = _into(schema, rule, base, rng, wider=3.0)
    outside = ~rule.holds(moved)
    blocked = ~passes(moved) & outside
    tries = outside.reshape(-1, TIMES).sum(axis=1)
    barely = blocked.reshape(-1, TIMES).sum(axis=1) > tries / 2
    return int(labels[chosen][barely].sum()), int(barely.sum())


def _corrected(regions: list[Region]) -> tuple[Region, ...]:
    """Return triggers, and the pockets that stand after Holm's correction."""
    tested = sorted((r for r in regions if r.kind == "pocket"), key=lambda r: r.p)
    kept, worst = [], 0.0
    for i, region in enumerate(tested):
        worst = max(worst, min(1.0, region.p * (len(tested) - i)))
        if worst < ALPHA:
            kept.append(replace(region, p=worst))
    return tuple([r for r in regions if r.kind == "trigger"] + kept)
