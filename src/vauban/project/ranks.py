"""The order of texts that have one: "< 1 year", "2 to 4", "more than 8", low / medium / high, grades."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vauban.project.reading import EMPTY

SCALES = tuple(
    tuple(line.split())
    for line in (
        "none little low medium high",
        "none rare occasional frequent",
        "very_low low medium high very_high",
        "low moderate high",
        "low average high",
        "poor fair average good very_good excellent",
        "bad good",
        "small medium large",
        "small medium large xlarge",
        "xs s m l xl xxl",
        "never rarely sometimes often always",
        "none primary secondary tertiary",
        "none basic intermediate advanced",
        "bronze silver gold platinum",
        "unskilled semi-skilled skilled highly_skilled",
        "young middle old",
        "first second third",
    )
)
NOTHING = frozenset({"none", "no", "zero", "new", "never", "no_change", "nothing"})
BELOW = re.compile(r"<|\b(under|less|below|up to|at most)\b", re.I)
ABOVE = re.compile(r">|\+|≥|\b(over|more|above|at least|older)\b", re.I)
MONTHS = {"day": 1 / 30, "week": 1 / 4, "month": 1.0, "year": 12.0}
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)?")
MOST = 60


def in_order(values: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Return texts in rising order and why they have one; None where they have none."""
    if not 2 < len(values) <= MOST:
        return None
    return _on_scale(values) or _by_number(values) or _grades(values)


def _plain(value: str) -> str:
    return re.sub(r"\s+", "_", value.strip().lower())


def _on_scale(values: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    plain = {_plain(v): v for v in values}
    for scale in SCALES:
        if len(plain) == len(values) and set(plain) <= set(scale):
            return tuple(plain[s] for s in scale if s in plain), "its values are steps of a scale"
    return None


def _by_number(values: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Order by the numbers in the texts, if they differ in numbers and in words of comparison only."""
    places: dict[str, tuple[float, float]] = {}
    units = set()
    for value in values:
        numbers = [float(n.replace(",", "")) for n in _NUMBERS.findall(value)]
        if not numbers:
            if _plain(value) not in NOTHING | EMPTY:
                return None
            places[value] = (-1.0, 0.0 if _plain(value) in NOTHING else -1.0)
            continue
        numbers = [n * _unit(value) for n in numbers]
        rest = ABOVE.sub(" ", BELOW.sub(" ", _NUMBERS.sub(" ", value.lower())))
        words = re.sub(r"\b(to|and|than|or|bis)\b", " ", rest)
        named = frozenset(w.rstrip("s") for w in re.findall(r"[a-z]+", words))
        units.add(frozenset({"time"}) if named and named <= set(MONTHS) else named)
        side = -0.5 if BELOW.search(value) else 0.5 if ABOVE.search(value) else 0.0
        places[value] = (numbers[0], side + (numbers[-1] - numbers[0]) * 1e-9)
    shared = {u for u in units if u}
    written = sum(p[0] >= 0 for p in places.values())
    telling = any(
        BELOW.search(v) or ABOVE.search(v) or len(_NUMBERS.findall(v)) > 1 or " " in v.strip() for v in values
    )
    if len(shared) > 1 or written < 2 or not telling or len(set(places.values())) < len(values):
        return None
    return tuple(sorted(values, key=lambda v: places[v])), "its values are ranges or amounts, in words"


def _unit(value: str) -> float:
    """Return how many months the unit of time in a text is; 1 where there is none."""
    return next((months for unit, months in MONTHS.items() if re.search(rf"\b{unit}s?\b", value.lower())), 1.0)


def _grades(values: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Order grades: A, B, C ... without a gap, or A1, A2 ... of three letters and more."""
    if all(re.fullmatch(r"[A-Z]", v) for v in values):
        letters = sorted(values)
        if letters[0] == "A" and len(letters) > 3 and ord(letters[-1]) - ord("A") == len(letters) - 1:
            return tuple(letters), "its values are grades, A to " + letters[-1]
    if all(re.fullmatch(r"[A-H]\d", v) for v in values) and len({v[0] for v in values}) > 2:
        return tuple(sorted(values)), "its values are grades with a number"
    return None
