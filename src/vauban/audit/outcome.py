"""What came of the work: findings, the strongest of each front, what was learnt, what did not finish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vauban.audit.exploration import learnt_by
from vauban.audit.findings import make_finding
from vauban.audit.fronts import NO_CHOICE, Front
from vauban.audit.judge import Judged
from vauban.audit.plan import Plan, Planned
from vauban.audit.tuning import Compared, Tuning, strongest_first
from vauban.audit.work import Done
from vauban.contracts import Effect
from vauban.results import Exploration, Finding, Skipped, Strongest
from vauban.system import System

NONE_PASSED = "no attack got through on the tuning set"


@dataclass(frozen=True)
class Success:
    """All successes of one attack in one cell: what ``records.parquet`` holds."""

    attack: str
    front: Front
    judged: Judged


@dataclass(frozen=True)
class Outcome:
    """What was planned and what was done of it."""

    system: System
    plan: Plan
    done: list[Done]
    interrupted: bool

    @property
    def tuning(self) -> Tuning:
        """What the tuning set said."""
        return Tuning(self.plan, self.done)

    def _searched(self, planned: Planned) -> list[Done]:
        found = (d for d in self.done if d.job.kind == "search" and d.job.planned == planned and d.problem is None)
        return sorted(found, key=lambda d: d.job.part)

    def _explored(self, planned: Planned) -> list[Done]:
        return [d for d in self.done if d.job.kind == "explore" and d.job.planned == planned and d.problem is None]

    def _finished(self, planned: Planned) -> bool:
        if planned.entry.role == "explorer":
            return bool(self._explored(planned))
        got = sum(len(d.job.ids) for d in self._searched(planned) if d.job.ids is not None)
        return got == len(self.plan.fronts[planned.front].victims)

    def findings(self) -> tuple[tuple[Finding, ...], tuple[Success, ...]]:
        """Return the finding and the successes of each attack that finished."""
        finished = [p for p in self.plan.attacks if self._finished(p)]
        judged = [_joined([d.value[0] for d in self._searched(p)]) for p in finished]
        fronts = [self.plan.fronts[p.front] for p in finished]
        successes = (Success(p.entry.name, f, j) for p, f, j in zip(finished, fronts, judged, strict=True))
        return tuple(self._finding(p, j) for p, j in zip(finished, judged, strict=True)), tuple(successes)

    def _finding(self, planned: Planned, judged: Judged) -> Finding:
        searched = self._searched(planned)
        played = [s.planned for s in searched[0].job.scouts]
        scouted = [d for d in self.done if d.job.kind == "scout" and d.job.planned in played]
        grants = frozenset().union(*(d.value[1] for d in searched), *(d.value.wants for d in scouted))
        effort = {key: sum(d.effort[key] for d in [*scouted, *searched]) for key in searched[0].effort}
        line = planned.entry if planned.members else played[0].entry
        turns = [c.trial() for p in played if (c := self.tuning.compared(p)) is not None] if planned.members else []
        front = self.plan.fronts[planned.front]
        return make_finding(self.system, front, line, judged, grants=grants, effort=effort, turns=turns)

    def strongest(self, findings: Sequence[Finding]) -> tuple[Strongest, ...]:
        """Return the strongest attack of each front on which one finished; ``findings`` are all those of this."""
        finished = (p for p in self.plan.attacks if self._finished(p))
        every = [(p, f) for p, f in zip(finished, findings, strict=True) if f.role == "attack"]
        fronts = ([(p, f) for p, f in every if p.front == at] for at in range(len(self.plan.fronts)))
        return tuple(self._strongest(at, mine) for at, mine in enumerate(fronts) if mine)

    def _strongest(self, at: int, findings: list[tuple[Planned, Finding]]) -> Strongest:
        """Return the strongest attack of a front by the tuning set; by the victims where that says nothing."""
        front, tuning = self.plan.fronts[at], self.tuning
        mine = [p for p in self.plan.attacks if p.front == at and p.entry.role == "attack"]
        best = strongest_first([c for p in mine if (c := tuning.best(p)) is not None])
        tried = [c for p in mine for one in (p.choices() if not p.members else [p]) if (c := tuning.compared(one))]
        compared = [(f, c) for p, f in findings if (c := tuning.best(p)) is not None]
        why = front.untuned or (None if any(c.successes for _, c in compared) else NONE_PASSED)
        chosen: Compared | None = None
        if why is None:
            on = "tuning set"
            finding, chosen = min(compared, key=lambda both: both[1].weakness)
            if best[0].weakness < chosen.weakness:
                why = f"{best[0].planned.entry.name} was stronger there, but did not finish"
        else:
            on = "no choice" if why == NO_CHOICE else "victims"
            finding = min((f for _, f in findings), key=lambda f: (-f.successes, f.cost.median, f.queries.median))
            chosen = next((c for f, c in compared if f is finding), None)
        return Strongest(
            front.threat.cell.value,
            front.threat.specificity.value,
            finding.attack,
            finding.id,
            finding.grants,
            finding.settings,
            on,
            why,
            None if chosen is None else chosen.trial(),
            tuple(c.trial() for c in strongest_first(tried)),
        )

    def exploration(self) -> tuple[Exploration, ...]:
        """Return what explorers and attacks learnt before any victim."""
        explored = [d.value for p in self.plan.explorers for d in self._explored(p)]
        for planned in self.plan.attacks:
            scouts = None if planned.members else self.tuning.scouts(planned)
            for one in scouts or ():
                effects: tuple[Effect, ...] = one.scouted.intelligence.effects
                if effects:
                    front = self.plan.fronts[planned.front]
                    explored.append(learnt_by(front, planned.entry, effects, one.scouted.queries, one.scouted.wants))
        return tuple(explored)

    def incomplete(self) -> tuple[Skipped, ...]:
        """Return what was planned and did not finish, with the reason."""
        return tuple(
            Skipped(p.entry.name, self.plan.fronts[p.front].threat.cell.value, self._why(p))
            for p in (*self.plan.attacks, *self.plan.explorers)
            if not self._finished(p)
        )

    def _why(self, planned: Planned) -> str:
        parts = [planned, *self.plan.choices(planned)]
        problems = [d.problem for d in self.done if d.job.planned in parts and d.problem is not None]
        if problems:
            return problems[0]
        return "interrupted before it finished" if self.interrupted else "it did not finish"


def _joined(parts: list[Judged]) -> Judged:
    names = Judged.__dataclass_fields__
    return Judged(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})
