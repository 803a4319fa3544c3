"""Plan an audit: which attack is tried in which cell, on which victims, and why others are not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vauban.catalogue import CATALOGUE, Entry, entry
from vauban.contracts import LABEL, Brief, Decisions, Known, Target, seed_for
from vauban.errors import BadInput
from vauban.records import Ints, Mask, Modality, Records, fingerprints, messages
from vauban.results import Skipped
from vauban.schema import Schema, TextSchema
from vauban.system import Part, System
from vauban.threat import Decision, Grant, Knows, ThreatModel

_DIGIT = re.compile(r"\d")
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
    """

    threat: ThreatModel
    schema: Schema
    known: Known
    victims: Records
    ids: Ints
    pool: int
    decisions: Decisions
    kinds: NDArray[np.uint64]


@dataclass(frozen=True)
class Planned:
    """An attack or explorer to be run on a front."""

    front: int
    entry: Entry


@dataclass(frozen=True)
class Plan:
    """All that will be tried, and all that will not, with the reason."""

    fronts: tuple[Front, ...]
    attacks: tuple[Planned, ...]
    explorers: tuple[Planned, ...]
    out_of_scope: tuple[Skipped, ...]


def make_plan(system: System, threats: Sequence[ThreatModel], names: Sequence[str] | None, most: int) -> Plan:
    """Return what to try.

    Args:
        system: what is audited.
        threats: who attacks it.
        names: attacks and explorers to try; None is all of the catalogue.
        most: victims a threat.

    Raises:
        BadInput: no attack is named, an attack is unknown, or a filter selects nothing.
    """
    if names is not None and not names:
        raise BadInput("There is no attack to try. Name at least one, or none to try all. See: vauban list attacks.")
    for threat in threats:
        if not threat.grants:
            raise BadInput("The attacker is granted no answer. Name at least one grant: label, score.")
    chosen = list(CATALOGUE.values()) if names is None else [entry(n) for n in dict.fromkeys(names)]
    fronts = _fronts(system, threats, most)
    attacks: list[Planned] = []
    explorers: list[Planned] = []
    skipped: list[Skipped] = []
    for i, front in enumerate(fronts):
        for line in chosen:
            reason = why_not(line, front, system.target)
            if reason is not None:
                skipped.append(Skipped(line.name, front.threat.cell.value, reason))
            elif line.role == "explorer":
                if not any(_same_view(fronts[p.front], front) and p.entry == line for p in explorers):
                    explorers.append(Planned(i, line))
            else:
                attacks.append(Planned(i, line))
    return Plan(fronts, tuple(attacks), tuple(explorers), tuple(skipped))


def _same_view(one: Front, other: Front) -> bool:
    """Whether an explorer would learn the same on both: he has no victims, only a slice and what he is granted."""
    a, b = one.threat, other.threat
    return (a.where, a.grants, a.budget.scouting, a.knows) == (b.where, b.grants, b.budget.scouting, b.knows)


def why_not(line: Entry, front: Front, target: Target) -> str | None:
    """Return why an entry cannot be tried on a front, or None if it can."""
    made: Any = line.make()
    threat = front.threat
    if target.schema.modality not in made.modalities:
        return f"it works on {_plural(made.modalities)}, and the records are {_plural({target.schema.modality})}"
    if line.role != "explorer" and threat.cell not in line.cells:
        return f"it exists for {', '.join(line.cells)} only"
    unfit = made.unfit(front.schema) if hasattr(made, "unfit") else None
    if unfit is not None:
        return str(unfit)
    missing = sorted(made.wants - threat.grants)
    if missing:
        return f"it needs {' and '.join(missing)}, which this threat model does not grant"
    impossible = sorted(made.wants - target.grants)
    if impossible:
        return f"it needs {' and '.join(impossible)}, which this model cannot answer"
    inapt = getattr(made, "inapt", None)  # an attack may say of its own why it would have nothing to do
    reason: str | None = None if inapt is None else inapt(front.schema, front.known)
    if reason is not None:
        return reason
    if line.role != "explorer" and not len(front.victims):
        kind, state = ("harmful", "blocked") if threat.cell.harmful else ("good", "passed")
        return f"no {kind} record of the held-out data is {state}: there is no victim"
    return None


def _plural(modalities: Any) -> str:
    words = {Modality.TABULAR: "tables", Modality.TEXT: "messages"}
    return " and ".join(sorted(words[m] for m in modalities))


def _fronts(system: System, threats: Sequence[ThreatModel], most: int) -> tuple[Front, ...]:
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
    wanted = system.parts.victims.labels == (1 if threat.cell.harmful else 0)
    aimed = aimed_at(threat, system.parts.victims, "held-out data")
    frame = system.parts.victims.frame
    right = decisions == (Decision.BLOCK if threat.cell.harmful else Decision.PASS)
    rows = np.flatnonzero(wanted & aimed & right)
    rows = rows[_first_of_each(grouped[rows])]
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
    )


def aimed_at(threat: ThreatModel, part: Part, what: str) -> Mask:
    """Return which records of a part the attacker aims at (n,); BadInput if his filter selects none."""
    if threat.where is None:
        return np.ones(len(part), dtype=bool)
    aimed = threat.where.mask(part.frame)
    if not aimed.any():
        raise BadInput(f"The filter {threat.where.text!r} selects none of {len(part)} records of the {what}. Widen it.")
    return aimed


def known_to(system: System, threat: ThreatModel, schema: Schema) -> Known:
    """Return the data that the attacker starts with."""
    part = system.parts.train if threat.knows is Knows.TRAINING else system.parts.known
    if threat.knows is Knows.NOTHING:
        part = part.take(np.empty(0, dtype=np.int64))
    aimed = np.ones(len(part), dtype=bool) if threat.where is None else threat.where.mask(part.frame)
    return Known(schema.encode(part.frame), None if threat.knows is Knows.OWN else part.labels, aimed, system.rewritten)


def first_of_kind(records: Records) -> Ints:
    """Return the positions of the first of every cluster of near-duplicates, in order."""
    return _first_of_each(kinds(records))


def _first_of_each(keys: NDArray[np.uint64]) -> Ints:
    return np.sort(np.unique(keys, return_index=True)[1])


def kinds(records: Records) -> NDArray[np.uint64]:
    """Return a key per record (n,) that near-duplicates share.

    Messages are the same when they differ in case, digits and white space only; records of a table when equal.
    """
    if records.ndim == 1:
        records = messages(_DIGIT.sub("0", " ".join(t.casefold().split())) for t in records)
    return fingerprints(records)


def brief_for(front: Front, target: Target, name: str, seed: int, *, scouting: int | None = None) -> Brief:
    """Return all that the attacker of a front is told."""
    threat = front.threat
    granted = threat.grants & (target.grants | {Grant.SEND, Grant.TAMPER})
    budget = threat.budget
    if scouting is not None:
        budget = type(budget)(budget.queries, scouting, budget.flagged, budget.cost)
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
