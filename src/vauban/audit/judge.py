"""Judge claims: a success is what the model's own answer says of the exact record, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.audit.varying import Shortlist
from vauban.contracts import LABEL, SCORE, Answers, Bound, Candidate, Claim, Decider, Decisions, Target
from vauban.errors import ContractViolation, TargetError
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import FORBIDDEN, Schema
from vauban.threat import Cell, Grant

AskAfresh = Callable[[Records, frozenset[Grant], Ints], Answers]
NEVER = np.iinfo(np.int64).max
"""The ordinal of a success that never came."""


@dataclass(frozen=True)
class Judged:
    """What a search reached, by victim of the cohort, in its order.

    Attributes:
        ids: (n,) victims.
        cost: (n,) of the cheapest possible record that flips; infinite where there is none.
        records: (n, ...) that record; the victim's own where there is none.
        first: (n,) ordinal of the question that flipped first; NEVER where none did.
        at: (n,) ordinal of the question that found the cheapest; 0 for a claimed candidate.
        used, flagged: (n,) questions, and how many were answered BLOCK.
        bound: (n,) claimed lower bound of the cost; NaN where none is claimed.
        score: (n,) the model's score of ``records``; NaN where it has none.
        confirmed: (n,) of a model that answers differently each time, how often the record flipped when asked afresh.
        afresh: (n,) how many questions that took; 0 where the model answers the same each time.
        turn: (n,) which attack of a cascade found the record, from 0; -1 where none did.
    """

    ids: Ints
    cost: Floats
    records: Records
    first: Ints
    at: Ints
    used: Ints
    flagged: Ints
    bound: Floats
    score: Floats
    confirmed: Floats
    afresh: Ints
    turn: Ints

    @property
    def success(self) -> Mask:
        """Which victims were evaded (n,)."""
        return np.isfinite(self.cost)


class Judge:
    """Keeps, for every victim, the cheapest possible record that the model was seen to flip.

    With a ``shortlist`` it keeps the cheapest few: the model answers differently each time, so they must be confirmed.
    """

    def __init__(
        self,
        attack: str,
        cell: Cell,
        schema: Schema,
        victims: Records,
        limit: float | None,
        shortlist: Shortlist | None = None,
    ) -> None:
        n = len(victims)
        self._attack = attack
        self._cell = cell
        self._schema = schema
        self._victims = victims
        self._limit = FORBIDDEN if limit is None else limit
        self._cost = np.full(n, np.inf)
        self._records = victims.copy()
        self._first = np.full(n, NEVER, dtype=np.int64)
        self._at = np.zeros(n, dtype=np.int64)
        self._bound = np.full(n, np.nan)
        self._shortlist = shortlist
        self._turn, self._found_in = 0, np.full(n, -1, dtype=np.int64)

    @property
    def evaded(self) -> Mask:
        """Which victims the model was seen to decide otherwise (N,), by victim id."""
        return np.asarray(np.isfinite(self._cost))

    def turn(self, attack: str, at: int) -> None:
        """Another attack of a cascade goes on."""
        self._attack, self._turn = attack, at

    def see(self, owner: Ints, records: Records, decisions: Decisions, ordinal: Ints) -> None:
        """Take note of questions: rows (n, ...), their owners, decisions (or UNANSWERED) and ordinals, each (n,)."""
        rows = np.flatnonzero(decisions == self._cell.goal)
        if not len(rows):
            return
        whose = owner[rows]
        cost = self._schema.cost(self._victims[whose], records[rows])
        allowed = (cost < FORBIDDEN) & (cost <= self._limit)
        rows, whose, cost = rows[allowed], whose[allowed], cost[allowed]
        np.minimum.at(self._first, whose, ordinal[rows])
        if self._shortlist is not None:
            self._shortlist.add(whose, records[rows], cost, ordinal[rows])
        better = cost < self._cost[whose]
        rows, whose, cost = rows[better], whose[better], cost[better]
        order = np.lexsort((ordinal[rows], cost, whose))
        rows, whose, cost = rows[order], whose[order], cost[order]
        best = np.r_[True, np.diff(whose) != 0] if len(whose) else np.empty(0, dtype=bool)
        rows, whose, cost = rows[best], whose[best], cost[best]
        self._cost[whose], self._at[whose] = cost, ordinal[rows]
        self._records[whose] = records[rows]
        self._found_in[whose] = self._turn

    def hear(self, claims: Sequence[Claim], cohort: Ints, target: Target) -> None:
        """Take note of what a search claims about its victims; ContractViolation for claims about others."""
        members = set(cohort.tolist())
        candidates: list[Candidate] = []
        for claim in claims:
            if not isinstance(claim, (Candidate, Bound)):
                raise ContractViolation(
                    f"Attack {self._attack!r} claims {type(claim).__name__} in a search for victims."
                )
            if claim.victim not in members:
                raise ContractViolation(
                    f"Attack {self._attack!r} claims something of {claim.victim}, not of its cohort."
                )
            if isinstance(claim, Bound):
                self._bound[claim.victim] = claim.cost
            else:
                candidates.append(claim)
        if candidates:
            owner = np.array([c.victim for c in candidates], dtype=np.int64)
            records = _stack([c.record for c in candidates], self._victims)
            told = target.answer(records, target.grants & SCORE)
            self.see(owner, records, told.decisions, np.zeros(len(owner), dtype=np.int64))

    def verdict(self, target: Target, used: Ints, flagged: Ints, afresh: AskAfresh | None = None) -> Judged:
        """Return what was reached, each success asked of the model once more, in the form that it really receives.

        With a shortlist, ``afresh`` asks about records on occasions of their own.

        Raises:
            TargetError: the model does not say again what it said when the record was found.
            ContractViolation: a claimed bound exceeds what was attained.
        """
        n = len(self._cost)
        confirmed, asked = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
        if self._shortlist is not None and afresh is not None:
            confirmed, asked = self._confirm(self._shortlist, target, afresh)
        won = np.flatnonzero(np.isfinite(self._cost))
        score = np.full(n, np.nan)
        if len(won) and self._shortlist is None:
            told = target.answer(self._records[won], target.grants & SCORE)
            if (told.decisions != self._cell.goal).any():
                wrong = int((told.decisions != self._cell.goal).sum())
                raise TargetError(
                    f"The model {target.name!r} does not stand by its answers: {wrong} of {len(won)} successes of "
                    f"{self._attack!r} are decided otherwise when asked again. It must answer the same each time."
                )
            if told.scores is not None:
                score[won] = told.scores
        false = self._bound > self._cost * (1 + 1e-9) + 1e-9
        if false.any():
            i = int(np.flatnonzero(false)[0])
            raise ContractViolation(
                f"Attack {self._attack!r} claims that victim {i} costs at least {self._bound[i]:.6g}, "
                f"but evaded it for {self._cost[i]:.6g}."
            )
        ids = np.arange(len(self._cost))
        return Judged(
            ids,
            self._cost,
            self._records,
            self._first,
            self._at,
            used.copy(),
            flagged.copy(),
            self._bound,
            score,
            confirmed,
            asked,
            np.where(np.isfinite(self._cost), self._found_in, -1),
        )

    def _confirm(self, kept: Shortlist, target: Target, afresh: AskAfresh) -> tuple[Floats, Ints]:
        """Let only stand what holds when asked afresh; return how often it flipped (n,), and the questions (n,)."""
        want = target.grants & SCORE
        found = kept.confirm(lambda rows, when: afresh(rows, want, when | (1 << 60)).decisions == self._cell.goal)
        every, rank = np.arange(len(found.rank)), np.maximum(found.rank, 0)
        lost = found.rank < 0
        self._cost, self._at = np.where(lost, np.inf, kept.cost[every, rank]), kept.at[every, rank]
        self._first = np.where(lost, NEVER, self._first)
        self._records = kept.records[every, rank]
        self._records[lost] = self._victims[lost]
        return found.share, found.asked


def _stack(records: list[Any], like: Records) -> Records:
    out = np.empty((len(records), *like.shape[1:]), dtype=like.dtype)
    for i, record in enumerate(records):
        out[i] = record
    return out


def judge_substitute(model: Decider, target: Target, fresh: Records) -> Mask:
    """Return where a substitute decides as the target does on fresh records (n,)."""
    told = target.answer(fresh, LABEL)
    return np.asarray(model.decide(fresh) == told.decisions)


def judge_membership(scores: Floats, members: Mask) -> float:
    """Return the area under the ROC curve of membership scores (n,) against the truth (n,)."""
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable") + 1.0
    inside, outside = int(members.sum()), int((~members).sum())
    if not inside or not outside:
        raise ContractViolation("Membership is judged on suspects of which some, not all, were trained on.")
    return float((order[members].sum() - inside * (inside + 1) / 2) / (inside * outside))
