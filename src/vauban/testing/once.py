"""One play for the many checks that look at it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_KEPT: dict[tuple[Any, ...], Any] = {}


def once(thing: Any, *about: Hashable, make: Callable[[], T]) -> T:
    """Return what ``make`` makes of a thing; the same again for an equal thing.

    One that cannot be hashed, and so may have changed in between, is tried anew.
    """
    key = (thing, *about)
    try:
        hash(key)
    except TypeError:
        return make()
    if key not in _KEPT:
        _KEPT[key] = make()
    kept: T = _KEPT[key]
    return kept
