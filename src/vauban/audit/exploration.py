"""What an attacker learns of the model before any victim, and how right his picture is after so many questions."""

from __future__ import annotations

from collections.abc import Sequence

from vauban.audit.answers import Oracle
from vauban.audit.fronts import Front, brief_for
from vauban.audit.judge import judge_substitute
from vauban.audit.runner import scout
from vauban.catalogue import Entry
from vauban.contracts import Effect, Picture
from vauban.errors import ContractViolation
from vauban.metrics.intervals import wilson
from vauban.records import Modality, Records
from vauban.results import Agreement, Exploration
from vauban.threat import Grant

LADDER = (0, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
MOST_EFFECTS = 30


def explore(front: Front, line: Entry, oracle: Oracle, fresh: Records, seed: int) -> Exploration:
    """Return what an explorer learns with growing numbers of questions, and his picture's agreement at each.

    A question that a shorter run has asked already is answered from memory: the ladder costs no more than its top.
    """
    top = front.threat.budget.scouting
    agreement, wants = [], frozenset[Grant]()
    picture = None
    for queries in [*(q for q in LADDER if q < top), top]:
        scouted = scout(
            line.make(), line.name, brief_for(front, oracle.target, line.name, seed, scouting=queries), oracle
        )
        picture, wants = scouted.intelligence, wants | scouted.wants
        if not isinstance(picture, Picture):
            raise ContractViolation(f"Explorer {line.name!r} must return a Picture. Got {type(picture).__name__}.")
        right = judge_substitute(picture, oracle.target, fresh)
        rate = wilson(int(right.sum()), len(right))
        agreement.append(Agreement(rate.value, rate.low, rate.high, rate.n, queries=queries))
    effects = () if picture is None else picture.effects
    return _exploration(front, line, tuple(agreement), effects, top, wants)


def learnt_by(
    front: Front, line: Entry, effects: Sequence[Effect], queries: int, wants: frozenset[Grant]
) -> Exploration:
    """Return what an attack's own scouting learnt."""
    return _exploration(front, line, (), effects, queries, wants)


def _exploration(
    front: Front,
    line: Entry,
    agreement: tuple[Agreement, ...],
    effects: Sequence[Effect],
    queries: int,
    wants: frozenset[Grant],
) -> Exploration:
    threat = front.threat
    text = front.schema.modality is Modality.TEXT
    shown = effects[:MOST_EFFECTS]
    return Exploration(
        id=f"{line.name}-{threat.specificity.value}" if line.role == "explorer" else f"{threat.cell.value}-{line.name}",
        explorer=line.name,
        specificity=threat.specificity.value,
        where=None if threat.where is None else threat.where.text,
        grants=tuple(sorted(wants)),
        queries=queries,
        agreement=agreement,
        features=()
        if text
        else tuple(
            {
                "name": e.name,
                "effect": e.effect,
                "direction": e.direction,
                "threshold": e.threshold,
                "values": ", ".join(e.values) or None,
            }
            for e in shown
        ),
        words=tuple({"word": e.name, "effect": e.effect, "direction": e.direction} for e in shown) if text else (),
        tags=line.tags if line.role == "explorer" else line.tags_in(threat.cell),
    )
