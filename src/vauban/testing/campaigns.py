"""Play an attack on training by hand: every move is checked against what he was granted, and written down."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.contracts import SCORE, Ask, Brief, CausativeAttack, Claim, Labelled, Outcome, RoundOutcome, Send, Tamper
from vauban.errors import BudgetSpent
from vauban.records import Mask
from vauban.schema import FORBIDDEN, TableSchema
from vauban.tactics.stored import Stored
from vauban.testing.check import require
from vauban.testing.field import Field
from vauban.threat import Grant

MOST_MOVES = 2000
"""Moves a play, after which a campaign is held to go on for ever."""


@dataclass(frozen=True)
class Campaigned:
    """What was seen of a campaign: moves that were answered, questions among them, what it claims, what it learnt."""

    moves: tuple[Ask | Send | Tamper, ...]
    asked: int
    claims: tuple[Claim, ...]
    intelligence: Any

    @property
    def sent(self) -> tuple[Send, ...]:
        """What was sent, round by round."""
        return tuple(m for m in self.moves if isinstance(m, Send))

    def substance(self) -> list[str]:
        """Return all moves as texts: the same for the same seed."""
        return [_told(m) for m in self.moves]


def _told(move: Ask | Send | Tamper) -> str:
    parts = [None if v is None else v.tolist() if isinstance(v, np.ndarray) else v for v in vars(move).values()]
    return f"{type(move).__name__} {[sorted(p) if isinstance(p, frozenset) else p for p in parts]!r}"


class _Referee:
    """Grants what was agreed, and says what rule was broken."""

    def __init__(self, attack: CausativeAttack, field: Field, brief: Brief, spent_at: int | None) -> None:
        assert brief.campaign is not None  # noqa: S101 - a field's brief has one
        self.attack, self.field, self.brief, self.campaign = attack, field, brief, brief.campaign
        self.store = Stored.of(field.first, _none(field.first))
        self.deployed = field.trainer.fit(self.store.data)
        self.moves: list[Ask | Send | Tamper] = []
        self.asked, self.round, self.spent_at = 0, 0, spent_at
        self.altered: set[int] = set()
        self.allowed = round(self.campaign.sends / self.campaign.collected * len(self.store))

    def answer(self, move: Any) -> Any:
        require(isinstance(move, (Ask, Send, Tamper)), f"A move is Ask, Send or Tamper. Got {type(move).__name__}.")
        require(len(self.moves) < MOST_MOVES, f"It made {MOST_MOVES} moves and goes on: end when BudgetSpent comes.")
        if self.round >= self.campaign.rounds or (self.spent_at is not None and len(self.moves) >= self.spent_at):
            raise BudgetSpent("The last round is over.")
        told: Outcome | RoundOutcome | None = None
        if isinstance(move, Tamper):
            self._tampered(move)
        else:
            told = self._asked(move) if isinstance(move, Ask) else self._sent(move)
        self.moves.append(move)
        return told

    def _asked(self, ask: Ask) -> Outcome:
        require(ask.owner is None, "A question outside of a search has no owner.")
        require(ask.want <= self.brief.grants & SCORE, f"It asked for {sorted(ask.want)}, which is not granted.")
        left = self.brief.budget.scouting - self.asked
        if left <= 0:
            raise BudgetSpent("All questions are asked.")
        told = self.deployed.answer(ask.records, SCORE)
        answered = np.arange(len(ask.records)) < left
        self.asked += int(answered.sum())
        scores = np.where(answered, np.asarray(told.scores), np.nan) if Grant.SCORE in ask.want else None
        remaining = np.array([self.brief.budget.scouting - self.asked])
        return Outcome(answered, np.where(answered, told.decisions, np.int8(-1)), scores, None, remaining)

    def _sent(self, send: Send) -> RoundOutcome:
        n = len(send.records)
        require(Grant.SEND in self.attack.wants or not n, "It sends records: declare SEND in `wants`.")
        require(n <= self.campaign.sends, f"It sent {n} records in a round; {self.campaign.sends} are granted.")
        possible(send.records, self.field)
        require(len(send.sources) == n, f"Every record has a source. Got {len(send.sources)} for {n} records.")
        strange = sorted(set(send.sources) - set(self.campaign.sources))
        require(not strange, f"It sent from {strange}; its accounts are {list(self.campaign.sources)}.")
        labels = send.labels
        if labels is not None:
            require(labels.shape == (n,), f"Labels are (n,) = ({n},). Got {labels.shape}.")
            require(set(labels.tolist()) <= {0, 1}, f"A label is 0 or 1. Got {sorted(set(labels.tolist()))}.")
        require(bool(send.why) or not n, "A Send says why its records get the labels that they get: `why`.")
        told = self.deployed.answer(send.records, SCORE).decisions if n else np.empty(0, dtype=np.int8)
        got = np.ones(n, dtype=np.int8) if labels is None else labels.astype(np.int8)
        arrived = self.field.rounds[self.round]
        added = Labelled(np.array(arrived.records), arrived.labels).plus(Labelled(send.records, got))
        before, thirds = len(self.store), np.arange(len(added)) % 3 == 0
        self.store = self.store.plus(added, thirds, _none(added))
        self.deployed = self.field.trainer.fit(self.store.data)
        self.round += 1
        self.allowed += self.campaign.sends
        left = self.campaign.rounds - self.round
        if left == 0:
            self.moves.append(send)
            raise BudgetSpent("The last round is over.")
        if Grant.TAMPER not in self.brief.grants:
            return RoundOutcome(self.round, told, True, left)
        return RoundOutcome(self.round, told, True, left, added, self.store.ids[before:], thirds)

    def _tampered(self, change: Tamper) -> None:
        require(Grant.TAMPER in self.attack.wants, "It alters stored data: declare TAMPER in `wants`.")
        self.altered |= set(np.asarray(change.ids).tolist())
        require(
            len(self.altered) <= self.allowed + 1,
            f"It altered {len(self.altered)} records; its share of what is stored is {self.allowed}.",
        )
        if change.records is not None:
            possible(change.records, self.field)
        self.store = self.store.tampered(change)
        self.deployed = self.field.trainer.fit(self.store.data)


def _none(data: Labelled) -> Mask:
    return np.zeros(len(data), dtype=bool)


def possible(records: Any, field: Field) -> None:
    """Raise AssertionError unless all records are records of the field's schema."""
    schema = field.world.target.schema
    if not isinstance(schema, TableSchema):
        strange = [r for r in np.asarray(records).tolist() if not isinstance(r, str)]
        require(not strange, f"A message is a text. Got {strange[:1]!r}.")
        return
    require(np.ndim(records) == 2 and np.shape(records)[1] == len(schema), f"Records are (n, {len(schema)}).")
    broken = np.flatnonzero(~schema.holds(np.asarray(records)))
    require(not len(broken), f"Record {records[broken[:1]]} breaks a relation: pass it through `schema.repair`.")
    for j, f in enumerate(schema.features):
        column = np.asarray(records)[:, j]
        known = column[~np.isnan(column)]
        high = len(f.values) - 1 if f.listed else f.upper
        low = 0 if f.listed else f.lower
        bad = known[(known < low - 1e-9) | (known > high + 1e-9)]
        require(not len(bad), f"No record can have {f.name} = {bad[:1]}: it lies between {low} and {high}.")
        step = schema.step[j] or (1.0 if f.listed else 0.0)
        if step:
            off = np.abs(known / step - np.rint(known / step)) > 1e-6
            require(not off.any(), f"{f.name} = {known[off][:1]} is off its grid of {step}.")


def campaigned(
    attack: CausativeAttack, field: Field, brief: Brief | None = None, spent_at: int | None = None
) -> Campaigned:
    """Play scouting and campaign; AssertionError where a rule is broken."""
    told = field.brief(attack.wants) if brief is None else brief
    referee = _Referee(attack, field, told, spent_at)
    intelligence = _driven(attack.scout(told), referee)
    require(referee.round == 0, "Scouting only asks: it sent something.")
    claims = _driven(attack.campaign(intelligence, told), referee)
    require(isinstance(claims, (list, tuple)), f"A campaign returns its claims. Got {type(claims).__name__}.")
    return Campaigned(tuple(referee.moves), referee.asked, tuple(claims), intelligence)


def _driven(generator: Generator[Any, Any, Any], referee: _Referee) -> Any:
    futile = 0
    try:
        move = next(generator)
        while True:
            try:
                outcome = referee.answer(move)
            except BudgetSpent as spent:
                futile += 1
                require(futile <= 20, "It goes on after BudgetSpent: return what you have.")
                move = generator.throw(spent)
                continue
            move = generator.send(outcome)
    except StopIteration as stop:
        return stop.value
    except BudgetSpent as spent:
        raise AssertionError("It let BudgetSpent through: catch it, and return what you have.") from spent


def dressed(attack: CausativeAttack, field: Field, brief: Brief | None = None) -> None:
    """Raise AssertionError unless dressed records are possible, as many, and still do the harm that they are for."""
    told = field.brief(attack.wants) if brief is None else brief
    intelligence = campaigned(attack, field, told).intelligence
    plain = field.world.victims
    for records in (plain, plain[:1], plain[:0]):
        worn = attack.dress(records, intelligence, replace(told))
        require(worn.shape == records.shape, f"It dressed {records.shape} as {worn.shape}.")
        possible(worn, field)
        lost = np.flatnonzero(~(told.schema.cost(records, worn) < FORBIDDEN))
        for i in lost[:1].tolist():
            raise AssertionError(
                f"It dressed {records[i]!r} as {worn[i]!r}, which nobody can make of it. The harmful part must survive."
            )
