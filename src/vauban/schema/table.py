"""The schema of a table: encode, decode, price and repair whole batches of records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vauban.errors import BadInput, unknown
from vauban.records import Floats, Ints, Mask, Modality, Records
from vauban.schema.feature import FORBIDDEN, ON_GRID, Feature, Price, directed_cost
from vauban.schema.mending import Reach
from vauban.schema.relations import Relation
from vauban.schema.rules import Rules


@dataclass(frozen=True)
class TableSchema:
    """Features in the order of a record's columns, the unit that their prices are in, and what relates them.

    A changed feature is possible when its price permits the move, the new value lies within the bounds and on the
    grid; an unchanged one always is, wherever it lies. What is missing stays missing. A changed record must also obey
    every relation that its original obeyed, and may break none more than its original did.
    """

    features: tuple[Feature, ...]
    unit: str = "effort"
    relations: tuple[Relation, ...] = ()

    modality = Modality.TABULAR

    def __post_init__(self) -> None:
        """Refuse duplicate names and columns."""
        for what, names in (("feature", [f.name for f in self.features]), ("column", list(self.columns))):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise BadInput(f"Each {what} may occur once in a schema. Got twice: {', '.join(twice)}.")
        if self.relations:
            self.rules  # noqa: B018 - relations that cannot be are refused here and now

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names, in order."""
        return tuple(f.name for f in self.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw column names, in order; one-hot groups have several."""
        return tuple(c for f in self.features for c in f.columns)

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.features)

    def index(self, name: str) -> int:
        """Return the position of a feature; BadInput if there is none of that name."""
        if name not in self.names:
            raise unknown("feature", name, self.names)
        return self.names.index(name)

    def priced(self, prices: Mapping[str, Price]) -> TableSchema:
        """Return the schema with some features' prices replaced: who attacks decides who can change what."""
        for name in prices:
            self.index(name)
        return replace(
            self, features=tuple(replace(f, price=prices[f.name]) if f.name in prices else f for f in self.features)
        )

    # --- what may change --------------------------------------------------------------------------

    @cached_property
    def mutable(self) -> Ints:
        """Positions of the features that this attacker can change."""
        return np.array([j for j, f in enumerate(self.features) if f.price.mutable], dtype=np.int64)

    @cached_property
    def numbers(self) -> Ints:
        """Positions of the mutable numeric, integer and ordinal features: those that can be bisected."""
        return np.array([j for j in self.mutable if self.features[j].price.moves is None], dtype=np.int64)

    @cached_property
    def categories(self) -> Ints:
        """Positions of the mutable features priced by a cost matrix."""
        return np.array([j for j in self.mutable if self.features[j].price.moves is not None], dtype=np.int64)

    @cached_property
    def fixed(self) -> Ints:
        """Positions of the immutable features; derived ones are neither these nor mutable."""
        moving = [self.mutable, self.rules.derived] if self.relations else [self.mutable]
        return np.setdiff1d(np.arange(len(self.features)), np.concatenate(moving))

    @cached_property
    def up(self) -> Floats:
        """Cost per unit upwards of ``numbers`` (m,)."""
        return np.array([self.features[j].price.up for j in self.numbers], dtype=np.float64)

    @cached_property
    def down(self) -> Floats:
        """Cost per unit downwards of ``numbers`` (m,)."""
        return np.array([self.features[j].price.down for j in self.numbers], dtype=np.float64)

    @cached_property
    def lower(self) -> Floats:
        """Lower bounds of all features (d,); 0 for listed ones."""
        return np.array([f.lower for f in self.features], dtype=np.float64)

    @cached_property
    def upper(self) -> Floats:
        """Upper bounds of all features (d,); the last index for listed ones."""
        return np.array([f.upper for f in self.features], dtype=np.float64)

    @cached_property
    def step(self) -> Floats:
        """Grid of all features (d,): 0 for a continuum, 1 for listed ones."""
        return np.array([1.0 if f.listed else f.step or 0.0 for f in self.features], dtype=np.float64)

    @cached_property
    def _ends(self) -> tuple[Floats, Floats]:
        """Lowest and highest value of ``numbers`` within bounds and on the grid, each (m,)."""
        n = self.numbers
        step = self.step[n]
        with np.errstate(invalid="ignore", divide="ignore"):
            first = np.where(step > 0, np.ceil(self.lower[n] / step - ON_GRID) * step, self.lower[n])
            last = np.where(step > 0, np.floor(self.upper[n] / step + ON_GRID) * step, self.upper[n])
        return first, last

    @cached_property
    def _moves(self) -> dict[int, Floats]:
        return {int(j): self.features[j].moves() for j in self.categories}

    def moves(self, j: int) -> Floats:
        """Return the cost matrix (k, k) of the mutable categorical feature at position j."""
        return self._moves[j]

    def span(self, before: Records) -> tuple[Floats, Floats]:
        """Return the lowest and highest attainable value of every feature, each (n, d), from these records.

        Bounds, directions and grid are respected; an immutable, derived or missing feature spans its own value only.
        Relations may allow less.
        """
        low, high = before.copy(), before.copy()
        low[:, self.numbers], high[:, self.numbers] = self._span(before[:, self.numbers])
        return low, high

    def _span(self, now: Floats) -> tuple[Floats, Floats]:
        first, last = self._ends
        low = np.where((self.down < FORBIDDEN) & (first < now), first, now)
        high = np.where((self.up < FORBIDDEN) & (last > now), last, now)
        return low, high

    # --- prices -----------------------------------------------------------------------------------

    def costs(self, before: Records, after: Records) -> Floats:
        """Return the price of each mutable feature's change (n, m), columns in the order of ``mutable``.

        FORBIDDEN where this attacker cannot make the change or the new value is none that the feature can take.
        """
        order = np.concatenate([self.numbers, self.categories])
        out = np.empty((len(after), len(order)), dtype=np.float64)
        out[:, : len(self.numbers)] = self._number_costs(before[:, self.numbers], after[:, self.numbers])
        for at, j in enumerate(self.categories, start=len(self.numbers)):
            out[:, at] = self._category_costs(int(j), before[:, j], after[:, j])
        return out[:, np.argsort(order, kind="stable")]

    def _number_costs(self, before: Floats, after: Floats) -> Floats:
        n = self.numbers
        step = self.step[n]
        slack = ON_GRID * step  # the last multiple of 0.1 within 0.3 is a little more than 0.3
        with np.errstate(invalid="ignore"):  # what is infinite or missing is no change that anybody can make
            change = after - before
            cost = directed_cost(change, self.up, self.down)
            bad = (after < self.lower[n] - slack) | (after > self.upper[n] + slack) | ~np.isfinite(change)
            gridded = step > 0
            if gridded.any():
                steps = after[:, gridded] / step[gridded]
                bad[:, gridded] |= np.abs(steps - np.rint(steps)) > ON_GRID
        moved = change != 0  # NaN != 0: a missing value on one side counts as moved
        if np.isnan(change).any():
            moved &= ~(np.isnan(before) & np.isnan(after))
            cost = np.where(moved, cost, 0.0)
        cost[moved & bad] = FORBIDDEN
        return cost

    def _category_costs(self, j: int, before: Floats, after: Floats) -> Floats:
        matrix = self._moves[j]
        known = (before >= 0) & (after >= 0) & (after < len(matrix)) & (after == np.floor(after))
        cost = np.full(len(after), FORBIDDEN)
        cost[known] = matrix[before[known].astype(np.intp), after[known].astype(np.intp)]
        cost[(before == after) | (np.isnan(before) & np.isnan(after))] = 0.0
        return cost

    def cost(self, before: Records, after: Records) -> Floats:
        """Return what this attacker pays to turn each record into another (n,), in ``unit``.

        Args:
            before: encoded records (n, d).
            after: encoded records (n, d).

        Returns:
            The sum of the features' prices; FORBIDDEN where ``after`` is no record that he can make of ``before``.
        """
        total = np.zeros(len(after))
        for cost in self._number_costs(before[:, self.numbers], after[:, self.numbers]).T:
            total += cost  # one by one: sum() adds in an order that depends on how many records there are
        for j in self.categories:
            total += self._category_costs(int(j), before[:, j], after[:, j])
        was, now = before[:, self.fixed], after[:, self.fixed]
        same = (was == now) | (np.isnan(was) & np.isnan(now))
        total[~same.all(axis=1)] = FORBIDDEN
        if self.relations:
            total[self.rules.broken(before, after).any(axis=1)] = FORBIDDEN
        return np.asarray(total)

    def repair(self, before: Records, after: Records) -> Records:
        """Return records near to ``after`` (n, d) that this attacker can make of ``before``.

        Numbers are cut to the attainable range and moved to the grid, towards where they came from; a category that
        cannot be reached, what is no finite number, and whatever is immutable or missing, goes back to what it was.
        Derived features are recomputed. Where a relation is broken, what ``after`` left alone is moved so that the rest
        can stay; if that is not possible, what it changed goes back, as far as needed.
        """
        out = self._each_possible(before, after)
        return self.rules.repair(before, out, self._each_possible) if self.relations else out

    def _each_possible(self, before: Records, after: Records) -> Records:
        """Return records in which every feature is possible by itself (n, d)."""
        out = before.copy()
        n = self.numbers
        now = before[:, n]
        cut = np.clip(after[:, n], *self._span(now))
        cut = np.where(cut == now, now, np.clip(cut, *self._ends))  # a record may lie beyond the bounds, a change not
        snapped = self.snap(now, cut, n)
        out[:, n] = np.where(np.isfinite(snapped), snapped, now)
        for j in self.categories:
            cost = self._category_costs(int(j), before[:, j], after[:, j])
            out[:, j] = np.where(cost < FORBIDDEN, after[:, j], before[:, j])
        return out

    def snap(self, before: Floats, after: Floats, features: Ints) -> Floats:
        """Return numbers (n, len(features)) moved to the grid of ``features``, in the direction of ``before``."""
        step = self.step[features]
        with np.errstate(invalid="ignore", divide="ignore"):
            steps = after / step
            whole = np.where(after > before, np.floor(steps + ON_GRID), np.ceil(steps - ON_GRID)) * step
        whole = np.where((after > before) == (whole > before), whole, before)
        return np.where((step > 0) & (after != before), whole, after)

    # --- relations --------------------------------------------------------------------------------

    @cached_property
    def rules(self) -> Rules:
        """The relations, compiled."""
        d, n = len(self.features), self.numbers
        first, last, up, down = (np.full(d, fill) for fill in (-np.inf, np.inf, FORBIDDEN, FORBIDDEN))
        first[n], last[n] = self._ends
        up[n], down[n] = self.up, self.down
        reach = Reach(n, first, last, self.step, up, down, self._moves)
        return Rules.of(self.relations, self.features, reach)

    def holds(self, records: Records) -> Mask:
        """Return which records obey every relation (n,), whatever they were made of."""
        return np.asarray(~self.rules.unmet(records).any(axis=1)) if self.relations else np.ones(len(records), bool)

    def derived(self, records: Records) -> Records:
        """Return the records (n, d) with derived features recomputed from the others: ones that nobody had before."""
        return self.rules.renewed(records) if self.relations else records

    def obeying(self, before: Records, after: Records) -> tuple[Records, Mask]:
        """Return changed records with what follows from the changes (n, d), whoever made them, and which obey (n,)."""
        if not self.relations:
            return after, np.ones(len(after), dtype=bool)
        after = self.rules.derive(before, after)
        return after, np.asarray(~self.rules.broken(before, after).any(axis=1))

    # --- raw frames -------------------------------------------------------------------------------

    def encode(self, frame: pd.DataFrame) -> Records:
        """Return a raw frame as encoded records (n, d); BadInput for missing columns and values never listed."""
        absent = [c for c in self.columns if c not in frame.columns]
        if absent:
            raise BadInput(
                f"The data lack the columns {', '.join(absent)}. Present: {', '.join(map(str, frame.columns))}."
            )
        out = np.empty((len(frame), len(self.features)), dtype=np.float64)
        for j, f in enumerate(self.features):
            out[:, j] = _encode_group(f, frame) if len(f.columns) > 1 else _encode_column(f, frame[f.columns[0]])
        return out

    def decode(self, records: Records) -> pd.DataFrame:
        """Return encoded records (n, d) as the raw frame that the model receives, dtypes restored."""
        data: dict[str, Any] = {}
        for j, f in enumerate(self.features):
            if len(f.columns) > 1:
                for i, column in enumerate(f.columns):
                    data[column] = (records[:, j] == i).astype(f.dtype)
            else:
                data[f.columns[0]] = _decode_column(f, records[:, j])
        return pd.DataFrame(data)

    @cached_property
    def _raw_numbers(self) -> tuple[Floats, list[tuple[int, Floats]]] | None:
        """How indices of listed features become raw values; None where a frame is needed.

        What to add to every feature (d,), where the values count up from some number, and the values of the others.
        """
        if any(len(f.columns) > 1 for f in self.features):
            return None
        more, found = np.zeros(len(self.features)), []
        for j, f in enumerate(self.features):
            if not f.listed:
                continue
            if not all(isinstance(v, (bool, int, float)) for v in f.values):
                return None
            values = np.array([*f.values, np.nan], dtype=np.float64)
            if np.array_equal(values[:-1], values[0] + np.arange(len(f.values))):
                more[j] = values[0]
            else:
                found.append((j, values))
        return more, found

    def to_matrix(self, records: Records) -> Any:
        """Return encoded records (n, d) as the bare matrix of raw values that a model without column names receives."""
        if self._raw_numbers is None:
            return self.decode(records).to_numpy()
        more, listed = self._raw_numbers
        if not more.any() and not listed:
            return records
        out = records + more
        for j, values in listed:
            codes = records[:, j]
            out[:, j] = values[np.where(np.isnan(codes), len(values) - 1, codes).astype(np.intp)]
        return out


def _encode_column(feature: Feature, column: pd.Series[Any]) -> Floats:
    if not feature.listed:
        try:
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"Feature {feature.name!r} is {feature.kind.value}, but its column holds {error}."
            ) from error
    listed = pd.Index(list(feature.values), dtype=object)
    codes = listed.get_indexer(pd.Index(column.astype(object), dtype=object)).astype(np.float64)
    strange: Mask = (codes < 0) & column.notna().to_numpy()
    if strange.any():
        got = sorted(map(str, column[strange].unique()))[:5]
        raise BadInput(f"Feature {feature.name!r} holds values that its schema does not list: {', '.join(got)}.")
    codes[codes < 0] = np.nan
    return np.asarray(codes)


def _encode_group(feature: Feature, frame: pd.DataFrame) -> Floats:
    try:
        block = frame[list(feature.columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise BadInput(f"One-hot group {feature.name!r} needs columns of 0 and 1, but they hold {error}.") from error
    if not ((block == 0) | (block == 1)).all() or not (block.sum(axis=1) == 1).all():
        raise BadInput(
            f"One-hot group {feature.name!r} needs exactly one 1 per record in {', '.join(feature.columns)}."
        )
    return np.asarray(block.argmax(axis=1), dtype=np.float64)


def _decode_column(feature: Feature, codes: Floats) -> Any:
    missing = np.isnan(codes)
    if feature.dtype.startswith(("bool", "int", "uint")) and feature.dtype != "boolean" and missing.any():
        raise BadInput(
            f"Feature {feature.name!r} has missing values, which its column of {feature.dtype} cannot hold. "
            "Give it the dtype of the column as the model receives it, for example float64, Int64 or boolean."
        )
    if not feature.listed:
        if feature.dtype == "float64":
            return codes
        whole = feature.dtype.lower().startswith(("int", "uint"))  # a cast cuts 2.9999999 down to 2
        return pd.Series(np.rint(codes) if whole else codes).astype(feature.dtype)
    if feature.dtype == "category":  # the same categories whatever the batch
        return pd.Categorical.from_codes(np.where(missing, -1, codes).astype(np.intp), categories=list(feature.values))
    values = np.empty(len(feature.values) + 1, dtype=object)
    values[:-1] = feature.values
    values[-1] = None
    raw = values[np.where(missing, len(feature.values), codes).astype(np.intp)]
    return pd.Series(raw, dtype=feature.dtype)
