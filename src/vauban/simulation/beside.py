"""An audit of both influences: attacks that ask the deployed model, and attacks on what it is trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vauban.audit.folder import check_same, describe_start, prepare, stamped, write_end, write_start
from vauban.audit.run import Audit, Event, Settings, Watch, run_audit
from vauban.audit.verdict import give_verdict
from vauban.errors import BadInput
from vauban.reports import FORMATS
from vauban.results import Coverage, Finding, Strongest, to_json
from vauban.simulation.campaigns import Campaigns, plan_campaigns, run_campaigns
from vauban.simulation.lengths import Asked
from vauban.system import System
from vauban.threat import Cell, ThreatModel

PLAYS = "plays"
"""Folder in a run folder, where plays are kept."""


def audit_both(
    out: Path | None,
    request: Mapping[str, Any],
    system: System,
    threats: Sequence[ThreatModel],
    settings: Settings,
    asked: Asked | None,
    watch: Watch,
    *,
    resumed: bool = False,
    command: str | None = None,
) -> Audit:
    """Run an audit in a run folder, attacks on training included.

    Args:
        out: the run folder; None keeps nothing.
        request: what was asked for, for run.json.
        system: what is audited; with a trainer, or its causative cells are out of scope.
        threats: the exploratory ones; may be empty.
        settings: how the exploratory part is run.
        asked: the causative part; None plays none.
        watch: is told what is going on.
        resumed: whether the run in ``out`` goes on.
        command: the command line, for the report.

    Raises:
        BadInput: something given cannot be used, or no cell at all can be played.
        TargetError: the model cannot be asked at all.
    """
    if asked is None and not threats:
        raise BadInput("There is no cell to audit. Name at least one: EI, EA, CI, CA.")
    if asked is not None and not threats:
        fronts, skipped = plan_campaigns(system, asked)
        if not any(front.entries for front in fronts):
            raise BadInput(f"No attack on training can be tried: {skipped[0].reason}.")
    folder = None if out is None else out / PLAYS

    def also(audited: Audit) -> Audit:
        assert asked is not None  # noqa: S101 - only then is it called
        found = run_campaigns(
            system,
            replace(asked, folder=folder),
            lambda what, done, total: watch(Event(what, done, total)),
            interrupted=audited.interrupted,
        )
        return joined(audited, found, asked, system.harmful, max((t.budget.queries for t in threats), default=0))

    return run_in(
        out,
        request,
        system,
        threats,
        settings,
        watch,
        resumed=resumed,
        command=command,
        also=nothing_else if asked is None else also,
    )


def nothing_else(audited: Audit) -> Audit:
    """Add nothing."""
    return audited


def run_in(
    out: Path | None,
    request: Mapping[str, Any],
    system: System,
    threats: Sequence[ThreatModel],
    settings: Settings,
    watch: Watch,
    *,
    resumed: bool = False,
    command: str | None = None,
    also: Callable[[Audit], Audit] = nothing_else,
) -> Audit:
    """Run an audit in a run folder (None: in memory only), its report included.

    ``also`` adds to it what is found in other ways, before anything is written.
    """
    if out is None:
        audited = also(run_audit(system, threats, settings, watch, command=command))
        return stamped(audited, describe_start(None, request, system))

    def begin() -> None:
        # What an earlier life wrote is written anew: a damaged file of it is made whole.
        write_start(out if resumed else prepare(out), request, system, threats)

    if resumed:
        check_same(out, system)
    settings = replace(settings, answers=out / "answers")
    audited = also(run_audit(system, threats, settings, watch, command=command, begin=begin))
    audited = write_end(out, audited)
    (out / "report.html").write_text(FORMATS["html"](to_json(audited.result)), encoding="utf-8")
    return audited


def joined(audited: Audit, found: Campaigns, asked: Asked, harmful: str, queries: int) -> Audit:
    """Return an audit with what attacks on training found; the verdict is that of the worst cell of both.

    Args:
        audited: the exploratory part.
        found: the causative part.
        asked: what it was asked for.
        harmful: what the harmful class is, in words.
        queries: questions that an exploratory attacker may ask for a victim.
    """
    result = audited.result
    cells = {cell.value for cell in asked.cells}
    findings = (*result.findings, *found.findings)
    incomplete = (*result.incomplete, *found.incomplete)
    skipped = (*(s for s in result.out_of_scope if s.cell not in cells), *found.out_of_scope)
    done = result.coverage.done + len(found.findings)
    coverage = Coverage(done + len(skipped) + len(incomplete), done, len(skipped), len(incomplete))
    strongest = (*result.strongest, *(s for cell in asked.cells if (s := _strongest(found.findings, cell)) is not None))
    verdict = give_verdict(findings, strongest, result.clean, incomplete, harmful, queries)
    whole = replace(
        result,
        threats=(*result.threats, *found.threats),
        findings=findings,
        strongest=strongest,
        out_of_scope=skipped,
        incomplete=incomplete,
        coverage=coverage,
        verdict=verdict,
    )
    code = max(audited.exit_code, found.exit_code)  # done, incomplete, failed: each is worse than the one before
    return replace(audited, result=whole, exit_code=code, problem=audited.problem or found.problem)


def _strongest(findings: Sequence[Finding], cell: Cell) -> Strongest | None:
    """Return the strongest attack on training in a cell, by the records that it is reported on; None where none was."""
    tried = [f for f in findings if f.cell == cell.value and f.role == "attack" and f.victims]
    if not tried:
        return None
    best = max(tried, key=lambda f: (f.successes / f.victims, -f.cost.median))
    why = "a loop is played once, so no records were kept apart"
    return Strongest(best.cell, best.specificity, best.attack, best.id, best.grants, {}, "victims", why, None, ())
