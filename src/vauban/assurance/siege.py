"""A short siege of a retrained model beside the one in use: is the new one easier to evade?

Both are attacked in the same way: the same victims, attacks, seeds and questions, so that victims are paired. What
counts is what the audit counts: a record that the schema allows, that the attacker can afford, and that the model's own
answer lets through. A victim is easier to evade with a model if only this one lets it through, or lets it through for
half the cost at most: where nearly all are evaded with either, shares alone would show nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vauban.assurance.decisive import decisive
from vauban.audit.outcome import Success
from vauban.audit.run import Audit, Settings, Watch, run_audit, watch_nothing
from vauban.catalogue import CATALOGUE
from vauban.contracts import LABEL, Target
from vauban.errors import ExitCode, Incomplete, VaubanError
from vauban.metrics.intervals import quantile, wilson
from vauban.monitors.slices import holm, unlikely
from vauban.records import Floats, Mask
from vauban.results import Rate, Skipped
from vauban.system import System
from vauban.threat import Budget, Decision, ThreatModel

VICTIMS = 60
"""Harmful records, at most, that both models block, and that both are attacked with."""
SHORT = Budget(queries=100, scouting=1000)
"""What the attacker may ask of each model: so much a victim, and so much before any."""
MARGIN_OF_SIEGE = 0.1
"""Share of the victims by which a sound retraining may be easier to evade: no two fits are the same."""
CHEAPER = 0.5
"""Share of the cost with one model at which, or below which, a victim is easier to evade with the other."""
SHOWN = 3


@dataclass(frozen=True)
class Sally:
    """What one attack reached against both models, on the same victims.

    Attributes:
        attack: its name.
        candidate, incumbent: shares of the victims evaded at a cost that the attacker can afford.
        candidate_cost, incumbent_cost: median over all victims, one not evaded at infinity.
        worse, better: victims that are easier to evade with the candidate, and with the incumbent.
        chance: probability that chance brings so many more, beside those allowed; corrected for the number of attacks.
        decisive: what the evasions of the worse ones cannot do without, the most frequent first.
    """

    attack: str
    candidate: Rate
    incumbent: Rate
    candidate_cost: float
    incumbent_cost: float
    worse: int
    better: int
    chance: float
    decisive: tuple[str, ...] = ()


@dataclass(frozen=True)
class Siege:
    """What a siege of both models found.

    Attributes:
        victims: harmful records that both models block and that were attacked; of so many in ``pool``.
        sallies: a result for each attack, the least likely first.
        out_of_scope: attacks that were not tried, with the reason.
    """

    victims: int
    pool: int
    sallies: tuple[Sally, ...] = ()
    out_of_scope: tuple[Skipped, ...] = ()


def besiege(
    candidate: Target,
    incumbent: Target,
    system: System,
    threats: Sequence[ThreatModel],
    *,
    level: float,
    attacks: Sequence[str] | None = None,
    victims: int = VICTIMS,
    seed: int = 0,
    watch: Watch = watch_nothing,
) -> Siege:
    """Attack both models with all that the catalogue has, and compare.

    Args:
        candidate: the retrained model.
        incumbent: the one in use.
        system: whose held-out records are the victims, whose look-alikes the attacker knows.
        threats: one attacker, of the cell EI.
        level: of a corrected probability, from which down it is said what the evasions have in common.
        attacks: names; all of the catalogue that are neither control nor baseline by default.
        victims: most that are attacked.
        seed: everything random follows from it.
        watch: is told what is going on.

    Raises:
        Incomplete: an attack did not finish against one of them.
        TargetError: a model fails.
    """
    part = system.parts.victims
    records = candidate.schema.encode(part.frame)
    blocked = [m.answer(records, LABEL).decisions == Decision.BLOCK for m in (candidate, incumbent)]
    both = blocked[0] & blocked[1] & (part.labels == 1)
    if not both.any():
        return Siege(0, 0)
    parts = replace(system.parts, victims=part.take(np.asarray(both)))
    names = attacks or [name for name, line in CATALOGUE.items() if line.role == "attack"]
    settings = Settings(seed, victims, tuple(names), tune=0)
    new, old = (
        _whole(run_audit(replace(system, target=m, parts=parts), threats, settings, watch))
        for m in (candidate, incumbent)
    )
    pairs = list(zip(new.successes, old.successes, strict=True))
    found = [_sally(candidate, system, one, other) for one, other in pairs]
    corrected = holm(np.array([s.chance for s, _ in found]), len(found))
    sallies = [
        replace(s, chance=float(p), decisive=_what(candidate, one, worse) if p <= level else ())
        for (s, worse), (one, _), p in zip(found, pairs, corrected, strict=True)
    ]
    size = len(pairs[0][0].judged.ids) if pairs else 0
    order = sorted(sallies, key=lambda s: (s.chance, s.better - s.worse))
    mine = tuple(s for s in new.result.out_of_scope if s.cell == "EI")
    return Siege(size, int(both.sum()), tuple(order), mine)


def _whole(audited: Audit) -> Audit:
    if audited.interrupted:
        raise KeyboardInterrupt
    if audited.problem is not None:
        kind = Incomplete if audited.exit_code == ExitCode.INCOMPLETE else VaubanError
        raise kind(f"The siege did not finish: {audited.problem}")
    return audited


def _sally(target: Target, system: System, one: Success, other: Success) -> tuple[Sally, Mask]:
    """Return what an attack reached against the candidate and the incumbent, and whom it evades more easily now."""
    new, old = (_affordable(target, system, s) for s in (one, other))
    worse, better, n = _easier(new, old), _easier(old, new), len(new)
    more, fewer = int(worse.sum()), int(better.sum())
    rates = [wilson(int(np.isfinite(cost).sum()), n) for cost in (new, old)]
    chance = float(unlikely(more, fewer, n * MARGIN_OF_SIEGE))
    return Sally(one.attack, rates[0], rates[1], quantile(new, 0.5), quantile(old, 0.5), more, fewer, chance), worse


def _easier(cost: Floats, other: Floats) -> Mask:
    return np.asarray(np.isfinite(cost) & (cost <= CHEAPER * other))


def _affordable(target: Target, system: System, success: Success) -> Floats:
    """Return what each victim's evasion costs (n,): infinity where there is none, or none worth what it brings."""
    worth, cost = system.economics, success.judged.cost
    if worth is None:
        return cost
    gain = worth.amount("gain", target.schema.decode(success.front.victims))
    return np.where(cost * worth.unit < gain, cost, np.inf)


def _what(candidate: Target, success: Success, which: Mask) -> tuple[str, ...]:
    front, judged = success.front, success.judged
    return decisive(candidate, front.schema, front.victims[which], judged.records[which])[:SHOWN]
