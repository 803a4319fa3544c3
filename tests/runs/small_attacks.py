"""Small attacks that use all that the runner offers: scouting, streams, scores, claims, many and few questions."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from vauban.catalogue import CATALOGUE, Entry
from vauban.contracts import (
    LABEL,
    SCORE,
    Ask,
    Brief,
    Candidate,
    Claim,
    Cohort,
    Decisions,
    Effect,
    NothingLearnt,
    Outcome,
    each,
    no_scouting,
)
from vauban.errors import BudgetSpent
from vauban.records import Floats, Ints, Modality, Records, messages

WORDS = ("meeting", "tonight", "thanks", "lunch", "winner", "prize", "free", "urgent", "call", "ok", "love", "home")


PAUSE = float(os.environ.get("SLOW", "0"))
"""Seconds that `Wander` rests before each question, in every worker: time to interrupt it."""


@dataclass(frozen=True)
class Wander:
    """Ask about random records in reach, then about ones nearer to the victim than the best: victim by victim."""

    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        def one(alone: Cohort) -> Generator[Ask, Outcome, Sequence[Claim]]:
            rng, schema = alone.rng(0), brief.schema
            start = np.repeat(alone.records, 3, axis=0)
            low, high = schema.span(start)
            far = None
            for _ in range(14):
                time.sleep(PAUSE)
                if far is None:
                    points = low + rng.random(start.shape) * (high - low)
                else:
                    points = start + rng.random((3, 1)) * (far - start)
                points = schema.repair(start, points)
                outcome = yield Ask(points, np.repeat(alone.ids, 3))
                reached = np.flatnonzero(brief.reached(outcome.decisions))
                if len(reached):
                    far = points[reached[:1]]
            return ()

        return each(cohort, one)


@dataclass(frozen=True)
class Learnt:
    """Which way each number moves the score."""

    direction: Floats
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class March:
    """Learn which way each number moves the score, then go that way with the whole cohort; claim without asking."""

    modalities = frozenset({Modality.TABULAR})
    wants = SCORE

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Learnt]:
        records = brief.known.records[brief.rng().permutation(len(brief.known.records))[:40]]
        scores = np.zeros(0)
        with suppress(BudgetSpent):
            outcome = yield Ask(records, want=SCORE)
            scores = outcome.scores[outcome.answered]
        filled = np.nan_to_num(records[: len(scores)])
        centred = filled - filled.mean(axis=0) if len(scores) else filled
        direction = np.sign((centred * (scores - scores.mean())[:, None]).sum(axis=0)) if len(scores) else np.ones(0)
        effects = tuple(
            Effect(n, float(abs(d)), "raises" if d > 0 else "lowers")
            for n, d in zip(brief.schema.names, direction, strict=False)
        )
        return Learnt(direction, effects)

    def search(self, cohort: Cohort, intelligence: Learnt, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        schema = brief.schema
        low, high = schema.span(cohort.records)
        if not len(intelligence.direction):
            return ()
        up = (intelligence.direction > 0) == (brief.cell.goal == 2)
        far = np.where(up, high, low)
        with suppress(BudgetSpent):
            for share in (1.0, 0.75, 0.5, 0.25, 0.1):
                points = schema.repair(cohort.records, cohort.records + share * (far - cohort.records))
                yield Ask(points, cohort.ids, SCORE)
                yield Ask(points, cohort.ids)  # the same question again: charged, but the model is not asked
        end = schema.repair(cohort.records, cohort.records + 0.9 * (far - cohort.records))
        return [Candidate(int(i), record) for i, record in zip(cohort.ids, end, strict=True)]


@dataclass(frozen=True)
class Babble:
    """Append words drawn from the victim's stream, more each time: one question a round for the whole cohort."""

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        streams = [cohort.rng(i) for i in range(len(cohort))]
        with suppress(BudgetSpent):
            for n in (1, 2, 4, 6, 8, 12, 3, 5):
                added = [" ".join(rng.choice(WORDS, n)) for rng in streams]
                yield Ask(messages(f"{t} {w}" for t, w in zip(cohort.records, added, strict=True)), cohort.ids)
        return ()


@dataclass(frozen=True)
class Usual:
    """The picture of somebody who takes every record for the usual one."""

    decision: int
    effects: tuple[Effect, ...] = ()

    def decide(self, records: Records) -> Decisions:
        return np.full(len(records), self.decision, dtype=np.int8)


@dataclass(frozen=True)
class Look:
    """Ask about known records and remember the commonest answer."""

    modalities = frozenset(Modality)
    wants = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Usual]:
        seen: list[Ints] = []
        with suppress(BudgetSpent):
            for start in range(0, len(brief.known.records), 20):
                outcome = yield Ask(brief.known.records[start : start + 20])
                seen.append(outcome.decisions[outcome.answered])
        counts = np.bincount(np.concatenate([*seen, np.zeros(0, np.int8)]), minlength=3)
        return Usual(int(counts.argmax()))


SMALL = tuple(
    Entry(name, f"small_attacks:{cls.__name__}", role=role)
    for name, cls, role in (
        ("wander", Wander, "attack"),
        ("march", March, "attack"),
        ("babble", Babble, "attack"),
        ("look", Look, "explorer"),
    )
)


def install() -> None:
    """Add them to this process's catalogue."""
    CATALOGUE.update({e.name: e for e in SMALL})  # type: ignore[attr-defined]
