"""What can be said of errors: measured where the truth is known; elsewhere estimated from scores, and marked so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import Scale
from vauban.metrics.intervals import wilson
from vauban.monitors.predictions import Predictions

GAMED = "can be gamed by whoever writes the records"


def performance(dossier: Predictions) -> tuple[str, ...]:
    """Return in plain words what is known of the errors of these decisions, and what cannot be known."""
    return tuple(_lines(dossier))


def _lines(dossier: Predictions) -> Iterator[str]:
    n, known = len(dossier), int(dossier.known.sum())
    stopped = wilson(int(dossier.labels.sum()), n)
    line = f"{stopped.value:.2%} of {n} records do not pass (95 %: {stopped.low:.2%} to {stopped.high:.2%})"
    if dossier.before is not None:
        line += (
            f"; with the reference {dossier.before.mean():.2%}; {int(dossier.changed.sum())} are decided otherwise, "
            f"{int((dossier.changed & (dossier.labels == 0)).sum())} of them pass now"
        )
    yield line + "."
    if known:
        yield from _measured(dossier, "the candidate", dossier.labels)
        if dossier.before is not None:
            yield from _measured(dossier, "the reference", dossier.before)
    if known == n:
        return
    if known:
        yield (
            f"The truth is known of {known} of {n} records. Labels come late, and not by lot: what holds for these "
            "need not hold for the rest."
        )
    else:
        yield (
            f"The truth of these {n} records is not known: how many harmful ones pass and how many good ones do not "
            "cannot be said, nor whether a change is for the better. Name late labels with --outcome, once "
            "some are there."
        )
    yield from _estimated(dossier)


def _measured(dossier: Predictions, who: str, blocked: NDArray[np.int8]) -> Iterator[str]:
    truth = dossier.truth
    assert truth is not None  # noqa: S101 - callers look first
    missed = wilson(int(((truth == 1) & (blocked == 0)).sum()), int((truth == 1).sum()))
    stopped = wilson(int(((truth == 0) & (blocked == 1)).sum()), int((truth == 0).sum()))
    said = [
        f"{rate.value:.2%} of {rate.n} {what} (95 %: {rate.low:.2%} to {rate.high:.2%})"
        for rate, what in ((missed, "harmful records pass"), (stopped, "good records do not pass"))
        if rate.n
    ]
    yield f"With {who}: {'; '.join(said)}."


def _estimated(dossier: Predictions) -> Iterator[str]:
    """Estimate errors from scores taken at their word: confidence-based, after Guillory et al. (ICCV 2021)."""
    if dossier.scores is None or dossier.scale is not Scale.PROBABILITY:
        return
    rest = ~dossier.known
    harm, passes = dossier.scores[rest], dossier.labels[rest] == 0
    bad = max(float(harm.sum()), 1e-12)
    yield (
        f"If scores were true probabilities, {harm[passes].sum() / bad:.1%} of the harmful ones among the other "
        f"{int(rest.sum())} would pass ({harm[passes].sum():.0f} records); this estimate {GAMED}."
    )
