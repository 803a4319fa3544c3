"""Fits that are not repeated: the first model of every play is the same one, and so are all models of clean plays."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count

import joblib

from vauban.contracts import Answers, Labelled, Scale, Structure, Target, Trainer
from vauban.records import Records, fingerprints
from vauban.schema import Schema
from vauban.threat import Grant

MOST = 12
"""Models that a process remembers: as many as a run of ten rounds has, and one of a large vocabulary is 40 MB."""

_remembered: OrderedDict[tuple[str, str], Target] = OrderedDict()
_unnamed = count()


@dataclass
class Effort:
    """What the models of a play did, and how often one was fitted: by whichever process plays it."""

    model_calls: int = 0
    rows_scored: int = 0
    model_seconds: float = 0.0
    fits: int = 0
    fit_seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Counted:
    """A target that counts what it is asked; ``key`` says how it was trained."""

    base: Target
    key: str
    effort: Effort

    @property
    def name(self) -> str:
        """What people call it."""
        return self.base.name

    @property
    def schema(self) -> Schema:
        """Of its records."""
        return self.base.schema

    @property
    def scale(self) -> Scale:
        """Of its scores."""
        return self.base.scale

    @property
    def threshold(self) -> float:
        """Scores at or above it are blocked."""
        return self.base.threshold

    @property
    def grants(self) -> frozenset[Grant]:
        """What it can answer."""
        return self.base.grants

    @property
    def deterministic(self) -> bool:
        """Whether it answers the same each time."""
        return self.base.deterministic

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return what the model says, and count it."""
        told = self.base.answer(records, want)
        self.effort.model_calls += 1
        self.effort.rows_scored += len(records)
        self.effort.model_seconds += told.seconds
        return told

    def structure(self) -> Structure:
        """Return the model's inside."""
        return self.base.structure()


@dataclass(frozen=True, eq=False)
class Remembering:
    """A trainer that does not fit again what this process has fitted: same trainer, same data, same start.

    Attributes:
        trainer: the user's own.
        name: a hash of all that the trainer is; see `name_of`.
        effort: counts fits and, through the models, questions.
    """

    trainer: Trainer
    name: str
    effort: Effort = field(default_factory=Effort)

    def fit(self, data: Labelled, start: Target | None = None) -> Counted:
        """Return the model trained on data, fitted now or before."""
        begin = start.key if isinstance(start, Counted) else ""
        key = (self.name, _hash(data, begin))
        if key in _remembered:
            _remembered.move_to_end(key)
        else:
            started = time.perf_counter()
            # A trainer that goes on from a model gets the model itself, not its counter.
            _remembered[key] = self.trainer.fit(data, start.base if isinstance(start, Counted) else start)
            self.effort.fits += 1
            self.effort.fit_seconds += time.perf_counter() - started
            while len(_remembered) > MOST:
                _remembered.popitem(last=False)
        return Counted(_remembered[key], key[1], self.effort)


def name_of(trainer: Trainer) -> str:
    """Return a hash of all that a trainer is; a name of its own where it cannot be pickled, and so not hashed."""
    try:
        return str(joblib.hash(trainer))
    except (pickle.PicklingError, TypeError, AttributeError):
        return f"unhashed {next(_unnamed)}"  # no id(): Python gives it to another object later


def _hash(data: Labelled, begin: str) -> str:
    digest = hashlib.sha256(begin.encode())
    digest.update(fingerprints(data.records).tobytes() if len(data) else b"")
    digest.update(data.labels.tobytes())
    return digest.hexdigest()
