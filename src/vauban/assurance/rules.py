"""Rules that an analyst can read: "term = 60 and purpose = small business and income 40,000 to 42,000".

Subgroup discovery by beam search (Klösgen 1996; Friedman and Fisher's bump hunting, Statistics and Computing 9, 1999):
intervals of numbers and sets of listed values, at most a few conditions, chosen on one half of the records and counted
on the other, so that what is said of a rule was not used to find it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import Feature, TableSchema

BINS = 24
BEAM = 12
LONGEST = 3
FEWEST = 8
"""Records that a rule must hold for."""
GAIN = 1.15
"""By what a further condition must raise a rule's merit."""


@dataclass(frozen=True)
class Condition:
    """One feature in a range (inclusive, encoded), or one of some listed values (their indices)."""

    feature: int
    low: float = -np.inf
    high: float = np.inf
    values: tuple[int, ...] = ()

    def holds(self, records: Records) -> Mask:
        """Return where it holds (n,); never where the value is missing."""
        column = records[:, self.feature]
        if self.values:
            return np.isin(column, self.values)
        with np.errstate(invalid="ignore"):
            return np.asarray((column >= self.low) & (column <= self.high))


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold."""

    conditions: tuple[Condition, ...]

    def holds(self, records: Records) -> Mask:
        """Return where all conditions hold (n,)."""
        out = np.ones(len(records), dtype=bool)
        for condition in self.conditions:
            out &= condition.holds(records)
        return out

    def text(self, schema: TableSchema) -> str:
        """Return it in words; for one feature each, in the schema's order."""
        parts = sorted(self.conditions, key=lambda c: c.feature)
        return " and ".join(_said(c, schema.features[c.feature]) for c in parts) or "everywhere"


def _said(condition: Condition, feature: Feature) -> str:
    if condition.values:
        listed = [str(feature.values[v]) for v in condition.values]
        return f"{feature.name} = {listed[0]}" if len(listed) == 1 else f"{feature.name} in ({', '.join(listed)})"
    if condition.low == condition.high:
        return f"{feature.name} = {_number(condition.low)}"
    if condition.low == -np.inf:
        return f"{feature.name} up to {_number(condition.high)}"
    if condition.high == np.inf:
        return f"{feature.name} from {_number(condition.low)}"
    return f"{feature.name} {_number(condition.low)} to {_number(condition.high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4g}"


def find_rules(
    schema: TableSchema, records: Records, failed: Mask, *, most: int = 3, expected: Floats | None = None
) -> list[Rule]:
    """Return rules under which records fail far more often than elsewhere, the strongest first.

    Args:
        schema: of the records.
        records: (n, d) encoded.
        failed: (n,) which of them failed.
        most: rules; each explains failures that those before it do not.
        expected: (n,) how likely each was to fail anyway; the share of all by default.
    """
    if expected is None:
        expected = np.full(len(records), float(failed.mean()) if len(failed) else 0.0)
    found: list[Rule] = []
    left = np.ones(len(records), dtype=bool)
    for _ in range(most):
        if failed[left].sum() < FEWEST // 2 or failed[left].all():
            break
        rule = _best(schema, records[left], failed[left], expected[left])
        if rule is None:
            break
        found.append(rule)
        left &= ~rule.holds(records)
    return found


def strongest(schema: TableSchema, records: Records, failed: Mask) -> list[Condition]:
    """Return for each feature the condition under which records fail most, if there is one."""
    expected = np.full(len(records), float(failed.mean()))
    return [condition for condition, _ in _conditions(schema, records, failed, expected)]


def _best(schema: TableSchema, records: Records, failed: Mask, expected: Floats) -> Rule | None:
    beam: list[tuple[float, Rule]] = [(0.0, Rule(()))]
    best: tuple[float, Rule] = (0.0, Rule(()))
    for _ in range(LONGEST):
        grown: dict[frozenset[Condition], tuple[float, Rule]] = {}
        for merit, rule in beam:
            inside = rule.holds(records)
            used = {c.feature for c in rule.conditions}
            for condition, value in _conditions(schema, records[inside], failed[inside], expected[inside]):
                if condition.feature not in used and value > merit * GAIN:
                    longer = Rule((*rule.conditions, condition))
                    grown[frozenset(longer.conditions)] = (value, longer)
        if not grown:
            break
        beam = sorted(grown.values(), key=lambda item: (-item[0], len(item[1].conditions)))[:BEAM]
        best = max(best, beam[0], key=lambda item: item[0])
    return best[1] if best[1].conditions else None


def _conditions(
    schema: TableSchema, records: Records, failed: Mask, expected: Floats
) -> Iterator[tuple[Condition, float]]:
    """Yield, for each feature, its best condition and its merit."""
    for j, feature in enumerate(schema.features):
        column = records[:, j]
        there = ~np.isnan(column)
        if there.sum() < FEWEST:
            continue
        found = _listed(column[there], failed[there], expected[there], feature) if feature.listed else None
        if found is None and (not feature.listed or feature.kind == "ordinal"):
            found = _interval(column[there], failed[there], expected[there])
        if found is not None:
            low, high, values, merit = found
            yield Condition(j, low, high, values), merit


Found = tuple[float, float, tuple[int, ...], float]


def _merit(failures: Floats, n: Floats, expected: Floats, spread: Floats) -> Floats:
    """Return by how many deviations failures exceed what was expected, 0 where there are too few records."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (failures - expected) / np.sqrt(spread)
    return np.where(n >= FEWEST, np.nan_to_num(z), 0.0)


def _counts(bins: Ints, failed: Mask, expected: Floats, size: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return failures, records, expected failures and their variance in each bin (size,)."""
    weights = (failed.astype(np.float64), np.ones(len(bins)), expected, expected * (1 - expected))
    k, n, e, v = (np.bincount(bins, w, size).astype(np.float64) for w in weights)
    return k, n, e, v


def _listed(column: Floats, failed: Mask, expected: Floats, feature: Feature) -> Found | None:
    """Return the best set of listed values: those of highest rate, as many as are worth it."""
    k, n, e, v = _counts(column.astype(np.int64), failed, expected, len(feature.values))
    order = np.argsort(-((k - e) / np.maximum(n, 1)) + 2.0 * (n == 0), kind="stable")
    order = order[n[order] > 0]
    merit = _merit(*(x[order].cumsum() for x in (k, n, e, v)))
    if len(order) < 2:
        return None
    at = int(np.argmax(merit[:-1]))
    if merit[at] <= 0:
        return None
    return -np.inf, np.inf, tuple(sorted(int(v) for v in order[: at + 1])), float(merit[at])


def _interval(column: Floats, failed: Mask, expected: Floats) -> Found | None:
    """Return the best interval between cuts: as many as there are values, or quantiles and where failures begin."""
    values = np.unique(column)
    if len(values) < 2:
        return None
    if len(values) > BINS:
        hits = column[failed]
        ends = np.quantile(hits, [0, 0.02, 0.05, 0.95, 0.98, 1]) if len(hits) else np.empty(0)
        values = np.unique(np.concatenate([np.quantile(column, np.linspace(0, 1, BINS)), ends]))
    found = _between(column, failed, expected, values)
    if found is None:
        return None
    if len(values) > 2:  # once more, with finer cuts around both ends
        near = [int(np.abs(values - end).argmin()) for end in (found[0], found[1]) if np.isfinite(end)]
        window = [
            column[(column >= values[max(i - 2, 0)]) & (column <= values[min(i + 2, len(values) - 1)])] for i in near
        ]
        finer = [np.quantile(end, np.linspace(0, 1, BINS)) for end in window if len(end)]
        found = _between(column, failed, expected, np.unique(np.concatenate([values, *finer]))) or found
    return found


def _between(column: Floats, failed: Mask, expected: Floats, values: Floats) -> Found | None:
    """Return the best interval whose ends are cuts; open where it begins or ends with all values."""
    bins = np.searchsorted(values, column, side="right") - 1
    before = [np.concatenate([[0.0], x.cumsum()]) for x in _counts(bins, failed, expected, len(values))]
    first, last = np.triu_indices(len(values))
    merit = _merit(*(x[last + 1] - x[first] for x in before))
    merit[(first == 0) & (last == len(values) - 1)] = 0
    at = int(np.argmax(merit))
    if merit[at] <= 0:
        return None
    inside = column[(bins >= first[at]) & (bins <= last[at])]
    low = -np.inf if first[at] == 0 else float(inside.min())
    high = np.inf if last[at] == len(values) - 1 else float(inside.max())
    return low, high, (), float(merit[at])


def halves(n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return two disjoint halves of n records: rules are found on one and counted on the other."""
    order = rng.permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])
