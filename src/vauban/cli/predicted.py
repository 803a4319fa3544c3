"""``vauban review predictions``: which test records and live predictions a person should look at, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vauban.cli.review import columns_of, review
from vauban.errors import BadInput, ExitCode

FILE = click.Path(path_type=Path)


@review.command()
@click.argument("data")
@columns_of
@click.option("--model", type=FILE, help="The model under review. Default: that of the scenario or vauban.toml.")
@click.option("--reference", type=FILE, help="The approved model. Default: that of the scenario or vauban.toml.")
@click.option("--threshold", type=float, help="Of the model. Default: the reference's, else that of its kind.")
@click.option("--reference-threshold", type=float, help="Of a reference from a file.")
@click.option("--outcome", help="Column of labels that came late; may be empty where none has come.")
@click.option("--score", help="Column of the score that was logged.")
@click.option("--decision", help="Column of what was decided: pass, block, refer; 0, 1.")
@click.option("--training", type=FILE, help="What the model was trained on: a file with the same columns.")
@click.option("--trusted-rows", default=0, type=click.IntRange(0), help="So many first records are verified.")
@click.option("--name", "data_name", help="For a scenario: its data set.")
@click.option("--kind", default="logistic-regression", show_default=True, help="For a scenario: its model.")
@click.option(
    "--budget", default=200, show_default=True, type=click.IntRange(1), help="Records that people can look at."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Everything random follows from it.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write the review to.")
@click.option("--allow-pickle", is_flag=True, help="Read models that are pickles, which runs the code in them.")
def predictions(data: str, out: Path | None, budget: int, **asked: Any) -> int:
    """Look at predictions: DATA is a log, a file of test data, a vauban.toml or a scenario.

    Exits 1 when something stands out that chance would not bring, 0 when nothing does.
    """
    import shlex
    import sys

    from vauban.assurance.written import prepare
    from vauban.audit.folder import new_folder
    from vauban.audit.run import Event
    from vauban.cli.reviewed import summary
    from vauban.cli.show import progress
    from vauban.review.examine import examine_predictions
    from vauban.review.folder import PREDICTIONS, write
    from vauban.review.performance import performance
    from vauban.review.predicted import seen_beside

    with progress() as watch:
        watch(Event("reading", 0, 1))
        taken = _taken(data, asked)
        out = new_folder("review") if out is None else out
        prepare(out)
        examined = examine_predictions(taken.dossier, lambda what, done, total: watch(Event(what, done, total)))
        folder = write(
            out,
            taken,
            examined,
            budget,
            shlex.join(["vauban", *sys.argv[1:]]),
            of=PREDICTIONS,
            beside=seen_beside(taken.dossier),
            told=performance(taken.dossier),
        )
    summary(folder)
    return ExitCode.OVER_LIMIT if examined.alarm else ExitCode.DONE


def _taken(data: str, asked: dict[str, Any]) -> Any:
    from vauban.cli.own import is_own, refuse
    from vauban.project import read_project
    from vauban.review import predicted
    from vauban.review.intake import Columns
    from vauban.review.models import Models
    from vauban.scenarios import SCENARIOS, scenario

    columns = Columns(*(asked[k] for k in ("label", "positive", "text", "source", "time", "record")))
    limits = (asked["threshold"], asked["reference_threshold"])
    whole = is_own(data) or data in SCENARIOS
    if not whole and asked["model"] is None:
        raise BadInput("Name the model whose predictions these are: --model FILE.")
    models = Models.read(
        asked["model"], asked["reference"], limits, columns.positive, allow_pickle=asked["allow_pickle"]
    )
    rows, seed = asked["trusted_rows"], asked["seed"]
    if not whole:
        logged = predicted.Logged(asked["outcome"], asked["score"], asked["decision"])
        return predicted.of_file(Path(data), columns, logged, models, asked["training"], rows, seed)
    refuse(data, asked, ("label", "positive", "text", "record", "outcome", "score", "decision", "training"))
    if is_own(data):
        system = read_project(Path(data), allow_pickle=asked["allow_pickle"]).system(seed=seed)
    else:
        system = scenario(data).system(asked["data_name"], asked["kind"], seed)
    return predicted.of_system(system, models, columns, rows, seed)
