"""Which of several substitutes to believe: cross-validation on answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vauban.records import Floats, Records
from vauban.tactics.evidence import Answered

FOLDS = 3
FEWEST = 20
"""Answers, and records as they occur among them, from which models are told apart."""


def nearness(margins: Floats) -> Floats:
    """Return weights (n,): full near the line, falling with the square of the distance far out.

    A score that is all but 0 or 1 must not decide how the line is drawn.
    """
    width = float(np.median(np.abs(margins))) or 1.0
    return np.asarray(1.0 / (1.0 + (margins / width) ** 2))


def losses(data: Answered, fit: Callable[[Answered], Callable[[Records], Floats]]) -> Floats:
    """Return a loss for each record as it occurs (for all records, where those are few), each left out of its fit.

    It is 1 where the side is predicted wrongly. Where scores are known, the error of the margin adds its share.

    Args:
        data: answers.
        fit: answers to the margin function of a model fitted on them.
    """
    judged = data.natural if data.natural.sum() >= FEWEST else np.ones(len(data), dtype=np.bool_)
    fold = data.family % np.uint64(FOLDS)
    out = np.ones(len(data))
    for k in range(FOLDS):
        test = (fold == k) & judged
        if not test.any():
            continue
        predicted = fit(data.pick(fold != k))(data.records[test])
        out[test] = (predicted >= 0) != data.blocked[test]
        if data.margins is not None:
            truth = data.margins[test]
            width = float(np.median(np.abs(data.margins))) or 1.0
            out[test] += np.minimum(nearness(truth) * ((predicted - truth) / width) ** 2, 1.0)
    return np.asarray(out[judged])


def best(losses: Sequence[Floats]) -> int:
    """Return the model of the lowest mean loss; the first, unless that is better by more than one standard error.

    Losses are paired, (n,) a model. The first is what stands until something is shown to be better: the rule of
    Breiman, Friedman, Olshen and Stone, "Classification and regression trees" (1984, section 3.4.3).
    """
    lowest = min(range(len(losses)), key=lambda i: float(losses[i].mean()))
    gain = losses[0] - losses[lowest]
    return lowest if float(gain.mean()) > float(gain.std()) / np.sqrt(len(gain)) else 0
