"""Plan an audit: which attack is tried in which cell, on which victims, and why others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vauban.audit.selection import aimed_at, decided_rightly, first_of_each, kinds, tuning_sets
from vauban.catalogue import CASCADE, CATALOGUE, Entry, entry
from vauban.contracts import LABEL, Brief, Decisions, Known, Target, seed_for
from vauban.errors import BadInput
from vauban.records import Ints, Modality, Records
from vauban.results import Skipped
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


@dataclass(frozen=True)
class Planned:
    """An attack, a cascade or an explorer to be run on a front.

    Attributes:
        front: its position in the plan.
        entry: of the catalogue.
        setting: which of its settings this is: 0 is its own, others are its alternatives.
        scouting: questions that it may scout with; None is all that the threat grants.
        members: of a cascade, the attacks that it is made of; their order is chosen on the tuning set.
    """

    front: int
    entry: Entry
    setting: int = 0
    scouting: int | None = None
    members: tuple[Planned, ...] = ()

    def choices(self) -> tuple[Planned, ...]:
        """Return the attack with each of its settings, its own first."""
        line = self.entry
        return tuple(
            replace(self, entry=replace(line, parameters={**line.parameters, **other}, alternatives=()), setting=i)
            for i, other in enumerate(({}, *line.alternatives))
        )

    @property
    def named(self) -> str:
        """Return what tells it apart from everything else that is played on its front."""
        setting = f"-{self.setting}" if self.setting else ""
        return f"{self.entry.name}{setting}" + ("" if self.scouting is None else f"-with-{self.scouting}")


@dataclass(frozen=True)
class Plan:
    """All that will be tried, and all that will not, with the reason."""

    fronts: tuple[Front, ...]
    attacks: tuple[Planned, ...]
    explorers: tuple[Planned, ...]
    out_of_scope: tuple[Skipped, ...]

    def compares(self, planned: Planned) -> bool:
        """Return whether an attack is tried on a tuning set before its victims."""
        tuned = not self.fronts[planned.front].untuned
        return tuned and (planned.entry.role == "attack" or bool(planned.entry.alternatives))

    def choices(self, planned: Planned) -> tuple[Planned, ...]:
        """Return what is scouted for an attack: itself, each of its settings where they are compared, its members."""
        every = [(m, m.choices()) for m in planned.members or (planned,)]
        return tuple(one for m, some in every for one in (some if self.compares(m) else some[:1]))

    def played(self) -> tuple[Planned, ...]:
        """Return all that is scouted, once."""
        every: list[Planned] = []
        for planned in self.attacks:
            every += [one for one in self.choices(planned) if one not in every]
        return tuple(every)

    def tuned(self) -> tuple[Planned, ...]:
        """Return all that is compared, once; cascades apart."""
        every: list[Planned] = []
        for planned in self.attacks:
            for one in planned.members or (planned,):
                if self.compares(one):
                    every += [choice for choice in one.choices() if choice not in every]
        return tuple(every)


def make_plan(
    system: System, threats: Sequence[ThreatModel], names: Sequence[str] | None, most: int, tune: int = 0
) -> Plan:
    """Return what to try.

    Args:
        system: what is audited.
        threats: who attacks it.
        names: attacks and explorers to try; None is all of the catalogue.
        most: victims a threat.
        tune: records a threat that attacks are compared on beforehand; 0 compares none.

    Raises:
        BadInput: no cell or no attack is named, an attack is unknown, a filter selects nothing, or a cascade is named
            without a tuning set.
    """
    if not threats:
        raise BadInput("There is no cell to audit. Name at least one: EI, EA.")
    if names is not None and not names:
        raise BadInput("There is no attack to try. Name at least one, or none to try all. See: vauban list attacks.")
    for threat in threats:
        if not threat.grants:
            raise BadInput("The attacker is granted no answer. Name at least one grant: label, score.")
    chosen = list(CATALOGUE.values()) if names is None else [entry(n) for n in dict.fromkeys(names)]
    cascaded = CASCADE in chosen
    if cascaded and not tune:
        raise BadInput("A cascade tries its attacks in the order that a tuning set shows. Ask for one by --tune 20.")
    chosen = [line for line in chosen if line != CASCADE]
    fronts = _fronts(system, threats, most)
    attacks: list[Planned] = []
    explorers: list[Planned] = []
    skipped: list[Skipped] = []
    cascades: list[Planned] = []
    for i, front in enumerate(fronts):
        for line in chosen:
            reason = why_not(line, front, system.target)
            if reason is not None:
                skipped.append(Skipped(line.name, front.threat.cell.value, reason))
            elif line.role == "explorer":
                if not any(_same_view(fronts[p.front], front) and p.entry == line for p in explorers):
                    explorers.append(Planned(i, line))
            else:
                attacks.append(Planned(i, _that_fit(line, front, system.target)))
        if cascaded:
            cascade = _cascade(i, front, chosen, system.target)
            if cascade.members:
                cascades.append(cascade)
            else:
                skipped.append(Skipped(CASCADE.name, front.threat.cell.value, "none of its attacks can be tried here"))
    fronts = _with_tuning(system, fronts, [*attacks, *cascades], tune)
    for cascade in cascades:
        front = fronts[cascade.front]
        if front.untuned:
            skipped.append(Skipped(CASCADE.name, front.threat.cell.value, f"it has no order: {front.untuned}"))
        else:
            attacks.append(cascade)
    return Plan(fronts, tuple(attacks), tuple(explorers), tuple(skipped))


def _that_fit(line: Entry, front: Front, target: Target) -> Entry:
    """Return an entry with those of its alternatives only that can be tried on a front."""
    fit = (o for o in line.alternatives if why_not(replace(line, parameters=o), front, target) is None)
    return replace(line, alternatives=tuple(fit))


def _cascade(at: int, front: Front, chosen: Sequence[Entry], target: Target) -> Planned:
    """Return the cascade of the attacks that were named besides it, of all in the catalogue if none was.

    They share what may be asked to scout: each is told of an equal part of it.
    """
    named = [line for line in chosen if line.role == "attack"] or [
        line for line in CATALOGUE.values() if line.role == "attack"
    ]
    lines = [_that_fit(line, front, target) for line in named if why_not(line, front, target) is None]
    share = front.threat.budget.scouting // len(lines) if len(lines) > 1 else None
    return Planned(at, CASCADE, members=tuple(Planned(at, line, scouting=share) for line in lines))


def _with_tuning(system: System, fronts: tuple[Front, ...], attacks: Sequence[Planned], tune: int) -> tuple[Front, ...]:
    """Return fronts with a tuning set where something is chosen on it; elsewhere with the reason why there is none."""
    chosen = [any(_is_choice(p, attacks) for p in attacks if p.front == i) for i in range(len(fronts))]
    if not tune or not any(chosen):
        return tuple(replace(f, untuned=SWITCHED_OFF if c else NO_CHOICE) for f, c in zip(fronts, chosen, strict=True))
    sets = tuning_sets(system, [front.threat for front in fronts], tune)
    return tuple(
        replace(front, tuning=records, untuned="" if len(records) else NO_RECORD)
        if choice
        else replace(front, untuned=NO_CHOICE)
        for front, records, choice in zip(fronts, sets, chosen, strict=True)
    )


def _is_choice(planned: Planned, attacks: Sequence[Planned]) -> bool:
    """Return whether an attack has settings or an order to be chosen, or others of its front to be compared with."""
    rivals = sum(1 for p in attacks if p.front == planned.front and p.entry.role == "attack")
    return bool(planned.members or planned.entry.alternatives) or (planned.entry.role == "attack" and rivals > 1)


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
