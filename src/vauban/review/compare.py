"""What changed between two training sets: records, labels, sections, sources, families."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import norm

from vauban.monitors.dossier import Dossier
from vauban.records import Floats
from vauban.review.intake import Taken

Labels = NDArray[np.int8]
LEVEL = 0.01
LEAST = 10
SHOWN = 15


def compared(old: Taken[Dossier], new: Taken[Dossier]) -> Iterator[str]:
    """Yield what changed from the old set to the new one, in words; what may be chance is left out (Bonferroni)."""
    before, after = old.dossier, new.dossier
    same = _keys(before) & _keys(after)
    yield (
        f"{len(before)} records before, {len(after)} now; {len(same)} different ones are in both, "
        f"{len(_keys(after) - same)} are new, {len(_keys(before) - same)} are gone."
    )
    turned = _turned(before, after)
    if turned:
        yield f"{turned} records have another label than before."
    yield from _rates("the whole", np.array([[before.labels.mean()], [after.labels.mean()]]), before, after)
    view, then = after.view, after.view.same(before.records)
    yield from _traits(then.traits, view.traits, view.names, None, None)
    yield from _traits(then.traits, view.traits, view.names, before.labels, after.labels)
    large = np.flatnonzero(np.bincount(after.family) >= 5)
    known = _keys(before)
    for family in large[np.argsort(-np.bincount(after.family)[large], kind="stable")][:SHOWN].tolist():
        rows = np.flatnonzero(after.family == family)
        fresh = [i for i in rows.tolist() if _key(after.records[i]) not in known]
        if len(fresh) >= 0.8 * len(rows):
            share = 100 * after.labels[rows].mean()
            first = new.record[rows[0]]
            yield f"A new family: {len(rows)} near-identical records, {share:.0f} % labelled harmful (record {first})."
    if before.sources is not None and after.sources is not None:
        fresh_sources = sorted(set(after.sources) - set(before.sources))
        if fresh_sources:
            count = int(np.isin(after.sources, fresh_sources).sum())
            some = ", ".join(map(str, fresh_sources[:8]))
            yield f"{len(fresh_sources)} sources are new, with {count} records: {some}."


def _key(record: object) -> object:
    return record if isinstance(record, str) else record.tobytes()  # type: ignore[attr-defined]


def _keys(dossier: Dossier) -> set[object]:
    return {_key(r) for r in dossier.records}


def _turned(before: Dossier, after: Dossier) -> int:
    labels = {_key(r): int(y) for r, y in zip(before.records, before.labels, strict=True)}
    return sum(labels.get(_key(r), int(y)) != int(y) for r, y in zip(after.records, after.labels, strict=True))


def _rates(what: str, share: Floats, before: Dossier, after: Dossier) -> Iterator[str]:
    p, n, m = float(np.concatenate([before.labels, after.labels]).mean()), len(before), len(after)
    z = (share[1, 0] - share[0, 0]) / max(np.sqrt(p * (1 - p) * (1 / n + 1 / m)), 1e-12)
    if 2 * norm.sf(abs(z)) <= LEVEL:
        now, was = 100 * share[1, 0], 100 * share[0, 0]
        yield f"Of {what}, {now:.1f} % are labelled harmful (n = {m}); it was {was:.1f} % (n = {n})."


def _traits(
    then: csr_matrix, now: csr_matrix, names: list[str], labels_then: Labels | None, labels_now: Labels | None
) -> Iterator[str]:
    """Yield the traits that are more or less frequent now; with labels, those with more or fewer harmful records."""
    hits, base = zip(*(_counts(t, y) for t, y in ((then, labels_then), (now, labels_now))), strict=True)
    fit = (base[0] >= LEAST) & (base[1] >= LEAST) & (hits[0] + hits[1] >= LEAST)
    pool = (hits[0] + hits[1]) / np.maximum(base[0] + base[1], 1)
    spread = np.sqrt(pool * (1 - pool) * (1 / np.maximum(base[0], 1) + 1 / np.maximum(base[1], 1)))
    was, share = (h / np.maximum(b, 1) for h, b in zip(hits, base, strict=True))
    z = np.where(fit, (share - was) / np.maximum(spread, 1e-12), 0.0)
    chance = 2 * norm.sf(np.abs(z)) * max(int(fit.sum()), 1)
    verb = "of all records have it" if labels_now is None else "of its records are labelled harmful"
    for t in np.argsort(-np.abs(z), kind="stable")[:SHOWN].tolist():
        if chance[t] > LEVEL:
            return
        yield (
            f"{names[t]}: {100 * share[t]:.1f} % {verb} (n = {int(base[1][t])}); it was {100 * was[t]:.1f} % "
            f"(n = {int(base[0][t])})."
        )


def _counts(traits: csr_matrix, labels: Labels | None) -> tuple[Floats, Floats]:
    """Return for each trait how many records count, and of how many."""
    held = np.asarray(traits.sum(axis=0)).ravel()
    if labels is None:
        return held, np.full(len(held), float(traits.shape[0]))
    return np.asarray(traits.T @ labels.astype(np.float64)).ravel(), held
