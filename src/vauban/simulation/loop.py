"""The loop: he asks, sends and tampers; traffic is collected and labelled; gates screen; the model is trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.contracts import (
    LABEL,
    SCORE,
    Batch,
    BatchGate,
    GateContext,
    Labelled,
    RoundOutcome,
    Send,
    Target,
    seed_for,
)
from vauban.errors import ContractViolation
from vauban.metrics.intervals import combined, weighted, wilson
from vauban.records import Mask, frozen
from vauban.results import Rate
from vauban.simulation.hand import Attacker, Hand
from vauban.simulation.labelling import Policy, Traffic
from vauban.simulation.outcome import Film, Measured, Round
from vauban.simulation.retraining import RETRAINING, Retraining
from vauban.simulation.stage import Stage
from vauban.tactics.stored import Stored
from vauban.threat import Cell, Decision

Watch = Callable[[str, int, int], None]

SENDERS = 40
"""Sources that honest traffic comes from."""


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
    his = None if attacker is None else Hand(attacker, stage, policy, deployed, seed)
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


def measure(stage: Stage, model: Target, his: Hand | None, cell: Cell) -> Measured:
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
