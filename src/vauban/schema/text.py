"""The schema of messages: what an attacker may do to a text, and what it costs him."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein

from vauban.errors import BadInput
from vauban.records import Floats, Ints, Modality, Records, messages
from vauban.schema.feature import FORBIDDEN, Price

PAYLOAD = (
    r"(?:https?://|www\.)\S+",  # where the reader is to go
    r"\+?\d[\d\s().-]{5,}\d",  # whom he is to call
    r"[£$€]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:gbp|usd|eur|p/min)\b",  # what he is to pay or win
)

_FINEST = 10**7
"""The edit distance counts in whole numbers: prices are kept to this part of the highest."""
_NEVER = 10**13
"""More than 100,000 words at the highest price; as many times this still fits 64 bits."""


def _parts(prices: tuple[float, ...]) -> float:
    """Return the power of ten that makes whole numbers of prices, as far as `_FINEST` allows."""
    finite = [p for p in prices if 0 < p < FORBIDDEN]
    if not finite:
        return 1.0
    finest = math.floor(math.log10(_FINEST / max(finite)))
    whole = (
        k for k in range(min(finest, 0), finest) if all(abs(p * 10.0**k - round(p * 10.0**k)) < 1e-9 for p in finite)
    )
    return float(10.0 ** next(whole, finest))


def _added(before: str, after: str) -> list[str]:
    """Return the words put before or behind a message that is otherwise untouched; none if it is not so."""
    more = len(after) - len(before)
    if more > 0 and after.startswith(before) and (not before or after[len(before)].isspace()):
        return after[len(before) :].split()
    if more > 0 and after.endswith(before) and after[more - 1].isspace():
        return after[:more].split()
    return []


@dataclass(frozen=True)
class TextSchema:
    """What a message may be, and the price of words.

    Attributes:
        longest: most characters that a message may have; a message that is longer already may not grow.
        added, removed, changed: price of a word added, taken out, or replaced; FORBIDDEN where he cannot.
        character: price of each character by which the two texts differ, on top.
        payload: patterns (case-insensitive) whose matches in the original must all be in the changed message.
        column: the name of the raw column.
    """

    longest: int | None = None
    added: float = 1.0
    removed: float = 1.0
    changed: float = 1.0
    character: float = 0.0
    payload: tuple[str, ...] = PAYLOAD
    column: str = "text"
    unit: str = "words"

    modality = Modality.TEXT

    def __post_init__(self) -> None:
        """Refuse negative or undefined prices and lengths, and patterns that do not compile."""
        for name in ("added", "removed", "changed", "character"):
            if not getattr(self, name) >= 0:
                raise BadInput(f"The price {name!r} must be 0 or more (or FORBIDDEN). Got {getattr(self, name)}.")
        if self.longest is not None and self.longest < 0:
            raise BadInput(f"The longest message must have 0 characters or more. Got {self.longest}.")
        for pattern in self.payload:
            try:
                re.compile(pattern)
            except re.error as error:
                raise BadInput(f"The payload {pattern!r} is no regular expression: {error}.") from error

    @property
    def names(self) -> tuple[str, ...]:
        """The one field of a message."""
        return (self.column,)

    @property
    def columns(self) -> tuple[str, ...]:
        """The one raw column of a message."""
        return (self.column,)

    def priced(self, prices: Mapping[str, Price]) -> TextSchema:
        """Return the schema with the price of words overlaid: ``up`` for words added, ``down`` for words removed."""
        if not prices:
            return self
        if set(prices) != {self.column}:
            raise BadInput(f"Messages have the one field {self.column!r} to price. Got: {', '.join(prices)}.")
        price = prices[self.column]
        return replace(self, added=price.up, removed=price.down, changed=max(price.up, price.down))

    @cached_property
    def _weights(self) -> tuple[tuple[int, int, int], float]:
        """Whole-number prices of a word added, removed and changed, and how many of them are one unit."""
        prices = (self.added, self.removed, self.changed)
        parts = _parts(prices)
        added, removed, changed = (_NEVER if p == FORBIDDEN else round(p * parts) for p in prices)
        return (added, removed, changed), parts

    @cached_property
    def _payload(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{p})" for p in self.payload), re.IGNORECASE)

    def room(self, records: Records) -> Ints:
        """Return how many characters can still be added to each message (n,)."""
        if self.longest is None:
            return np.full(len(records), np.iinfo(np.int64).max)
        lengths = np.fromiter(map(len, records), dtype=np.int64, count=len(records))
        return np.maximum(self.longest - lengths, 0)

    def payload_of(self, text: str) -> tuple[str, ...]:
        """Return the parts of a message that carry its purpose and must survive, case-folded."""
        if not self.payload:
            return ()
        return tuple(m.group().strip().casefold() for m in self._payload.finditer(text))

    def payload_spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the parts of a message are (start, end) that must survive: what is best left alone."""
        return [m.span() for m in self._payload.finditer(text)] if self.payload else []

    def cost(self, before: Records, after: Records) -> Floats:
        """Return what this attacker pays to turn each message into another (n,), in words.

        The words' edit distance at the three prices, plus the characters' at theirs; FORBIDDEN where the message grows
        over ``longest``, loses payload, or needs an edit that he cannot make.
        """
        return np.array([self._cost(b, a) for b, a in zip(before, after, strict=True)], dtype=np.float64)

    def _cost(self, before: str, after: str) -> float:
        if before == after:
            return 0.0
        if self.longest is not None and len(after) > max(self.longest, len(before)):
            return FORBIDDEN
        added = _added(before, after)
        if added:
            words = len(added) * self.added
        else:
            folded = after.casefold()
            if any(part not in folded for part in self.payload_of(before)):
                return FORBIDDEN
            words = self._word_cost(before.split(), after.split())
        if self.character and words < FORBIDDEN:
            words += self.character * Levenshtein.distance(before, after)
        return words

    def _word_cost(self, before: list[str], after: list[str]) -> float:
        if before == after:  # only the white space differs
            return self.changed
        weights, parts = self._weights
        distance = Levenshtein.distance(before, after, weights=weights)
        return FORBIDDEN if distance >= _NEVER else distance / parts

    def repair(self, before: Records, after: Records) -> Records:
        """Return ``after`` where this attacker can make it of ``before``, else ``before`` (n,)."""
        return messages(a if self._cost(b, a) < FORBIDDEN else b for b, a in zip(before, after, strict=True))

    def encode(self, frame: pd.DataFrame) -> Records:
        """Return the messages of a raw frame; BadInput if the column is missing or holds anything but texts."""
        if self.column not in frame.columns:
            raise BadInput(f"The data lack the column {self.column!r}. Present: {', '.join(map(str, frame.columns))}.")
        texts = list(frame[self.column])
        strange = [t for t in texts if not isinstance(t, str)]
        if strange:
            raise BadInput(f"Column {self.column!r} must hold texts only. Got {strange[0]!r}.")
        try:
            "".join(texts).encode()
        except UnicodeEncodeError as error:
            raise BadInput(
                f"Column {self.column!r} holds half a character ({error.object[error.start]!a}), which no file keeps. "
                "Replace it: text.encode('utf-8', 'replace').decode()."
            ) from error
        return messages(texts)

    def decode(self, records: Records) -> pd.DataFrame:
        """Return messages as a raw frame of one column."""
        return pd.DataFrame({self.column: list(records)}, dtype=object)
