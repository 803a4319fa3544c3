"""From a model's raw output to answers: one rule for every target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vauban.contracts import Answers, Decisions
from vauban.errors import BadInput, TargetError
from vauban.records import Floats
from vauban.threat import Decision

_DROPPED_BITS = 13
_HALF = np.int64(1 << (_DROPPED_BITS - 1))
_KEEP = np.int64(~((1 << _DROPPED_BITS) - 1))


def rounded(scores: Floats) -> Floats:
    """Return scores rounded to 40 significant bits, 12 significant digits.

    The shape of a batch changes the last bits of models that call BLAS; no decision may hang on them.
    """
    bits = np.ascontiguousarray(scores, dtype=np.float64).view(np.int64)
    return ((bits + _HALF) & _KEEP).view(np.float64)


def decide(scores: Floats, threshold: float) -> Decisions:
    """Return BLOCK where the rounded score is at or above the rounded threshold, else PASS (n,)."""
    limit = rounded(np.array([threshold]))[0]
    return np.where(scores >= limit, np.int8(Decision.BLOCK), np.int8(Decision.PASS))


def answers_from(raw: Any, n: int, threshold: float, seconds: float, name: str) -> Answers:
    """Return the answers that raw scores (n,) mean; TargetError unless there is one finite score a record."""
    try:
        scores = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TargetError(f"The model {name!r} must return numbers. Got {type(raw).__name__}: {error}.") from error
    if scores.shape != (n,):
        raise TargetError(f"The model {name!r} must return one score a record, shape ({n},). Got shape {scores.shape}.")
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        raise TargetError(f"The model {name!r} must return finite scores. {bad} of {n} are NaN or infinite.")
    scores = rounded(scores)
    return Answers(decide(scores, threshold), scores, None, seconds)


def harmful_columns(harmful: Any, classes: Sequence[Any], name: str) -> tuple[Any, tuple[int, ...]]:
    """Return the harmful class, or a tuple of several, and their places among a model's classes.

    Args:
        harmful: a class; or a list, tuple or set of some.
        classes: all that the model tells apart.
        name: of the model, for the error.

    Raises:
        BadInput: there are fewer than two classes, a harmful one is not among them, or all are or none is.
    """
    listed = [c.item() if hasattr(c, "item") else c for c in classes]
    several = isinstance(harmful, (list, tuple, set, frozenset))
    wanted = list(harmful) if several else [harmful]
    strange = [h for h in wanted if h not in listed]
    columns = tuple(i for i, c in enumerate(listed) if c in wanted)
    if len(listed) < 2 or strange or not 0 < len(columns) < len(listed):
        raise BadInput(
            f"The model {name!r} must tell harmful classes from others, the harmful ones being "
            f"{', '.join(map(repr, wanted)) or 'none'}. Got classes {listed}."
        )
    return (tuple(listed[i] for i in columns) if several else harmful), columns
