"""Plan an audit: which attack is tried in which cell, on which victims, and why others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vauban.audit.fronts import (
    NO_CHOICE,
    NO_RECORD,
    SWITCHED_OFF,
    Front,
    brief_for,
    make_fronts,
)
from vauban.audit.selection import tuning_sets
from vauban.catalogue import CASCADE, CATALOGUE, Entry, entry
from vauban.contracts import Target
from vauban.errors import BadInput
from vauban.records import Modality
from vauban.results import Skipped
from vauban.system import System
from vauban.threat import ThreatModel

__all__ = ["Front", "Plan", "Planned", "brief_for", "make_plan", "why_not"]


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
        BadInput: no attack is named, an attack is unknown, a filter selects nothing, or a cascade is named without a
            tuning set.
    """
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
    fronts = make_fronts(system, threats, most)
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
