"""From what ``vauban.toml`` says of the columns to a schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vauban.errors import BadInput, unknown
from vauban.project.guess import plain_values
from vauban.project.settings import Settings
from vauban.schema import FORBIDDEN, Feature, Kind, Price, TableSchema, TextSchema
from vauban.schema.stored_relations import relation_in

CHANGES = ("either", "up", "down", "no")


def table_schema(settings: Settings, frame: pd.DataFrame) -> TableSchema:
    """Return the schema of a table whose columns were read as the settings say.

    Raises:
        BadInput: a column is not there, or what is said of it contradicts itself or the data.
    """
    used = {name: about for name, about in settings.columns.items() if about.get("use", True)}
    if not used:
        raise BadInput(
            f"{settings.path}: there is no [columns.NAME] section that is used. Write the file by vauban init."
        )
    features = tuple(_feature(name, about, frame, settings) for name, about in used.items())
    relations = []
    for stored in settings.relations:
        try:
            relations.append(relation_in(stored))
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{settings.path}: the relation {stored.get('name')!r} is damaged: {error!r}.") from error
    return TableSchema(features, str(settings.attacker.get("unit", "effort")), tuple(relations))


def text_schema(settings: Settings) -> TextSchema:
    """Return the schema of messages."""
    return TextSchema(longest=settings.data.get("longest"), column=str(settings.data["text"]))


def _feature(name: str, about: Mapping[str, Any], frame: pd.DataFrame, settings: Settings) -> Feature:
    where = f"{settings.path}: [columns.{name}]"
    columns = tuple(map(str, about.get("columns", (name,))))
    for column in columns:
        if column not in frame.columns:
            raise unknown(f"column in {settings.path}, [columns.{name}]", column, frame.columns)
    if "kind" not in about or about["kind"] not in list(Kind):
        raise BadInput(f"{where} kind must be one of {', '.join(Kind)}. Got {about.get('kind')!r}.")
    kind = Kind(about["kind"])
    values = _values(about, kind, frame[columns[0]], columns)
    return Feature(
        name=name,
        kind=kind,
        lower=float(about.get("lower", -math.inf)),
        upper=float(about.get("upper", math.inf)),
        step=None if "step" not in about else float(about["step"]),
        values=values,
        price=_price(where, about, kind, len(values)),
        columns=columns,
        dtype=str(frame[columns[0]].dtype),
        note=str(about.get("note", "")),
    )


def _values(about: Mapping[str, Any], kind: Kind, column: pd.Series[Any], columns: tuple[str, ...]) -> tuple[Any, ...]:
    if kind in (Kind.NUMERIC, Kind.INTEGER):
        return ()
    if len(columns) > 1:
        return tuple(about.get("values", columns))
    if "values" in about:
        return tuple(about["values"])
    if isinstance(column.dtype, pd.CategoricalDtype):
        return tuple(column.cat.categories)
    values = plain_values(column).dropna().unique().tolist()
    return tuple(sorted(values, key=lambda v: (isinstance(v, str), v))) or ("",)


def _price(where: str, about: Mapping[str, Any], kind: Kind, k: int) -> Price:
    change = about.get("change", "no")
    if change not in CHANGES:
        raise BadInput(f"{where} change must be one of {', '.join(CHANGES)}. Got {change!r}.")
    if change == "no" or k == 1:
        return Price()
    if kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
        for key in ("up", "down"):
            if key in about:
                raise BadInput(f"{where} is {kind.value}: its price is cost, not {key}.")
        if change == "down":
            raise BadInput(f"{where} is {kind.value}: its change is either, up (to later values only) or no.")
        return Price.flat(k, about.get("cost", 1.0), rising=change == "up")
    if "cost" in about:
        raise BadInput(f"{where} is {kind.value}: its prices are up and down, a unit or rank, not cost.")
    up = FORBIDDEN if change == "down" else float(about.get("up", 1.0))
    down = FORBIDDEN if change == "up" else float(about.get("down", 1.0))
    return Price(up, down)
