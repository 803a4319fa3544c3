"""Three-way decisions: what is neither clearly good nor clearly harmful is referred to a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.contracts import SCORE, Answers, Target
from vauban.errors import BadInput
from vauban.records import Records
from vauban.targets.deciding import rounded
from vauban.threat import Decision, Grant


@dataclass(frozen=True)
class ReferringTarget:
    """A target whose scores from ``refer`` up to its threshold are referred.

    Attributes:
        base: answers with scores.
        refer: score from which a record is referred; below it passes.
    """

    base: Target
    refer: float

    def __post_init__(self) -> None:
        """Refuse a target without scores, and a band that is empty."""
        if Grant.SCORE not in self.base.grants:
            raise BadInput(f"The model {self.base.name!r} has no score, so nothing lies between pass and block.")
        if not self.refer <= self.base.threshold:
            raise BadInput(f"Referring starts at {self.refer}, but blocking at {self.base.threshold} already.")

    @property
    def grants(self) -> frozenset[Grant]:
        """What the base can answer, but for its structure: that knows of one limit only."""
        return self.base.grants - {Grant.STRUCTURE}

    def __getattr__(self, name: str) -> Any:
        """Everything else is the base's."""
        if name.startswith("__") or name == "base":
            raise AttributeError(name)
        return getattr(self.base, name)

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return what the base says, with REFER in the band."""
        told = self.base.answer(records, want | SCORE)
        scores = np.asarray(told.scores)
        between = (scores >= rounded(np.array([self.refer]))[0]) & (told.decisions == Decision.PASS)
        decisions = np.where(between, np.int8(Decision.REFER), told.decisions)
        return replace(told, decisions=decisions, scores=told.scores if Grant.SCORE in want else None)
