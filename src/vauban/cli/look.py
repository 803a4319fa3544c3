"""``vauban list``, ``info``, ``report``, ``verify``: look at what there is and at what was found."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from vauban.cli.own import ALLOW_PICKLE, chosen_system
from vauban.errors import ExitCode


@click.command("list")
@click.argument("what", type=click.Choice(["attacks", "cells", "gates", "scenarios", "datasets"]))
def list_(what: str) -> None:
    """List what there is."""
    from vauban.cli.show import table

    if what == "attacks":
        from vauban.catalogue import CASCADE, CATALOGUE, CAUSATIVE

        rows = []
        for e in (*CATALOGUE.values(), CASCADE):
            made = e.make()
            cells = "-" if e.role == "explorer" else " ".join(e.cells)
            rows.append((e.name, e.role, " ".join(sorted(made.modalities)), cells, " ".join(sorted(made.wants))))
        for e in CAUSATIVE.values():
            made = e.make()
            wants = " ".join(sorted(made.wants))
            rows.append((e.name, e.role, " ".join(sorted(made.modalities)), " ".join(e.cells), wants))
        table(("name", "role", "works on", "cells", "needs"), rows)
    elif what == "gates":
        from vauban.catalogue import GATES

        table(
            ("name", "what"), [(e.name, (inspect.getdoc(type(e.make())) or "").split("\n")[0]) for e in GATES.values()]
        )
    elif what == "cells":
        from vauban.threat import Cell

        meaning = {"integrity": "harmful records pass", "availability": "good records are blocked"}
        how = {
            "exploratory": "by asking the deployed model",
            "causative": "through what it is trained on (also: vauban simulate)",
        }
        table(
            ("cell", "influence", "violation", "meaning"),
            [(c, c.influence, c.violation, f"{meaning[c.violation]}, {how[c.influence]}") for c in Cell],
        )
        click.echo("Each is indiscriminate, or targeted at a slice of the records by --where.")
    elif what == "scenarios":
        from vauban.scenarios import SCENARIOS
        from vauban.scenarios.models import MODELS, NORMALISED

        table(("name", "what", "data"), [(s.name, s.title, " ".join(s.data)) for s in SCENARIOS.values()])
        click.echo(f"Models: {' '.join(MODELS)}")
        click.echo(f"Any of them for messages with {NORMALISED} behind its name normalises Unicode before it reads.")
    else:
        from vauban.datasets import describe, names

        infos = [describe(n) for n in names()]
        sets = [(i.name, str(i.scenario), f"{i.rows:,}", i.title, i.licence, i.address or "generated") for i in infos]
        table(("name", "scenario", "rows", "what", "licence", "where from"), sets)


@click.command()
@click.argument("attack")
def info(attack: str) -> None:
    """Say what an attack does, what it needs, and where it comes from."""
    from vauban.catalogue import CASCADE, CATALOGUE, CAUSATIVE, GATES, aware_of
    from vauban.errors import unknown

    known = {**CATALOGUE, CASCADE.name: CASCADE, **CAUSATIVE, **GATES}
    if attack not in known:
        raise unknown("attack", attack, known)
    line = known[attack]
    made = line.make()
    click.echo(f"{line.name} ({line.role})\n")
    click.echo(inspect.getdoc(type(made)) or "")
    if line.role == "gate":
        for name, settings in aware_of(line.name).items():
            click.echo(f"\nTry it against who knows it: --attack {name}{_options(settings)}")
        return
    click.echo(f"\nWorks on:   {', '.join(sorted(made.modalities))}")
    click.echo(f"Needs:      {', '.join(sorted(made.wants))}")
    click.echo(f"Cells:      {', '.join(line.cells)}")
    click.echo(f"Parameters: {', '.join(f'{k}={v!r}' for k, v in vars(made).items()) or 'none'}")
    if line.knows:
        click.echo(f"Knows:      {', '.join(gate + _options(settings) for gate, settings in line.knows.items())}")
    for cell in line.cells:
        click.echo(f"Tags in {cell}: {', '.join(line.tags_in(cell))}")


def _options(settings: Mapping[str, Any]) -> str:
    return "".join(f" --{name} {value}" for name, value in settings.items())


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "format_", default="html", show_default=True, help="html, json, markdown, sarif or junit.")
@click.option("--fail-over", type=click.FloatRange(0, 1), help="junit: success rate over which an attack fails.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write; standard output by default.")
def report(run: Path, format_: str, fail_over: float | None, out: Path | None) -> None:
    """Write the report of a run."""
    from vauban.api import report as render

    text = render(run, format_, fail_over)
    if out is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        _write(out, text)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--tracking-uri", required=True, help="MLflow's server or store: http://..., sqlite:///mlflow.db.")
@click.option("--experiment", default="vauban", show_default=True, help="MLflow's experiment; made if it is not there.")
def log(run: Path, tracking_uri: str, experiment: str) -> None:
    """Log a run to MLflow: parameters, the figures of every finding, the report and the result."""
    from vauban.api import log as send

    click.echo(f"Logged as run {send(run, tracking_uri, experiment)} of {experiment!r}.")


def _write(out: Path, text: str) -> None:
    from vauban.errors import BadInput

    try:
        file = out.open("w", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"The report cannot be written to {out}: {error.strerror}. Name another file.") from error
    with file:
        file.write(text)


def _made_again(run: Path, allow_pickle: bool) -> Any:
    """Return the model of a run that has no safe format, trained or read again and proved to be the same."""
    from vauban.audit.folder import check_same, read_json

    about = read_json(run / "run.json", "model", "request")
    asked = about["request"]
    if about["model"] is not None or not {"scenario", "data", "model", "seed"} <= set(asked):
        return None
    click.echo("The model has no safe format to be stored in: making it again.", err=True)
    system = chosen_system(asked, allow_pickle).system(asked["data"], asked["model"], asked["seed"])
    check_same(run, system)
    return system.target


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@ALLOW_PICKLE
def verify(run: Path, allow_pickle: bool) -> int:
    """Score every stored success of a run from scratch; those of attacks on training are counted, not scored."""
    from vauban.api import verify as check

    found = check(run, _made_again(run, allow_pickle))
    for problem in found.problems:
        click.echo(problem, err=True)
    click.echo(f"{found.checked} stored successes scored from scratch: {len(found.problems)} problems.")
    if found.not_scored:
        click.echo(
            f"{found.not_scored} successes of attacks on training are not scored: the models that came of them are not "
            "kept. The same audit, run again, plays them again."
        )
    return ExitCode.OVER_LIMIT if found.problems else ExitCode.DONE
