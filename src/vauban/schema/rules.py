"""Relations compiled for whole batches of records: what breaks them, and how a record is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vauban.errors import BadInput
from vauban.records import Ints, Mask, Records
from vauban.schema.expression import Columns
from vauban.schema.feature import Feature
from vauban.schema.following import Follows
from vauban.schema.mending import Line, Reach, When
from vauban.schema.relations import Derived, Implication, Linear, Relation

_PASSES = 4
_HALVINGS = 7

Plain = Callable[[Records, Records], Records]


@dataclass(frozen=True)
class Rules:
    """What the relations of a schema say of records.

    Attributes:
        names: of the relations, in the order of the columns of ``broken``.
        columns: where features stand.
        follows: the derived features, causes before what follows from them.
        others: the other relations.
        reach: how far features can be moved.
    """

    names: tuple[str, ...]
    columns: Columns
    follows: tuple[Follows, ...]
    others: tuple[Line | When, ...]
    reach: Reach

    @staticmethod
    def of(relations: Iterable[Relation], features: tuple[Feature, ...], reach: Reach) -> Rules:
        """Compile; BadInput for unknown features, a derived one that is priced or derived twice, or follows itself."""
        columns = Columns(features)
        derived = [r for r in relations if isinstance(r, Derived)]
        follows = _in_order([Follows.of(r, columns) for r in derived], columns)
        others: list[Line | When] = []
        for r in relations:
            if isinstance(r, Linear):
                others.append(Line.of(r, columns))
            elif isinstance(r, Implication):
                others += When.of(r, columns)
        names = (*(features[f.feature].name for f in follows), *(o.name for o in others))
        return Rules(names, columns, follows, tuple(others), reach)

    @cached_property
    def derived(self) -> Ints:
        """Positions of the derived features."""
        return np.array(sorted(f.feature for f in self.follows), dtype=np.int64)

    @cached_property
    def _together(self) -> tuple[Ints, Ints]:
        """Which group each relation and each feature belongs to: those of different groups have nothing in common."""
        touched = [np.unique([f.feature, *f.causes]) for f in self.follows] + [o.features for o in self.others]
        group = np.arange(len(self.columns.features))
        for features in touched:
            group[np.isin(group, group[features])] = group[features].min()
        return np.array([group[f[0]] for f in touched], dtype=np.int64), group

    # --- what is wrong ----------------------------------------------------------------------------

    def unmet(self, records: Records) -> Mask:
        """Return which relations each record breaks, whatever it was made of (n, r)."""
        with np.errstate(all="ignore"):
            found = [r.off(self.columns, records) > r.tolerance for r in (*self.follows, *self.others)]
        return _stack(found, len(records))

    def broken(self, before: Records, after: Records) -> Mask:
        """Return which relations stand between each record and the other one (n, r).

        Whatever the original broke already may be broken as much, not more. A derived feature must be what follows, or
        what it was where none of its causes changed, and within its bounds.
        """
        with np.errstate(all="ignore"):
            found = [~f.kept(self.columns, before, after) for f in self.follows]
            return _stack(found + self._worse(before, after), len(after))

    def _stuck(self, before: Records, derived: Records) -> Mask:
        """Return what is broken in records whose derived features were just recomputed (n, r)."""
        with np.errstate(all="ignore"):
            found = [~f.fits(self.columns, before, derived) for f in self.follows]
            return _stack(found + self._worse(before, derived), len(derived))

    def _worse(self, before: Records, after: Records) -> list[Mask]:
        touched = (before != after).any(axis=0)
        no = np.zeros(len(after), dtype=bool)
        return [o.worse(self.columns, before, after) if touched[o.features].any() else no for o in self.others]

    # --- mending ----------------------------------------------------------------------------------

    def derive(self, before: Records, after: Records) -> Records:
        """Return the records with derived features recomputed (n, d)."""
        out = after.copy()
        with np.errstate(all="ignore"):
            for f in self.follows:
                out[:, f.feature] = f.value(self.columns, before, out)
        return out

    def renewed(self, records: Records) -> Records:
        """Return records that were made of several with derived features as they follow (n, d), where any does."""
        out = records.copy()
        with np.errstate(all="ignore"):
            for f in self.follows:
                out[:, f.feature] = f.fresh(self.columns, out)
        return out

    def repair(self, before: Records, after: Records, plain: Plain) -> Records:
        """Return records that obey all relations (n, d), made of ones in which every feature is possible by itself.

        Derived features are recomputed. Then what the attacker left alone is moved so that what he changed can stay;
        where that is not possible, or not enough, what he changed goes back towards what it was.

        Args:
            before: the originals.
            after: what the attacker wants.
            plain: makes every feature possible by itself.
        """
        out = self.derive(before, after)
        for _ in range(_PASSES):
            rows = np.flatnonzero(self._stuck(before, out).any(axis=1))
            if not len(rows):
                return out
            mended = self._mended(before[rows], out[rows], plain)
            if np.array_equal(mended, out[rows], equal_nan=True):
                break
            out[rows] = mended
        bad = self._stuck(before, out)
        rows = np.flatnonzero(bad.any(axis=1))
        if len(rows):
            out[rows] = self._taken_back(before[rows], out[rows], bad[rows], plain)
        return out

    def _mended(self, before: Records, after: Records, plain: Plain) -> Records:
        for other in self.others:
            at = np.flatnonzero(other.worse(self.columns, before, after))
            if len(at):
                with np.errstate(all="ignore"):
                    moved = other.mend(self.columns, self.reach, before[at], after[at])
                after[at] = self.derive(before[at], plain(before[at], moved))
        return after

    def _taken_back(self, before: Records, after: Records, bad: Mask, plain: Plain) -> Records:
        """Go back, in all that the broken relations have to do with, as far as needed: by halves, or all the way."""
        relations, features = self._together
        mine = np.zeros(after.shape, dtype=bool)
        for r, group in enumerate(relations):
            mine |= bad[:, [r]] & (features == group)
        best = self.derive(before, np.where(mine, before, after))
        part = np.zeros(after.shape, dtype=bool)
        part[:, self.reach.numbers] = mine[:, self.reach.numbers]
        low, high = np.zeros(len(after)), np.ones(len(after))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            trial = np.where(part, before + middle[:, None] * (after - before), after)
            trial = self.derive(before, plain(before, trial))
            good = ~self._stuck(before, trial).any(axis=1)
            best[good] = trial[good]
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        return best


def _stack(columns: list[Mask], n: int) -> Mask:
    return np.stack(columns, axis=1) if columns else np.zeros((n, 0), dtype=bool)


def _in_order(follows: list[Follows], columns: Columns) -> tuple[Follows, ...]:
    """Return derived features in an order in which causes come first; BadInput if one follows from itself."""
    positions = [f.feature for f in follows]
    twice = sorted({columns.features[j].name for j in positions if positions.count(j) > 1})
    if twice:
        raise BadInput(f"A feature is derived once. Got twice: {', '.join(twice)}.")
    done: list[Follows] = []
    left = follows
    while left:
        open_ = {f.feature for f in left}
        ready = [f for f in left if not open_ & set(f.causes.tolist())]
        if not ready:
            names = ", ".join(columns.features[f.feature].name for f in left)
            raise BadInput(f"Derived features may not follow from themselves. These go in a circle: {names}.")
        done += ready
        left = [f for f in left if f not in ready]
    return tuple(done)
