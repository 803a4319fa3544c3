"""Regions where a model lets harmful records pass whatever else they say: pockets of false negatives, holes, triggers.

Two steps. Records that the model blocks most firmly are given the values of others in some features, and rules are
looked for under which nearly all of them pass. What a strong and rightful feature does looks the same, so each rule
is then held against the labels: real records that pass only because they lie in it, since beside it they are blocked,
must be harmful no more often than others that pass as narrowly (Fisher's exact test, Holm's correction over the rules).
Whatever the labels say, a rule is a finding too if next to nothing passes beside it, on any side: a hole, or a trigger
where no real record lies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vauban.assurance.pairs import find_pairs
from vauban.assurance.properties import limits
from vauban.assurance.rules import Condition, Rule, find_rules
from vauban.assurance.statement import exact
from vauban.assurance.surprises import Passes, surprising
from vauban.metrics.intervals import differs
from vauban.records import Ints, Mask, Records
from vauban.results import Rate
from vauban.schema import TableSchema

PAIRS = 16
"""Boxes of two features that are looked at, the most surprising first."""
TRIED = 40
"""Firmly blocked records that are moved into a rule to see whether it is worth a closer look."""
HALF = 0.4
"""Share of them that must pass before a rule is sharpened."""
PURE = 0.85
"""Share of moved records that must pass for a rule to be a region."""
RARE = 0.002
"""Share of real records below which a rule holds for none to speak of."""
SURE = 200
"""Firmly blocked records that are moved into a sharpened rule."""
SAME = 0.5
"""Share of the records of two rules that both hold for from which on they are the same place."""
MOST = 5
"""Regions that are judged, the purest and widest first."""
BESIDE = 0.25
"""Share beside a trigger that may pass."""
TIMES = 5
"""Variations of a real record that tell whether it passes only by what a rule is about."""
ALPHA = 0.01
LEAST = 12_000
"""Questions without which no search is worth its while: shares of fewer would not pay for the steps."""


@dataclass(frozen=True)
class Region:
    """A rule with what was counted on records that it was not found on.

    Attributes:
        kind: ``pocket`` (labels say that harmful records pass there), ``hole`` (firmly blocked records pass there and
            not beside it; labels do not tell) or ``trigger`` (the same, and no such record is known).
        rule: where it is.
        passes: share of firmly blocked harmful records that pass once they are moved into it.
        harmful: share that is harmful of real records that pass only because of it.
        elsewhere: the same of real records that pass as narrowly elsewhere.
        p: of the test against the labels, corrected; NaN where it cannot be done.
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
        budget: questions, `LEAST` or more.
        rng: random stream.
    """
    asked, passed, expected = surprising(schema, passes, hardest, records, budget // 2, rng)
    rules = find_pairs(schema, asked, passed, expected, PAIRS)
    rules += find_rules(schema, asked, passed, most=2)
    rules += find_rules(schema, asked, passed, most=4, expected=expected)
    rules = [r for r in rules if _share(schema, passes, r, hardest, TRIED, rng).value >= HALF]
    if not rules:
        return ()
    each = budget // (5 * len(rules))
    sharp = [sharpened(schema, passes, rule, hardest, each, rng) for rule in rules]
    found = [r for r in sharp if r is not None]
    pure = _pure(schema, passes, found, asked, hardest, rng)
    left = budget // 2 - each * len(rules) - TRIED * (PAIRS + 6 + len(found)) - SURE * MOST
    return _judged(schema, passes, pure, records, labels, passing, hardest, left, rng)


def _drawn(records: Records, n: int, rng: np.random.Generator) -> Records:
    return records[rng.integers(len(records), size=n)]


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


def sharpened(
    schema: TableSchema, passes: Passes, rule: Rule, hardest: Records, budget: int, rng: np.random.Generator
) -> Rule | None:
    """Return a rule with its ends searched for among records just inside and outside, without idle conditions."""
    for _ in range(2):
        around = _into(schema, rule, _drawn(hardest, budget // 2, rng), rng, wider=0.75)
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
    low, high = float(value[start]), float(value[end - 1])
    # An end that no record speaks against stays where it was.
    if condition.low <= low and (start == 0 or value[start - 1] < condition.low):
        low = condition.low
    if condition.high >= high and (end == len(value) or value[end] > condition.high):
        high = condition.high
    return Condition(condition.feature, low, high)


def _judged(
    schema: TableSchema,
    passes: Passes,
    pure: dict[Rule, Rate],
    records: Records,
    labels: Ints,
    passing: Mask,
    hardest: Records,
    budget: int,
    rng: np.random.Generator,
) -> tuple[Region, ...]:
    """Return the regions among rules under which firmly blocked records pass: what labels and shape say of each."""
    out = []
    unknown = exact(0, 0)
    share = budget // max(len(pure), 1)
    for rule, rate in pure.items():
        inside = rule.holds(records)
        lonely = _alone(schema, passes, rule, rate, hardest, share // 4, rng)
        if inside.mean() < RARE:
            if lonely:  # beyond what was ever seen a model goes on as it did: that alone is no trigger
                out.append(Region("trigger", rule, rate, unknown, unknown, float("nan")))
            continue
        saved = [
            _barely(schema, passes, rule, records[which], labels[which], 3 * share // 8, rng)
            for which in (inside & passing, ~inside & passing)
        ]
        (k, n), (other_k, other_n) = saved
        p = float("nan")
        if n >= 5 and other_n >= 20:
            p = differs(k, n, other_k, other_n)
        if lonely or not np.isnan(p):
            kind = "hole" if lonely else "pocket"
            out.append(Region(kind, rule, rate, exact(k, n), exact(other_k, other_n), p))
    return _corrected(out)


def _pure(
    schema: TableSchema, passes: Passes, rules: list[Rule], asked: Records, hardest: Records, rng: np.random.Generator
) -> dict[Rule, Rate]:
    """Return rules under which nearly all firmly blocked records pass, the widest first, each place once."""
    rates = {rule: _share(schema, passes, rule, hardest, TRIED, rng) for rule in dict.fromkeys(rules)}
    where = {rule: rule.holds(asked) for rule in rates}
    chosen: list[Rule] = []
    for rule in sorted(rates, key=lambda r: (-round(rates[r].value, 1), -int(where[r].sum()))):
        same = any((where[rule] & where[o]).sum() > SAME * (where[rule] | where[o]).sum() for o in chosen)
        if rates[rule].value >= PURE and not same and len(chosen) < MOST:
            chosen.append(rule)
    sure = {rule: _share(schema, passes, rule, hardest, SURE, rng) for rule in chosen}
    return {rule: rate for rule, rate in sure.items() if rate.value >= PURE}


def _share(schema: TableSchema, passes: Passes, rule: Rule, hardest: Records, n: int, rng: np.random.Generator) -> Rate:
    hit = passes(_into(schema, rule, _drawn(hardest, n, rng), rng))
    return exact(int(hit.sum()), n)


def _alone(
    schema: TableSchema,
    passes: Passes,
    rule: Rule,
    rate: Rate,
    hardest: Records,
    budget: int,
    rng: np.random.Generator,
) -> bool:
    """Return whether firmly blocked records pass in a rule, and beside it, on all of its sides, do not."""
    if not _shut_in(schema, rule) or rate.low <= PURE:
        return False
    around = _into(schema, rule, _drawn(hardest, max(budget, 100), rng), rng, wider=3.0)
    beside = around[~rule.holds(around)]
    return len(beside) >= 20 and bool(passes(beside).mean() < BESIDE)


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
    """Return triggers and holes, and what labels say against after Holm's correction: such a hole is a pocket."""
    tested = sorted((r for r in regions if not np.isnan(r.p)), key=lambda r: r.p)
    worst, found = 0.0, []
    for i, region in enumerate(tested):
        worst = max(worst, min(1.0, region.p * (len(tested) - i)))
        if worst < ALPHA:
            found.append(replace(region, kind="pocket", p=worst))
        elif region.kind == "hole":
            found.append(replace(region, p=worst))
    return tuple([r for r in regions if np.isnan(r.p)] + found)
