"""Slices whose errors, or whose decisions, moved between the reference and the candidate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from vauban.monitors.beside import drawn
from vauban.monitors.dossier import Signal
from vauban.monitors.predictions import LEARNT_FROM, Predictions
from vauban.monitors.slices import NOBODY, Change, Sections, Shift, shifts
from vauban.records import Floats, Ints

MARGIN, MARGIN_OF_SLICE, MARGIN_OF_SOURCE = 0.01, 0.05, 0.02
"""Share of all records, of a slice's and of a source's, by which a sound retraining may be worse: no two fits are the
same."""
FEWEST = 15
"""Records of a slice by which its scores can be said to have moved."""
DOUBT = 0.2
"""Standard deviations by which a sound retraining may move a slice as a whole, however many records it has."""
FAR = 6.0
"""Median absolute deviations of slices from which on one has moved further than others."""
LOOKED_AT = 60_000
"""Records, at most, whose moves are looked at, drawn by lot."""
TAIL = 0.005
"""Share of the moves at either end that count as the last one before them."""
SOURCES = 2000
"""Sources, at most, that are slices of their own, those with the most records."""
NEW = 0.3
"""Share of a slice's changes that no slice named before has: otherwise it is the same thing said again."""
SHOWN = 40
"""Slices, at most, whose records are ranked."""


@dataclass(frozen=True)
class Moved:
    """More harmful records pass in a slice than did, or more good ones do not; where nobody knows: more of either.

    Slices are found among all values, intervals, words, sources and pairs of values; see `vauban.monitors.slices`.
    Records that are much alike change together, whatever they are trained on. So where there are scores, those of a
    slice must also have moved further than other slices' do, not only just over the threshold; a source's need not.
    """

    level: float = 0.01

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return "there is no reference: --reference, or what was logged" if dossier.before is None else None

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        n, changes = len(dossier), kinds(dossier)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        sections = sections_of(dossier)
        found, tested = shifts(sections, changes, pairs=dossier.records.ndim == 2)
        likely = [s for s in found if s.chance <= 0.5]
        # All records first, where they moved; then sources, for whom somebody answers.
        likely = sorted(likely, key=lambda s: (s.traits != (0,), not sections.sender(s.traits)))[:SHOWN]
        moves = Moves.of(dossier, sections)
        far = {s.traits: s.traits == (0,) or sections.sender(s.traits) or moves.far(s.traits) for s in likely}
        likely.sort(key=lambda s: not far[s.traits])
        alarm: list[str] = []
        for place, shift in enumerate(likely):
            rows = _rows(sections, shift, np.flatnonzero(changes[shift.change].worse))
            told = score[rows] >= 0
            fresh = rows[~told]  # a record is told of the densest slice that it is in
            if shift.traits == (0,):
                fresh = fresh[:0]
            line = shift.told(changes[shift.change].what)
            score[fresh] = 2.0 - place / SHOWN - shift.chance + np.minimum(np.abs(dossier.rise[fresh]), 50.0) / 5000.0
            p[fresh], why[fresh] = max(shift.chance, 1e-12), line
            new = shift.traits == (0,) or len(fresh) >= NEW * len(rows)
            if shift.chance <= self.level and new and far[shift.traits]:
                alarm.append(f"{line} ({tested} slices were looked at)")
        return Signal(score, p, why, tuple(alarm[:20]), self.level)


@dataclass(frozen=True, eq=False)
class Moves:
    """How far the scores of records moved from the reference to the candidate, and how far those of slices do.

    Attributes:
        rows: (m,) records that are looked at, drawn by lot.
        traits: (m, t) theirs.
        move: (m,) in standard deviations from the mean.
        usual: median absolute deviation of what the slices of one trait are off by; 0: there are no scores.
        mean, unit: what the moves were before, in log-odds.
    """

    rows: Ints
    traits: Any
    move: Floats
    usual: float
    mean: float
    unit: float

    @staticmethod
    def of(dossier: Predictions, sections: Sections) -> Moves:
        """Return the moves of predictions; the last of them at either end count as the one before."""
        rows = drawn(len(dossier), LOOKED_AT, dossier.seed)
        traits = sections.of(rows).tocsc()
        if dossier.scores is None or dossier.scores_before is None:
            return Moves(rows, traits, np.zeros(len(rows)), 0.0, 0.0, 1.0)
        rise = dossier.rise[rows]
        rise = np.clip(rise, *np.quantile(rise, [TAIL, 1 - TAIL]))
        mean, unit = float(rise.mean()), max(float(rise.std()), 1e-12)
        move = (rise - mean) / unit
        count, total = np.asarray(traits.sum(axis=0)).ravel(), np.asarray(traits.T @ move).ravel()
        z = off(count, total)[(count >= FEWEST) & (count <= len(rows) / 2)]
        usual = max(1.4826 * float(np.median(np.abs(z))), 1.0) if len(z) else 1.0
        return Moves(rows, traits, move, usual, mean, unit)

    def far(self, traits: tuple[int, ...]) -> bool:
        """Return whether a slice's scores moved further than others'; true where there are no scores."""
        if not self.usual:
            return True
        has = np.asarray(self.traits[:, list(traits)].sum(axis=1)).ravel() == len(traits)
        z = off(np.array(float(has.sum())), np.array(float(self.move[has].sum())))
        return bool(abs(float(z)) / self.usual >= FAR)


def off(count: Floats, total: Floats) -> Floats:
    """Return by how many standard deviations slices of so many records are off, whose moves have these totals."""
    return np.asarray(total / np.sqrt(np.maximum(count, 1.0) + (DOUBT * count) ** 2))


def kinds(dossier: Predictions) -> list[Change]:
    """Return the kinds of change: errors where the truth is known, decisions where it is not."""
    assert dossier.before is not None  # noqa: S101 - unfit() says so
    now, then, known = dossier.labels == 1, dossier.before == 1, dossier.known
    out = []
    passes, stops = ~now & then, now & ~then
    if known.any():
        assert dossier.truth is not None  # noqa: S101 - known says so
        bad, good = dossier.truth == 1, dossier.truth == 0
        out += [
            Change("harmful records pass", bad, passes & bad, stops & bad),
            Change("good records do not pass", good, stops & good, passes & good),
        ]
    rest = ~known
    if rest.any():
        out += [
            Change("records pass", rest, passes & rest, stops & rest),
            Change("records do not pass", rest, stops & rest, passes & rest),
        ]
    return out


@lru_cache(maxsize=1)
def sections_of(dossier: Predictions) -> Sections:
    """Return what predictions are divided by: all of them, their traits, and who sent them."""
    terms, n = dossier.terms, len(dossier)
    table = terms.dense is not None
    names, owners = (terms.sections()[1:]) if table else (terms.names, np.arange(len(terms.names)))
    sources, tags = _sources(dossier)
    held: csr_matrix | None = None
    if n <= LEARNT_FROM:
        held = dossier.view.sections()[0] if table else dossier.view.traits

    def of(rows: Ints) -> csr_matrix:
        if held is not None:
            traits = held[rows]
        else:
            view = terms.same(dossier.records[rows])
            traits = view.sections()[0] if table else view.traits
        blocks: list[Any] = [csr_matrix(np.ones((len(rows), 1))), traits]
        if sources is not None:
            blocks.append(sources[rows])
        return hstack(blocks, format="csr")

    of_source = int(owners.max(initial=0)) + 1
    all_owners = np.concatenate([[NOBODY], owners, np.full(len(tags), of_source)]).astype(np.int64)
    margins = np.array([MARGIN, *[MARGIN_OF_SLICE] * len(names), *[MARGIN_OF_SOURCE] * len(tags)])
    return Sections(of, ["all records", *names, *tags], all_owners, margins, n, len(tags))


def _sources(dossier: Predictions) -> tuple[csr_matrix | None, list[str]]:
    if dossier.sources is None:
        return None, []
    names, which = np.unique(dossier.sources.astype(str), return_inverse=True)
    kept = np.argsort(-np.bincount(which), kind="stable")[:SOURCES]
    place = np.full(len(names), -1)
    place[kept] = np.arange(len(kept))
    rows = np.flatnonzero(place[which] >= 0)
    values: Floats = np.ones(len(rows))
    found = csr_matrix((values, (rows, place[which][rows])), shape=(len(dossier), len(kept)))
    return found, [f"source {names[i]}" for i in kept]


def _rows(sections: Sections, shift: Shift, rows: Ints) -> Ints:
    if not len(rows):
        return rows
    parts = []
    for part, traits in sections.blocks(rows):
        has = np.asarray(traits[:, list(shift.traits)].sum(axis=1)).ravel() == len(shift.traits)
        parts.append(part[has])
    return np.concatenate(parts)
