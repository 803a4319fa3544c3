"""Exact and near duplicates among messages: out before anything is split, or a test set holds what was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_NO_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)


def normalise(text: str) -> bytes:
    """Return the text with case folded, digits 1 to 9 made 0 and white space collapsed: near duplicates become equal.

    As UTF-8, where a table replaces digits: a regular expression took longer than reading thirty thousand mails did.
    """
    return b" ".join(text.casefold().encode("utf-8", "surrogatepass").translate(_NO_DIGITS).split())


def first_of_each(texts: Sequence[str]) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Return which messages (n,) to keep, the first of each group, and how many of the others there were by reason.

    A near duplicate is a message that equals an earlier one after ``normalise``; which labels they carry plays no part.
    """
    exact: set[str] = set()
    near: set[bytes] = set()
    keep = np.zeros(len(texts), dtype=np.bool_)
    removed = {"exact duplicates": 0, "near duplicates": 0}
    for i, text in enumerate(texts):
        if text in exact:
            removed["exact duplicates"] += 1
            continue
        exact.add(text)
        key = normalise(text)
        if key in near:
            removed["near duplicates"] += 1
            continue
        near.add(key)
        keep[i] = True
    return keep, removed
