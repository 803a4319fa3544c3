"""The loop: he asks, sends and tampers; traffic is collected and labelled; gates screen; the model is trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vauban.contracts import (
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
from vauban.records import Mask, Records, frozen
from vauban.simulation.hand import Attacker, Hand
from vauban.simulation.labelling import Policy, Traffic
from vauban.simulation.measuring import measure
from vauban.simulation.outcome import Film, Measured, Round
from vauban.simulation.retraining import RETRAINING, Retraining
from vauban.simulation.reviewing import Desk, Reviewers
from vauban.simulation.stage import Stage
from vauban.tactics.stored import Stored
from vauban.threat import Cell

Watch = Callable[[str, int, int], None]
Keep = Callable[[Round, Mask], None]

SENDERS = 40
"""Sources that honest traffic comes from."""


def watch_nothing(what: str, done: int, total: int) -> None:
    """Show nothing."""


def keep_nothing(turn: Round, reached: Mask) -> None:
    """Keep nothing: the play is in memory only."""


@dataclass(frozen=True, eq=False)
class Played:
    """What came of a play.

    Attributes:
        first: how the first model does.
        film: what happened, round by round.
        reached: for each round, which probes its model decides as the attacker wants (m,).
        dressed: the probes as his campaign would send them (m, ...).
        model: the last one deployed.
    """

    first: Measured
    film: Film
    reached: tuple[Mask, ...]
    dressed: Records
    model: Target


def play(
    stage: Stage,
    attacker: Attacker | None,
    policy: Policy,
    gates: Sequence[tuple[str, BatchGate]],
    seed: int,
    name: str,
    watch: Watch,
    cell: Cell,
    keep: Keep = keep_nothing,
    retraining: Retraining = RETRAINING["full"],
    reviewers: Reviewers = Reviewers(),  # noqa: B008 - frozen
) -> Played:
    """Play the loop once.

    Args:
        stage: the records.
        attacker: who attacks; None plays it clean.
        policy: who labels what is collected.
        gates: names and gates, in order.
        seed: everything random follows from it.
        name: of the film.
        watch: is told what is going on.
        cell: what is measured: CI or CA.
        keep: is given every round as it ends, and which probes its model decides as the attacker wants (m,).
        retraining: what of the stored records the stage's trainer is given again, and whether it goes on.
        reviewers: who looks at records for gates that ask a person.

    Raises:
        ContractViolation: the attack or a gate broke a rule.
    """
    deployed = stage.trainer.fit(stage.first)
    approved, store = deployed, Stored.of(stage.first, stage.first_aimed)
    desk = Desk(reviewers, seed_for(seed, "reviewer"), len(store))
    his = None if attacker is None else Hand(attacker, stage, policy, deployed, seed)
    # Without an attacker, probes are plain.
    dressed = stage.probes if his is None else his.dressed(stage.probes)
    first, _ = measure(stage, deployed, dressed, cell)
    reached: list[Mask] = []
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
        desk.open(batch, bad, store)
        train, gone, evidence = _screened(batch, gates, context, desk)
        removed, taken = store.poison[gone], batch.data.take(train)
        store = store.without(gone)
        before = len(store)
        # What he sends is none of the slice's own records, wherever it lies.
        in_slice = np.concatenate([stage.rounds_aimed[number - 1], np.zeros(len(sent.records), dtype=bool)])
        store = store.plus(taken, in_slice[collected][train], bad[train])
        desk.close(train)
        if altered or train.any() or gone.any():
            deployed = retraining.fit(stage.trainer, store, len(stage.first), len(taken), deployed)
        added = (taken, store.ids[before:], store.aimed[before:])
        seen = arrived.traffic.told.decisions[arrived.traffic.his]
        if his is not None:
            his.hear(RoundOutcome(number, seen, True, len(stage.rounds) - number, *added), deployed)
        told, won = measure(stage, deployed, dressed, cell)
        reached.append(won)
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
                reviewed=desk.looked,
                removed_poison=int(removed.sum()),
                removed_clean=int((~removed).sum()),
                deployed=True,
                evidence=evidence,
            )
        )
        keep(rounds[-1], won)
    watch(f"{name}: done", len(stage.rounds), len(stage.rounds))
    learnt = () if his is None else his.learnt
    film = Film(name, "none" if attacker is None else attacker.name, tuple(g for g, _ in gates), tuple(rounds), learnt)
    return Played(first, film, tuple(reached), dressed, deployed)


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
    batch: Batch, gates: Sequence[tuple[str, BatchGate]], context: GateContext, desk: Desk
) -> tuple[Mask, Mask, tuple[str, ...]]:
    """Return what all gates, one after the other, let be trained on, and what of the stored records they remove."""
    train, gone = np.ones(len(batch.data), dtype=bool), np.zeros(len(context.stored), dtype=bool)
    evidence: list[str] = []
    for name, gate in gates:
        left = np.flatnonzero(train)
        if not len(left):
            break
        records = frozen(batch.data.records[left])
        part = Batch(Labelled(records, batch.data.labels[left]), batch.sources[left], batch.round)
        screening = gate.screen(part, replace(context, reviewer=desk.seat(left)))
        for what, said, size in (("", screening.train, len(left)), ("stored ", screening.remove, len(gone))):
            if said is not None and said.shape != (size,):
                raise ContractViolation(
                    f"The gate {name!r} must say of each of {size} {what}records what is to become of it."
                )
        train[left[~screening.train]] = False
        if screening.remove is not None:
            gone |= screening.remove
        evidence += [f"{name}: {line}" for line in screening.evidence]
    return train, gone, tuple(evidence)
