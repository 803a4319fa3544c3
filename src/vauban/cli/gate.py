"""``vauban gate``: may a retrained model be deployed, may a batch be trained on?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vauban.errors import BadInput, ExitCode

if TYPE_CHECKING:
    from vauban.assurance.siege import Siege
    from vauban.contracts import Target
    from vauban.project import Project
    from vauban.scenarios import Scenario
    from vauban.schema import Schema
    from vauban.system import System

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("scenario")
@click.option("--candidate", required=True, type=FILE, help="The retrained model: .skops, or a booster's own file.")
@click.option("--incumbent", type=FILE, help="The model in use. Default: that of the scenario or vauban.toml.")
@click.option("--candidate-threshold", type=float, help="Threshold of the candidate. Default: the incumbent's.")
@click.option("--name", "data_name", help="For a scenario: its data set.")
@click.option("--model", default="logistic-regression", show_default=True, help="For a scenario: its model.")
@click.option("--batch", type=FILE, help="What is to be trained on next: a file of records.")
@click.option("--label", help="Column of the batch that says what each record is.")
@click.option("--positive", multiple=True, help="Value of the label that is harmful; may be repeated. Default: 1.")
@click.option("--source", help="Column of the batch that says who sent a record.")
@click.option("--suite", multiple=True, type=FILE, help="Test set of analysts; may be repeated.")
@click.option("--corpus", default="vauban-corpus", show_default=True, type=FILE, help="Folder of kept failures.")
@click.option(
    "--siege",
    type=click.Choice(["off", "short"]),
    default="short",
    show_default=True,
    help="Attack both models: not at all, or with 60 victims and 100 questions a victim.",
)
@click.option("--review", "reviews", multiple=True, type=FILE, help="Folder of a review whose verdicts count.")
@click.option("--key", type=FILE, help="File with a secret that signs the record.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Everything random follows from it.")
@click.option("--out", default="gate.json", show_default=True, type=FILE, help="Where the record is written.")
@click.option("--allow-pickle", is_flag=True, help="Read models that are pickles, which runs the code in them.")
def gate(scenario: str, out: Path, key: Path | None, **asked: Any) -> int:
    """Hold a candidate against the incumbent on verified records of a SCENARIO or vauban.toml; and look at a batch.

    Exits 0 when it may be deployed (and the batch trained on), 1 when a person must decide.
    """
    import json

    from vauban.assurance.corpus import read_corpus, system_name
    from vauban.assurance.gate import decide, record
    from vauban.assurance.suites import read_suite
    from vauban.cli.own import chosen_system
    from vauban.contracts import Labelled
    from vauban.reports.hostile import clipped
    from vauban.review.exporting import secret_of
    from vauban.targets import file_hash

    secret = None if key is None else secret_of(key)
    chosen = chosen_system({"scenario": scenario}, asked["allow_pickle"])
    system = chosen.system(asked["data_name"], asked["model"], asked["seed"])
    schema = system.target.schema
    old = system.target
    if asked["incumbent"] is not None:
        old = _model(asked["incumbent"], system.target, None, asked["allow_pickle"])
    new = _model(asked["candidate"], old, asked["candidate_threshold"], asked["allow_pickle"])
    part = system.parts.victims
    trusted = Labelled(schema.encode(part.frame), part.labels)
    name = system_name(system.name, str(system.data["name"]))
    kept = [c for path in asked["suite"] for c in read_suite(path, schema).cases]
    corpus = read_corpus(asked["corpus"], name, schema)
    kept += [] if corpus is None else [corpus]
    batch, signals = _batch(asked, schema, trusted, old)
    rollback = {"model": str(asked["incumbent"] or system.target.name)}
    if asked["incumbent"] is not None:
        rollback["sha256"] = file_hash(asked["incumbent"])
    waits = [line for folder in asked["reviews"] for line in _waits(folder)]
    siege = None if asked["siege"] == "off" else _siege(chosen, system, new, old, asked["seed"])
    found = {"kept": kept, "batch": batch, "signals": signals, "waits": waits, "siege": siege}
    result = decide(new, old, trusted, schema, rollback=rollback, **found)
    about: dict[str, Any] = {
        "candidate_file": str(asked["candidate"]),
        "candidate_sha256": file_hash(asked["candidate"]),
    }
    about |= {"data": str(system.data["name"]), "trusted": len(trusted)}
    try:
        text = json.dumps(record(result, about, secret), indent=1, ensure_ascii=False)
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"The record {out} cannot be written: {error.strerror}. Name another with --out.") from error
    for check in result.checks:
        mark = {True: "HOLD", False: "ok", None: "not done"}[check.holds]
        click.echo(f"{check.name}: {mark}")
        for line in check.evidence:
            click.echo(f"  {clipped(line, 400)}")
    click.echo(f"\nCandidate: {result.candidate.upper()}" + (f"; batch: {result.batch}" if result.batch else ""))
    click.echo(f"Record: {out}" + ("" if secret else " (not signed: no --key)"))
    return ExitCode.DONE if result.goes_on else ExitCode.OVER_LIMIT


def _model(path: Path, like: Target, threshold: float | None, allow_pickle: bool) -> Target:
    from vauban.contracts import SCORE
    from vauban.errors import TargetError
    from vauban.targets import BoosterTarget, EstimatorTarget, is_booster, read_model

    model = read_model(path, allow_pickle=allow_pickle)
    kind = BoosterTarget if is_booster(model) else EstimatorTarget
    at = like.threshold if threshold is None else threshold
    target = kind(model, like.schema, threshold=at, harmful=getattr(like, "harmful", 1), name=path.name)
    try:
        target.answer(like.schema.encode(like.schema.decode(_one(like))), target.grants & SCORE)
    except (TargetError, BadInput) as error:
        raise BadInput(f"{path} does not fit the records of {like.name!r}: {error}") from error
    return target


def _one(like: Target) -> Any:
    """Return one record to try a model on: the first that the schema's own bounds allow."""
    import numpy as np

    from vauban.records import messages
    from vauban.schema import TableSchema

    if not isinstance(like.schema, TableSchema):
        return messages(["a message"])
    low = np.where(np.isfinite(like.schema.lower), like.schema.lower, 0.0)
    return np.array([[0.0 if f.listed else low[j] for j, f in enumerate(like.schema.features)]])


def _batch(asked: dict[str, Any], schema: Schema, trusted: Any, incumbent: Target) -> Any:
    if asked["batch"] is None:
        return None, None
    from vauban.review.examine import examine
    from vauban.review.intake import Columns, of_file_as

    columns = Columns(asked["label"], asked["positive"], None, asked["source"])
    taken = of_file_as(asked["batch"], columns, schema, trusted, incumbent, asked["seed"])
    return taken.dossier, examine(taken.dossier).signals


def _siege(chosen: Scenario | Project, system: System, new: Target, old: Target, seed: int) -> Siege:
    from vauban.assurance.gate import LEVEL
    from vauban.assurance.siege import SHORT, besiege
    from vauban.cli.show import progress
    from vauban.contracts import SCORE

    threats = chosen.threats(["EI"], SCORE, SHORT, None)
    with progress() as watch:
        return besiege(new, old, system, threats, level=LEVEL, seed=seed, watch=watch)


def _waits(folder: Path) -> list[str]:
    from vauban.review.folder import read
    from vauban.review.standing import standing
    from vauban.store.repository import open_store

    run = read(folder)
    with open_store(run.verdicts) as store:
        stands = standing(store.verdicts())
    held = sum(s.state == "held" for s in stands.values())
    lines = [f"{folder}: {held} records are held"] if held else []
    if run.about["alarm"] and not stands:
        lines.append(f"{folder}: something stands out and nobody has looked at it")
    return lines
