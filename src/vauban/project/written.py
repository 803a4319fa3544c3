"""Write a proposal as a commented ``vauban.toml``: every guess with its reason beside it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from vauban.project.guess import Guess
from vauban.project.relate import Found
from vauban.schema import Kind

HEAD = """\
Written by vauban init. Every line is a guess from the data, with its reason: correct it, then run

    vauban check vauban.toml
    vauban audit vauban.toml

change says who can move a value: either, up, down or no. Prices (up and down a unit or rank, cost a move) are in the
unit that [attacker] names; as guessed, 1 is one standard deviation of a number, or any other move."""


def toml_text(
    data: Mapping[str, Any],
    model: Mapping[str, Any],
    guesses: Sequence[Guess],
    relations: Sequence[Found],
    *,
    told: Sequence[str],
    comments: Mapping[str, Sequence[str]],
) -> str:
    """Return the text of a ``vauban.toml``.

    Args:
        data: the section of that name.
        model: the section of that name.
        guesses: of the columns, or groups of columns.
        relations: that hold in the data.
        told: what nobody can know from the data, in sentences.
        comments: lines above the sections data and model.
    """
    lines = [*_comment(HEAD), ""]
    if told:
        lines += ["# What the data cannot say, and you must:"]
        for sentence in told:
            lines += _comment(f"- {sentence}")
        lines += [""]
    for name, section in (("data", data), ("model", model)):
        for sentence in comments.get(name, ()):
            lines += _comment(sentence)
        lines += [f"[{name}]", *(f"{key} = {value(v)}" for key, v in section.items()), ""]
    lines += _comment(
        "What errors cost. Without this section no money is reported. miss: a harmful record passes; block: "
        "a good one is blocked; gain: what a success is worth to the attacker; unit: what a price of 1 is "
        "to him. miss_of, block_of, gain_of: the column of amounts that it is a share of."
    )
    lines += [
        "# [losses]",
        '# currency = "EUR"',
        "# miss = 0.6",
        '# miss_of = "a column of amounts"',
        "# block = 50",
        "# gain = 1000",
        "# unit = 100",
        "",
    ]
    lines += _comment(
        "How the model is retrained where training is attacked: refit the same pipeline, your own function "
        "(module:function), or a command."
    )
    lines += ["# [retrain]", "# refit = true", ""]
    lines += ["[attacker]", 'unit = "effort"', ""]
    for guess in guesses:
        lines += [*_column(guess), ""]
    for found in relations:
        lines += [*_comment(f"Found in the data. {found.reason}. Delete it if that is chance."), *_relation(found), ""]
    return "\n".join(lines)


def _column(guess: Guess) -> list[str]:
    lines = []
    for reason in guess.reasons:
        lines += _comment(f"{reason}.")
    if guess.doubt:
        lines += _comment(f"TO BE TOLD: {guess.doubt}.")
    lines += [f"[columns.{key(guess.name)}]"]
    if guess.role != "feature":
        lines += ["use = false"]
    entries: dict[str, Any] = {"kind": guess.kind.value}
    if guess.form is not None:
        entries["read_as"] = guess.form
    if guess.columns:
        entries["columns"] = list(guess.columns)
    number = guess.kind in (Kind.NUMERIC, Kind.INTEGER)
    if number:
        entries |= {k: v for k in ("lower", "upper", "step") if (v := getattr(guess, k)) is not None}
    elif guess.values and not guess.columns:
        entries["values"] = list(guess.values)
    entries["change"] = guess.change
    if guess.change != "no" and number:
        price = float(f"{1 / guess.scale:.6g}")
        entries |= {way: price for way in ("up", "down") if guess.change in ("either", way)}
    elif guess.change != "no" and guess.kind is Kind.ORDINAL:
        entries |= {way: 1 for way in ("up", "down") if guess.change in ("either", way)}
    elif guess.change != "no":
        entries["cost"] = 1
    return [*lines, *(f"{k} = {value(v)}" for k, v in entries.items())]


def _relation(found: Found) -> list[str]:
    return ["[[relations]]", *(f"{k} = {value(v)}" for k, v in found.stored.items())]


def _comment(text: str) -> list[str]:
    """Return a text as comment lines: what comes out of the data cannot end one."""
    out = []
    for line in text.split("\n") if text is HEAD else [text]:
        plain = "".join(c if c.isprintable() else " " for c in line)
        out += textwrap.wrap(plain, 116, initial_indent="# ", subsequent_indent="# ") or ["#"]
    return out


def key(name: str) -> str:
    """Return a column's name as a TOML key."""
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else value(name)


def value(given: Any) -> str:
    """Return a value as TOML."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(given, Mapping):
        return "{ " + ", ".join(f"{key(str(k))} = {value(v)}" for k, v in given.items()) + " }"
    if isinstance(given, (list, tuple)):
        return "[" + ", ".join(map(value, given)) + "]"
    if isinstance(given, float) and given.is_integer() and abs(given) < 1e15:
        return f"{given:.1f}"
    return repr(given)
