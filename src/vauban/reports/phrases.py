"""Numbers as people say them: three significant digits at most, thousands separated, units and plurals right.

A no-break space joins a number to its unit, so that no line ends between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NBSP = "\u00a0"
NEVER = "never"
UNKNOWN = "not measured"


def count(number: int | None) -> str:
    """Return something counted, exactly: 5,171."""
    return UNKNOWN if number is None else f"{number:,}"


def quantity(value: float | None) -> str:
    """Return something measured, to three significant digits: 0.412, 41.2, 41,200."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.2g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    text = f"{round(value, digits):,.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(number: float | None, one: str, many: str | None = None) -> str:
    """Return number and noun: 1 question, 12 questions. Whole numbers are exact, others have three digits."""
    if number is None:
        return UNKNOWN
    shown = count(int(number)) if number == int(number) else quantity(number)
    return f"{shown}{NBSP}{one if number == 1 else many or one + 's'}"


def percent(share: float | None, n: int | None = None) -> str:
    """Return a share in [0, 1] as a percentage no more precise than `n` records allow.

    Whole percents below a thousand records, one decimal from there on, and one decimal within 1 % of either end,
    so that neither 0 % nor 100 % is said of what is not exactly so.
    """
    if share is None:
        return UNKNOWN
    points = 100 * share
    if 0 < points < 0.05:
        return f"under{NBSP}0.1{NBSP}%"
    if 99.95 < points < 100:
        return f"over{NBSP}99.9{NBSP}%"
    fine = (n is not None and n >= 1000) or 0 < points < 1 or 99 < points < 100
    text = f"{points:.1f}" if fine else f"{points:.0f}"
    return f"{text.removesuffix('.0')}{NBSP}%"


def interval(rate: Mapping[str, Any]) -> str:
    """Return interval and size of a rate in plain words: between 88 % and 97 %, 95 % interval, n = 120."""
    n = rate.get("n")
    size = "" if n is None else f"n{NBSP}={NBSP}{count(n)}"
    if rate["value"] is None:
        return size or UNKNOWN
    if rate["low"] is None or rate["high"] is None:
        return f"{size}, too few for an interval" if size else "no interval"
    bounds = f"between {percent(rate['low'], n)} and {percent(rate['high'], n)}, 95{NBSP}% interval"
    return f"{bounds}, {size}" if size else bounds


def short_interval(rate: Mapping[str, Any]) -> str:
    """Return interval and size of a rate for a table whose head names the interval: 88 % to 97 %, n = 120."""
    n = rate.get("n")
    size = "" if n is None else f"n{NBSP}={NBSP}{count(n)}"
    if rate["value"] is None or rate["low"] is None or rate["high"] is None:
        return size or UNKNOWN
    bounds = f"{percent(rate['low'], n)} to {percent(rate['high'], n)}"
    return f"{bounds}, {size}" if size else bounds


def is_currency(unit: str) -> bool:
    """Return whether a unit is a currency code of three capitals (EUR), which stands before its number."""
    return len(unit) == 3 and unit.isascii() and unit.isalpha() and unit.isupper()


def cost(value: float | None, unit: str) -> str:
    """Return a cost with its unit: 6 words, 1 word, EUR 1,200; `never` where it is None (infinite)."""
    if value is None:
        return NEVER
    if is_currency(unit):
        return f"{unit}{NBSP}{quantity(value)}"
    one = unit.removesuffix("s") if value == 1 and not unit.endswith("ss") else unit
    return f"{quantity(value)}{NBSP}{one}"


def spent(finding: Mapping[str, Any], which: str) -> str:
    """Return the cost of a finding at its `median`, `p10` or `p90`; without a single victim nothing was measured."""
    return cost(finding["cost"][which], finding["cost"]["unit"]) if finding["victims"] else UNKNOWN


def duration(seconds: float | None) -> str:
    """Return a duration given in seconds: 40 ms, 1.2 s, 3.4 min, 2.1 h."""
    if seconds is None:
        return UNKNOWN
    for limit, factor, unit in ((1, 1000.0, "ms"), (120, 1.0, "s"), (7200, 1 / 60, "min")):
        if seconds < limit:
            return f"{quantity(seconds * factor)}{NBSP}{unit}"
    return f"{quantity(seconds / 3600)}{NBSP}h"


def listing(words: list[str]) -> str:
    """Return words as a sentence lists them: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
