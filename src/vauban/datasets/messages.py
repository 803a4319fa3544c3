"""Generated messages: a small grammar of spam and of good messages, with the noise of real ones.

Each rule of the files in ``datasets/grammar`` begins with ``= name``; every further line is one way to write it.
``[one|or the other]`` chooses, may be nested and may be empty; ``{name}`` is another rule or a slot of the lexicon.

What makes a filter work for its accuracy is put in on purpose: good notices and offers that share their words with
fraud, rules that both kinds use, spam that writes like a friend, typing errors, a long tail of words seen once, and
labels that are wrong.
"""

from __future__ import annotations

import random
import re
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.datasets.duplicates import normalise
from vauban.datasets.lexicon import Draw, fill, pick
from vauban.errors import BadInput

ROWS = 6000
SPAM_SHARE = 0.25
WRONG_LABELS = 0.01
MOST_ROWS = 200_000  # beyond it the grammar repeats itself and the search for fresh messages slows down

Register = Literal["casual", "plain", "loud"]


@dataclass(frozen=True)
class _Family:
    """A rule that messages start from, how such messages are written, and its weight among spam and among good ones."""

    rule: str
    register: Register
    spam: float = 0.0
    good: float = 0.0


_FAMILIES = (
    _Family("prize", "loud", spam=16),
    _Family("phishing", "plain", spam=16),
    _Family("pills", "loud", spam=10),
    _Family("dating", "loud", spam=9),
    _Family("loan", "loud", spam=11),
    _Family("trap", "loud", spam=10),
    _Family("invest", "plain", spam=9),
    _Family("goods", "loud", spam=8),
    _Family("quiet", "casual", spam=6),
    _Family("chat", "casual", good=24),
    _Family("family", "casual", good=14),
    _Family("work", "plain", good=13),
    _Family("delivery", "plain", good=7),
    _Family("reminder", "plain", good=8),
    _Family("account", "plain", good=6),
    _Family("promo", "loud", good=9),
    _Family("telecom", "plain", good=5),
    _Family("selling", "casual", good=5),
    _Family("club", "casual", good=4),
    _Family("login", "plain", good=3),
    _Family("grey_number", "casual", spam=1.8, good=0.9),
    _Family("grey_parcel", "plain", spam=2.4, good=1.0),
    _Family("grey_account", "plain", spam=2.4, good=1.0),
    _Family("grey_offer", "plain", spam=2.4, good=1.2),
)

_SLANG: Mapping[str, tuple[str, ...]] = {
    "you": ("u", "ya"), "are": ("r",), "your": ("ur", "yr"), "for": ("4",), "to": ("2",), "please": ("pls", "plz"),
    "tomorrow": ("tmrw", "2moro"), "tonight": ("2nite", "tonite"), "and": ("n", "&"), "the": ("da", "d"),
    "see": ("c",), "be": ("b",), "when": ("wen",), "with": ("wiv", "w"), "have": ("hav",), "thanks": ("thx", "ta"),
    "before": ("b4",), "message": ("msg",), "text": ("txt",), "about": ("abt",), "what": ("wat",), "at": ("@",),
}  # fmt: skip
_LEET = str.maketrans("aeiost", "@3105+")
_SPACES = re.compile(r"\s+")
_LOOSE_STOP = re.compile(r"\s+([.,!?:])")


@dataclass(frozen=True)
class _Slot:
    name: str


@dataclass(frozen=True)
class _Choice:
    options: tuple[_Phrase, ...]


_Phrase = tuple[str | _Slot | _Choice, ...]


def _parse(line: str, at: int = 0, nested: bool = False) -> tuple[tuple[_Phrase, ...], int]:
    """Return the options read from ``line[at:]`` up to the closing bracket or the end, and the place after them."""
    options: list[_Phrase] = []
    phrase: list[str | _Slot | _Choice] = []
    while at < len(line):
        sign = line[at]
        if sign == "[":
            inner, at = _parse(line, at + 1, nested=True)
            phrase.append(_Choice(inner))
        elif sign == "{":
            end = line.index("}", at)
            phrase.append(_Slot(line[at + 1 : end]))
            at = end + 1
        elif sign in "|]" and nested:
            options.append(tuple(phrase))
            phrase = []
            at += 1
            if sign == "]":
                return tuple(options), at
        else:
            end = min((i for i in (line.find(s, at) for s in "[{|]") if i >= 0), default=len(line))
            phrase.append(line[at : max(end, at + 1)])
            at = max(end, at + 1)
    if nested:
        raise ValueError(f"a bracket is not closed in {line!r}")
    return (tuple(phrase),), at


@cache
def _rules() -> Mapping[str, _Choice]:
    rules: dict[str, list[_Phrase]] = {}
    folder = files("vauban.datasets").joinpath("grammar")
    for name in ("common.txt", "good.txt", "spam.txt"):
        lines: list[_Phrase] = []
        for line in folder.joinpath(name).read_text(encoding="utf-8").splitlines():
            if line.startswith("= "):
                lines = rules.setdefault(line[2:].strip(), [])
            elif line and not line.startswith("#"):
                lines += _parse(line)[0]
    return {name: _Choice(tuple(lines)) for name, lines in rules.items()}


def _write(choice: _Choice, harmful: bool, draw: Draw, out: list[str]) -> None:
    for part in choice.options[int(draw() * len(choice.options))]:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, _Choice):
            _write(part, harmful, draw, out)
        elif part.name in (rules := _rules()):
            _write(rules[part.name], harmful, draw, out)
        else:
            out.append(fill(part.name, harmful, draw))


def _mistyped(word: str, draw: Draw) -> str:
    """Return the word with two letters swapped, or one dropped or doubled."""
    at = 1 + int(draw() * (len(word) - 2))
    fault = draw()
    if fault < 0.4:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if fault < 0.75 else word[: at + 1] + word[at:]


def _roughened(text: str, register: Register, draw: Draw) -> str:
    """Return the text as people of this register type it: slang, typing errors, shouting, missing stops."""
    slang = {"casual": 0.35, "plain": 0.02, "loud": 0.12}[register] if draw() < 0.6 else 0.0
    typos = {"casual": 0.03, "plain": 0.006, "loud": 0.012}[register]
    shout = 0.3 if register == "loud" and draw() < 0.35 else 0.0
    leet = 0.15 if register == "loud" and draw() < 0.12 else 0.0
    words = text.split(" ")
    for i, word in enumerate(words):
        luck = draw()
        if luck < slang and word.lower() in _SLANG:
            words[i] = pick(_SLANG[word.lower()], draw)
        elif len(word) > 3 and word.isalpha():
            if luck > 1 - typos:
                words[i] = _mistyped(word, draw)
            elif luck < shout:
                words[i] = word.upper()
            elif luck > 1 - typos - leet:
                words[i] = word.translate(_LEET)
    text = " ".join(words)
    habit = draw()
    if register == "casual":
        if habit < 0.45:
            text = text.lower()
        if draw() < 0.4:
            text = text.replace(". ", pick([" ", "... ", " .. ", ", "], draw)).rstrip(" .,")
    elif register == "loud" and habit < 0.08:
        text = text.upper()
    elif register == "loud" and habit < 0.3:
        text = text.replace("!", "!!!").replace(". ", "! ")
    return text


def generate(seed: int, rows: int | None = None) -> tuple[pd.DataFrame, NDArray[np.int8], dict[str, int]]:
    """Return ``text`` (n, 1), labels (n,) with 1 for spam, and how many duplicates were thrown away on the way.

    The first messages of a seed are the same however many are asked for. Of the labels, ``WRONG_LABELS`` are flipped.
    Raises BadInput for more than ``MOST_ROWS`` rows.
    """
    wanted = ROWS if rows is None else rows
    if wanted > MOST_ROWS:
        raise BadInput(
            f"generated-spam: {wanted} rows were asked for; the grammar has variety for {MOST_ROWS} at most."
        )
    draw = random.Random(seed).random  # noqa: S311 - its stream is the one that the language promises to keep
    mixes = tuple(list(accumulate(weights)) for weights in ([f.good for f in _FAMILIES], [f.spam for f in _FAMILIES]))
    rules = _rules()
    texts: dict[bytes, str] = {}
    labels: list[bool] = []
    removed = {"exact duplicates": 0, "near duplicates": 0}
    while len(texts) < wanted:
        harmful = draw() < SPAM_SHARE
        mix = mixes[harmful]
        family = _FAMILIES[bisect(mix, draw() * mix[-1])]
        parts: list[str] = []
        _write(rules[family.rule], harmful, draw, parts)
        text = _roughened(_LOOSE_STOP.sub(r"\1", _SPACES.sub(" ", "".join(parts))).strip(), family.register, draw)
        wrong = draw() < WRONG_LABELS
        key = normalise(text)
        if key in texts:
            removed["exact duplicates" if texts[key] == text else "near duplicates"] += 1
            continue
        texts[key] = text
        labels.append(harmful != wrong)
    return pd.DataFrame({"text": list(texts.values())}, dtype="str"), np.array(labels, dtype=np.int8), removed
