"""Which of several substitutes to believe: cross-validation on answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vauban.records import Floats, Records
from vauban.tactics.evidence import Answered

FOLDS = 3
MARGIN = 0.002
"""Most that a wrong margin adds to the loss of 1 of a wrong decision."""
FEWEST = 20
"""Answers, and records as they occur among them, from which models are told apart."""
FEW = 10
"""Records of one side, as they occur, below which more is asked of a model that is to be believed."""


def nearness(margins: Floats) -> Floats:
    """Return weights (n,): full near the line, falling with the square of the distance far out.

    A score that is all but 0 or 1 must not decide how the line is drawn.
    """
    width = float(np.median(np.abs(margins))) or 1.0
    return np.asarray(1.0 / (1.0 + (margins / width) ** 2))


def losses(data: Answered, fit: Callable[[Answered], Callable[[Records], Floats]]) -> Floats:
    """Return a loss for each record as it occurs (for all records, where those are few), each left out of its fit.

    It is 1 where the side is predicted wrongly. Where scores are known, the error of the margin adds a little.

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
            out[test] += MARGIN * np.minimum(nearness(truth) * ((predicted - truth) / width) ** 2, 1.0)
    return np.asarray(out[judged])


def best(losses: Sequence[Floats], data: Answered) -> int:
    """Return the model that stands when each in turn must beat the one before that stood.

    By more than one standard error, as in Breiman, Friedman, Olshen and Stone, "Classification and regression trees"
    (1984, section 3.4.3); by more than two while there are few records of one side: then the lowest loss is often luck.

    Args:
        losses: paired, (n,) a model, the most trusted model first.
        data: what they were measured on.
    """
    blocked = int(data.blocked[data.natural].sum())
    needed = 1.0 if min(blocked, int(data.natural.sum()) - blocked) >= FEW else 2.0
    standing = 0
    for i, loss in enumerate(losses):
        gain = losses[standing] - loss
        if float(gain.mean()) > needed * float(gain.std()) / np.sqrt(len(gain)):
            standing = i
    return standing
