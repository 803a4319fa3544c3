"""What insiders share: the same share of what is stored is altered when he comes, and of what each round adds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Effect, Labelled, Move, Outcome, Send, Tamper
from vauban.errors import BudgetSpent
from vauban.records import Mask, Records
from vauban.tactics.logistic import columns_of
from vauban.tactics.stored import Stored
from vauban.tactics.undermining import Lesson, Wrong, at_cut, at_half, at_share
from vauban.threat import Decision, Grant

NEAR = 0.05
"""A share of blocked records within so much of what blocking at a half comes to is taken for just that."""
ASKED = 300
"""Known records that he asks about."""
WHOLE = 1e-9
"""What a share of many records may lack of a whole number, by rounding, and be it all the same."""


@dataclass(frozen=True)
class Blocked:
    """The share of records that the deployed model blocks; None where he could not ask."""

    share: float | None = None
    effects: tuple[Effect, ...] = ()


def asked_share(brief: Brief, records: Records) -> Generator[Ask, Outcome, Blocked]:
    """Ask what share of records (n, ...) is blocked, of as many of them as is enough to know."""
    asked = records[brief.rng().permutation(len(records))[:ASKED]]
    if len(asked) and Grant.LABEL in brief.grants:
        with suppress(BudgetSpent):
            outcome = yield Ask(asked, None, LABEL)
            if outcome.answered.all():
                return Blocked(float((outcome.decisions == Decision.BLOCK).mean()))
    return Blocked()


def altering(brief: Brief, choose: Callable[[Stored, int], Tamper]) -> Generator[Move, Any, tuple[Claim, ...]]:
    """Alter what is stored, round after round, and send nothing; until the last round is over.

    Args:
        brief: with the campaign; what he knows is what is stored.
        choose: returns a change of at most so many stored records.
    """
    known, campaign = brief.known, brief.campaign
    if campaign is None or known.labels is None:
        return ()
    stored = Stored.of(Labelled(known.records, known.labels), known.aimed)
    share = campaign.sends / max(campaign.collected, 1)
    due, done = share * len(stored), 0
    with suppress(BudgetSpent):
        while True:
            count = int(due + WHOLE) - done
            change = choose(stored, count) if count > 0 else None
            if change is not None and len(change.ids):
                yield change
                stored = stored.tampered(change)
                done += len(change.ids)
            told = yield Send(known.records[:0], why="he sends nothing: he alters what is stored")
            if told.stored is None or told.ids is None or told.aimed is None:
                return ()
            if len(told.ids):
                stored = replace(stored, given=int(told.ids[0]))
            stored = stored.plus(told.stored, told.aimed, np.zeros(len(told.stored), dtype=bool))
            due += share * len(told.stored)
    return ()


def hurt_by(brief: Brief, stored: Stored) -> Mask:
    """Return the stored records (n,) of the class that is to be decided otherwise: of the slice, if it holds any."""
    kind = stored.truth == int(brief.cell.harmful)
    return np.asarray(kind & stored.aimed if (kind & stored.aimed).any() else kind)


def lesson_of(brief: Brief, stored: Stored, hurt: Mask, may: Mask) -> Lesson:
    """Return stored records as his own model learns them."""
    labels = stored.data.labels.astype(np.float64)
    x = columns_of(brief.schema, stored.data.records, labels).matrix(stored.data.records)
    return Lesson(x, labels, stored.truth.astype(np.float64), hurt, may)


def believed(lesson: Lesson, blocked: float | None) -> Wrong:
    """Return how he believes that the owner's model goes wrong.

    Args:
        lesson: with the labels as they came.
        blocked: share of all records that the deployed model blocks, as far as he knows. Where it is not what blocking
            at a half comes to, the owner blocks a share of all, whatever the model learns.
    """
    if blocked is None:
        share = float(lesson.truth.mean())
        return lambda taught, w: (at_half(taught, w) + at_share(taught, w, share)) / 2
    usual = float((lesson.x @ lesson.fitted(lesson.truth) > 0).mean())
    return at_half if abs(usual - blocked) <= NEAR else partial(at_share, share=blocked)


def believed_within(lesson: Lesson, blocked: float | None) -> Wrong:
    """Return how he believes that the owner's model goes wrong in a part of all records, which moves no threshold.

    Args:
        lesson: the part, with the labels as they came.
        blocked: share of it that the deployed model blocks, as far as he knows; a half is the cut where he does not.
    """
    if blocked is None:
        return at_half
    return partial(at_cut, cut=float(np.quantile(lesson.x @ lesson.fitted(lesson.truth), 1 - blocked)))
