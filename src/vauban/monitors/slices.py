"""Slices in which decisions moved from one model to another: found, not listed by hand.

A slice is a value, an interval of a number, a word or a source; where asked, two of them together. What only chance
would have to explain is corrected for all that was looked at (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import binom

from vauban.records import Floats, Ints, Mask

LEAST = 8
"""Changed decisions of one kind that a slice needs to say anything: fewer cannot be told from chance."""
AT_ONCE = 100_000
"""Records whose traits are held at a time."""
NOBODY = -1
"""Owner of a trait that makes no pairs: that of all records."""
PAIRS = 300
"""Pairs of traits, at most, whose sizes are counted."""


@dataclass(frozen=True, eq=False)
class Sections:
    """The traits by which n records are divided.

    Attributes:
        of: rows (m,) to their traits (m, t), sparse, 1 where a record has one.
        names: (t,) in words.
        owners: (t,) the feature that each is of: two of the same make no pair, and `NOBODY`'s makes none.
        margins: (t,) share of a slice's records by which it may be worse: no two fits are the same.
        n: number of records.
        senders: how many of the traits, the last ones, are sources. They are few, and somebody answers for each: by
            themselves they are a family, that is corrected apart from all other slices.
    """

    of: Callable[[Ints], csr_matrix]
    names: Sequence[str]
    owners: Ints
    margins: Floats
    n: int
    senders: int = 0

    def sender(self, traits: tuple[int, ...]) -> bool:
        """Return whether a slice is a source, and nothing else."""
        return len(traits) == 1 and traits[0] >= len(self.names) - self.senders

    @property
    def apart(self) -> Mask:
        """Which two traits make a pair (t, t), each once."""
        paired = self.owners != NOBODY
        different = self.owners[:, None] != self.owners[None, :]
        return np.asarray(np.triu(different & paired[:, None] & paired[None, :], 1))

    def blocks(self, rows: Ints) -> Iterator[tuple[Ints, csr_matrix]]:
        """Yield rows and their traits, as many at a time as fit into memory."""
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            yield part, self.of(part)


@dataclass(frozen=True)
class Change:
    """One kind of change that is looked for among ``mine``: which are ``worse`` now and which ``better``, each (n,)."""

    what: str
    mine: Mask
    worse: Mask
    better: Mask


@dataclass(frozen=True)
class Shift:
    """A slice in which one kind of change is more frequent than the other way round.

    Attributes:
        traits: the trait, or both, of the slice.
        change: which kind, by its place.
        chance: corrected probability that chance brings it anywhere.
        dense: logarithm of the probability of so many changes if those of the whole were spread evenly.
    """

    traits: tuple[int, ...]
    name: str
    change: int
    worse: int
    better: int
    size: int
    chance: float
    dense: float

    def told(self, what: str) -> str:
        """Return it in words."""
        return f"{self.name}: {self.worse} more {what}, {self.better} fewer, of {self.size}"


def unlikely(worse: Any, better: Any, allowed: Any) -> Any:
    """Return how likely so many changes for the worse are, beside those allowed, where both directions are alike."""
    return binom.sf(np.ceil(worse - allowed) - 1, worse + better, 0.5)


def shifts(sections: Sections, changes: Sequence[Change], *, pairs: bool = False) -> tuple[list[Shift], int]:
    """Return every slice that was tested, those where the changes are densest first, and how many there were.

    The exact test of McNemar (1947) on paired decisions in each slice, beside the changes that its margin allows; a
    slice is tested if it has `LEAST` changes.
    """
    masks = [m for c in changes for m in (c.worse, c.better, c.mine)]
    held = _held(sections, masks).reshape(len(changes), 3, -1)
    rows: list[_Tested] = []
    for k, (worse, better, size) in enumerate(held):
        fit = np.flatnonzero(worse + better >= LEAST)
        chance = unlikely(worse[fit], better[fit], sections.margins[fit] * size[fit])
        found = zip(fit.tolist(), worse[fit], better[fit], size[fit], chance, strict=True)
        rows += [_Tested((t,), k, int(w), int(b), int(n), float(p)) for t, w, b, n, p in found]
    tested = len(rows)
    if pairs:
        more, many = _pairs(sections, changes)
        rows, tested = rows + more, tested + many
    if not rows:
        return [], 0
    corrected, sender = np.ones(len(rows)), np.array([sections.sender(r.traits) for r in rows])
    own = int(sender.sum())
    families = 2 if 0 < own < tested else 1
    for mine, many in ((sender, own), (~sender, tested - own)):
        corrected[mine] = np.minimum(families * holm(np.array([r.chance for r in rows])[mine], many), 1.0)
    totals = [(int(c.worse.sum()), max(int(c.mine.sum()), 1)) for c in changes]
    out = []
    for row, chance in zip(rows, corrected.tolist(), strict=True):
        total, whole = totals[row.change]
        dense = float(binom.logsf(row.worse - 1, total, min(row.size / whole, 1.0)))
        name = " and ".join(sections.names[t] for t in row.traits)
        out.append(Shift(row.traits, name, row.change, row.worse, row.better, row.size, chance, dense))
    return sorted(out, key=lambda s: (s.dense, s.chance, s.name)), tested


def holm(chances: Floats, tested: int) -> Floats:
    """Return probabilities (m,) corrected for ``tested`` tests, m or more (Holm, Scand. J. Statistics 6, 1979)."""
    order = np.argsort(chances, kind="stable")
    stepped = np.maximum.accumulate(chances[order] * (tested - np.arange(len(chances))))
    out = np.empty(len(chances))
    out[order] = np.minimum(stepped, 1.0)
    return out


def _held(sections: Sections, masks: Sequence[Mask]) -> Floats:
    """Return how many records of each mask have each trait (k, t)."""
    weights = np.stack(masks, axis=1).astype(np.float64)
    total = np.zeros((len(masks), len(sections.names)))
    for rows, traits in sections.blocks(np.flatnonzero(weights.any(axis=1))):
        total += np.asarray(traits.T @ weights[rows]).T
    return total


class _Tested(NamedTuple):
    traits: tuple[int, ...]
    change: int
    worse: int
    better: int
    size: int
    chance: float


def _pairs(sections: Sections, changes: Sequence[Change]) -> tuple[list[_Tested], int]:
    """Return the pairs of traits that may be found, and how many were looked at."""
    apart = sections.apart
    rows: list[_Tested] = []
    tested = 0
    for k, change in enumerate(changes):
        worse, better = (_both(sections, np.flatnonzero(m & change.mine)) for m in (change.worse, change.better))
        fit = apart & (worse + better >= LEAST)
        tested += int(fit.sum())
        a, b = np.nonzero(fit)
        # Without its size no pair can be less likely than with the smallest that it may have.
        margin = np.maximum(sections.margins[a], sections.margins[b])
        least = unlikely(worse[a, b], better[a, b], margin * (worse[a, b] + better[a, b]))
        some = np.argsort(least, kind="stable")[:PAIRS]
        a, b, margin = a[some], b[some], margin[some]
        size = _sizes(sections, np.flatnonzero(change.mine), a, b)
        chance = unlikely(worse[a, b], better[a, b], margin * size)
        found = zip(a.tolist(), b.tolist(), worse[a, b], better[a, b], size, chance, strict=True)
        rows += [_Tested((i, j), k, int(w), int(g), int(n), float(p)) for i, j, w, g, n, p in found]
    return rows, tested


def _both(sections: Sections, rows: Ints) -> Floats:
    """Return how many records have both of two traits (t, t)."""
    total = np.zeros((len(sections.names),) * 2)
    for start in range(0, len(rows), 8192):  # dense blocks: a matrix product of sparse ones is slower
        block = sections.of(rows[start : start + 8192]).toarray().astype(np.float32)
        total += block.T @ block
    return total


def _sizes(sections: Sections, rows: Ints, a: Ints, b: Ints) -> Floats:
    total = np.zeros(len(a))
    if not len(a):
        return total
    used, at = np.unique(np.concatenate([a, b]), return_inverse=True)
    left, right = at[: len(a)], at[len(a) :]
    for _, traits in sections.blocks(rows):
        some = traits[:, used].toarray().astype(bool).T
        total += [int((some[i] & some[j]).sum()) for i, j in zip(left, right, strict=True)]
    return total
