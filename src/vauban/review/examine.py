"""Run every detector that the data allow, and say what the whole looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.catalogue import DETECTORS, PREDICTIONS, Entry
from vauban.monitors.dossier import POISON, RIGHT, Dossier, Signal
from vauban.monitors.predictions import Predictions
from vauban.records import Floats, Records
from vauban.results import Skipped
from vauban.review.ranking import LARGE, Ranking, told_apart

Watch = Callable[[str, int, int], None]
MORE = 20
"""Findings of one detector that a summary tells, at most."""
KNOWN = "known"
"""Under which findings are told that people were the first to make."""
HARM = "harm"
"""The queue of the groups that the model was trained without, those first that do most."""
SCRAMBLED = "The labels look scrambled"


@dataclass(frozen=True, eq=False)
class Examined:
    """What all detectors say.

    Attributes:
        signals: by detector.
        skipped: detectors that these data do not allow, with the reason.
        findings: by detector, what does not come by chance.
        hygiene: what is wrong with the data as data.
    """

    signals: Mapping[str, Signal]
    skipped: tuple[Skipped, ...]
    findings: Mapping[str, tuple[str, ...]]
    hygiene: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    def beside(self, waiting: Sequence[str]) -> Examined:
        """Return it with what earlier reviews wait for."""
        told = (*self.findings.get(KNOWN, ()), *waiting)
        return replace(self, findings={**self.findings, KNOWN: told}) if told else self

    @property
    def alarm(self) -> bool:
        """Whether a person is needed."""
        return any(line.startswith(SCRAMBLED) for line in self.hygiene) or any(self.findings.values())


def examine(dossier: Dossier, watch: Watch | None = None) -> Examined:
    """Return what every detector of planted training data says of a dossier."""
    found = _examined(dossier, DETECTORS, "training data", watch)
    again = called_before(dossier)
    findings = {**found.findings, KNOWN: again} if again else found.findings
    return replace(found, findings=findings, hygiene=hygiene(dossier))


def examine_predictions(dossier: Predictions, watch: Watch | None = None) -> Examined:
    """Return what every detector of predictions says of them."""
    return _examined(dossier, PREDICTIONS, "predictions", watch)


def _examined(dossier: Dossier, catalogue: Mapping[str, Entry], of: str, watch: Watch | None) -> Examined:
    signals, skipped, findings, seconds = {}, [], {}, {}
    for i, (name, line) in enumerate(catalogue.items()):
        if watch is not None:
            watch(name, i, len(catalogue))
        detector = line.make()
        reason = detector.unfit(dossier)
        if reason is not None:
            skipped.append(Skipped(name, of, reason))
            continue
        started = perf_counter()
        signals[name] = detector.score(dossier)
        findings[name], seconds[name] = _open(signals[name], dossier)[:MORE], perf_counter() - started
    return Examined(signals, tuple(skipped), findings, seconds=seconds)


def _open(signal: Signal, dossier: Dossier) -> tuple[str, ...]:
    """Return the lines of an alarm that are about records under review, and that people have not answered before."""
    if not signal.groups:
        return signal.alarm
    asked, heard = dossier.asked, dossier.heard
    return tuple(
        line
        for line, rows in zip(signal.alarm, signal.groups, strict=True)
        if asked[rows].any() and not answered(heard[rows])
    )


def answered(heard: NDArray[np.int8]) -> bool:
    """Return whether what people said of some of a group's records (n,) stands for all: it is honest."""
    honest, bad = int((heard == RIGHT).sum()), int((heard == POISON).sum())
    return not bad and honest >= (2 if len(heard) >= LARGE else 1)


def called_before(dossier: Dossier) -> tuple[str, ...]:
    """Return which records under review are nearly identical to ones that were called poison in earlier reviews."""
    asked, heard = dossier.asked, dossier.heard
    if not (heard == POISON).any():
        return ()
    kin = dossier.family * 2 + dossier.labels
    again = asked & (heard == 0) & np.isin(kin, kin[heard == POISON])
    if not again.any():
        return ()
    return (f"{int(again.sum())} records are nearly identical to ones that were called poison before",)


def order_of(dossier: Dossier, signals: Mapping[str, Signal], seed: int) -> Ranking:
    """Return the order of reading that the signals of a dossier stand for."""
    scores, chances = {k: s.score for k, s in signals.items()}, {k: s.p for k, s in signals.items()}
    near = told_apart(dossier.view.linear, list(scores.values()))
    return Ranking(scores, chances, near, dossier.family * 2 + dossier.labels, seed)


def hygiene(dossier: Dossier) -> tuple[str, ...]:
    """Return what is wrong with the data as data: labels that nothing explains, copies with both labels."""
    found = []
    labels = dossier.labels
    if len(np.unique(labels)) == 2 and len(labels) >= 100:
        area = _area(dossier.unseen, labels)
        wide = 3 * 0.29 * np.sqrt(1 / max(int(labels.sum()), 1) + 1 / max(int((1 - labels).sum()), 1))
        if area < 0.5 + wide:
            found.append(
                f"{SCRAMBLED}: a model that learns from some records tells the others' labels no better than "
                f"chance (area under the curve {area:.2f}, {0.5:.2f} is chance, n = {len(labels)})."
            )
    which = pd.factorize(_whole(dossier.records))[0]
    many, harmful = np.bincount(which), np.bincount(which, labels)
    both = (harmful > 0) & (harmful < many)
    if both.any():
        found.append(
            f"{int(many[both].sum())} records are exact copies of each other with both labels ({int(both.sum())} "
            "different ones)."
        )
    return tuple(found)


def _whole(records: Records) -> NDArray[Any]:
    """Return each record as one value (n,)."""
    if records.ndim == 1:
        return records
    rows = np.ascontiguousarray(records)
    return np.unique(rows.view(np.dtype((np.void, rows.strides[0]))).ravel(), return_inverse=True)[1]


def _area(score: Floats, labels: NDArray[np.int8]) -> float:
    from scipy.stats import rankdata

    rank, good = rankdata(score), int((labels == 0).sum())
    bad = len(labels) - good
    return float((rank[labels == 1].sum() - bad * (bad + 1) / 2) / max(good * bad, 1))
