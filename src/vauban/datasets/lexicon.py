"""The words that fill the slots of generated messages: common ones, and a long tail made from syllables.

The lexicon is the same for every seed, as a language is: two seeds give two samples of one traffic. Firms, banks and
products are invented; a likeness to a real one is chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache

Draw = Callable[[], float]
"""The next number of a stream, uniform in [0, 1)."""

_ONSETS = (
    "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "ch", "cl", "dr",
    "fl", "gr", "kr", "pl", "sh", "st", "th", "tr",
)  # fmt: skip
_VOWELS = (
    "a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "oo",
)  # fmt: skip
_CODAS = ["", "", "", "l", "n", "r", "s", "m", "nd", "rt", "x", "ck"]
_NAMES = (
    "Anna", "Tom", "Sara", "Ben", "Lily", "Omar", "Julia", "Mark", "Nina", "Paul", "Ella", "Jack", "Maya",
    "Chris", "Priya", "Leo", "Kate", "Sam", "Ines", "Dan",
)  # fmt: skip
_PLACES = (
    "Oldport", "Northgate", "Millbrook", "Ashford", "Riverside", "Westbury", "Kingsway", "Harbourside",
    "Bridgend", "Eastfield",
)  # fmt: skip
_DAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "mon", "tues", "weds",
    "thurs", "fri", "sat", "sun",
)  # fmt: skip
_MONTHS = (
    "Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec",
)  # fmt: skip
_CURRENCIES = ["£", "£", "$", "€", "EUR ", "GBP "]
_TLDS = ["com", "co.uk", "net", "org", "io"]
_LURE_TLDS = ["info", "biz", "top", "xyz", "click", "com", "net"]
_LURE_WORDS = (
    "secure", "verify", "account", "win", "claim", "bonus", "login", "update", "deal", "cash", "free",
    "support", "bill", "track",
)  # fmt: skip


def pick(choices: Sequence[str], draw: Draw) -> str:
    """Return one of the choices, each as likely."""
    return choices[int(draw() * len(choices))]


def _tailed(words: Sequence[str], draw: Draw) -> str:
    """Return a word, early ones far more often: the k-th with a density that falls like k to the power -2/3."""
    return words[int(draw() ** 3 * len(words))]


def _invented(count: int, syllables: tuple[int, ...], draw: Draw, first: Sequence[str] = ()) -> tuple[str, ...]:
    """Return distinct lower-case words, ``first`` ahead of ``count`` made from so many syllables."""
    found = dict.fromkeys(first)
    while len(found) < count + len(first):
        size = syllables[int(draw() * len(syllables))]
        word = "".join(pick(_ONSETS, draw) + pick(_VOWELS, draw) for _ in range(size)) + pick(_CODAS, draw)
        found[word] = None
    return tuple(found)


@cache
def _words() -> Mapping[str, tuple[str, ...]]:
    draw = random.Random(1633).random  # noqa: S311 - its stream is the one that the language promises to keep
    titled = {
        "name": _invented(500, (2, 2, 3), draw, _NAMES),
        "surname": _invented(900, (2, 3), draw),
        "place": _invented(500, (2, 3), draw, _PLACES),
        "brand": _invented(400, (2, 2, 3), draw),
        "product": _invented(700, (3, 3, 4), draw),
    }
    words = {slot: tuple(word[0].upper() + word[1:] for word in pool) for slot, pool in titled.items()}
    words["bank"] = tuple(f"{brand} Bank" for brand in words["brand"][:12])
    words["rare"] = _invented(4000, (1, 2, 2, 3), draw)
    return words


def _digits(count: int, draw: Draw) -> str:
    return str(int(draw() * 10**count)).zfill(count)


def _amount(low: int, steps: int, step: int, draw: Draw) -> str:
    value = low + step * int(draw() ** 2 * steps)
    pence = "" if draw() < 0.7 else f".{_digits(2, draw)}"
    return f"{pick(_CURRENCIES, draw)}{value}{pence}"


def _address(harmful: bool, draw: Draw) -> str:
    """Return a web address; harmful ones more often hang a firm's name on words and endings that promise or press."""
    brand = _tailed(_words()["brand"], draw).lower()
    lure = draw() < (0.5 if harmful else 0.1)
    host = f"{brand}-{pick(_LURE_WORDS, draw)}.{pick(_LURE_TLDS, draw)}" if lure else f"{brand}.{pick(_TLDS, draw)}"
    prefix = pick(["", "", "www.", "http://", "https://"], draw)
    path = pick(["", f"/{_tailed(_words()['rare'], draw)}", f"/{_digits(4, draw)}"], draw)
    return f"{prefix}{host}{path}"


def fill(slot: str, harmful: bool, draw: Draw) -> str:
    """Return words for a slot; ``harmful`` is of use to web addresses alone. Raises KeyError for an unknown slot."""
    if slot in _words():
        return _tailed(_words()[slot], draw)
    if slot == "url":
        return _address(harmful, draw)
    return _MADE[slot](draw)


_MADE: Mapping[str, Callable[[Draw], str]] = {
    "rareup": lambda draw: _tailed(_words()["rare"], draw).upper(),
    "n": lambda draw: str(1 + int(draw() * 9)),
    "amount": lambda draw: _amount(50, 100, 50, draw),
    "small": lambda draw: _amount(1, 60, 1, draw),
    "phone": lambda draw: pick(["07", "01", "020 ", "0800 ", "09", "+44 7"], draw) + _digits(8, draw),
    "shortcode": lambda draw: "8" + _digits(4, draw),
    "code": lambda draw: _digits(4 + int(draw() * 4), draw),
    "street": lambda draw: (
        f"{1 + int(draw() * 90)} {_tailed(_words()['surname'], draw)} {pick(['St', 'Rd', 'Lane'], draw)}"
    ),
    "day": lambda draw: pick(_DAYS, draw),
    "time": lambda draw: (
        f"{1 + int(draw() * 12)}{pick([':30', ':15', '', ''], draw)}{pick(['am', 'pm', ' pm', ''], draw)}"
    ),
    "date": lambda draw: f"{1 + int(draw() * 28)} {pick(_MONTHS, draw)}",
}
