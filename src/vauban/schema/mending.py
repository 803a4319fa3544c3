"""Sums and conditions, compiled: by how much whole batches of records break them, and how they are mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vauban.errors import BadInput
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema.expression import Columns, numbers_of
from vauban.schema.feature import FORBIDDEN, ON_GRID, Feature, directed_cost
from vauban.schema.relations import Condition, Implication, Linear

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<=", "in": "not in", "not in": "in"}


@dataclass(frozen=True, eq=False)
class Reach:
    """How an attacker can move features: each (d,) over all of them.

    Attributes:
        numbers: positions of those moved by amounts.
        first, last: the lowest and highest value within bounds and on the grid.
        step: their grid; 0 for a continuum.
        up, down: cost per unit of ``numbers``, FORBIDDEN elsewhere.
        moves: cost matrices of those moved by choice.
    """

    numbers: Ints
    first: Floats
    last: Floats
    step: Floats
    up: Floats
    down: Floats
    moves: Mapping[int, Floats]

    def price(self, j: int, before: Floats, to: Floats) -> Floats:
        """Return what it costs to move feature j of originals (n,) to values of any shape (n, ...)."""
        was = before.reshape(-1, *[1] * (to.ndim - 1))
        if j in self.moves:
            matrix = self.moves[j]
            known = ~np.isnan(was) & ~np.isnan(to)
            codes = np.where(known, to, 0).astype(np.intp), np.where(known, was, 0).astype(np.intp)
            cost = np.where(known, matrix[codes[1], codes[0]], FORBIDDEN)
        else:
            with np.errstate(invalid="ignore"):
                cost = directed_cost(to - was, float(self.up[j]), float(self.down[j]))
                cost = np.where((to < self.first[j]) | (to > self.last[j]) | np.isnan(to - was), FORBIDDEN, cost)
        return np.where(to == was, 0.0, cost)


@dataclass(frozen=True, eq=False)
class Line:
    """A bound on a weighted sum of features, at the positions ``features``."""

    name: str
    features: Ints
    weights: Floats
    bound: float
    equal: bool
    tolerance: float

    @staticmethod
    def of(relation: Linear, columns: Columns) -> Line:
        """Compile; BadInput for unknown features, and for categories that are no numbers."""
        for name, _ in relation.terms:
            feature = columns.features[columns.index(name)]
            if feature.kind == "categorical" and numbers_of(feature) is None:
                raise BadInput(
                    f"The relation {relation.name!r} adds {name!r}, whose values are neither numbers nor ranks."
                )
        return Line(
            relation.name,
            np.array([columns.index(n) for n, _ in relation.terms], dtype=np.int64),
            np.array([w for _, w in relation.terms], dtype=np.float64),
            relation.bound,
            relation.equal,
            relation.tolerance,
        )

    def over(self, columns: Columns, records: Records) -> Floats:
        """Return by how much the sum is over the bound (n,), signed; 0 where a value is missing."""
        total = np.full(len(records), -self.bound)
        for j, weight in zip(self.features.tolist(), self.weights.tolist(), strict=True):
            total += weight * columns.value(columns.features[j].name, records, records)
        return np.where(np.isnan(total), 0.0, total)

    def off(self, columns: Columns, records: Records) -> Floats:
        """Return by how much each record breaks it (n,): 0 or more."""
        over = self.over(columns, records)
        return np.abs(over) if self.equal else np.maximum(over, 0.0)

    def worse(self, columns: Columns, before: Records, after: Records) -> Mask:
        """Return where it is broken, and more than the original broke it (n,)."""
        off = self.off(columns, after)
        out = off > self.tolerance
        if out.any():
            out[out] = off[out] > self.off(columns, before[out]) + 1e-9
        return out

    def mend(self, columns: Columns, reach: Reach, before: Records, after: Records) -> Records:
        """Move what was left alone, the cheapest first; then take back what was changed; as far as needed."""
        out = after.copy()
        over = self.over(columns, out)
        by_price = np.argsort([_price_per_unit(reach, j, w) for j, w in self._parts()], kind="stable")
        for turn, order in ((False, by_price), (True, by_price[::-1])):
            for at in order.tolist():
                j, weight = int(self.features[at]), float(self.weights[at])
                if j not in reach.numbers or numbers_of(columns.features[j]) is not None:
                    continue
                was, now = before[:, j], out[:, j]
                need = np.where(np.abs(over) > self.tolerance, -over / weight, 0.0)
                need = np.where((over < 0) & (not self.equal), 0.0, need)
                to = now + need
                if turn:  # back, and no further than where it came from
                    to = np.where(now > was, np.clip(to, was, now), np.where(now < was, np.clip(to, now, was), now))
                to = _outward(reach, j, now, to)
                if turn:
                    to = np.where((to - was) * (now - was) < 0, was, to)
                moving = (to != now) & ((now != was) if turn else (now == was))
                moving &= (need > 0) == (to > now)
                if not turn:
                    to = np.clip(to, reach.first[j], reach.last[j])
                    moving &= reach.price(j, was, to) < FORBIDDEN
                out[:, j] = np.where(moving, to, now)
                over = self.over(columns, out)
        return out

    def _parts(self) -> list[tuple[int, float]]:
        return list(zip(self.features.tolist(), self.weights.tolist(), strict=True))


def _price_per_unit(reach: Reach, j: int, weight: float) -> float:
    return float(reach.down[j] if weight > 0 else reach.up[j]) / abs(weight)


def _outward(reach: Reach, j: int, now: Floats, to: Floats) -> Floats:
    """Return values on the grid, at least as far from ``now`` as they were."""
    step = float(reach.step[j])
    if step == 0:
        return to
    steps = to / step
    grid = np.where(to > now, np.ceil(steps - ON_GRID), np.floor(steps + ON_GRID)) * step
    return np.where(to == now, now, grid)


@dataclass(frozen=True, eq=False)
class Test:
    """A condition on one feature: ``allowed`` ranks where it is listed, else an operation and its values."""

    feature: int
    test: str
    values: Floats
    allowed: Mask | None
    candidates: Floats

    @staticmethod
    def of(condition: Condition, columns: Columns, *, opposite: bool = False) -> Test:
        """Compile; BadInput for unknown features and values that are never taken."""
        j = columns.index(condition.feature)
        feature = columns.features[j]
        test = _OPPOSITE[condition.test] if opposite else condition.test
        wanted = condition.value if condition.test == "in" else (condition.value,)
        values = np.array([_code(feature, v) for v in wanted], dtype=np.float64)
        if feature.listed:
            ranks = np.arange(len(feature.values), dtype=np.float64)
            allowed = _passes(test, ranks, values)
            return Test(j, test, values, allowed, ranks[allowed])
        return Test(j, test, values, None, _nearest(test, values, feature.step or 0.0))

    def __call__(self, records: Records) -> Mask:
        """Return which records pass (n,); those in which the feature is missing do."""
        column = records[:, self.feature]
        return np.isnan(column) | _passes(self.test, column, self.values)

    def cheapest(self, reach: Reach, before: Records) -> tuple[Floats, Floats]:
        """Return the cheapest value that passes, from the original's (n,), and what it costs; FORBIDDEN if none can."""
        was = before[:, self.feature]
        own = np.where(_passes(self.test, was, self.values), was, np.nan)
        to = np.column_stack([own, np.broadcast_to(self.candidates, (len(was), len(self.candidates)))])
        cost = reach.price(self.feature, was, to)
        best = cost.argmin(axis=1)
        every = np.arange(len(was))
        return to[every, best], cost[every, best]


@dataclass(frozen=True, eq=False)
class When:
    """Where ``when`` passes, ``then`` does; ``never`` is the opposite of ``when``."""

    name: str
    when: Test
    then: Test
    never: Test
    tolerance: float = 0.0
    features: Ints = field(init=False)

    def __post_init__(self) -> None:
        """Note the features."""
        object.__setattr__(self, "features", np.array([self.when.feature, self.then.feature], dtype=np.int64))

    @staticmethod
    def of(relation: Implication, columns: Columns) -> list[When]:
        """Compile, one for each direction that holds."""

        def one(when: Condition, then: Condition, opposite: bool) -> When:
            tests = (
                Test.of(c, columns, opposite=o) for c, o in ((when, opposite), (then, opposite), (when, not opposite))
            )
            first, second, never = tests
            return When(relation.name, first, second, never)

        if relation.when.feature == relation.then.feature:
            raise BadInput(f"The relation {relation.name!r} has one feature only: bound it instead.")
        ways = [one(relation.when, relation.then, False)]
        return [*ways, one(relation.when, relation.then, True)] if relation.both else ways

    def off(self, columns: Columns, records: Records) -> Floats:
        """Return 1 where a record breaks it, else 0 (n,)."""
        del columns
        there = ~np.isnan(records[:, self.features]).any(axis=1)
        return (there & self.when(records) & ~self.then(records)).astype(np.float64)

    def worse(self, columns: Columns, before: Records, after: Records) -> Mask:
        """Return where it is broken, and was not in the original (n,)."""
        out = self.off(columns, after) > 0
        if out.any():
            out[out] = self.off(columns, before[out]) == 0
        return out

    def mend(self, columns: Columns, reach: Reach, before: Records, after: Records) -> Records:
        """Make the second condition true, or the first one false: first where the attacker changed nothing."""
        del columns
        out = after.copy()
        true, true_cost = self.then.cheapest(reach, before)
        false, false_cost = self.never.cheapest(reach, before)
        when, then = self.when.feature, self.then.feature
        rather_false = (after[:, then] != before[:, then]) & (after[:, when] == before[:, when])
        make_false = (false_cost < FORBIDDEN) & (rather_false | ~(true_cost < FORBIDDEN))
        make_true = (true_cost < FORBIDDEN) & ~make_false
        out[make_false, when] = false[make_false]
        out[make_true, then] = true[make_true]
        return out


def _code(feature: Feature, value: object) -> float:
    if not feature.listed:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadInput(f"The feature {feature.name!r} is a number and cannot be {value!r}.")
        return float(value)
    if value not in feature.values:
        raise BadInput(f"The feature {feature.name!r} cannot be {value!r}: its schema does not list it.")
    return float(feature.values.index(value))


def _passes(test: str, column: Floats, values: Floats) -> Mask:
    if test in ("==", "!="):
        return np.asarray(column == values[0] if test == "==" else column != values[0])
    if test in ("in", "not in"):
        found = (column[..., None] == values).any(axis=-1)
        return np.asarray(found if test == "in" else ~found)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[test](column, values[0])
        )


def _nearest(test: str, values: Floats, step: float) -> Floats:
    """Return the numbers that pass a test next to those that do not."""
    if test in ("==", "in"):
        return values
    if step == 0:
        below, above = np.nextafter(values, -np.inf), np.nextafter(values, np.inf)
        at_most, at_least = values, values
    else:
        at_most, at_least = np.floor(values / step + ON_GRID) * step, np.ceil(values / step - ON_GRID) * step
        below = np.where(at_most < values, at_most, at_most - step)
        above = np.where(at_least > values, at_least, at_least + step)
    found = {"<": below, "<=": at_most, ">": above, ">=": at_least}.get(test)
    if found is None:  # neither of the values
        found = np.concatenate([below, above])
        found = found[_passes(test, found, values)]
    return found
