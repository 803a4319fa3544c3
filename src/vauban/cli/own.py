"""``vauban init`` and ``vauban check``: a user's own model and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vauban.errors import BadInput, ExitCode

if TYPE_CHECKING:
    from vauban.project import Project
    from vauban.scenarios import Scenario

ALLOW_PICKLE = click.option(
    "--allow-pickle",
    is_flag=True,
    help="Read a .joblib or .pkl model. That runs whatever code its author put into it, with your rights: only for "
    "files that you made, or whose author you would let use this machine.",
)


def is_own(scenario: str) -> bool:
    """Return whether what is to be audited is a vauban.toml, not a scenario."""
    return scenario.endswith(".toml")


def refuse(data: str, asked: Mapping[str, Any], options: Sequence[str]) -> None:
    """Raise BadInput where one of these options is given, which only a file of records needs."""
    for option in options:
        if asked[option]:
            name = "id" if option == "record" else option.replace("_", "-")
            what = "vauban.toml" if is_own(data) else "scenario"
            raise BadInput(f"--{name} is for a file of records; {data!r} is a {what}, which says it itself.")


def chosen_system(request: dict[str, Any], allow_pickle: bool = False) -> Scenario | Project:
    """Return the scenario or the project that a request names; a project's file must be the one it was made with."""
    from vauban.project import read_project
    from vauban.scenarios import scenario

    if not is_own(request["scenario"]):
        return scenario(request["scenario"])
    project = read_project(Path(request["scenario"]), allow_pickle=allow_pickle)
    if request.setdefault("settings", project.hash) != project.hash:
        raise BadInput(f"{request['scenario']} was changed since the run was started. Run the audit anew.")
    return project


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--label", required=True, help="Column that says what became of each record.")
@click.option("--positive", multiple=True, help="Value of the label that is harmful; may be repeated. 1 by default.")
@click.option("--positive-above", type=float, help="Instead: labels above this number (a cost) are harmful.")
@click.option("--model", type=click.Path(path_type=Path), help="The deployed model; without one a baseline is trained.")
@click.option("--trust", multiple=True, help="Type that skops may load besides those known to be harmless; repeatable.")
@click.option("--text", help="Column of messages, where the model reads nothing else.")
@click.option("--out", default="vauban.toml", show_default=True, type=click.Path(path_type=Path, dir_okay=False))
@ALLOW_PICKLE
def init(
    file: Path,
    label: str,
    positive: tuple[str, ...],
    positive_above: float | None,
    model: Path | None,
    trust: tuple[str, ...],
    text: str | None,
    out: Path,
    allow_pickle: bool,
) -> int:
    """Propose what records may be and who can change what: writes a commented vauban.toml.

    FILE is a table of records with their labels: .csv, .parquet or .arrow.
    """
    from vauban.cli.show import table
    from vauban.project import init as propose

    if positive and positive_above is not None:
        raise click.UsageError("Give --positive or --positive-above, not both.")
    done = propose(
        file,
        label,
        positive,
        positive_above=positive_above,
        model=model,
        text=text,
        out=out,
        trust=trust,
        allow_pickle=allow_pickle,
    )
    rows = [
        (g.name, g.role, g.kind.value if g.role == "feature" else "", g.change, "; ".join(g.reasons))
        for g in done.guesses
    ]
    if rows:
        table(("column", "taken for", "kind", "change", "why"), rows)
    for found in done.relations:
        click.echo(f"Relation: {found.stored.get('name', found.stored.get('feature'))} ({found.reason})")
    click.echo("\nWhat the data cannot say, and you must:")
    for sentence in done.told:
        click.echo(f"  - {sentence}")
    if done.baseline is not None:
        click.echo(f"\nNo model was given: a baseline was trained and stored in {done.baseline}.")
    click.echo(f"\nWritten: {done.path}. Correct it, then: vauban check {done.path} and vauban audit {done.path}")
    return ExitCode.DONE


@click.command()
@click.argument("settings", type=click.Path(path_type=Path), metavar="VAUBAN.TOML")
@ALLOW_PICKLE
def check(settings: Path, allow_pickle: bool) -> int:
    """Look whether a model and its data can be audited, before an audit.

    Does the model load, do the columns agree, does it answer, the same each time, is it degenerate, what can it be
    asked? Exits 2 if it cannot be asked, 1 if it can but something needs a person.
    """
    from vauban.cli.show import table
    from vauban.project import check as look
    from vauban.project import read_project

    seen = look(read_project(settings, allow_pickle=allow_pickle))
    marks = {True: "yes", False: "NO", None: "-"}
    table(("", "", "seen"), [(c.what, marks[c.well], c.seen) for c in seen])
    if any(c.well is None for c in seen):
        return ExitCode.BAD_INPUT
    return ExitCode.DONE if all(c.well for c in seen) else ExitCode.OVER_LIMIT
