"""Small expressions over the features of a record: plain data, evaluated here and by nothing else.

An expression is a number, the name of a feature, or one of the classes below. A listed feature counts as its value
where all its values are numbers, else as its rank in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from vauban.errors import BadInput, unknown
from vauban.records import Floats, Records
from vauban.schema.feature import Feature


@dataclass(frozen=True)
class Was:
    """What a feature was in the original record: what stays the same while others change is made of it."""

    feature: str


@dataclass(frozen=True)
class Calculation:
    """A calculation with the values of other expressions: ``operation`` is one of `OPERATIONS`."""

    operation: str
    of: tuple[Expression, ...]

    def __post_init__(self) -> None:
        """Refuse what is no operation, and too few values for it."""
        if self.operation not in OPERATIONS:
            raise unknown("operation", self.operation, OPERATIONS)
        if len(self.of) < 2:
            raise BadInput(f"The operation {self.operation!r} needs two values or more. Got {len(self.of)}.")


@dataclass(frozen=True)
class Lookup:
    """A value for each value of a listed feature: ``pairs`` of the two."""

    feature: str
    pairs: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class Steps:
    """A value for each range of a number: ``values[i]`` from ``cuts[i - 1]`` on and below ``cuts[i]``."""

    of: Expression
    cuts: tuple[float, ...]
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Refuse cuts that do not rise, and a wrong number of values."""
        if len(self.values) != len(self.cuts) + 1 or list(self.cuts) != sorted(set(self.cuts)):
            raise BadInput(
                "Steps need cuts that rise, and one value more than cuts. "
                f"Got the cuts {self.cuts} and {len(self.values)} values."
            )


Expression: TypeAlias = "float | str | Was | Calculation | Lookup | Steps"

OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "min": np.minimum,
    "max": np.maximum,
}


def read_by(expression: Expression) -> Iterator[str]:
    """Yield the features whose new values an expression reads: its causes."""
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, Lookup):
        yield expression.feature
    elif isinstance(expression, Steps):
        yield from read_by(expression.of)
    elif isinstance(expression, Calculation):
        for part in expression.of:
            yield from read_by(part)


@dataclass(frozen=True)
class Columns:
    """Where features stand in a record, and what their codes mean."""

    features: tuple[Feature, ...]

    def index(self, name: str) -> int:
        """Return the position of a feature; BadInput if there is none of that name."""
        names = [f.name for f in self.features]
        if name not in names:
            raise unknown("feature", name, names)
        return names.index(name)

    def value(self, expression: Expression, before: Records, after: Records) -> Floats:
        """Return the value (n,) of an expression; NaN where a value is missing, infinite or NaN where it has none."""
        return np.broadcast_to(np.asarray(self._value(expression, before, after), dtype=np.float64), len(after))

    def _value(self, expression: Expression, before: Records, after: Records) -> Any:
        if isinstance(expression, str):
            return self._column(expression, after)
        if isinstance(expression, Was):
            return self._column(expression.feature, before)
        if isinstance(expression, Calculation):
            return reduce(OPERATIONS[expression.operation], (self._value(e, before, after) for e in expression.of))
        if isinstance(expression, Lookup):
            j = self.index(expression.feature)
            pairs = dict(expression.pairs)
            table = np.array([*(pairs.get(v, np.nan) for v in self.features[j].values), np.nan], dtype=np.float64)
            return _at(table, after[:, j])
        if isinstance(expression, Steps):
            values = np.array(expression.values, dtype=np.float64)
            of = np.asarray(self._value(expression.of, before, after))
            return np.where(np.isnan(of), np.nan, values[np.digitize(of, expression.cuts)])
        return float(expression)

    def _column(self, name: str, records: Records) -> Floats:
        j = self.index(name)
        table = numbers_of(self.features[j])
        return np.asarray(records[:, j]) if table is None else _at(table, records[:, j])

    def check(self, expression: Expression) -> None:
        """Refuse names of no feature, and lookups of what is not listed."""
        if isinstance(expression, (str, Was)):
            self.index(expression if isinstance(expression, str) else expression.feature)
        elif isinstance(expression, Calculation):
            for part in expression.of:
                self.check(part)
        elif isinstance(expression, Steps):
            self.check(expression.of)
        elif isinstance(expression, Lookup):
            feature = self.features[self.index(expression.feature)]
            strange = [k for k, _ in expression.pairs if k not in feature.values]
            if not feature.listed or strange:
                raise BadInput(
                    f"A lookup needs a listed feature and values of it. Got {expression.feature!r}"
                    + (f", whose schema does not list {strange[0]!r}." if feature.listed else ", which is a number.")
                )
        elif not isinstance(expression, (int, float)) or isinstance(expression, bool):
            raise BadInput(f"An expression is a number, the name of a feature, or made of these. Got {expression!r}.")


def numbers_of(feature: Feature) -> Floats | None:
    """Return what the codes of a listed feature count as, with NaN behind; None where they count as they are."""
    if not feature.listed or not all(isinstance(v, (int, float)) for v in feature.values):
        return None
    return np.array([*feature.values, np.nan], dtype=np.float64)


def ranked(expression: Expression, feature: Feature) -> Expression:
    """Return the expression of a listed feature with values of the feature replaced by their ranks.

    Raises BadInput for an expression that yields what the feature does not list, or may yield any number.
    """
    if not feature.listed:
        return expression
    if not isinstance(expression, (Lookup, Steps)):
        if numbers_of(feature) is None:
            raise BadInput(f"The feature {feature.name!r} is listed: derive it by a lookup or by steps.")
        return expression
    yields: Sequence[Any] = (
        [v for _, v in expression.pairs] if isinstance(expression, Lookup) else list(expression.values)
    )
    strange = [v for v in yields if v not in feature.values]
    if strange:
        raise BadInput(f"The feature {feature.name!r} is derived as {strange[0]!r}, which its schema does not list.")
    if isinstance(expression, Lookup):
        pairs = tuple((k, float(feature.values.index(v))) for k, v in expression.pairs)
        return Lookup(expression.feature, pairs)
    return Steps(expression.of, expression.cuts, tuple(float(feature.values.index(v)) for v in expression.values))


def _at(table: Floats, codes: Floats) -> Floats:
    """Return the entries of a table for codes; its last one where they are missing, or none of the list."""
    known = (codes >= 0) & (codes < len(table) - 1)
    return np.asarray(table[np.where(known, codes, len(table) - 1).astype(np.intp)])
