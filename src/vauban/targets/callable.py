"""Any Python callable as a target."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.contracts import Answers, Scale, Structure
from vauban.errors import TargetError
from vauban.records import Records
from vauban.schema import Schema
from vauban.targets.deciding import answers_from
from vauban.threat import Grant


@dataclass(frozen=True)
class CallableTarget:
    """A function from raw records to scores of the harmful class.

    Attributes:
        predict: takes the raw frame of a table, or the list of messages; returns scores (n,), higher is more harmful.
            For a function that returns labels (1 = blocked), set ``scale`` to LABEL: then there is no score to grant.
        schema: of the records that it takes.
        threshold: scores at or above it are blocked.
        scale: what the scores are.
        name: shown in reports.
    """

    predict: Callable[[Any], Any]
    schema: Schema
    threshold: float = 0.5
    scale: Scale = Scale.PROBABILITY
    name: str = "callable"
    deterministic: bool = True

    @property
    def grants(self) -> frozenset[Grant]:
        """Labels; scores unless the scale is LABEL."""
        return frozenset({Grant.LABEL} if self.scale is Scale.LABEL else {Grant.LABEL, Grant.SCORE})

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return what the function says of encoded records; TargetError if it fails."""
        if want - self.grants:
            raise TargetError(f"The model {self.name!r} cannot answer {', '.join(sorted(want - self.grants))}.")
        if not len(records):  # few functions take an empty batch
            return Answers(np.empty(0, np.int8), np.empty(0))
        raw = self.schema.decode(records)
        given = raw if self.schema.modality == "table" else list(raw[self.schema.columns[0]])
        started = time.perf_counter()
        try:
            scores = self.predict(given)
        except Exception as error:
            raise TargetError(f"The model {self.name!r} failed on {len(records)} records: {error}") from error
        return answers_from(scores, len(records), self.threshold, time.perf_counter() - started, self.name)

    def structure(self) -> Structure:
        """Raise TargetError: a function shows no inside."""
        raise TargetError(f"The model {self.name!r} is a function: its structure cannot be read.")
