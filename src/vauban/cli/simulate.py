"""``vauban simulate``: play a retraining loop, clean, attacked and defended."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from vauban.errors import BadInput, ExitCode


@click.command()
@click.argument("scenario", required=False)
@click.option("--data", help="Data set; generated data by default.")
@click.option("--model", default="logistic-regression", show_default=True, help="Kind of model that is trained again.")
@click.option("--attack", help="Attack on training. See: vauban list attacks.")
@click.option("--cell", help="CI or CA, where the attack can be played for both.")
@click.option("--gate", multiple=True, help="Gate that screens what is collected; may be repeated, in order.")
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1), help="How often it is trained again.")
@click.option("--traffic", type=click.IntRange(1), help="Records a round; all that there are by default.")
@click.option("--share", default=0.01, show_default=True, help="Of what a round collects that is the attacker's.")
@click.option("--labels", default="oracle", show_default=True, help="oracle, feedback, auto-learn or auto-learn-eager.")
@click.option("--explore", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Does he ask first?")
@click.option("--queries", default=1000, show_default=True, type=click.IntRange(0), help="Questions that he may ask.")
@click.option("--accounts", default=5, show_default=True, type=click.IntRange(1), help="Sources that he holds.")
@click.option("--where", help="Filter that makes the attack targeted.")
@click.option("--retrain", default="full", show_default=True, help="full, window, warm or partial.")
@click.option("--chosen", type=click.IntRange(1), help="Single records that he aims at, and knows: these are probed.")
@click.option("--first", type=click.IntRange(1), help="Records that the first model is trained on; 40 % by default.")
@click.option(
    "--held", type=click.IntRange(1), help="Records that models are measured on; all that there are by default."
)
@click.option(
    "--reviews",
    default=20,
    show_default=True,
    type=click.IntRange(0),
    help="Records a round that --gate review shows a person in vain; each find earns another look.",
)
@click.option("--sensitivity", default=1.0, show_default=True, help="Share of planted records that he recognises.")
@click.option("--specificity", default=1.0, show_default=True, help="Share of the others that he leaves alone.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Everything random follows from it.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Worker processes.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with the simulation in this folder.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder; a new one by default.")
def simulate(scenario: str | None, out: Path | None, jobs: int, resume: Path | None, **asked: Any) -> int:
    """Play the retraining loop: what an attacker sends is collected, labelled, screened, and trained on.

    Each round shows what he sent, what the gates held, and how the model does that came of it.
    """
    if resume is not None:
        return _resume(resume, jobs)
    if scenario is None or asked["attack"] is None:
        raise click.UsageError("Name a scenario and an attack (--attack). See: vauban list scenarios, list attacks.")
    return _simulate(scenario, asked, out, jobs, resumed=False)


def _resume(run: Path, jobs: int) -> int:
    from vauban.audit.folder import read_json

    context = click.get_current_context()
    given = [n for n in context.params if n not in ("jobs", "resume") and _given(context, n)]
    if given:
        raise click.UsageError("--resume goes on with what the simulation was asked for: give --jobs at most.")
    request = read_json(run / "run.json", "request")["request"]
    if request.get("command") != "simulate":
        raise BadInput(f"{run} holds no simulation. An audit goes on with: vauban audit --resume {run}")
    asked = {n: v for n, v in request.items() if n not in ("command", "scenario", "settings")}
    known = {p.name for p in simulate.params} - {"scenario", "out", "jobs", "resume"}
    if set(asked) != known or "scenario" not in request:
        raise BadInput(f"{run / 'run.json'} is damaged, or of another version. Simulate again.")
    asked["gate"] = tuple(asked["gate"])
    return _simulate(request["scenario"], asked, run, jobs, settings=request.get("settings"), resumed=True)


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _simulate(
    scenario: str, asked: dict[str, Any], out: Path | None, jobs: int, *, settings: str | None = None, resumed: bool
) -> int:
    from vauban.audit.folder import check_same, describe_start, new_folder, prepare, taken_back, write_json
    from vauban.audit.run import Event, environment
    from vauban.catalogue import causative, gate_entry
    from vauban.cli.filmed import show
    from vauban.cli.own import chosen_system
    from vauban.cli.show import progress
    from vauban.reports import html
    from vauban.results import to_json
    from vauban.simulation.reviewing import Reviewers
    from vauban.simulation.run import run_simulation

    request = {"command": "simulate", "scenario": scenario, **asked}
    if settings is not None:  # the hash of the vauban.toml that the simulation was started with
        request["settings"] = settings
    chosen = chosen_system(request, allow_pickle=False)
    causative(asked["attack"])
    for name in asked["gate"]:
        if name != "none":
            gate_entry(name)
    if out is None:
        out = new_folder(f"simulate-{chosen.name.replace(' ', '-')}")
    people = Reviewers(asked["reviews"], asked["sensitivity"], asked["specificity"])
    apart = ("data", "model", "attack", "gate", "explore", "reviews", "sensitivity", "specificity")
    words = {k: v for k, v in asked.items() if k not in apart}
    try:
        with taken_back(out), progress() as watch:
            folder = out if resumed else prepare(out)
            system = chosen.system(asked["data"], asked["model"], asked["seed"])
            if resumed:
                check_same(folder, system)
            else:
                write_json(folder / "run.json", describe_start(None, request, system))
            result = run_simulation(
                system,
                asked["attack"],
                gates=asked["gate"],
                explore=asked["explore"] == "on",
                reviewers=people,
                jobs=jobs,
                folder=folder / "plays",
                watch=lambda what, done, total: watch(Event(what, done, total)),
                command=_command(scenario, asked),
                environment=environment,
                **words,
            )
    except KeyboardInterrupt:
        known = (out / "run.json").exists()
        say = f"Go on with: vauban simulate --resume {shlex.quote(str(out))}" if known else "Nothing was played yet."
        click.echo(f"vauban: interrupted. {say}", err=True)
        return ExitCode.INCOMPLETE
    plain = to_json(result)
    write_json(folder / "result.json", plain)
    (folder / "report.html").write_text(html.render(plain), encoding="utf-8")
    result.frame().to_parquet(folder / "rounds.parquet", index=False)
    show(result, folder)
    return ExitCode.DONE


def _command(scenario: str, asked: dict[str, Any]) -> str:
    default = simulate.make_context("simulate", [scenario, "--attack", "x"], resilient_parsing=True).params
    words = ["vauban", "simulate", scenario]
    for name, value in asked.items():
        if value != default[name]:
            several = value if isinstance(value, tuple) else (value,)
            words += [w for one in several for w in (f"--{name}", str(one))]
    return shlex.join(words)
