"""What ``vauban.toml`` may say, checked before anything is done with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vauban.errors import BadInput, unknown

MOST_BYTES = 20 * 1024**2

_TEXT, _FLAG, _NUMBER, _LIST, _TABLE = str, bool, (int, float), list, dict
_SCALAR = (str, int, float, bool)
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "data": {
        "file": _TEXT,
        "label": _TEXT,
        "positive": (*_SCALAR, list),
        "positive_above": _NUMBER,
        "harmful": _TEXT,
        "time": _TEXT,
        "text": _TEXT,
        "longest": int,
    },
    "model": {
        "file": _TEXT,
        "harmful": (*_SCALAR, list),
        "threshold": _NUMBER,
        "refer": _NUMBER,
        "trained_on_this_file": _FLAG,
        "trust": _LIST,
    },
    "losses": {
        "currency": _TEXT,
        "miss": _NUMBER,
        "block": _NUMBER,
        "gain": _NUMBER,
        "unit": _NUMBER,
        "miss_of": _TEXT,
        "block_of": _TEXT,
        "gain_of": _TEXT,
        "note": _TEXT,
    },
    "attacker": {"EI": _TEXT, "EA": _TEXT, "unit": _TEXT},
    "retrain": {"refit": _FLAG, "call": _TEXT, "command": _LIST},
}
COLUMN: Mapping[str, Any] = {
    "kind": _TEXT,
    "use": _FLAG,
    "lower": _NUMBER,
    "upper": _NUMBER,
    "step": _NUMBER,
    "values": _LIST,
    "read_as": _TEXT,
    "columns": _LIST,
    "change": _TEXT,
    "up": _NUMBER,
    "down": _NUMBER,
    "cost": _NUMBER,
    "note": _TEXT,
}
NEEDED = {"data": ("file", "label"), "model": ("file",)}


@dataclass(frozen=True)
class Settings:
    """The contents of a ``vauban.toml``: its sections, each checked for names and types.

    Attributes:
        path: of the file; what it names is found beside it.
        data, model, losses, attacker, retrain: the sections.
        columns: what it says of each column, or one-hot group.
        relations: as ``vauban.schema`` reads them.
    """

    path: Path
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    losses: Mapping[str, Any]
    attacker: Mapping[str, Any]
    retrain: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Any]]
    relations: tuple[Mapping[str, Any], ...]

    def beside(self, name: str) -> Path:
        """Return the path of a file that the settings name."""
        return self.path.parent / name


def read_settings(path: Path) -> Settings:
    """Return what a ``vauban.toml`` says.

    Raises:
        BadInput: there is no such file, it is no TOML, or it says what is not known or of the wrong type.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is larger than {MOST_BYTES >> 20} MB: it is no vauban.toml.")
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}. Write one by: vauban init DATA --label COLUMN.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from error
    return settings_of(read, path)


def settings_of(read: Mapping[str, Any], path: Path) -> Settings:
    """Return the settings in a parsed file; BadInput as ``read_settings``."""
    for name in read:
        if name not in (*KNOWN, "columns", "relations"):
            raise unknown(f"section of {path.name}", name, (*KNOWN, "columns", "relations"))
    sections = {}
    for name, allowed in KNOWN.items():
        section = read.get(name, {})
        _check(section, allowed, f"[{name}]", path)
        absent = [key for key in NEEDED.get(name, ()) if key not in section]
        if absent:
            raise BadInput(f"{path}: [{name}] must say {' and '.join(absent)}.")
        sections[name] = section
    columns = read.get("columns", {})
    if not isinstance(columns, dict):
        raise BadInput(f"{path}: columns must be sections such as [columns.income]. Got {type(columns).__name__}.")
    for name, column in columns.items():
        _check(column, COLUMN, f"[columns.{name}]", path)
    relations = read.get("relations", [])
    if not isinstance(relations, list) or not all(isinstance(r, dict) for r in relations):
        raise BadInput(f"{path}: relations must be sections [[relations]].")
    return Settings(path, **sections, columns=columns, relations=tuple(relations))


def _check(section: Any, allowed: Mapping[str, Any], where: str, path: Path) -> None:
    if not isinstance(section, dict):
        raise BadInput(f"{path}: {where} must be a section. Got {type(section).__name__}.")
    for key, value in section.items():
        if key not in allowed:
            raise unknown(f"entry of {where} in {path.name}", key, allowed)
        types = allowed[key] if isinstance(allowed[key], tuple) else (allowed[key],)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            said = " or ".join(
                {"str": "a text", "int": "a whole number", "float": "a number"}.get(t.__name__, t.__name__)
                for t in types
            )
            raise BadInput(f"{path}: {where} {key} must be {said}. Got {value!r}.")
        if isinstance(value, float) and value != value:
            raise BadInput(f"{path}: {where} {key} must be a number. Got nan.")
