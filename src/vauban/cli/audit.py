"""``vauban audit``: attack a scenario's model and write a run folder."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import click

from vauban.cli.own import ALLOW_PICKLE, chosen_system, is_own
from vauban.errors import BadInput, ExitCode

REQUEST = tuple("scenario data model victims queries flagged cost attack cell causative where grant seed tune".split())  # noqa: SIM905
"""What decides the findings, and is kept in run.json: jobs, out and fail-over do not."""


def _names(context: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:  # noqa: ARG001 - click's
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _cells(context: click.Context, option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell for one in value for cell in _names(context, option, one)))


def _number(context: click.Context, option: click.Parameter, value: float | None) -> float | None:  # noqa: ARG001
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number.")
    return value


@click.command()
@click.argument("scenario", required=False, metavar="[SCENARIO|VAUBAN.TOML]")
@click.option("--data", help="Data set; generated data by default. See: vauban list datasets.")
@click.option("--model", default="logistic-regression", show_default=True, help="Kind of model to train and attack.")
@click.option("--victims", default=200, show_default=True, type=click.IntRange(1), help="Most victims a cell.")
@click.option(
    "--queries", default=1000, show_default=True, type=click.IntRange(0), help="Questions a victim; as many to scout."
)
@click.option("--flagged", type=click.IntRange(1), help="Stop on a victim after so many blocked questions.")
@click.option(
    "--cost", type=click.FloatRange(0), callback=_number, help="Most that a changed record may cost the attacker."
)
@click.option(
    "--attack",
    multiple=True,
    help="Attack to try; may be repeated. All by default. cascade: one after the other, the cheapest first.",
)
@click.option(
    "--cell",
    multiple=True,
    default=["EI,EA,CI,CA"],
    show_default=True,
    callback=_cells,
    help="May be repeated. By asking: EI (harmful pass), EA (good blocked); through training: CI, CA.",
)
@click.option(
    "--causative",
    type=click.Choice(["off", "short", "full"]),
    default="short",
    show_default=True,
    help="Attacks on training: none, 3 rounds on at most 3,000 records, or 8 rounds on all of them.",
)
@click.option("--where", help="Filter that makes the attack targeted, e.g. 'amount > 5000 and purpose = car'.")
@click.option("--grant", default="label,score", show_default=True, callback=_names, help="What the attacker gets.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Everything random follows from it.")
@click.option(
    "--tune",
    default=20,
    show_default=True,
    type=click.IntRange(0),
    help="Records a cell, apart from the victims, on which the strongest attack is chosen; 0: on the victims.",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Worker processes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder; a new one by default.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with the run in this folder.")
@ALLOW_PICKLE
@click.option(
    "--fail-over",
    type=click.FloatRange(0, 1),
    callback=_number,
    help="Exit 1 if any attack's success rate is above this.",
)
def audit(
    scenario: str | None,
    resume: Path | None,
    jobs: int,
    fail_over: float | None,
    allow_pickle: bool,
    **asked: Any,
) -> int:
    """Attack a model and say what gets through, at what cost, with what certainty.

    The model is the one that a vauban.toml names (see: vauban init), or trained here on a scenario's data. Everything
    is written to a run folder with report.html.
    """
    if resume is not None:
        return _resume(resume, jobs, fail_over, allow_pickle)
    if scenario is None:
        raise click.UsageError(
            "Name the scenario to audit, such as spam or loan, or a vauban.toml. See: vauban list scenarios."
        )
    out = asked.pop("out")
    request = {"scenario": scenario, **asked}
    if is_own(scenario):
        given = click.get_current_context().get_parameter_source
        if any(given(name) is click.core.ParameterSource.COMMANDLINE for name in ("data", "model")):
            raise click.UsageError(f"{scenario} names its data and its model: leave --data and --model out.")
        request["scenario"] = str(Path(scenario).resolve())
    return _audit(request, out, jobs, fail_over, allow_pickle, resumed=False)


def _resume(run: Path, jobs: int, fail_over: float | None, allow_pickle: bool) -> int:
    from vauban.audit.folder import read_json

    source = click.get_current_context().get_parameter_source
    if any(source(name) is click.core.ParameterSource.COMMANDLINE for name in (*REQUEST, "out")):
        raise click.UsageError("--resume goes on with what the run was asked for: give --jobs and --fail-over at most.")
    request = read_json(run / "run.json", "request")["request"]
    if request.get("command") == "simulate":
        raise BadInput(f"{run} holds a simulation. It goes on with: vauban simulate --resume {run}")
    if "threats" in request:
        raise BadInput(f"The run {run} was started from Python. Go on with it there: audit(..., out=..., resume=True).")
    try:
        context = audit.make_context("audit", _words({name: request[name] for name in REQUEST}))
    except (KeyError, TypeError, click.UsageError) as error:
        raise BadInput(f"{run / 'run.json'} is damaged: {error}. Run the audit again.") from error
    asked = {name: context.params[name] for name in REQUEST}
    if is_own(asked["scenario"]):
        asked["settings"] = request.get("settings")
    return _audit(asked, run, jobs, fail_over, allow_pickle, resumed=True)


def _audit(
    request: dict[str, Any],
    out: Path | None,
    jobs: int,
    fail_over: float | None,
    allow_pickle: bool,
    *,
    resumed: bool,
) -> int:
    from vauban.api import grant_named
    from vauban.audit.folder import new_folder, prepare, taken_back
    from vauban.audit.run import Settings
    from vauban.catalogue import CAUSATIVE
    from vauban.cli.show import progress, show
    from vauban.simulation.beside import audit_both
    from vauban.simulation.lengths import Asked, influences
    from vauban.threat import Budget

    chosen = chosen_system(request, allow_pickle)
    grants = frozenset(grant_named(g) for g in request["grant"])
    budget = Budget(request["queries"], request["queries"], request["flagged"], request["cost"])
    asking, training = influences(request["cell"], request["attack"], request["causative"])
    threats = chosen.threats(asking, grants, budget, request["where"]) if asking else ()
    names = tuple(n for n in request["attack"] if n not in CAUSATIVE)
    settings = Settings(request["seed"], request["victims"], names or None, jobs, tune=request["tune"])
    asked = None
    if training:
        on_training = tuple(n for n in request["attack"] if n in CAUSATIVE) or None
        asked = Asked(
            training,
            request["causative"],
            on_training,
            request["queries"],
            grants,
            request["where"],
            request["seed"],
            jobs,
        )
    folder = new_folder(chosen.name.replace(" ", "-")) if out is None else out
    try:
        with taken_back(folder), progress() as watch:
            if out is not None and not resumed:
                prepare(out)  # now: a model may take long to train
            system = chosen.system(request["data"], request["model"], request["seed"])
            command = _command(request)
            audited = audit_both(
                folder, request, system, threats, settings, asked, watch, resumed=resumed, command=command
            )
    except KeyboardInterrupt:
        click.echo(f"vauban: interrupted. {_go_on(folder)}", err=True)
        return ExitCode.INCOMPLETE
    show(audited.result, folder)
    if audited.exit_code != ExitCode.DONE:
        click.echo(f"vauban: not complete: {audited.problem}", err=True)
        click.echo(_go_on(folder), err=True)
        return audited.exit_code
    return _over(audited.result, fail_over)


def _go_on(folder: Path) -> str:
    if not (folder / "run.json").exists():
        return "Nothing was asked yet: run the same command again."
    return f"Go on with: vauban audit --resume {shlex.quote(str(folder))}"


def _over(result: Any, limit: float | None) -> int:
    if limit is None:
        return ExitCode.DONE
    tried = [f for f in result.findings if f.role == "attack"]
    if not tried:
        click.echo("vauban: no attack could be tried, so nothing can be said to be under the limit", err=True)
        return ExitCode.OVER_LIMIT
    over = [f for f in tried if f.success_rate.value > limit]
    for finding in over:
        rate = finding.success_rate.value
        click.echo(f"vauban: {finding.id}: success rate {rate:.3f} is over the limit of {limit}", err=True)
    return ExitCode.OVER_LIMIT if over else ExitCode.DONE


def _words(request: dict[str, Any]) -> list[str]:
    """Return the arguments that ask for this; what is not in the request is left to its default."""
    words = [request["scenario"]]
    for name in REQUEST[1:]:
        value = request.get(name)
        several = value or () if name == "attack" else [",".join(value) if isinstance(value, (list, tuple)) else value]
        words += [word for one in several if one is not None for word in (f"--{name}", str(one))]
    return words


def _command(request: dict[str, Any]) -> str:
    """Return the shortest command line that asks for this."""
    default = audit.make_context("audit", [request["scenario"]]).params
    asked = {name: request[name] for name in REQUEST if name == "scenario" or request[name] != default[name]}
    return shlex.join(["vauban", "audit", *_words(asked)])
