"""A threat against a system, ready to be played: victims, what the attacker knows, and what he is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vauban.audit.selection import aimed_at, decided_rightly, first_of_each, kinds
from vauban.contracts import LABEL, Brief, Decisions, Known, Target, seed_for
from vauban.records import Ints, Records
from vauban.schema import Schema, TextSchema
from vauban.system import System
from vauban.threat import Grant, Knows, ThreatModel

SWITCHED_OFF = "the comparison is switched off (--tune 0)"
NO_CHOICE = "it is the only attack tried"
NO_RECORD = "no record of the tuning part is one that this attacker works on and apart from all others"
MOST_FRESH = 1000
"""Records on which a picture's agreement with the model is measured."""


@dataclass(frozen=True, eq=False)
class Front:
    """One threat against the system, ready to be played.

    Attributes:
        threat: the attacker.
        schema: what he can change at what price.
        known: what he starts with.
        victims: (n, ...) encoded records that are decided rightly, and that he wants decided otherwise.
        ids: (n,) their rows in the data.
        pool: how many such records there are in the held-out part.
        decisions: what the model says of every record of the held-out part, (N,), asked once for all figures.
        kinds: a key of each of these records that near-duplicates share (N,); see `kinds`.
        tuning: (m, ...) records that attacks are compared on before any victim; see `tuning_sets`.
        untuned: why there is nothing to compare, or nothing to compare on; empty where there is both.
    """

    threat: ThreatModel
    schema: Schema
    known: Known
    victims: Records
    ids: Ints
    pool: int
    decisions: Decisions
    kinds: NDArray[np.uint64]
    tuning: Records
    untuned: str = SWITCHED_OFF


def make_fronts(system: System, threats: Sequence[ThreatModel], most: int) -> tuple[Front, ...]:
    """Return a front for each threat; the held-out records are read, decided and grouped once for all of them."""
    records = system.target.schema.encode(system.parts.victims.frame)
    decisions = system.target.answer(records, LABEL).decisions
    grouped = kinds(records)
    return tuple(_front(system, threat, most, records, decisions, grouped) for threat in threats)


def _front(
    system: System,
    threat: ThreatModel,
    most: int,
    records: Records,
    decisions: Decisions,
    grouped: NDArray[np.uint64],
) -> Front:
    schema = system.target.schema.priced(threat.prices)
    aimed = aimed_at(threat, system.parts.victims, "held-out data")
    frame = system.parts.victims.frame
    rows = np.flatnonzero(aimed & decided_rightly(threat, system.parts.victims, decisions))
    rows = rows[first_of_each(grouped[rows])]
    kept = rows[:most]
    return Front(
        threat,
        schema,
        known_to(system, threat, schema),
        records[kept],
        np.asarray(frame.index.to_numpy()[kept], dtype=np.int64),
        len(rows),
        decisions,
        grouped,
        records[:0],
    )


def known_to(system: System, threat: ThreatModel, schema: Schema) -> Known:
    """Return the data that the attacker starts with."""
    part = system.parts.train if threat.knows is Knows.TRAINING else system.parts.known
    if threat.knows is Knows.NOTHING:
        part = part.take(np.empty(0, dtype=np.int64))
    aimed = np.ones(len(part), dtype=bool) if threat.where is None else threat.where.mask(part.frame)
    return Known(schema.encode(part.frame), None if threat.knows is Knows.OWN else part.labels, aimed, system.rewritten)


def brief_for(
    front: Front, target: Target, name: str, seed: int, *, scouting: int | None = None, queries: int | None = None
) -> Brief:
    """Return all that the attacker of a front is told; at most so many questions where that is said."""
    threat = front.threat
    granted = threat.grants & (target.grants | {Grant.SEND, Grant.TAMPER})
    budget = threat.budget
    if scouting is not None:
        budget = replace(budget, scouting=min(scouting, budget.scouting))
    if queries is not None:
        budget = replace(budget, queries=min(queries, budget.queries))
    return Brief(
        cell=threat.cell,
        schema=front.schema,
        grants=granted,
        budget=budget,
        known=front.known,
        knows=threat.knows,
        scale=target.scale,
        seed=seed_for(seed, name, threat.cell.value),
        inside=target.structure() if Grant.STRUCTURE in granted else None,
    )


def fresh_records(system: System, front: Front, seed: int) -> Records:
    """Return held-out records in the slice, on which nobody has asked anything: what a picture is judged on."""
    part = system.parts.victims
    rows = np.flatnonzero(aimed_at(front.threat, part, "held-out data"))
    rows = np.random.default_rng(seed_for(seed, "fresh")).permutation(rows)[:MOST_FRESH]
    return front.schema.encode(part.take(rows).frame)


def describe(front: Front, target: Target) -> dict[str, Any]:
    """Return a threat for the report."""
    threat = front.threat
    what = "characters are capped" if isinstance(front.schema, TextSchema) else "prices are the schema's"
    known = len(front.known.records)
    return {
        "cell": threat.cell,
        "specificity": threat.specificity,
        "where": None if threat.where is None else threat.where.text,
        "attacker": threat.attacker,
        "grants": sorted(threat.grants),
        "knows": f"{threat.knows.value} (n = {known})" if known else threat.knows.value,
        "budget": {
            "queries": threat.budget.queries,
            "flagged": threat.budget.flagged,
            "scouting": threat.budget.scouting,
            "cost": threat.budget.cost,
        },
        "prices": what,
        "victims": len(front.victims),
        "pool": front.pool,
        "threshold": target.threshold,
    }
