"""Edits after which a message says the same to its reader, by name: a sentence on each, and the edit itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

import numpy as np

Edit = Callable[[str, np.random.Generator], str]


def _line_breaks(text: str, rng: np.random.Generator) -> str:
    words = text.split(" ")
    if len(words) < 2:
        return text
    at = int(rng.integers(1, len(words)))
    return " ".join(words[:at]) + "\n" + " ".join(words[at:])


def _reordered(text: str, rng: np.random.Generator) -> str:
    sentences = re.split(r"(?<=[.!?])\s+", text)
    order = rng.permutation(len(sentences))
    return " ".join(sentences[i] for i in order)


def _typo(text: str, rng: np.random.Generator) -> str:
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not long:
        return text
    i = long[int(rng.integers(len(long)))]
    at = int(rng.integers(1, len(words[i]) - 2))
    word = words[i]
    words[i] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


EDITS: Mapping[str, tuple[str, Edit]] = {
    "capitals": ("Written in capitals", lambda text, _: text.upper()),
    "small-letters": ("Written in small letters", lambda text, _: text.lower()),
    "spaces": ("With every space doubled", lambda text, _: text.replace(" ", "  ")),
    "line-break": ("With a line break in place of a space", _line_breaks),
    "full-stop": ("With a full stop added", lambda text, _: text.rstrip() + "."),
    "no-punctuation": ("Without full stops, commas and exclamation marks", lambda text, _: re.sub(r"[.,!]", "", text)),
    "twice": ("Written twice", lambda text, _: f"{text} {text}"),
    "other-order": ("With its sentences in another order", _reordered),
    "typing-error": ("With two letters of one long word swapped", _typo),
    "decomposed": ("With its accents as characters of their own (NFD)", lambda t, _: unicodedata.normalize("NFD", t)),
    "full-width": (
        "With full-width digits",
        lambda text, _: text.translate({ord(d): chr(ord(d) + 0xFEE0) for d in "0123456789"}),
    ),
}
