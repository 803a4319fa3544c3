"""The schema of messages: what an attacker may do to a text, and what it costs him."""

from __future__ import annotations

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

_PARTS = 1000
"""The edit distance counts in whole numbers: prices are kept to a thousandth of their unit."""
_NEVER = 10**12


def _whole(price: float) -> int:
    return _NEVER if price == FORBIDDEN else round(price * _PARTS)


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
        if after.startswith(before) and after[len(before)].isspace():
            words = len(after[len(before) :].split()) * self.added
        elif after.endswith(before) and after[-len(before) - 1].isspace():
            words = len(after[: -len(before)].split()) * self.added
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
        weights = (_whole(self.added), _whole(self.removed), _whole(self.changed))
        distance = Levenshtein.distance(before, after, weights=weights)
        return FORBIDDEN if distance >= _NEVER else distance / _PARTS

    def repair(self, before: Records, after: Records) -> Records:
        """Return ``after`` where this attacker can make it of ``before``, else ``before`` (n,)."""
        return messages(a if self._cost(b, a) < FORBIDDEN else b for b, a in zip(before, after, strict=True))

    def encode(self, frame: pd.DataFrame) -> Records:
        """Return the messages of a raw frame; BadInput if the column is missing or holds anything but texts."""
        if self.column not in frame.columns:
            raise BadInput(f"The data lack the column {self.column!r}. Present: {', '.join(map(str, frame.columns))}.")
        texts = list(frame[self.column])
        strange = next((t for t in texts if not isinstance(t, str)), None)
        if strange is not None:
            raise BadInput(f"Column {self.column!r} must hold texts only. Got {strange!r}.")
        return messages(texts)

    def decode(self, records: Records) -> pd.DataFrame:
        """Return messages as a raw frame of one column."""
        return pd.DataFrame({self.column: list(records)}, dtype=object)
