"""Records unlike any training record of the label that was decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from vauban.contracts import Labelled
from vauban.monitors.beside import Beside, beside, beyond, drawn, surplus, unfit_beside
from vauban.monitors.dossier import Signal
from vauban.monitors.predictions import Predictions
from vauban.monitors.view import View
from vauban.records import Floats, Ints, Records
from vauban.targets.leaves import Leaves, leaves_of

MEASURED = 10_000
"""Records of a label that are measured as well as can be; of more, those that a quick look finds most unlike."""
FAR, QUICK, TREES = 3000, 500, 24
"""Training records of a label that are looked at, and in the quick look; and trees in the quick look."""


@dataclass(frozen=True)
class Unlike:
    """No training record of the label decided is like it.

    For trees: the output-configuration distance, the share of trees in which it ends in another leaf than the nearest
    training record of that label (Devos, Perini, Meert and Davis, "Detecting evasion attacks in deployed tree
    ensembles", ECML PKDD 2023). Otherwise the distance to the nearest in the view (cosine).
    """

    level: float = 0.005

    def unfit(self, dossier: Predictions) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return unfit_beside(dossier)

    def score(self, dossier: Predictions) -> Signal:
        """Return what it says of every record."""
        n, held = len(dossier), beside(dossier)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        alarm: list[str] = []
        ruler = _ruler(dossier)
        for label, decided in ((0, "pass"), (1, "do not pass")):
            rows, base = np.flatnonzero(dossier.labels == label), held.base.take(held.base.labels == label)
            if not len(rows) or not len(base):
                continue
            base = base.take(drawn(len(base), FAR, dossier.seed))
            known = _known(held, label, ruler, base)
            some = rows if len(rows) <= MEASURED else rows[_most_unlike(ruler, dossier, rows, base)]
            far = ruler.distance(dossier.records[some], base)
            score[some], p[some] = far, beyond(far, known)
            if not len(known):  # a rank among all that are decided so
                p[some] = np.minimum(p[some] * len(some) / len(rows) + 1 / (1 + len(rows)), 1.0)
            top = some[np.argsort(-far, kind="stable")[:2000]]
            why[top] = [ruler.told(d, "good" if label == 0 else "harmful", held.whose) for d in score[top]]
            if len(known):
                over = surplus(np.concatenate([far, np.full(len(rows) - len(some), -1.0)]), known)
                if over.chance * 2 <= self.level:
                    alarm.append(
                        f"{over.count} of {over.n} records that {decided} are less like {held.whose} of that label "
                        f"than verified ones are; chance would bring about {over.expected:.1f}"
                    )
        return Signal(score, p, why, tuple(alarm), self.level)


def _known(held: Beside, label: int, ruler: _Ruler, base: Labelled) -> Floats:
    mine = held.apart.records[held.decided == label]
    return ruler.distance(mine, base) if len(mine) else np.empty(0)


def _most_unlike(ruler: _Ruler, dossier: Predictions, rows: Ints, base: Labelled) -> Ints:
    quick = ruler.distance(dossier.records[rows], base.take(drawn(len(base), QUICK, dossier.seed)), quick=True)
    return np.sort(np.argsort(-quick, kind="stable")[:MEASURED])


@dataclass(frozen=True, eq=False)
class _Ruler:
    """Distances, 0 to 1, of records to the nearest of others.

    What is told apart is learnt from those others: in terms of what is reviewed, that would always look richer.
    """

    dossier: Predictions

    @cached_property
    def terms(self) -> View:
        """The view of the records that others are held against."""
        return View.of(beside(self.dossier).base.records, self.dossier.schema)

    def distance(self, records: Records, base: Labelled, *, quick: bool = False) -> Floats:
        terms = self.terms
        others = terms.same(base.records).linear
        length = np.sqrt(np.asarray(others.multiply(others).sum(axis=1)).ravel())
        scaled = others.multiply(1 / np.maximum(length, 1e-12)[:, None]).tocsr()
        dense = scaled.T.toarray() if terms.dense is not None else None
        out = np.empty(len(records))
        for start in range(0, len(records), 2000):
            points = terms.same(records[start : start + 2000]).linear
            own = np.sqrt(np.asarray(points.multiply(points).sum(axis=1)).ravel())
            out[start : start + 2000] = 1 - _nearest(points, scaled, dense) / np.maximum(own, 1e-12)
        return np.clip(out, 0.0, 1.0)

    def told(self, distance: float, label: str, whose: str) -> str:
        return f"unlike {whose} labelled {label}: the nearest is {distance:.2f} away (0 the same, 1 nothing shared)"


def _nearest(points: csr_matrix, scaled: csr_matrix, dense: Floats | None) -> Floats:
    if dense is not None:
        return np.asarray((points @ dense).max(axis=1)).ravel()
    return np.asarray((points @ scaled.T).max(axis=1).todense()).ravel()


@dataclass(frozen=True, eq=False)
class _Trees(_Ruler):
    def distance(self, records: Records, base: Labelled, *, quick: bool = False) -> Floats:
        leaves = leaves_of(self.dossier.candidate)
        assert leaves is not None  # noqa: S101 - _ruler() says so
        there = leaves(base.records, None)
        trees = None
        if quick and there.shape[1] > TREES:
            trees = np.linspace(0, there.shape[1] - 1, TREES).astype(np.int64)
            there = there[:, trees]
        out = np.empty(len(records))
        for start in range(0, len(records), 50_000):
            part = leaves(records[start : start + 50_000], trees)
            out[start : start + len(part)] = 1 - _shared(part, there) / there.shape[1]
        return out

    def told(self, distance: float, label: str, whose: str) -> str:
        return (
            f"unlike {whose} labelled {label}: the nearest shares its leaf in {100 * (1 - distance):.0f} % of the trees"
        )


def _ruler(dossier: Predictions) -> _Ruler:
    return _Ruler(dossier) if leaves_of(dossier.candidate) is None else _Trees(dossier)


def _shared(leaves: Leaves, there: Leaves) -> NDArray[np.int16]:
    """Return in how many trees each record (n, t) ends in the leaf of the other (m, t) that shares most (n,)."""
    narrow = np.int16 if max(leaves.max(initial=0), there.max(initial=0)) < 32_000 else np.int32
    columns, others = np.ascontiguousarray(leaves.T.astype(narrow)), np.ascontiguousarray(there.T.astype(narrow))
    out = np.empty(len(leaves), dtype=np.int16)
    for start in range(0, len(leaves), 256):  # what is in between stays in the processor's cache
        stop = min(start + 256, len(leaves))
        same = np.zeros((stop - start, len(there)), dtype=np.int16)
        for mine, theirs in zip(columns, others, strict=True):
            same += mine[start:stop, None] == theirs[None, :]
        out[start:stop] = same.max(axis=1)
    return out
