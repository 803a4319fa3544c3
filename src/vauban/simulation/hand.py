"""The attacker at play: who he is, what he may do, and what he does next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.audit.answers import Oracle
from vauban.audit.meter import ScoutMeter, check_ask
from vauban.contracts import SCORE, Ask, Brief, Campaign, CausativeAttack, RoundOutcome, Send, Tamper, Target, seed_for
from vauban.errors import BadInput, BudgetSpent, ContractViolation
from vauban.records import Records
from vauban.simulation.labelling import Policy
from vauban.simulation.stage import Stage
from vauban.threat import Budget, Cell, Grant, Knows


@dataclass(frozen=True)
class Attacker:
    """Who attacks: an attack under a name, his cell, how much he sends, with how many accounts, and what he may ask.

    Attributes:
        share: of what is collected in a round that is his, or of the stored data that he alters.
        accounts: sources that he holds.
        queries: questions that he may ask in all; 0 explores nothing.
        grants: answers that he gets.
    """

    name: str
    attack: CausativeAttack
    cell: Cell
    share: float
    accounts: int = 5
    queries: int = 1000
    grants: frozenset[Grant] = SCORE


class Hand:
    """The attacker at play: his generator, his meter, and what he has learnt."""

    def __init__(self, attacker: Attacker, stage: Stage, policy: Policy, deployed: Target, seed: int) -> None:
        self.attacker = attacker
        self.asked = 0
        size = len(stage.rounds[0])
        wants = attacker.attack.wants
        tampers = Grant.TAMPER in wants
        # What he sends comes on top of what others send; what he alters is a part of it.
        sends = round(attacker.share * size / (1 if tampers else 1 - attacker.share))
        if not sends:
            raise BadInput(
                f"A share of {attacker.share:g} of {size} records a round is not one record. Ask for a larger share "
                "(--share), more traffic (--traffic) or fewer rounds (--rounds)."
            )
        self.limit = sends
        self.allowed = round(sends / size * len(stage.first)) if tampers else 0
        self.altered: set[int] = set()
        known = stage.known
        if tampers:
            known = replace(known, records=stage.first.records, labels=stage.first.labels, aimed=stage.first_aimed)
        self.brief = Brief(
            cell=attacker.cell,
            schema=stage.schema,
            grants=(attacker.grants & deployed.grants) | (wants & {Grant.SEND, Grant.TAMPER}),
            budget=Budget(attacker.queries, attacker.queries),
            known=known,
            knows=Knows.TRAINING if tampers else Knows.LOOKALIKES,
            scale=deployed.scale,
            seed=seed_for(seed, attacker.name, attacker.cell.value),
            campaign=Campaign(
                len(stage.rounds),
                sends,
                size,
                tuple(f"account {i}" for i in range(attacker.accounts)),
                policy.his_accounts,
            ),
        )
        self.meter = ScoutMeter(attacker.name, self.brief.budget)
        self.intelligence = self._scouted(deployed)
        self._campaign = attacker.attack.campaign(self.intelligence, self.brief)
        self._next: Any = next(self._campaign, None)

    @property
    def learnt(self) -> tuple[str, ...]:
        """What scouting learnt, strongest first."""
        return tuple(effect.name for effect in self.intelligence.effects[:10])

    def dressed(self, probes: Records) -> Records:
        """Return fresh records (m, ...) as his campaign would send them."""
        if not len(probes):
            return probes
        return self.attacker.attack.dress(probes, self.intelligence, self.brief)

    def _scouted(self, deployed: Target) -> Any:
        generator = self.attacker.attack.scout(self.brief)
        oracle = Oracle(deployed)
        try:
            move = next(generator)
            while True:
                try:
                    outcome = self._answered(move, oracle)
                except BudgetSpent as spent:
                    move = generator.throw(spent)
                    continue
                move = generator.send(outcome)
        except StopIteration as stop:
            return stop.value

    def _answered(self, move: object, oracle: Oracle) -> Any:
        ask = check_ask(move, self.attacker.name, oracle.target, self.brief.grants)
        if self.meter.spent:
            raise BudgetSpent("All questions are asked.")
        admitted = self.meter.admit(ask)
        outcome = self.meter.settle(ask, admitted, oracle.ask(ask.records[admitted], ask.want))
        self.asked = self.meter.used
        return outcome

    def moves(self, deployed: Target) -> tuple[Send, list[Tamper]]:
        """Return what he sends in this round and what he alters before; an empty Send where his campaign is over."""
        changes: list[Tamper] = []
        oracle = Oracle(deployed)
        while self._next is not None:
            move = self._next
            if isinstance(move, Send):
                if len(move.records) > self.limit:
                    raise ContractViolation(
                        f"Attack {self.attacker.name!r} sends {len(move.records)} records; {self.limit} are granted."
                    )
                return move, changes
            if isinstance(move, Tamper):
                if Grant.TAMPER not in self.brief.grants:
                    raise ContractViolation(f"Attack {self.attacker.name!r} alters stored data, which is not granted.")
                self._check_amount(move)
                changes.append(move)
                self._advance(None)
            elif isinstance(move, Ask):
                try:
                    outcome = self._answered(move, oracle)
                except BudgetSpent as spent:
                    self._throw(spent)
                else:
                    self._advance(outcome)
            else:
                raise ContractViolation(f"Attack {self.attacker.name!r} must yield Ask, Send or Tamper.")
        return Send(self.brief.known.records[:0]), changes

    def _check_amount(self, change: Tamper) -> None:
        self.altered |= set(np.asarray(change.ids).tolist())
        if len(self.altered) > self.allowed:
            raise ContractViolation(
                f"Attack {self.attacker.name!r} alters {len(self.altered)} stored records; {self.allowed} are granted."
            )

    def hear(self, outcome: RoundOutcome, deployed: Target) -> None:  # noqa: ARG002 - he asks it in his next move
        """Tell him what became of the round; after the last one his budget is spent."""
        self.allowed += self.limit
        if self._next is None:
            return
        if outcome.remaining == 0:
            self._throw(BudgetSpent("The last round is over."))
            return
        if Grant.TAMPER not in self.brief.grants:
            outcome = replace(outcome, stored=None, ids=None, aimed=None)
        self._advance(outcome)

    def _advance(self, outcome: Any) -> None:
        try:
            self._next = self._campaign.send(outcome)
        except StopIteration:
            self._next = None

    def _throw(self, error: BudgetSpent) -> None:
        try:
            self._next = self._campaign.throw(error)
        except StopIteration:
            self._next = None
