"""Relations between features, as frozen data: what must hold in a record besides each feature's own range.

A relation that reads a missing value holds. What the original record broke from the start may stay as it is, or become
less wrong, not more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from vauban.errors import BadInput, unknown
from vauban.schema.expression import Calculation, Expression

TESTS = ("==", "!=", "<", "<=", ">", ">=", "in")


@dataclass(frozen=True)
class Linear:
    """A weighted sum of features is at most, or exactly, a bound.

    Attributes:
        name: what people call it.
        weights: of each feature; a mapping, kept as pairs. A listed feature counts as its value where all its values
            are numbers, else as its rank.
        bound: what the sum is at most.
        equal: whether it is exactly that.
        tolerance: how far over (or off) the sum may be.
        note: on what grounds; shown in reports.
    """

    name: str
    weights: Mapping[str, float] | tuple[tuple[str, float], ...]
    bound: float = 0.0
    equal: bool = False
    tolerance: float = 1e-6
    note: str = ""

    def __post_init__(self) -> None:
        """Keep the weights as pairs; refuse what is not finite, or a tolerance below 0."""
        pairs = tuple(self.weights.items()) if isinstance(self.weights, Mapping) else tuple(self.weights)
        object.__setattr__(self, "weights", tuple((str(n), float(w)) for n, w in pairs))
        object.__setattr__(self, "bound", float(self.bound))
        if not pairs or not all(math.isfinite(w) and w != 0 for _, w in pairs) or not math.isfinite(self.bound):
            raise BadInput(f"The relation {self.name!r} needs finite weights, none of them 0, and a finite bound.")
        _check_tolerance(self.name, self.tolerance)

    @property
    def terms(self) -> tuple[tuple[str, float], ...]:
        """The features and their weights."""
        return tuple(dict(self.weights).items())


@dataclass(frozen=True)
class Condition:
    """A simple test of one feature: ``test`` is one of `TESTS`; those of order go by rank where values are listed."""

    feature: str
    test: str
    value: Any

    def __post_init__(self) -> None:
        """Refuse what is no test."""
        if self.test not in TESTS:
            raise unknown("test", self.test, TESTS)
        if self.test == "in":
            object.__setattr__(self, "value", tuple(self.value))


@dataclass(frozen=True)
class Implication:
    """Where one condition holds, another one does; with ``both``, also the other way round."""

    name: str
    when: Condition
    then: Condition
    both: bool = False
    note: str = ""


@dataclass(frozen=True)
class Derived:
    """A feature that follows from others: recomputed, never moved by itself, and free of charge.

    It is rounded to the feature's step. Where none of its causes changed it keeps its value, even one that does not
    follow; where it is missing it stays so. A record in which it would have no value, or one out of its bounds, is
    impossible.

    Attributes:
        feature: its name.
        expression: what it follows from.
        tolerance: how far a value may be off.
        otherwise: its value where the expression has none (0 / 0); None where there is no such record.
        note: on what grounds; shown in reports.
    """

    feature: str
    expression: Expression
    tolerance: float = 1e-9
    otherwise: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a tolerance below 0."""
        _check_tolerance(self.name, self.tolerance)

    @property
    def name(self) -> str:
        """What people call it: the feature."""
        return self.feature


Relation: TypeAlias = Linear | Implication | Derived


def ratio(feature: str, over: str, under: str, **more: Any) -> Derived:
    """Return the relation of a feature that is one other over another; ``more`` is as for `Derived`."""
    return Derived(feature, Calculation("/", (over, under)), **more)


def _check_tolerance(name: str, tolerance: float) -> None:
    if not tolerance >= 0:
        raise BadInput(f"The relation {name!r} needs a tolerance of 0 or more. Got {tolerance}.")
