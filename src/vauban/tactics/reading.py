"""How a filter reads words, learnt by probing: what rewriting a message starts from."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vauban.contracts import Ask, Brief, Effect, Outcome
from vauban.records import Floats
from vauban.schema import TextSchema
from vauban.tactics.message_substitute import WORD
from vauban.tactics.probing_messages import probe_messages

MOST = 5000
"""No round of questions is begun after so many."""
REPORTED = 200
SAMPLED = 500
"""Messages among which a word's weight is taken."""


@dataclass(frozen=True)
class Reading:
    """What scouting learnt of words.

    Attributes:
        effects: the words that move the decision, strongest first.
        words: all that he knows, lower case, and ``weights`` (w,): how far each raises the harm that the filter sees.
        ways: of the attack's several ways those that promise most first; () where it has but one.
    """

    effects: tuple[Effect, ...]
    words: tuple[str, ...]
    weights: Floats
    ways: tuple[str, ...] = ()

    @cached_property
    def _weight(self) -> dict[str, float]:
        return dict(zip(self.words, self.weights.tolist(), strict=True))

    def harm(self, text: str) -> float:
        """Return the harm that the filter is believed to see in a few words; 0 where they are unknown."""
        return sum(self._weight.get(word, 0.0) for word in re.findall(WORD, text.lower()))


def read(brief: Brief, schema: TextSchema) -> Generator[Ask, Outcome, Reading]:
    """Probe the filter with all questions of scouting, and return how it reads words."""
    picture = yield from probe_messages(brief, schema, MOST, REPORTED)
    told = picture.substitute
    weights = told.word_weights(brief.known.records[:SAMPLED])
    return Reading(picture.effects, told.words.listed, np.asarray(weights))
