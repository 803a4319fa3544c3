"""Run an audit: plan it, play it here or in workers, survive what interrupts it, and say what was found."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vauban.audit.answers import NOTHING, Answered, LogFile, Oracle, Remembered, read_logs
from vauban.audit.engines import run_jobs
from vauban.audit.exploration import explore, learnt_by
from vauban.audit.findings import clean_performance, make_finding
from vauban.audit.judge import Judged
from vauban.audit.plan import Front, Plan, Planned, brief_for, describe, fresh_records, make_plan
from vauban.audit.runner import Progress, Scouted, ignore_progress, scout, search
from vauban.audit.varying import varies
from vauban.audit.verdict import give_verdict
from vauban.contracts import Brief, Effect, Target, seed_for
from vauban.errors import BadInput, ExitCode, VaubanError
from vauban.records import Ints, Records
from vauban.results import AuditResult, Coverage, Exploration, Finding, Skipped
from vauban.system import System
from vauban.threat import Grant, ThreatModel


@dataclass(frozen=True)
class Event:
    """Something to show while an audit runs: what is being done, and how far it is."""

    what: str
    done: int
    total: int


Watch = Callable[[Event], None]

ALL_CAUSATIVE = "all causative attacks"
"""What stands in place of an attack's name where none of them was tried in a cell."""


def watch_nothing(event: Event) -> None:
    """Show nothing."""


def nothing_to_begin() -> None:
    """Keep nothing: the run is in memory only."""


@dataclass(frozen=True)
class Success:
    """All successes of one attack in one cell: what ``records.parquet`` holds."""

    attack: str
    front: Front
    judged: Judged


@dataclass(frozen=True)
class Audit:
    """An audit's result, the successes themselves, and how it ended."""

    result: AuditResult
    successes: tuple[Success, ...]
    exit_code: int = ExitCode.DONE
    problem: str | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Settings:
    """How an audit is run.

    Attributes:
        seed: everything random follows from it.
        victims: most victims a threat.
        attacks: names of those to try; None is all of the catalogue.
        jobs: worker processes.
        cohort_size: victims that one search works on; None is all. Makes no difference to what is found.
        answers: folder of the answer logs; None keeps none.
    """

    seed: int = 0
    victims: int = 200
    attacks: tuple[str, ...] | None = None
    jobs: int = 1
    cohort_size: int | None = None
    answers: Path | None = None

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        for name, least in (("seed", 0), ("victims", 1), ("jobs", 1), ("cohort_size", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise BadInput(f"The number {name} must be {least} or more. Got {value}.")


# --- work that a worker does -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Job:
    """One piece of work, complete in itself: it travels to any worker."""

    kind: str
    planned: Planned
    front: Front
    target: Target
    settings: Settings
    life: str
    fresh: Records | None = None
    scouted: Scouted | None = None
    ids: Ints | None = None
    part: int = 0
    varies: bool = False

    @property
    def name(self) -> str:
        return f"{self.front.threat.cell.value}-{self.planned.entry.name}"

    @property
    def log(self) -> Path | None:
        folder = self.settings.answers
        return None if folder is None else folder / f"{self.name}-{self.kind}-{self.part}.log"


@dataclass(frozen=True)
class _Done:
    """What came of a job: a value or a problem, and what it took."""

    job: _Job
    value: Any = None
    problem: str | None = None
    defect: bool = False
    effort: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _logged(folder: Path | None, life: str) -> Answered:  # noqa: ARG001 - a worker may outlive a run and see the next
    """Return the answers of the run's earlier lives, read once a process and life."""
    return NOTHING if folder is None else read_logs(sorted(folder.glob("*.log")))


def _work(job: _Job, progress: Progress = ignore_progress) -> _Done:
    log = LogFile(None)
    started = time.perf_counter()
    try:
        logged = _logged(job.settings.answers, job.life)
        log = LogFile(job.log)
        salt = seed_for(0, job.name, job.kind)
        oracle = Oracle(job.target, logged, log, varies=job.varies, salt=salt[1] ^ salt[2])
        value = _play(job, oracle, progress)
    except OSError as error:  # the target's own are TargetErrors: this is the log
        return _Done(job, problem=f"The answers cannot be kept: {error}", defect=True)
    except VaubanError as error:
        return _Done(job, problem=str(error), defect=error.exit_code == ExitCode.FAILED)
    except Exception as error:  # noqa: BLE001 - a defect of one attack must not lose what the others found
        return _Done(job, problem=f"A defect: {type(error).__name__}: {error}", defect=True)
    finally:
        log.close()
    effort = {
        "model_calls": oracle.model_calls,
        "rows_scored": oracle.rows_scored,
        "seconds": time.perf_counter() - started,
        "model_seconds": oracle.model_seconds,
    }
    return _Done(job, value, effort=effort)


def _play(job: _Job, oracle: Oracle, progress: Progress) -> Any:
    line, front, seed = job.planned.entry, job.front, job.settings.seed
    if job.kind == "explore":
        assert job.fresh is not None  # noqa: S101 - explorers' jobs are made with fresh records
        return explore(front, line, oracle, job.fresh, seed)
    brief = brief_for(front, job.target, line.name, seed)
    if job.kind == "scout":
        return scout(line.make(), line.name, brief, oracle)
    return _search(job, brief, oracle, progress)


def _search(job: _Job, brief: Brief, oracle: Oracle, progress: Progress) -> tuple[Judged, frozenset[Grant]]:
    line = job.planned.entry
    assert job.scouted is not None  # noqa: S101 - searches are made after their scouting
    return search(
        line.make(),
        line.name,
        brief,
        job.scouted.intelligence,
        job.front.victims,
        oracle,
        seed=seed_for(job.settings.seed, line.name, job.front.threat.cell.value, "search"),
        ids=job.ids,
        cohort_size=job.settings.cohort_size,
        progress=progress,
    )


# --- the audit -------------------------------------------------------------------------------------


def run_audit(
    system: System,
    threats: Sequence[ThreatModel],
    settings: Settings,
    watch: Watch = watch_nothing,
    *,
    command: str | None = None,
    begin: Callable[[], None] = nothing_to_begin,
) -> Audit:
    """Audit a system against threats.

    Interrupted by Ctrl-C, it returns what is finished, the rest as incomplete; with ``settings.answers`` the same call
    goes on from there.

    Args:
        system: what is audited.
        threats: who attacks it, one a cell.
        settings: how it is run.
        watch: is told what is going on.
        command: the command line that this run came from, for the report.
        begin: called when the plan stands, before anything is tried: what is wrong with the input is known by then.

    Raises:
        BadInput: an attack is unknown, a filter selects nothing.
        TargetError: the model cannot be asked at all.
    """
    started = datetime.now(UTC)
    varying = varies(system)
    with _remembered(system, settings, started.isoformat()) if varying else nullcontext(system) as seen:
        plan = make_plan(seen, threats, settings.attacks, settings.victims)
        begin()
        return _audit(system, seen, plan, settings, watch, command, started, varying)


@contextmanager
def _remembered(system: System, settings: Settings, life: str) -> Iterator[System]:
    """Give a system that varies a target whose answers to the audit itself are kept, so that the run can be resumed."""
    folder = settings.answers
    log = LogFile(None if folder is None else folder / "audit.log")
    try:
        oracle = Oracle(system.target, _logged(folder, life), log, varies=True, salt=seed_for(0, "audit")[1])
        yield replace(system, target=Remembered(oracle))
    finally:
        log.close()


def _audit(
    system: System,
    seen: System,
    plan: Plan,
    settings: Settings,
    watch: Watch,
    command: str | None,
    started: datetime,
    varying: bool,
) -> Audit:
    """Play a plan on a system; ``seen`` is the same one as the audit itself asks it."""
    clean = clean_performance(seen.target, system.parts.victims)
    threats = [front.threat for front in plan.fronts]
    done: list[_Done] = []
    interrupted = False
    try:
        for piece in _run(system, plan, settings, started.isoformat(), watch, varying):
            done.append(piece)  # noqa: PERF402 - one by one: what is finished is kept when the next is interrupted
    except KeyboardInterrupt:
        interrupted = True
    outcome = _Outcome(seen, plan, done, interrupted)
    findings, successes = outcome.findings()
    incomplete = outcome.incomplete()
    planned = len(plan.attacks) + len(plan.explorers)
    skipped = plan.out_of_scope + _causative()
    sizes = system.parts.sizes()
    most = max((t.budget.queries for t in threats), default=0)
    result = AuditResult(
        version=version("vauban"),
        scenario=system.name,
        model={
            "name": system.target.name,
            "threshold": system.target.threshold,
            "scale": system.target.scale,
            "deterministic": not varying,
        },
        data={
            **system.data,
            "positive": system.harmful,
            "rows": sum(sizes.values()),
            "split": sizes,
            "relations": [{"name": r.name, "note": r.note} for r in getattr(system.target.schema, "relations", ())],
        },
        seed=settings.seed,
        clean=clean,
        threats=tuple(describe(front, system.target) for front in plan.fronts),
        findings=findings,
        exploration=outcome.exploration(),
        out_of_scope=skipped,
        incomplete=incomplete,
        coverage=Coverage(planned + len(skipped), planned - len(incomplete), len(skipped), len(incomplete)),
        verdict=give_verdict(findings, clean, incomplete, system.harmful, most),
        command=command,
        started=started.isoformat(timespec="seconds"),
        environment=environment(),
    )
    defect = next((d for d in done if d.defect), None)
    if defect is not None:
        return Audit(result, successes, ExitCode.FAILED, f"{defect.job.name}: {defect.problem}", interrupted)
    if incomplete:
        return Audit(result, successes, ExitCode.INCOMPLETE, incomplete[0].reason, interrupted)
    return Audit(result, successes)


def _causative() -> tuple[Skipped, ...]:
    reason = "this run only asks the deployed model; it retrains nothing"
    return tuple(Skipped(ALL_CAUSATIVE, cell, reason) for cell in ("CI", "CA"))


def environment() -> dict[str, str]:
    """Return the versions that figures may depend on."""
    names = ("numpy", "pandas", "scikit-learn", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def _run(system: System, plan: Plan, settings: Settings, life: str, watch: Watch, varying: bool) -> Iterator[_Done]:
    """Yield what came of each job: scouting and exploring first, then every search, a part of the victims a worker."""
    scouts = [
        _Job("scout", p, plan.fronts[p.front], system.target, settings, life, varies=varying) for p in plan.attacks
    ]
    explores = [
        _Job(
            "explore",
            p,
            front,
            system.target,
            settings,
            life,
            fresh_records(system, front, settings.seed),
            varies=varying,
        )
        for p in plan.explorers
        for front in (plan.fronts[p.front],)
    ]
    scouted: list[_Done] = []
    for done in _watched("scouting", [*scouts, *explores], settings.jobs, watch):
        yield done
        if done.job.kind == "scout" and done.problem is None:
            scouted.append(done)
    searches = [
        replace(d.job, kind="search", scouted=d.value, ids=ids, part=part)
        for d in scouted
        for part, ids in enumerate(np.array_split(np.arange(len(d.job.front.victims)), max(settings.jobs, 1)))
        if len(ids)
    ]
    yield from _watched("searching", searches, settings.jobs, watch)


def _watched(what: str, jobs: list[_Job], workers: int, watch: Watch) -> Iterator[_Done]:
    total = 1000 * len(jobs)

    def here(job: _Job) -> _Done:
        start = 1000 * jobs.index(job)
        return _work(job, lambda done, most: watch(Event(job.name, start + 1000 * done // max(most, 1), total)))

    if not jobs:
        return
    watch(Event(what, 0, total))
    work = here if workers <= 1 else _work
    for i, done in enumerate(run_jobs(work, jobs, workers), start=1):
        watch(Event(done.job.name, 1000 * i, total))
        yield done


# --- what came of it -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outcome:
    system: System
    plan: Plan
    done: list[_Done]
    interrupted: bool

    def _of(self, planned: Planned, kind: str) -> list[_Done]:
        return [d for d in self.done if d.job.kind == kind and d.job.planned == planned and d.problem is None]

    def _finished(self, planned: Planned) -> bool:
        if planned.entry.role == "explorer":
            return bool(self._of(planned, "explore"))
        got = sum(len(d.job.ids) for d in self._of(planned, "search") if d.job.ids is not None)
        return got == len(self.plan.fronts[planned.front].victims)

    def findings(self) -> tuple[tuple[Finding, ...], tuple[Success, ...]]:
        findings, successes = [], []
        for planned in self.plan.attacks:
            if not self._finished(planned):
                continue
            front = self.plan.fronts[planned.front]
            scouted = self._of(planned, "scout")
            searched = sorted(self._of(planned, "search"), key=lambda d: d.job.part)
            judged = _joined([d.value[0] for d in searched])
            grants = frozenset().union(*(d.value[1] for d in searched), *(d.value.wants for d in scouted))
            effort = {key: sum(d.effort[key] for d in [*scouted, *searched]) for key in scouted[0].effort}
            findings.append(make_finding(self.system, front, planned.entry, judged, grants=grants, effort=effort))
            successes.append(Success(planned.entry.name, front, judged))
        return tuple(findings), tuple(successes)

    def exploration(self) -> tuple[Exploration, ...]:
        explored = [d.value for p in self.plan.explorers for d in self._of(p, "explore")]
        for planned in self.plan.attacks:
            for d in self._of(planned, "scout"):
                effects: tuple[Effect, ...] = d.value.intelligence.effects
                if effects:
                    front = self.plan.fronts[planned.front]
                    explored.append(learnt_by(front, planned.entry, effects, d.value.queries, d.value.wants))
        return tuple(explored)

    def incomplete(self) -> tuple[Skipped, ...]:
        return tuple(
            Skipped(p.entry.name, self.plan.fronts[p.front].threat.cell.value, self._why(p))
            for p in (*self.plan.attacks, *self.plan.explorers)
            if not self._finished(p)
        )

    def _why(self, planned: Planned) -> str:
        problems = [d.problem for d in self.done if d.job.planned == planned and d.problem is not None]
        if problems:
            return problems[0]
        return "interrupted before it finished" if self.interrupted else "it did not finish"


def _joined(parts: list[Judged]) -> Judged:
    names = Judged.__dataclass_fields__
    return Judged(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})
