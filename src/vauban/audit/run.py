"""Run an audit: plan it, play it here or in workers, survive what interrupts it, and say what was found."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from vauban.audit.answers import LogFile, Oracle, Remembered
from vauban.audit.engines import run_jobs
from vauban.audit.findings import clean_performance
from vauban.audit.fronts import describe, fresh_records
from vauban.audit.outcome import Outcome, Success
from vauban.audit.plan import Plan, Planned, make_plan
from vauban.audit.settings import Settings
from vauban.audit.tuning import Tuning
from vauban.audit.varying import varies
from vauban.audit.verdict import give_verdict
from vauban.audit.work import Done, Job, Scout, logged_before, work
from vauban.contracts import seed_for
from vauban.errors import ExitCode
from vauban.results import AuditResult, Coverage, Skipped
from vauban.system import System
from vauban.threat import ThreatModel

__all__ = ["Audit", "Event", "Settings", "Success", "Watch", "environment", "run_audit", "watch_nothing"]


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
class Audit:
    """An audit's result, the successes themselves, and how it ended."""

    result: AuditResult
    successes: tuple[Success, ...]
    exit_code: int = ExitCode.DONE
    problem: str | None = None
    interrupted: bool = False


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
        plan = make_plan(seen, threats, settings.attacks, settings.victims, settings.tune)
        begin()
        return _audit(system, seen, plan, settings, watch, command, started, varying)


@contextmanager
def _remembered(system: System, settings: Settings, life: str) -> Iterator[System]:
    """Give a system that varies a target whose answers to the audit itself are kept, so that the run can be resumed."""
    folder = settings.answers
    log = LogFile(None if folder is None else folder / "audit.log")
    try:
        oracle = Oracle(system.target, logged_before(folder, life), log, varies=True, salt=seed_for(0, "audit")[1])
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
    done: list[Done] = []
    interrupted = False
    try:
        for piece in _run(system, plan, settings, started.isoformat(), watch, varying):
            done.append(piece)  # noqa: PERF402 - one by one: what is finished is kept when the next is interrupted
    except KeyboardInterrupt:
        interrupted = True
    outcome = Outcome(seen, plan, done, interrupted)
    findings, successes = outcome.findings()
    strongest = outcome.strongest(findings)
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
        verdict=give_verdict(findings, strongest, clean, incomplete, system.harmful, most),
        command=command,
        started=started.isoformat(timespec="seconds"),
        environment=environment(),
        strongest=strongest,
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


def _run(system: System, plan: Plan, settings: Settings, life: str, watch: Watch, varying: bool) -> Iterator[Done]:
    """Yield what came of each job: scouting and exploring, comparing on the tuning sets, searching for victims.

    Each stage needs what came of the one before. A search is a part of the victims a worker.
    """

    def job(kind: str, planned: Planned, scouts: tuple[Scout, ...] = ()) -> Job:
        front = plan.fronts[planned.front]
        fresh = fresh_records(system, front, settings.seed) if kind == "explore" else None
        return Job(kind, planned, front, system.target, settings, life, fresh, scouts, varies=varying)

    done: list[Done] = []
    tuning = Tuning(plan, done)

    def played(what: str, jobs: list[Job]) -> Iterator[Done]:
        for piece in _watched(what, jobs, settings.jobs, watch):
            done.append(piece)
            yield piece

    yield from played(
        "scouting", [job("scout", p) for p in plan.played()] + [job("explore", p) for p in plan.explorers]
    )
    found = [(p, tuning.scout(p)) for p in plan.tuned()]
    yield from played("comparing", [job("tune", p, (scout,)) for p, scout in found if scout is not None])
    ordered = [(p, tuning.scouts(p)) for p in plan.attacks if p.members]
    yield from played("comparing cascades", [job("tune", p, scouts) for p, scouts in ordered if scouts is not None])
    ready = [(p, tuning.scouts(p)) for p in plan.attacks]
    whole = [job("search", p, scouts) for p, scouts in ready if scouts is not None]
    yield from played("searching", [part for one in whole for part in _parts(one, settings.jobs)])


def _parts(job: Job, workers: int) -> list[Job]:
    ids = np.array_split(np.arange(len(job.front.victims)), max(workers, 1))
    return [replace(job, ids=some, part=part) for part, some in enumerate(ids) if len(some)]


def _watched(what: str, jobs: list[Job], workers: int, watch: Watch) -> Iterator[Done]:
    total = 1000 * len(jobs)

    def here(job: Job) -> Done:
        start = 1000 * jobs.index(job)
        return work(job, lambda done, most: watch(Event(job.name, start + 1000 * done // max(most, 1), total)))

    if not jobs:
        return
    watch(Event(what, 0, total))
    doing = here if workers <= 1 else work
    for i, done in enumerate(run_jobs(doing, jobs, workers), start=1):
        watch(Event(done.job.name, 1000 * i, total))
        yield done
