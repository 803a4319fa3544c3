"""One feature of a table: what values it can take, and what an attacker pays to move it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from vauban.errors import BadInput
from vauban.records import Floats

FORBIDDEN = math.inf
"""The price of a move that this attacker cannot make."""


ON_GRID = 1e-6
"""How far from a whole multiple of its step, in steps, a number may lie by rounding alone."""


class Kind(StrEnum):
    """What a feature's values are."""

    NUMERIC = "numeric"
    INTEGER = "integer"
    ORDINAL = "ordinal"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"


LISTED = frozenset({Kind.ORDINAL, Kind.CATEGORICAL, Kind.BOOLEAN})
"""Kinds whose values are a list; a record holds the index of the value in it."""


@dataclass(frozen=True)
class Price:
    """What it costs to move a feature. The default is immutable.

    ``up`` and ``down`` are costs per unit (numbers) or per rank (ordinals) in each direction; ``moves[i][j]`` is the
    cost of going from value i to value j of a categorical or boolean. ``FORBIDDEN`` marks what cannot be done.
    """

    up: float = FORBIDDEN
    down: float = FORBIDDEN
    moves: tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        """Refuse negative or undefined prices."""
        listed = [c for row in self.moves or () for c in row]
        if any(math.isnan(c) or c < 0 for c in (self.up, self.down, *listed)):
            raise BadInput(f"A price must be 0 or more (or FORBIDDEN). Got {self!r}.")
        if self.moves is not None and any(len(row) != len(self.moves) for row in self.moves):
            raise BadInput(f"A cost matrix must be square. Got rows of {[len(r) for r in self.moves]}.")

    @staticmethod
    def flat(k: int, cost: float, *, rising: bool = False) -> Price:
        """Return the price of any move among k values for the same cost; only to later ones if ``rising``."""
        moves = tuple(
            tuple(0.0 if i == j else (FORBIDDEN if rising and j < i else float(cost)) for j in range(k))
            for i in range(k)
        )
        return Price(moves=moves)

    @property
    def mutable(self) -> bool:
        """Whether any move at all is possible."""
        if self.moves is None:
            return self.up < FORBIDDEN or self.down < FORBIDDEN
        return any(c < FORBIDDEN for i, row in enumerate(self.moves) for j, c in enumerate(row) if i != j)


@dataclass(frozen=True)
class Feature:
    """A named feature: kind, range, grid or list of values, and the price of changing it.

    Attributes:
        name: what people call it; also the raw column, unless ``columns`` says otherwise.
        kind: see `Kind`.
        lower, upper: inclusive bounds of numbers.
        step: numbers are whole multiples of it; None is a continuum. Integers have step 1.
        values: the raw values of an ordinal (in rising order), categorical or boolean.
        price: what the attacker pays; immutable by default.
        columns: the raw columns. More than one makes a one-hot group: column i is 1 when the value is ``values[i]``.
        dtype: pandas dtype of the raw column, restored when records are handed to the model.
        note: why it is priced as it is; shown in reports.
    """

    name: str
    kind: Kind
    lower: float = -math.inf
    upper: float = math.inf
    step: float | None = None
    values: tuple[Any, ...] = ()
    price: Price = field(default_factory=Price)
    columns: tuple[str, ...] = ()
    dtype: str = "float64"
    note: str = ""

    def __post_init__(self) -> None:
        """Complete what follows from the kind, and refuse what contradicts it."""
        if not self.columns:
            object.__setattr__(self, "columns", (self.name,))
        if self.kind is Kind.INTEGER and self.step is None:
            object.__setattr__(self, "step", 1.0)
        if self.kind is Kind.BOOLEAN and not self.values:
            object.__setattr__(self, "values", (False, True))
        if self.listed:
            object.__setattr__(self, "lower", 0.0)
            object.__setattr__(self, "upper", float(max(len(self.values) - 1, 0)))
        self._check()

    def _check(self) -> None:
        self._check_values()
        self._check_range()
        if not self.listed and self.price.moves is not None:
            raise BadInput(
                f"Feature {self.name!r} is {self.kind.value}: price it by up and down, not by a cost matrix."
            )
        if self.price.moves is not None and len(self.price.moves) != len(self.values):
            raise BadInput(
                f"Feature {self.name!r} has {len(self.values)} values, its cost matrix {len(self.price.moves)} rows."
            )
        if self.kind is Kind.CATEGORICAL and self.price.moves is None and self.price.mutable:
            raise BadInput(f"Feature {self.name!r} is categorical: price its moves by a cost matrix (see Price.flat).")
        if len(self.columns) > 1 and len(self.columns) != len(self.values):
            raise BadInput(
                f"One-hot group {self.name!r} has {len(self.columns)} columns for {len(self.values)} values."
            )

    def _check_values(self) -> None:
        if not self.listed:
            return
        if not self.values:
            raise BadInput(f"Feature {self.name!r} is {self.kind.value} and needs its list of values. Got none.")
        if len(set(self.values)) < len(self.values) or any(v is None or v != v for v in self.values):
            raise BadInput(f"Feature {self.name!r} needs different values, none of them missing. Got {self.values}.")

    def _check_range(self) -> None:
        if not self.lower <= self.upper:
            raise BadInput(f"Feature {self.name!r} needs bounds in order. Got {self.lower} and {self.upper}.")
        if self.step is None:
            if not self.listed and self.dtype.lower().startswith(("int", "uint")):
                raise BadInput(
                    f"Feature {self.name!r} is a continuum, but its column is {self.dtype}: make it an integer."
                )
            return
        if not self.step > 0:
            raise BadInput(f"Feature {self.name!r} needs a positive step. Got {self.step}.")
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            first, last = self.lower / self.step - ON_GRID, self.upper / self.step + ON_GRID
            if math.ceil(first) > math.floor(last):
                raise BadInput(
                    f"Feature {self.name!r} needs a multiple of its step {self.step} within its bounds. "
                    f"Got {self.lower} and {self.upper}."
                )

    @property
    def listed(self) -> bool:
        """Whether its values are a list."""
        return self.kind in LISTED

    def moves(self) -> Floats:
        """Return the cost matrix (k, k) of a listed feature, row from, column to; an ordinal's from up and down."""
        if self.price.moves is not None:
            return np.array(self.price.moves, dtype=np.float64)
        ranks = np.arange(len(self.values), dtype=np.float64)
        return directed_cost(ranks[None, :] - ranks[:, None], self.price.up, self.price.down)


def directed_cost(change: Floats, up: float | Floats, down: float | Floats) -> Floats:
    """Return the cost of changes of any shape at prices per unit upwards and downwards; 0 where nothing changes."""
    with np.errstate(invalid="ignore"):
        return np.where(change > 0, change * up, np.where(change < 0, -change * down, 0.0))
