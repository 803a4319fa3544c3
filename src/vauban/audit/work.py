"""The work of one cell: scouting, exploring, comparing, searching. Each piece travels to any worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from vauban.audit.answers import NOTHING, Answered, LogFile, Oracle, read_logs
from vauban.audit.exploration import explore
from vauban.audit.fronts import Front, brief_for
from vauban.audit.judge import Judged
from vauban.audit.plan import Planned
from vauban.audit.runner import Progress, Scouted, Turn, ignore_progress, scout, search_in_turn
from vauban.audit.settings import Settings
from vauban.contracts import Target, seed_for
from vauban.errors import ExitCode, VaubanError
from vauban.records import Ints, Records
from vauban.threat import Grant

TUNING_QUERIES = 300
"""Most questions a record of a tuning set: searches there cost nearly as much time a round as those for all victims."""


@dataclass(frozen=True, eq=False)
class Scout:
    """An attack with one of its settings, and what it learnt before any victim."""

    planned: Planned
    scouted: Scouted


@dataclass(frozen=True, eq=False)
class Job:
    """One piece of work, complete in itself.

    Attributes:
        kind: ``scout``, ``explore``, ``tune`` (search on the tuning set) or ``search`` (on the victims).
        scouts: of a search, the attacks in the order of their turns: one, or those of a cascade.
        ids: of a search on victims, those of this part.
    """

    kind: str
    planned: Planned
    front: Front
    target: Target
    settings: Settings
    life: str
    fresh: Records | None = None
    scouts: tuple[Scout, ...] = ()
    ids: Ints | None = None
    part: int = 0
    varies: bool = False

    @property
    def name(self) -> str:
        """What it is called in logs and reports of progress."""
        return f"{self.front.threat.cell.value}-{self.planned.named}"

    @property
    def log(self) -> Path | None:
        """Where its answers are kept."""
        folder = self.settings.answers
        return None if folder is None else folder / f"{self.name}-{self.kind}-{self.part}.log"


@dataclass(frozen=True)
class Done:
    """What came of a job: a value or a problem, and what it took."""

    job: Job
    value: Any = None
    problem: str | None = None
    defect: bool = False
    effort: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def logged_before(folder: Path | None, life: str) -> Answered:  # noqa: ARG001 - a worker may outlive a run and see the next
    """Return the answers of the run's earlier lives, read once a process and life."""
    return NOTHING if folder is None else read_logs(sorted(folder.glob("*.log")))


def work(job: Job, progress: Progress = ignore_progress) -> Done:
    """Do a job; whatever goes wrong is part of the answer."""
    log = LogFile(None)
    started = time.perf_counter()
    try:
        logged = logged_before(job.settings.answers, job.life)
        log = LogFile(job.log)
        salt = seed_for(0, job.name, job.kind)
        oracle = Oracle(job.target, logged, log, varies=job.varies, salt=salt[1] ^ salt[2])
        value = _play(job, oracle, progress)
    except OSError as error:  # the target's own are TargetErrors: this is the log
        return Done(job, problem=f"The answers cannot be kept: {error}", defect=True)
    except VaubanError as error:
        return Done(job, problem=str(error), defect=error.exit_code == ExitCode.FAILED)
    except Exception as error:  # noqa: BLE001 - a defect of one attack must not lose what the others found
        return Done(job, problem=f"A defect: {type(error).__name__}: {error}", defect=True)
    finally:
        log.close()
    effort = {
        "model_calls": oracle.model_calls,
        "rows_scored": oracle.rows_scored,
        "seconds": time.perf_counter() - started,
        "model_seconds": oracle.model_seconds,
    }
    return Done(job, value, effort=effort)


def _play(job: Job, oracle: Oracle, progress: Progress) -> Any:
    planned, front, seed = job.planned, job.front, job.settings.seed
    line = planned.entry
    if job.kind == "explore":
        assert job.fresh is not None  # noqa: S101 - explorers' jobs are made with fresh records
        return explore(front, line, oracle, job.fresh, seed)
    if job.kind == "scout":
        brief = brief_for(front, job.target, line.name, seed, scouting=planned.scouting)
        return scout(line.make(), line.name, brief, oracle)
    return _search(job, oracle, progress)


def _search(job: Job, oracle: Oracle, progress: Progress) -> tuple[Judged, frozenset[Grant]]:
    return search_in_turn(
        [_turn(job, one) for one in job.scouts],
        job.front.tuning if job.kind == "tune" else job.front.victims,
        oracle,
        ids=job.ids,
        cohort_size=job.settings.cohort_size,
        progress=progress,
    )


def _turn(job: Job, one: Scout) -> Turn:
    line, seed = one.planned.entry, job.settings.seed
    most = TUNING_QUERIES if job.kind == "tune" else None
    return Turn(
        line.make(),
        line.name,
        brief_for(job.front, job.target, line.name, seed, scouting=one.planned.scouting, queries=most),
        one.scouted.intelligence,
        seed_for(seed, line.name, job.front.threat.cell.value, job.kind),
    )
