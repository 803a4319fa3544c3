"""What groups of suspects do to the model: it is trained again without each, and both are asked the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.contracts import LABEL, Labelled
from vauban.errors import TargetError
from vauban.monitors.disagreement import LEAST_TRUSTED
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.learning import learnt, picked
from vauban.records import Ints, Mask
from vauban.results import Skipped
from vauban.review.examine import HARM, Examined
from vauban.review.intake import Taken
from vauban.threat import Decision

MOST = 0.25
"""Share of the records that a group is at most: without more, a model is another one anyway."""
SAME = 0.8
"""Share of the records of two groups that are in both, from which on they are one."""
UNLIKELY = 0.05
"""Probability of a family of copies, up to which it is left out to see."""
SURE = 5
"""Verified records, net, that are decided wrongly because of a group, from which on it is no chance: 1 in 32."""
APART = ("trusted", "approved")
"""Detectors whose alarm is of records that need have nothing in common."""
ALIKE, LOOKED = 5, 50
"""Verified records that are nearest to each of a group's, and how many of these are looked at."""

Ask = Callable[[Ints], tuple[Mask, Mask]]
"""What a model trained on some rows stops: of the records (n,), and of the verified ones (t,)."""


@dataclass(frozen=True, eq=False)
class Damage:
    """What a group does.

    Attributes:
        rows: of the group.
        label: of most of them.
        stopped: the share of its records that a model stops, trained without and with them.
        verified: for each class, how many verified records are decided wrongly without and with them, and of how many.
    """

    rows: Ints
    label: int
    stopped: tuple[float, float]
    verified: Mapping[int, tuple[int, int, int]]

    def weight(self, n: int) -> float:
        """Return how many of n records are decided otherwise, and wrongly, because of the group."""
        without, with_ = self.stopped
        shift = (without - with_) if self.label == 0 else (with_ - without)
        more = sum(w - wo for wo, w, _ in self.verified.values())
        checked = max(sum(m for *_, m in self.verified.values()), 1)
        return max(shift, 0.0) * len(self.rows) + (more / checked * n if more >= SURE else 0.0)

    def told(self, who: str) -> str:
        """Return it in words."""
        without, with_ = self.stopped
        lines = [f"without them {who} stops {100 * without:.0f} % of such records, with them {100 * with_:.0f} %"]
        words = {0: "verified good records stopped", 1: "verified harmful records passed"}
        lines += [
            f"{words[k]}: {wo} without them, {w} with them, of {m}"
            for k, (wo, w, m) in self.verified.items()
            if wo != w
        ]
        return "; ".join(lines)


def weighed(taken: Taken[Dossier], examined: Examined, most: int) -> Examined:
    """Return what was found with what the strongest groups of suspects do to the model: leave one group out, exactly.

    The model is trained by the records' own trainer where it is known, otherwise as the review's. Group influence to
    first order is poor where a group is large (Koh, Ang, Teo and Liang, NeurIPS 2019); so it is trained again.

    Args:
        taken: what is reviewed.
        examined: what detectors say of it.
        most: how often a model is trained at most.
    """
    dossier = taken.dossier
    groups = [] if most < 2 else list(_groups(dossier, examined.signals))[: most - 1]
    if not groups:
        return examined
    ask, who = _asker(taken)
    n = len(dossier)
    score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
    chances = np.min([s.p for s in examined.signals.values()], axis=0)
    lines: dict[str, str] = {}
    try:
        base = ask(np.arange(n))
        for rows, line in groups:
            damage = _damage(dossier, rows, ask(np.setdiff1d(np.arange(n), rows)), base)
            story = "; ".join([*_beside(taken, rows, damage.label), damage.told(who)])
            lines[line] = f"{line}; {story}"
            weight = damage.weight(n)
            better = rows[np.maximum(score[rows], 0.0) < weight]
            score[better], p[better] = weight, max(float(np.median(chances[rows])), 1e-12)
            told = rows if weight <= 0 else better
            why[told[(why[told] == "") | (weight > 0)]] = f"{len(rows)} records like this: {story}"
    except TargetError as error:
        return replace(examined, skipped=(*examined.skipped, Skipped(HARM, "training data", str(error))))
    findings = {name: tuple(lines.get(x, x) for x in found) for name, found in examined.findings.items()}
    return replace(examined, signals={**examined.signals, HARM: Signal(score, p, why)}, findings=findings)


def _groups(dossier: Dossier, signals: Mapping[str, Signal]) -> Iterator[tuple[Ints, str]]:
    """Yield groups of suspects and the line that tells of each: what alarms say first, each in turn, then copies."""
    found: list[Ints] = []
    said = [list(zip(s.groups, s.alarm, strict=True)) for k, s in signals.items() if s.groups and k not in APART]
    turns = [pair for turn in zip_longest(*said) for pair in turn if pair is not None]
    for rows, line in [*turns, *_copies(dossier, signals.get("copies"))]:
        left = np.delete(dossier.labels, rows)
        if (
            len(rows) < 2
            or len(rows) > MOST * len(dossier)
            or not dossier.asked[rows].any()
            or len(np.unique(left)) < 2
        ):
            continue
        if any(len(np.intersect1d(rows, other)) >= SAME * len(np.union1d(rows, other)) for other in found):
            continue
        found.append(rows)
        yield rows, line


def _copies(dossier: Dossier, signal: Signal | None) -> Iterator[tuple[Ints, str]]:
    if signal is None:
        return
    unlikely = np.flatnonzero((signal.p <= UNLIKELY) & dossier.asked)
    unlikely = unlikely[np.argsort(-signal.score[unlikely], kind="stable")]
    _, first = np.unique(dossier.family[unlikely], return_index=True)
    for row in unlikely[np.sort(first)].tolist():
        yield np.flatnonzero(dossier.family == dossier.family[row]), str(signal.why[row])


def _asker(taken: Taken[Dossier]) -> tuple[Ask, str]:
    dossier, trainer = taken.dossier, taken.trainer
    trusted, nobody = dossier.trusted, np.zeros(0, dtype=bool)

    def own(rows: Ints) -> tuple[Mask, Mask]:
        assert trainer is not None  # noqa: S101 - see below
        model = trainer.fit(Labelled(dossier.records[rows], dossier.labels[rows]))
        stops = [model.answer(r, LABEL).decisions != Decision.PASS for r in (dossier.records, *beside)]
        return stops[0], stops[1] if beside else nobody

    def ours(rows: Ints) -> tuple[Mask, Mask]:
        on = [dossier.view, *views]
        stops = [learnt(dossier.view, dossier.labels, rows, v, kind=kind, seed=dossier.seed) >= 0.5 for v in on]
        return stops[0], stops[1] if views else nobody

    beside = [] if trusted is None else [trusted.records]
    if trainer is not None:
        return own, "the model"
    views = [dossier.view.same(r) for r in beside]
    kind = "linear" if dossier.view.dense is None else "boosted"
    return ours, "a model"


def _damage(dossier: Dossier, rows: Ints, without: tuple[Mask, Mask], with_: tuple[Mask, Mask]) -> Damage:
    label = int(dossier.labels[rows].mean() >= 0.5)
    verified = {}
    if dossier.trusted is not None:
        truth = dossier.trusted.labels
        for k in (0, 1):
            mine = truth == k
            wrong = [int((stops[1][mine] != bool(k)).sum()) for stops in (without, with_)]
            verified[k] = (wrong[0], wrong[1], int(mine.sum()))
    return Damage(rows, label, (float(without[0][rows].mean()), float(with_[0][rows].mean())), verified)


def _beside(taken: Taken[Dossier], rows: Ints, label: int) -> Iterator[str]:
    """Yield where a group came from, when, and what verified records like its own are."""
    dossier = taken.dossier
    if dossier.sources is not None:
        names, counts = np.unique(dossier.sources[rows].astype(str), return_counts=True)
        top = int(np.argmax(counts))
        most = f"{counts[top]} of them of source {names[top]}" if 2 * counts[top] >= len(rows) else "no source has half"
        yield f"source {names[top]}" if len(names) == 1 else f"{len(names)} sources, {most}"
    if taken.times is not None:
        yield _span(taken.times[rows])
    trusted = dossier.trusted
    if trusted is None or len(trusted) < LEAST_TRUSTED:
        return
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), LOOKED)).astype(np.int64)]
    known = dossier.view.same(trusted.records).linear
    near = np.asarray((picked(dossier.view, some).linear @ known.T).todense())
    like = np.unique(np.argpartition(-near, ALIKE, axis=1)[:, :ALIKE])
    other = trusted.labels[like] != label
    yield (
        f"verified records like these are {100 * other.mean():.0f} % {'good' if label else 'harmful'} (n = {len(like)})"
    )


def _span(times: NDArray[Any]) -> str:
    known = pd.Series(times).dropna()
    if not len(known):
        return "when is not known"
    first, last = (f"{t:%d %b %Y}" for t in (known.min(), known.max()))
    return f"on {first}" if first == last else f"from {first} to {last}"
