"""The loop: he asks, sends and tampers; traffic is collected and labelled; gates screen; the model is trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.audit.answers import Oracle
from vauban.audit.meter import ScoutMeter, check_ask
from vauban.contracts import (
    LABEL,
    SCORE,
    Ask,
    Batch,
    BatchGate,
    Brief,
    Campaign,
    CausativeAttack,
    GateContext,
    Labelled,
    RoundOutcome,
    Send,
    Tamper,
    Target,
    seed_for,
)
from vauban.errors import BudgetSpent, ContractViolation
from vauban.metrics.intervals import combined, weighted, wilson
from vauban.records import Mask, frozen
from vauban.results import Rate
from vauban.simulation.labelling import Policy, Traffic
from vauban.simulation.outcome import Film, Measured, Round
from vauban.simulation.retraining import RETRAINING, Retraining
from vauban.simulation.stage import Stage
from vauban.tactics.stored import Stored
from vauban.threat import Budget, Cell, Decision, Grant, Knows

Watch = Callable[[str, int, int], None]

SENDERS = 40
"""Sources that honest traffic comes from."""


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


def play(
    stage: Stage,
    attacker: Attacker | None,
    policy: Policy,
    gates: Sequence[tuple[str, BatchGate]],
    seed: int,
    name: str,
    watch: Watch,
    cell: Cell,
    retraining: Retraining = RETRAINING["full"],
) -> tuple[Measured, Film]:
    """Play the loop once; return how the first model does, and the film.

    Raises:
        BadInput: the model cannot be trained again that way.
        ContractViolation: the attack broke a rule.
    """
    trainer = retraining.trainer(stage.trainer)
    deployed = trainer.fit(stage.first)
    approved, store = deployed, Stored.of(stage.first, stage.first_aimed)
    his = None if attacker is None else _Hand(attacker, stage, policy, deployed, seed)
    first = measure(stage, deployed, his, cell)
    rounds: list[Round] = []
    rng = np.random.default_rng(seed_for(seed, "loop"))
    for number, traffic in enumerate(stage.rounds, start=1):
        watch(f"{name}: round {number}", number - 1, len(stage.rounds))
        altered = 0
        sent = Send(traffic.records[:0])
        if his is not None:
            sent, changes = his.moves(deployed)
            for change in changes:
                store = store.tampered(change)
                altered += len(change.ids)
        arrived = _arrived(traffic, sent, deployed, cell)
        collected, labels = policy.collect(arrived.traffic, rng)
        batch = Batch(
            Labelled(arrived.records[collected], labels[collected]),
            _sources(traffic, sent, rng)[collected],
            number,
        )
        bad = arrived.traffic.his[collected]
        context = GateContext(
            stage.schema, stage.trainer, store.data, stage.quiz, approved, seed_for(seed, "gates", str(number))
        )
        train, evidence = _screened(batch, gates, context)
        taken, before = batch.data.take(train), len(store)
        # What he sends is none of the slice's own records, wherever it lies.
        in_slice = np.concatenate([stage.rounds_aimed[number - 1], np.zeros(len(sent.records), dtype=bool)])
        store = store.plus(taken, in_slice[collected][train], bad[train])
        if altered or train.any():
            deployed = retraining.fit(trainer, store, len(stage.first), len(taken), deployed)
        added = (taken, store.ids[before:], store.aimed[before:])
        seen = arrived.traffic.told.decisions[arrived.traffic.his]
        if his is not None:
            his.hear(RoundOutcome(number, seen, True, len(stage.rounds) - number, *added), deployed)
        told = measure(stage, deployed, his, cell)
        rounds.append(
            Round(
                number,
                told.fnr,
                told.fpr,
                told.slice_error,
                told.probe_success,
                told.plain_success,
                told.error,
                told.loss,
                sent=len(sent.records),
                asked=0 if his is None else his.asked,
                altered=altered,
                collected=int(collected.sum()),
                collected_poison=int(bad.sum()),
                held_poison=int((bad & ~train).sum()),
                held_clean=int((~bad & ~train).sum()),
                deployed=True,
                evidence=evidence,
            )
        )
    watch(f"{name}: done", len(stage.rounds), len(stage.rounds))
    learnt = () if his is None else his.learnt
    return first, Film(
        name, "none" if attacker is None else attacker.name, tuple(g for g, _ in gates), tuple(rounds), learnt
    )


@dataclass(frozen=True)
class _Arrived:
    records: Any
    traffic: Traffic


def _arrived(traffic: Labelled, sent: Send, deployed: Target, cell: Cell) -> _Arrived:
    """Return what arrived in a round: everybody's records, then his."""
    records = np.concatenate([traffic.records, sent.records])
    n, mine = len(traffic), len(sent.records)
    his = np.arange(n + mine) >= n
    # What he sends is harmful in truth, whatever it is called.
    truth = np.concatenate([traffic.labels, np.ones(mine, dtype=np.int8)])
    if cell is Cell.CA and sent.labels is not None:
        truth = np.concatenate([traffic.labels, sent.labels])
    said = np.full(n + mine, -1, dtype=np.int8)
    if sent.labels is not None:
        said[n:] = sent.labels
    told = deployed.answer(records, deployed.grants & SCORE)
    return _Arrived(records, Traffic(truth, his, said, told))


def _sources(traffic: Labelled, sent: Send, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    honest = rng.integers(SENDERS, size=len(traffic))
    names = [f"sender {i}" for i in honest] + [str(s) for s in sent.sources]
    names += ["unknown"] * (len(traffic) + len(sent.records) - len(names))
    return np.array(names, dtype=object)


def _screened(
    batch: Batch, gates: Sequence[tuple[str, BatchGate]], context: GateContext
) -> tuple[Mask, tuple[str, ...]]:
    """Return what all gates, one after the other, let be trained on."""
    train, evidence = np.ones(len(batch.data), dtype=bool), []
    for name, gate in gates:
        left = np.flatnonzero(train)
        if not len(left):
            break
        records = frozen(batch.data.records[left])
        part = Batch(Labelled(records, batch.data.labels[left]), batch.sources[left], batch.round)
        screening = gate.screen(part, context)
        if screening.train.shape != (len(left),):
            raise ContractViolation(
                f"The gate {name!r} must say of each of {len(left)} records whether to train on it."
            )
        train[left[~screening.train]] = False
        evidence += [f"{name}: {line}" for line in screening.evidence]
    return train, tuple(evidence)


class _Hand:
    """The attacker at play: his generator, his meter, and what he has learnt."""

    def __init__(self, attacker: Attacker, stage: Stage, policy: Policy, deployed: Target, seed: int) -> None:
        self.attacker = attacker
        self.asked = 0
        size = len(stage.rounds[0])
        wants = attacker.attack.wants
        tampers = Grant.TAMPER in wants
        # What he sends comes on top of what others send; what he alters is a part of it.
        sends = round(attacker.share * size / (1 if tampers else 1 - attacker.share))
        self.limit = sends
        self.allowed = round(attacker.share * len(stage.first)) if tampers else 0
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


def measure(stage: Stage, model: Target, his: _Hand | None, cell: Cell) -> Measured:
    """Return how a model does; see `Measured`. Without an attacker, probes are plain."""
    decisions = model.answer(stage.trusted.records, LABEL).decisions
    passed, bad = decisions == Decision.PASS, stage.trusted.labels == 1
    fnr, fpr = _rate(passed[bad]), _rate(~passed[~bad])
    wrong = passed == bad
    kind = bad == cell.harmful
    slice_error = _rate(wrong[kind & stage.aimed])
    dressed = stage.probes
    if his is not None and len(dressed):
        dressed = his.attacker.attack.dress(stage.probes, his.intelligence, his.brief)
    # Probes are taken from one class, so the classes of what is left are weighed as they occur.
    shares = (stage.prevalence, 1 - stage.prevalence)
    loss = None
    if stage.amounts is not None:
        errors = ((passed[bad], stage.amounts[0][bad]), (~passed[~bad], stage.amounts[1][~bad]))
        means = [float(money.mean()) if len(money) else 0.0 for _, money in errors]
        lost = [weighted(which, money) for which, money in errors]
        loss = combined(lost, [1000 * share * mean for share, mean in zip(shares, means, strict=True)])
    return Measured(
        fnr,
        fpr,
        slice_error,
        _reached(model, dressed, cell),
        _reached(model, stage.probes, cell),
        combined((fnr, fpr), shares),
        loss,
    )


def _reached(model: Target, records: Any, cell: Cell) -> Rate:
    if not len(records):
        return wilson(0, 0)
    decisions = model.answer(records, LABEL).decisions
    # Mail that is held for a person is lost to its reader for the time being: in availability, referring is enough.
    won = decisions == Decision.PASS if cell.harmful else decisions != Decision.PASS
    return _rate(won)


def _rate(which: Any) -> Rate:
    return wilson(int(np.sum(which)), len(which))
