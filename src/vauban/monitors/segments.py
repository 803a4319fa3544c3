"""Sections of a table whose labels are not what models of verified or earlier records expect of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix, vstack
from scipy.stats import norm

from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.expectation import expected_of
from vauban.records import Floats, Ints, Mask

FAINT = 1.5
"""Standard deviations below which a section is not worth a look."""
SHOWN = 40
"""Sections, at most, whose records are ranked."""


@dataclass(frozen=True, eq=False)
class _Cells:
    """Every value, on the diagonal, and every pair of values of different columns, (t, t) each.

    ``count`` of the records that have both, ``harmful`` of those labelled so, ``excess`` of harmful labels over what is
    expected of each record, in standard deviations; ``lift`` says how many times as many there are as there would be if
    one value had nothing to do with the other.
    """

    names: list[str]
    count: Floats
    harmful: Floats
    excess: Floats
    lift: Floats
    pairs: Mask
    expected: Floats
    whose: str


@lru_cache(maxsize=2)
def _cells(dossier: Dossier) -> _Cells:
    labels = dossier.labels.astype(np.float64)
    expected, whose, doubt = expected_of(dossier)
    _, names, column = dossier.view.sections(slice(0, 1))
    spread = np.maximum(expected * (1 - expected), 1e-4)
    count, harmful, should, variance = _sums(
        dossier, column, np.stack([np.ones(len(labels)), labels, expected, spread])
    )
    gap = harmful - should
    single = np.diag(count)
    lift = count * len(labels) / np.maximum(np.outer(single, single), 1.0)
    pairs = np.triu(column[:, None] != column[None, :], 1)
    excess = gap / np.sqrt(np.maximum(variance, 1e-9) + (doubt * count) ** 2)
    return _Cells(names, count, harmful, excess, lift, pairs, expected, whose)


def _sums(dossier: Dossier, column: Ints, weights: Floats) -> Floats:
    """Return the sums (w, t, t) of weights (w, n) over the records that have both of two traits of columns (t,).

    A record's traits of one column come in few combinations: what is summed over the records is each combination of
    one column with each of another, and the traits are sums of these. Two traits of the same column are summed too.
    """
    t, d = len(column), int(column.max()) + 1
    key = csr_matrix((np.random.default_rng(0).uniform(size=t), (np.arange(t), column)), shape=(t, d))
    # One number stands for a combination of traits of one column: (n, d).
    codes = np.concatenate([(traits @ key).toarray() for traits in dossier.view.section_blocks()])
    at = [np.flatnonzero(column == j) for j in range(d)]
    found = [np.unique(code, return_index=True, return_inverse=True)[1:] for code in codes.T]
    kinds = [which for _, which in found]
    sets = [dossier.view.sections(first)[0][:, mine].toarray() for (first, _), mine in zip(found, at, strict=True)]
    out = np.zeros((len(weights), t, t))
    for a in range(d):
        for b in range(a, d):
            size = (len(sets[a]), len(sets[b]))
            both = kinds[a] * size[1] + kinds[b]
            for total, weight in zip(out, weights, strict=True):
                sums = np.bincount(both, weight, size[0] * size[1]).reshape(size)
                part = sets[a].T @ sums @ sets[b]
                total[np.ix_(at[a], at[b])] = part
                total[np.ix_(at[b], at[a])] = part.T
    return out


@dataclass(frozen=True)
class Segments:
    """A value, or a pair of values, among whose records one label is more frequent than is expected record by record.

    What is expected is what the approved model says, or a model of the verified records, or a linear one that sees no
    pairs. The excess of a section is in standard deviations; the level is divided by the number of sections looked at
    (Bonferroni). Subpopulation attacks (Jagielski et al., CCS 2021) show so.

    Attributes:
        least: records of a section.
        most: share of all records that a section is at most.
    """

    level: float = 0.01
    least: int = 15
    most: float = 0.5

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return "messages have no columns" if dossier.view.dense is None else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        cells = _cells(dossier)
        fit = (cells.pairs | np.eye(len(cells.count), dtype=bool)) & (cells.count >= self.least)
        return _ranked(dossier, cells, fit & (cells.count <= self.most * len(dossier)), self.level)


@dataclass(frozen=True)
class Combinations:
    """Two values that occur together far more often than apart, always with the same label, against what is expected.

    What a trigger of several values looks like, where each of them alone is common: Tabdoor (Pleiter et al., 2023)
    plants such.

    Attributes:
        lift: how many times as often as if one value had nothing to do with the other.
        pure: share of the records with the same label.
        least, most: records with both, and the share of all records that they are at most.
    """

    level: float = 0.01
    lift: float = 5.0
    pure: float = 0.95
    least: int = 5
    most: float = 0.04

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return "messages have no columns" if dossier.view.dense is None else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        cells = _cells(dossier)
        n, held = len(dossier), cells.count
        fit = cells.pairs & (held >= self.least) & (held <= self.most * n) & (cells.lift >= self.lift)
        fit &= np.maximum(cells.harmful, held - cells.harmful) >= self.pure * held
        with np.errstate(divide="ignore"):
            bonus = 0.5 * np.log2(np.maximum(cells.lift, 1.0))
        return _ranked(dossier, cells, fit, self.level, bonus)


def _largest(order: Floats) -> Ints:
    """Return where the `SHOWN` largest entries are, those first; of equal ones the first."""
    flat = order.ravel()
    limit = np.partition(flat, -SHOWN)[-SHOWN] if len(flat) > SHOWN else -np.inf
    near = np.flatnonzero(flat >= limit)
    return near[np.argsort(-flat[near], kind="stable")][:SHOWN]


def _ranked(dossier: Dossier, cells: _Cells, fit: Mask, level: float, bonus: Floats | None = None) -> Signal:
    """Return the signal of the cells that fit; ``bonus`` (t, t) counts in their order, not in their probability."""
    n, labels = len(dossier), dossier.labels
    z = np.where(fit, cells.excess, 0.0)
    usual = 1.4826 * float(np.median(np.abs(z[fit]))) if fit.any() else 1.0
    z /= max(usual, 1.0)
    score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
    tested = max(int(fit.sum()), 1)
    alarm: list[str] = []
    groups: list[Ints] = []
    names = cells.names
    order = np.abs(z) if bonus is None else np.where(np.abs(z) >= FAINT, np.abs(z) + bonus, 0.0)
    first, second = np.unravel_index(_largest(order), z.shape)
    wanted, at = np.unique(np.concatenate([first, second]), return_inverse=True)
    columns = vstack([traits[:, wanted] for traits in dossier.view.section_blocks()], format="csc")
    for k, (a, b) in enumerate(zip(first, second, strict=True)):
        strength = abs(float(z[a, b]))
        if strength < FAINT:
            break
        label = int(z[a, b] > 0)
        has = columns[:, [at[k]]].multiply(columns[:, [at[len(first) + k]]]).toarray().ravel() > 0
        rows = np.flatnonzero(has & (labels == label))
        against = order[a, b] + 0.5 * np.abs(labels[rows] - cells.expected[rows])
        better = score[rows] < against
        chance = min(2 * float(norm.sf(strength)) * tested, 1.0)
        got, should = 100 * labels[has].mean(), 100 * cells.expected[has].mean()
        line = (
            f"{names[a] if a == b else f'{names[a]} and {names[b]}'}: {got:.0f} % of {int(has.sum())} records are "
            f"labelled harmful; {cells.whose} expects {should:.0f} %"
        )
        score[rows[better]], p[rows[better]] = against[better], chance
        why[rows[better]] = f"{line} (this one is labelled {meaning(label)})"
        if chance <= level and len(alarm) < 20:
            alarm.append(line)
            groups.append(rows)
    return Signal(score, p, why, tuple(alarm), level, tuple(groups))
