"""A test's folder, and what is kept from folders: result.json, and failing.csv with the failing records as cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vauban.assurance.corpus import keep, system_name
from vauban.assurance.run import Tested
from vauban.assurance.suites import NOTES, read_cases
from vauban.errors import BadInput
from vauban.results import to_json
from vauban.schema import Schema, from_stored, to_stored


def prepare(out: Path) -> None:
    """Make the folder now; BadInput if it cannot be written or holds something."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        holds = any(out.iterdir())
    except OSError as error:
        raise BadInput(f"The folder {out} cannot be written: {error.strerror}. Name another with --out.") from error
    if holds:
        raise BadInput(f"The folder {out} is not empty. Name another with --out.")


def write(out: Path, tested: Tested) -> None:
    """Write a test's folder."""
    system = system_name(tested.result.scenario, str(tested.result.data["name"]))
    about = {"test": True, "system": system, "schema": to_stored(tested.schema)}
    (out / "test.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    tested.failing.to_parquet(out / "failing.parquet", index=False)
    text = json.dumps(to_json(tested.result), indent=1, allow_nan=False)
    (out / "result.json").write_text(text + "\n", encoding="utf-8")


def keep_from(source: Path, corpus: Path, asked: Mapping[str, Any]) -> tuple[int, str]:
    """Keep failures of an audit's folder, a test's folder or a table of cases; return how many, and of which system.

    Raises:
        BadInput: the source is none of these, or lacks what is needed.
    """
    notes = {name: asked[name] for name in ("owner", "reason", "severity") if asked.get(name)}
    if (source / "test.json").exists():
        about = _json(source / "test.json")
        schema, name = from_stored(about["schema"]), about["system"]
        frame = pd.read_parquet(source / "failing.parquet").head(asked["most"])
        return _kept_one_by_one(corpus, name, schema, frame, notes, f"test {source.name}"), name
    if (source / "records.parquet").exists():
        return _from_audit(source, corpus, asked, notes)
    if source.is_file():
        if not asked.get("scenario"):
            raise BadInput("A table of cases does not say what it is of. Name it: --scenario credit --data german.")
        from vauban.scenarios import scenario

        system = scenario(asked["scenario"]).system(asked.get("data"), "logistic-regression", 0)
        name = system_name(system.name, str(system.data["name"]))
        cases = read_cases(source, system.target.schema)
        frame = pd.concat([cases.frame, cases.notes.drop(columns=["origin", "added"])], axis=1).head(asked["most"])
        return _kept_one_by_one(corpus, name, system.target.schema, frame, notes, source.name), name
    raise BadInput(f"{source} is no run folder of an audit or a test, and no table of cases.")


def _from_audit(source: Path, corpus: Path, asked: Mapping[str, Any], notes: Mapping[str, str]) -> tuple[int, str]:
    about, result = _json(source / "system.json"), _json(source / "result.json")
    records = pd.read_parquet(source / "records.parquet")
    if asked.get("attack"):
        records = records[records["attack"] == asked["attack"]]
    records = records.sort_values("cost", kind="stable").head(asked["most"])
    if not len(records):
        raise BadInput(f"{source} holds no success of {asked.get('attack') or 'any attack'}.")
    name, total = system_name(result["scenario"], result["data"]["name"]), 0
    for (cell, attack), group in records.groupby(["cell", "attack"], sort=True):
        schema = from_stored(about["schemas"][cell])
        after = group[[f"after.{c}" for c in schema.columns]].set_axis(list(schema.columns), axis=1)
        expected = asked.get("expected") or ("block" if cell == "EI" else "pass")
        said = {"expected": expected, "reason": f"found by {attack} ({cell})", **notes}
        total += keep(corpus, name, schema, after, said, f"audit {source.name}")
    return total, name


def _kept_one_by_one(
    corpus: Path, name: str, schema: Schema, frame: pd.DataFrame, notes: Mapping[str, str], origin: str
) -> int:
    if not len(frame):
        raise BadInput("There is no failure to keep.")
    own = [n for n in NOTES if n in frame.columns and n not in schema.columns]
    total = 0
    for said, group in frame.groupby(own, sort=False, dropna=False):
        values = {n: str(v) for n, v in zip(own, said, strict=True) if v == v}
        total += keep(corpus, name, schema, group, {**values, **notes}, origin)
    return total


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from error
    return found
