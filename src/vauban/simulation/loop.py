"""The loop: he asks, sends and tampers; traffic is collected and labelled; gates screen; the model is trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    Tamper,
    Target,
    seed_for,
)
from vauban.errors import ContractViolation
from vauban.records import Mask, Records, frozen
from vauban.simulation.hand import Attacker, Hand
from vauban.simulation.labelling import Policy, Traffic
from vauban.simulation.measuring import measure
from vauban.simulation.outcome import Film, Measured, Round
from vauban.simulation.stage import Stage
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

    Raises:
        ContractViolation: the attack broke a rule.
    """
    deployed = stage.trainer.fit(stage.first)
    approved, store = deployed, stage.first
    poison = np.zeros(len(store), dtype=bool)
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
                store, touched = _tampered(store, change)
                poison[touched] = True
                altered += len(touched)
        arrived = _arrived(traffic, sent, deployed, cell)
        collected, labels = policy.collect(arrived.traffic, rng)
        batch = Batch(
            Labelled(arrived.records[collected], labels[collected]),
            _sources(traffic, sent, rng)[collected],
            number,
        )
        bad = arrived.traffic.his[collected]
        context = GateContext(
            stage.schema, stage.trainer, store, stage.quiz, approved, seed_for(seed, "gates", str(number))
        )
        train, evidence = _screened(batch, gates, context)
        if altered or train.any():
            ids = np.arange(len(store), len(store) + int(train.sum()))
            store = store.plus(batch.data.take(train))
            poison = np.concatenate([poison, bad[train]])
            deployed = stage.trainer.fit(store, deployed)
            added = (batch.data.take(train), ids)
        else:
            added = (batch.data.take(train), np.empty(0, dtype=np.int64))
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


def _tampered(store: Labelled, change: Tamper) -> tuple[Labelled, np.ndarray[Any, np.dtype[np.int64]]]:
    ids = np.asarray(change.ids, dtype=np.int64)
    if len(ids) and (ids.min() < 0 or ids.max() >= len(store)):
        raise ContractViolation(f"He alters records {ids.min()} to {ids.max()}, but {len(store)} are stored.")
    if change.records is None and change.labels is None:
        raise ContractViolation("A tampering names new records or labels; deleting is not simulated.")
    records, labels = store.records.copy(), store.labels.copy()
    if change.records is not None:
        records[ids] = change.records
    if change.labels is not None:
        labels[ids] = change.labels
    return Labelled(records, labels), ids
