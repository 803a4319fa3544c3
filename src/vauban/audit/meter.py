"""Meter questions: nobody asks for what he was not granted, and nobody overspends."""

from __future__ import annotations

import numpy as np

from vauban.contracts import Answers, Ask, Outcome, Target
from vauban.errors import ContractViolation
from vauban.records import Ints, Mask, modality_of
from vauban.threat import Budget, Decision, Grant

FUTILE = 100
"""Questions in a row to which nobody could be answered, after which an attack is told that the budget is spent."""


def check_ask(ask: object, attack: str, target: Target, grants: frozenset[Grant]) -> Ask:
    """Return the question if it is one; ContractViolation if not, or if it asks for what was not granted."""
    if not isinstance(ask, Ask):
        raise ContractViolation(f"Attack {attack!r} must yield Ask. Got {type(ask).__name__}.")
    if ask.want - grants:
        wrong = ", ".join(sorted(ask.want - grants))
        raise ContractViolation(f"Attack {attack!r} asked for {wrong}, which it was not granted.")
    if not isinstance(ask.records, np.ndarray) or modality_of(ask.records) is not target.schema.modality:
        raise ContractViolation(
            f"Attack {attack!r} must ask about records of the schema. Got {type(ask.records).__name__}."
        )
    if target.schema.modality == "table" and ask.records.shape[1:] != (len(target.schema.names),):
        raise ContractViolation(
            f"Attack {attack!r} must ask about records of {len(target.schema.names)} features. "
            f"Got shape {ask.records.shape}."
        )
    return ask


class Meter:
    """Counts each victim's questions, flagged ones apart.

    Attributes:
        used: (N,) questions answered, by victim id.
        flagged: (N,) of these, how many were answered BLOCK.
        most: questions that may be answered in all.
    """

    def __init__(self, attack: str, cohort: Ints, size: int, budget: Budget) -> None:
        self.attack = attack
        self.budget = budget
        self.most = budget.queries * len(cohort)
        self.used = np.zeros(size, dtype=np.int64)
        self.flagged = np.zeros(size, dtype=np.int64)
        self._in_cohort = np.zeros(size, dtype=bool)
        self._in_cohort[cohort] = True

    def turn(self, attack: str, cohort: Ints) -> None:
        """Let another attack go on for some of the victims, with what is left to each."""
        self.attack = attack
        self._in_cohort[:] = False
        self._in_cohort[cohort] = True

    @property
    def remaining(self) -> Ints:
        """Questions left, by victim id (N,): 0 for a victim flagged too often, or of another cohort."""
        left = np.where(self._in_cohort, self.budget.queries - self.used, 0)
        if self.budget.flagged is not None:
            left = np.where(self.flagged >= self.budget.flagged, 0, left)
        return np.asarray(left, dtype=np.int64)

    @property
    def spent(self) -> bool:
        """Whether no victim of the cohort can be asked about any more."""
        return not self.remaining.any()

    def admit(self, ask: Ask) -> tuple[Mask, Ints]:
        """Return which rows fit their owners' budgets (n,), and the ordinal of each question among its owner's (n,)."""
        owner = ask.owner
        n = len(ask.records)
        if owner is None or owner.shape != (n,) or owner.dtype.kind not in "iu":
            raise ContractViolation(f"Attack {self.attack!r} must name the victim that owns each of {n} rows.")
        if n and (owner.min() < 0 or owner.max() >= len(self.used) or not self._in_cohort[owner].all()):
            raise ContractViolation(f"Attack {self.attack!r} asked for a victim that is not of its cohort.")
        rank = _rank(owner)
        return rank < self.remaining[owner], self.used[owner] + rank + 1

    def settle(self, ask: Ask, admitted: Mask, answers: Answers) -> Outcome:
        """Charge the rows that were answered and return the outcome; ``answers`` are of the admitted rows."""
        assert ask.owner is not None  # noqa: S101 - admit() refused it otherwise
        answered = admitted
        blocked = np.zeros(len(ask.records), dtype=bool)
        blocked[admitted] = answers.decisions == Decision.BLOCK
        if self.budget.flagged is not None:
            answered = answered & (self._flagged_before(ask.owner, blocked) < self.budget.flagged)
        self.used += np.bincount(ask.owner[answered], minlength=len(self.used))
        self.flagged += np.bincount(ask.owner[answered & blocked], minlength=len(self.flagged))
        return outcome_of(ask, admitted, answered, answers, self.remaining)

    def _flagged_before(self, owner: Ints, blocked: Mask) -> Ints:
        order = np.argsort(owner, kind="stable")
        running: Ints = np.cumsum(blocked[order]) - blocked[order]
        starts = np.flatnonzero(np.r_[True, np.diff(owner[order]) != 0]) if len(owner) else np.empty(0, np.intp)
        base: Ints = np.repeat(running[starts], np.diff(np.r_[starts, len(owner)]))
        before = np.empty(len(owner), dtype=np.int64)
        before[order] = running - base
        return before + self.flagged[owner]


class ScoutMeter:
    """Counts the questions asked before any victim."""

    def __init__(self, attack: str, budget: Budget) -> None:
        self.attack = attack
        self.limit = budget.scouting
        self.used = 0
        self.flagged = 0

    @property
    def spent(self) -> bool:
        """Whether all of the scouting budget is spent."""
        return self.used >= self.limit

    def admit(self, ask: Ask) -> Mask:
        """Return which rows fit the budget (n,)."""
        if ask.owner is not None:
            raise ContractViolation(f"Attack {self.attack!r} must not name owners while it scouts.")
        return np.arange(len(ask.records)) < self.limit - self.used

    def settle(self, ask: Ask, admitted: Mask, answers: Answers) -> Outcome:
        """Charge the admitted rows and return the outcome."""
        self.used += int(admitted.sum())
        self.flagged += int((answers.decisions == Decision.BLOCK).sum())
        return outcome_of(ask, admitted, admitted, answers, np.array([self.limit - self.used], dtype=np.int64))


def outcome_of(ask: Ask, admitted: Mask, answered: Mask, answers: Answers, remaining: Ints) -> Outcome:
    """Return what the attacker sees: no more than he asked for, and nothing where he was not answered."""
    n = len(ask.records)
    hidden = ~answered[admitted]
    decisions = np.full(n, Decision.UNANSWERED, dtype=np.int8)
    decisions[admitted] = answers.decisions
    decisions[~answered] = Decision.UNANSWERED
    scores = gradients = None
    if Grant.SCORE in ask.want:
        scores = np.full(n, np.nan)
        scores[admitted] = np.nan if answers.scores is None else answers.scores
        scores[~answered] = np.nan
    if Grant.GRADIENT in ask.want and answers.gradients is not None:
        gradients = np.full((n, answers.gradients.shape[1]), np.nan)
        gradients[admitted] = np.where(hidden[:, None], np.nan, answers.gradients)
    return Outcome(answered, decisions, scores, gradients, remaining)


def _rank(owner: Ints) -> Ints:
    """Return each row's position among the rows of its owner, in order (n,)."""
    n = len(owner)
    if not n:
        return np.empty(0, dtype=np.int64)
    change = np.diff(owner)
    if (change >= 0).all():
        starts = np.flatnonzero(np.r_[True, change != 0])
        return np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    order = np.argsort(owner, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[order] = _rank(owner[order])
    return rank
