"""Other ways to write a word that people still read: look-alike letters, digits for letters, splits, slips of the pen.

The families are those that spammers use (Salman, Ikram and Kaafar, "Investigating evasive techniques in SMS spam
filtering", IEEE Access 2024). The slips are those of DeepWordBug (Gao, Lanchantin, Soffa and Qi, "Black-box generation
of adversarial text sequences to evade deep learning classifiers", IEEE SPW 2018), inside words only, to stay readable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

HOMOGLYPH = MappingProxyType(
    dict(zip("acdegijlnopqsuvwxyhABCEHIJKMNOPSTXYZ", "асԁеɡіјӏոорԛѕսѵԝхуһАВСЕНІЈКМΝОРЅТХҮΖ", strict=True))
)
"""Latin letters and others that look the same (Unicode Technical Standard 39); NFKC leaves these as they are."""

LEET = MappingProxyType(dict(zip("aeiostlbgAEIOSTLBG", "@310$7189@310$7189", strict=True)))
"""Digits and signs that are read as letters."""

ZERO_WIDTH = "\u200b"

SHORTEST = 3
"""Letters of a word that is worth rewriting: shorter ones carry little, and soon cannot be read."""


def variants(word: str, family: str) -> tuple[str, ...]:
    """Return a word's other spellings in a family of `FAMILIES`, the least changed first; none where it has none."""
    if len(word) < SHORTEST:
        return ()
    return tuple(v for v in dict.fromkeys(FAMILIES[family](word)) if v != word)


def _mapped(letters: Mapping[str, str]) -> Callable[[str], list[str]]:
    def spell(word: str) -> list[str]:
        places = [i for i, letter in enumerate(word) if letter in letters]
        if not places:
            return []
        one = min(places, key=lambda i: (abs(2 * i + 1 - len(word)), i))
        return [
            word[:one] + letters[word[one]] + word[one + 1 :],
            "".join(letters.get(letter, letter) for letter in word),
        ]

    return spell


def _parted(sign: str) -> Callable[[str], list[str]]:
    def spell(word: str) -> list[str]:
        half = len(word) // 2
        return [word[:half] + sign + word[half:], sign.join(word)]

    return spell


def _slips(word: str) -> list[str]:
    """Double, leave out or swap letters, never the first or last one; the middle of the word first."""
    inner = sorted(range(1, len(word) - 1), key=lambda i: (abs(2 * i + 1 - len(word)), i))
    doubled = [word[: i + 1] + word[i:] for i in inner[:2]]
    dropped = [word[:i] + word[i + 1 :] for i in inner[:2]] if len(word) > SHORTEST else doubled
    swapped = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in inner if i + 1 < len(word) - 1][:2]
    rounds = zip(doubled, dropped, [*swapped, *doubled][:2], strict=False)
    return [spelling for turn in rounds for spelling in turn]


FAMILIES: Mapping[str, Callable[[str], list[str]]] = MappingProxyType(
    {
        "homoglyph": _mapped(HOMOGLYPH),
        "zero-width": _parted(ZERO_WIDTH),
        "leet": _mapped(LEET),
        "spacing": _parted(" "),
        "slips": _slips,
    }
)
OBFUSCATIONS = ("homoglyph", "zero-width", "leet", "spacing")
