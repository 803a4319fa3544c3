"""``vauban review``: what in the training data a person should look at, and what follows from what he says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vauban.errors import BadInput, ExitCode

RUN = click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
REVIEWER = click.option("--reviewer", help="Who gives the verdict.")
COLUMNS = ("label", "positive", "text", "source", "time", "record")
"""Options that say which column of a file of records means what."""
ROLE = click.option("--role", type=click.Choice(["analyst", "data-scientist"]), help="As what.")


@click.group()
def review() -> None:
    """Review training data and predictions: what to look at and why, verdicts, clean data."""


def columns_of(command: Any) -> Any:
    """Add the options that say which columns of a file mean what."""
    for option in reversed(
        (
            click.option("--label", help="Column that says what each record is. For a file of records."),
            click.option(
                "--positive", multiple=True, help="Value of the label that is harmful; may be repeated. Default: 1."
            ),
            click.option("--text", help="Column of the messages."),
            click.option("--source", help="Column that says who sent a record."),
            click.option("--time", help="Column that says when a record came."),
            click.option("--id", "record", help="Column with a record's own name. Default: its row, from 0."),
        )
    ):
        command = option(command)
    return command


def _data(command: Any) -> Any:
    for option in reversed(
        (
            click.argument("data"),
            columns_of,
            click.option("--name", "data_name", help="For a scenario: its data set."),
            click.option(
                "--trusted", type=click.Path(path_type=Path), help="File whose first column names verified records."
            ),
            click.option(
                "--trusted-rows", default=0, type=click.IntRange(0), help="Instead: so many first records are verified."
            ),
            click.option(
                "--approved",
                type=click.Path(path_type=Path),
                help="The last approved model, from before these records.",
            ),
            click.option("--since", help="Look only at records from this time on."),
            click.option(
                "--seed",
                default=0,
                show_default=True,
                type=click.IntRange(0),
                help="Everything random follows from it.",
            ),
            click.option(
                "--allow-pickle",
                is_flag=True,
                help="Read an approved model that is a pickle, which runs the code in it.",
            ),
        )
    ):
        command = option(command)
    return command


@review.command()
@_data
@click.option(
    "--budget", default=200, show_default=True, type=click.IntRange(1), help="Records that people can look at."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write the review to.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="To run at intervals: the folder of all reviews so far; only what is new in DATA is reviewed.",
)
@click.option(
    "--retrainings",
    default=10,
    show_default=True,
    type=click.IntRange(0),
    help="How often, at most, the model is trained to see what groups of suspects do to it.",
)
def train(data: str, out: Path | None, budget: int, state: Path | None, retrainings: int, **asked: Any) -> int:
    """Look for planted records in training data: DATA is a file of records, a vauban.toml or a scenario.

    Exits 1 when something does not come by chance and needs a person, 0 when nothing does.
    """
    import shlex
    import sys

    from vauban.assurance.written import prepare
    from vauban.audit.folder import new_folder
    from vauban.audit.run import Event
    from vauban.cli.reviewed import summary
    from vauban.cli.show import progress
    from vauban.review.examine import examine
    from vauban.review.folder import write
    from vauban.review.harm import weighed

    if out is not None and state is not None:
        raise BadInput("With --state the review goes into a folder of its own in there: leave --out out.")
    with progress() as watch:
        watch(Event("reading", 0, 1))
        if state is None:
            out = new_folder("review") if out is None else out
            taken = _taken(data, asked)
        else:
            taken, out = _tonight(data, asked, state)
            if taken is None:
                return ExitCode.OVER_LIMIT if out is not None and _waits(out) else ExitCode.DONE
        prepare(out)
        examined = examine(taken.dossier, lambda what, done, total: watch(Event(what, done, total)))
        watch(Event("harm", 0, 1))
        examined = weighed(taken, examined, retrainings).beside(taken.waiting)
        folder = write(out, taken, examined, budget, shlex.join(["vauban", *sys.argv[1:]]))
    summary(folder)
    return ExitCode.OVER_LIMIT if examined.alarm else ExitCode.DONE


def _tonight(data: str, asked: dict[str, Any], path: Path) -> tuple[Any, Any]:
    """Return what is new in DATA, and a folder for its review; None and the latest review where nothing is."""
    from datetime import UTC, datetime

    from vauban.cli.own import is_own
    from vauban.review.intake import Columns, with_model
    from vauban.review.nights import of_nights, read_state
    from vauban.scenarios import SCENARIOS

    if is_own(data) or data in SCENARIOS:
        raise BadInput(f"--state is for a file of records; {data!r} is none.")
    for option in ("since", "trusted_rows"):
        if asked[option]:
            raise BadInput(
                f"--{option.replace('_', '-')} says nothing with --state: name verified records by --trusted."
            )
    columns = Columns(*(asked[k] for k in COLUMNS))
    state = read_state(path)
    taken = of_nights(Path(data), columns, asked["trusted"], state, asked["seed"])
    if taken is None:
        click.echo(f"Nothing is new since {state.last.path if state.last is not None else 'ever'}.")
        return None, state.last
    model = asked["approved"] or state.model
    if model is not None:
        taken = with_model(taken, model, allow_pickle=asked["allow_pickle"])
    return taken, path / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")


def _waits(folder: Any) -> bool:
    from vauban.store.repository import open_store

    with open_store(folder.verdicts) as store:
        return bool(folder.waits(store.verdicts()))


def _taken(data: str, asked: dict[str, Any]) -> Any:
    from vauban.cli.own import is_own, refuse
    from vauban.project import read_project
    from vauban.review import intake
    from vauban.scenarios import SCENARIOS, scenario

    rows, seed = asked["trusted_rows"], asked["seed"]
    if is_own(data):
        refuse(data, asked, COLUMNS)
        project = read_project(Path(data), allow_pickle=asked["allow_pickle"])
        taken = intake.of_project(project, asked["trusted"], rows, asked["since"], seed)
    elif data in SCENARIOS:
        refuse(data, asked, (*COLUMNS, "trusted", "since"))
        system = scenario(data).system(asked["data_name"], "logistic-regression", seed)
        taken = intake.of_system(system, rows, seed)
    else:
        columns = intake.Columns(*(asked[k] for k in COLUMNS))
        taken = intake.of_file(Path(data), columns, asked["trusted"], rows, asked["since"], seed, None)
    if asked["approved"] is None:
        return taken
    return intake.with_model(taken, asked["approved"], allow_pickle=asked["allow_pickle"])


@review.command()
@_data
@click.option("--parts", default=50, show_default=True, type=click.IntRange(2), help="Models that vote.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="CSV file: a row a verified record.")
def certificate(data: str, parts: int, out: Path | None, **asked: Any) -> int:
    """Say how many poisoned rows decisions survive, if a vote of models makes them, each trained on a part of DATA."""
    import pandas as pd

    from vauban.review.certificate import certify

    told = certify(_taken(data, asked).dossier, parts)
    right = told.surviving(0)
    click.echo(
        f"{parts} models, each of a part, vote on {len(told.labels)} verified records: {right.value:.1%} rightly"
    )
    for rows in sorted({1, 2, 5, 10, parts // 4} - {0}):
        share = told.surviving(rows)
        click.echo(
            f"  and still with {rows} poisoned row{'s' if rows > 1 else ''}: "
            f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
        )
    if out is not None:
        table = pd.DataFrame({"harmful": told.harmful, "survives": told.survives, "right": told.right})
        try:
            table.to_csv(out, index_label="record")
        except OSError as error:
            raise BadInput(f"{out} cannot be written: {error.strerror}. Name another file with --out.") from error
        click.echo(f"Each record: {out}")
    return ExitCode.DONE


@review.command("next")
@RUN
@click.option("--count", default=10, show_default=True, type=click.IntRange(1), help="How many to show.")
@REVIEWER
@ROLE
def next_(run: Path, count: int, reviewer: str | None, role: str | None) -> int:
    """Show what to look at next, after the verdicts so far; at a terminal, with --reviewer, take verdicts by keys."""
    import sys

    from vauban.cli.reviewed import ask_for, show_next
    from vauban.review.folder import read
    from vauban.store.repository import open_store

    folder = read(run)
    with open_store(folder.verdicts) as store:
        if reviewer is None or not sys.stdin.isatty():
            show_next(folder, store.verdicts(), count)
        else:
            ask_for(folder, store, count, reviewer, role or "analyst")
    return ExitCode.DONE


@review.command()
@RUN
@click.argument("record", required=False)
@click.argument("verdict", required=False)
@REVIEWER
@ROLE
@click.option("--note", default="", help="Why.")
@click.option("--family", is_flag=True, help="For its whole family, of which four records were looked at.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Instead: the verdicts in a copy of queue.csv.")
def decide(
    run: Path,
    record: str | None,
    verdict: str | None,
    reviewer: str | None,
    role: str | None,
    note: str,
    family: bool,
    table: Path | None,
) -> int:
    """Give a verdict on a RECORD: poison, honest-mistake, correct, unsure or escalate; or many by --csv."""
    from vauban.review import deciding
    from vauban.review.folder import read
    from vauban.store.repository import open_store

    folder = read(run)
    with open_store(folder.verdicts) as store:
        if table is not None:
            given = deciding.of_table(folder, table, reviewer, role)
        elif record is None or verdict is None:
            raise click.UsageError("Name a RECORD and a VERDICT, or give a table of them: --csv.")
        elif family:
            given = deciding.of_family(folder, record, verdict, reviewer or "", role or "", note, store.verdicts())
        else:
            given = [deciding.of_record(folder, record, verdict, reviewer or "", role or "", note)]
        store.add(given)
    click.echo(f"{len(given)} verdict{'' if len(given) == 1 else 's'} taken over.")
    return ExitCode.DONE


@review.command()
@RUN
@REVIEWER
@ROLE
@click.option("--note", default="", help="Why.")
def undo(run: Path, reviewer: str | None, role: str | None, note: str) -> int:
    """Take back the last verdict of --reviewer: it stays in the log, and counts no longer."""
    from vauban.review.folder import read
    from vauban.review.standing import taken_back
    from vauban.store.repository import open_store

    with open_store(read(run).verdicts) as store:
        given = store.verdicts()
        undone = taken_back(given, reviewer, role, note)
        store.add([undone])
    verdict = next(v.verdict for v in given if v.number == undone.undoes)
    click.echo(f"Taken back: {verdict} on record {undone.record}.")
    return ExitCode.DONE


@review.command()
@RUN
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(run: Path, as_json: bool) -> int:
    """Say how far a review is; exits 1 while something waits for a person."""
    from vauban.cli.reviewed import show_status
    from vauban.review.folder import read
    from vauban.store.repository import open_store

    folder = read(run)
    with open_store(folder.verdicts) as store:
        waits = show_status(folder, store.verdicts(), as_json)
    return ExitCode.OVER_LIMIT if waits else ExitCode.DONE


@review.command()
@RUN
@REVIEWER
@ROLE
@click.option("--model", type=click.Path(path_type=Path), help="The model that is approved with it, for later reviews.")
def approve(run: Path, reviewer: str | None, role: str | None, model: Path | None) -> int:
    """Approve a review of --state: its records, but those called poison, are what later ones are seen beside."""
    from vauban.review.folder import read
    from vauban.review.nights import approve as rolled

    said = rolled(read(run), reviewer, role, model)
    click.echo(f"Approved by {said['by']}: {run}" + ("" if model is None else f", with the model {model}") + ".")
    return ExitCode.DONE


@review.command()
@RUN
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to.")
@click.option("--key", type=click.Path(path_type=Path), help="File with a secret that signs the log.")
def export(run: Path, out: Path, key: Path | None) -> int:
    """Write clean data, what is held back, what four eyes call poison, and the signed log of verdicts."""
    from vauban.review.exporting import export as written
    from vauban.review.folder import read
    from vauban.store.repository import open_store

    folder = read(run)
    with open_store(folder.verdicts) as store:
        counts = written(folder, store.verdicts(), out, key)
    signed = "signed" if key is not None else "not signed: no --key"
    click.echo(
        f"{counts['clean']} clean ({counts['turned']} with their label turned), {counts['held']} held, "
        f"{counts['poison']} poison; "
        f"log.jsonl {signed}. In {out}."
    )
    return ExitCode.DONE


@review.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@columns_of
def compare(old: Path, new: Path, **asked: Any) -> int:
    """Say what changed between two files of training records: records, label rates, sources, families."""
    from vauban.reports.hostile import clipped
    from vauban.review.compare import compared
    from vauban.review.intake import Columns, of_file

    columns = Columns(*(asked[k] for k in COLUMNS))
    one, other = (of_file(path, columns, None, 0, None, 0, None) for path in (old, new))
    for line in compared(one, other):
        click.echo(clipped(line, 500))
    return ExitCode.DONE
