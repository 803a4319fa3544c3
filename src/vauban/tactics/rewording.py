"""One victim's message while its words are rewritten: which words may be, as what, what was asked, and the cheapest."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias

import numpy as np

from vauban.contracts import LABEL, SCORE, Ask, Brief, Cohort, Known, Outcome
from vauban.errors import BadInput
from vauban.records import Floats, Mask, messages
from vauban.schema import FORBIDDEN, Schema, TextSchema
from vauban.tactics.reading import Reading
from vauban.tactics.wording import WORD
from vauban.threat import Grant

Edit: TypeAlias = tuple[int, int]
"""A place (which word of the message) and which of its spellings."""
Edits: TypeAlias = tuple[Edit, ...]
"""At most one a place."""

ADDRESS = re.compile(r"\S*(?:\w[@/]\w|\.(?:com|net|org|info|biz|tv|mobi|ly|co|uk|eu|de)\b)\S*", re.IGNORECASE)
"""Where the reader is to go, written without http: left alone, though the schema may not insist."""

KEYWORD = re.compile(r"\b(?i:txt|text|send|reply|quote|type)\s+(?:(?i:with|the|word)\s+)*[\"']?([A-Z]{2,})\b")
"""What the reader is to send back: as it is, or the answer does not arrive."""


class Page:
    """A message, its words that may be rewritten, and the state of a search.

    Payload, addresses, keywords to send, and words that hold a digit (codes, prices, numbers to call) are left alone.

    ``told`` is what is known already of texts made of this victim: pages of the same victim share it.

    Attributes:
        words: (w,) the words that have other spellings, in the order of the text.
        spellings: (w,) the other spellings of each.
        best: the cheapest edits that reached the goal; None where none has.
        price: what they cost; infinite where there are none.
    """

    def __init__(
        self,
        cohort: Cohort,
        spell: Callable[[str], Sequence[str]],
        schema: TextSchema,
        brief: Brief,
        told: dict[str, tuple[bool, float]] | None = None,
    ) -> None:
        self._cohort, self._schema, self._brief = cohort, schema, brief
        self._text: str = cohort.records[0]
        self._want = SCORE if Grant.SCORE in brief.grants else LABEL
        self._limit = np.inf if brief.budget.cost is None else brief.budget.cost
        found = editable(self._text, schema)
        options = [tuple(spell(self._text[start:end])) for start, end in found]
        self._spans = [span for span, has in zip(found, options, strict=True) if has]
        self.spellings = [has for has in options if has]
        self.words = tuple(self._text[start:end] for start, end in self._spans)
        self.best: Edits | None = None
        self.price = np.inf
        self._told = {} if told is None else told

    @property
    def scored(self) -> bool:
        """Whether answers hold scores."""
        return self._want is SCORE

    def text(self, edits: Edits) -> str:
        """Return the message with these edits."""
        return rewritten(self._text, [(*self._spans[at], self.spellings[at][which]) for at, which in edits])

    def gains(self, reading: Reading) -> dict[Edit, float]:
        """Return how far each edit is believed to lead towards the goal."""
        sign = 1.0 if self._brief.cell.harmful else -1.0
        return {
            (at, k): sign * (reading.harm(word) - reading.harm(spelling))
            for at, word in enumerate(self.words)
            for k, spelling in enumerate(self.spellings[at])
        }

    def affordable(self, line: Sequence[Edit]) -> int:
        """Return how many edits off the front of a ranking can be paid together."""
        texts = messages(self.text(tuple(sorted(line[:n]))) for n in range(1, len(line) + 1))
        price = self._schema.cost(np.repeat(self._cohort.records, len(line)), texts)
        return int(((price < FORBIDDEN) & (price <= self._limit)).cumprod().sum())

    def ask(self, tries: Sequence[Edits]) -> Generator[Ask, Outcome, tuple[Mask, Floats]]:
        """Ask about edits that can be paid and are cheaper than the best; what was asked before is remembered.

        Returns:
            (r,) where the goal was reached, and (r,) the progress; NaN where it was not asked or has no score.
        """
        reached, progress = np.zeros(len(tries), dtype=bool), np.full(len(tries), np.nan)
        texts = messages(self.text(edits) for edits in tries)
        price = self._schema.cost(np.repeat(self._cohort.records, len(tries)), texts)
        rows = []
        for i in np.flatnonzero((price < FORBIDDEN) & (price <= self._limit) & (price < self.price)).tolist():
            if texts[i] in self._told:
                reached[i], progress[i] = self._told[texts[i]]
            else:
                self._told[texts[i]] = False, np.nan
                rows.append(i)
        if not rows:
            return reached, progress
        outcome = yield Ask(texts[rows], np.repeat(self._cohort.ids, len(rows)), self._want)
        reached[rows] = self._brief.reached(outcome.decisions)
        if outcome.scores is not None:
            progress[np.array(rows)[outcome.answered]] = self._brief.progress(outcome.scores[outcome.answered])
        self._told.update({texts[i]: (bool(reached[i]), float(progress[i])) for i in rows})
        for i in np.flatnonzero(reached).tolist():
            if price[i] < self.price:
                self.price, self.best = float(price[i]), tries[i]
        return reached, progress


def editable(text: str, schema: TextSchema) -> list[tuple[int, int]]:
    """Return where the words are (start, end) that are neither payload, address nor keyword, nor hold a digit."""
    kept = [*schema.payload_spans(text), *(m.span() for m in ADDRESS.finditer(text))]
    kept += [m.span(1) for m in KEYWORD.finditer(text)]
    return [
        (start, end)
        for start, end in (m.span() for m in re.finditer(WORD, text))
        if not any(c.isdigit() for c in text[start:end]) and not any(a < end and start < b for a, b in kept)
    ]


def rewritten(text: str, changes: Sequence[tuple[int, int, str]]) -> str:
    """Return a text with spans (start, end) replaced."""
    out, at = [], 0
    for start, end, new in sorted(changes):
        out += [text[at:start], new]
        at = end
    return "".join([*out, text[at:]])


def text_schema(brief: Brief, attack: str) -> TextSchema:
    """Return the brief's schema; BadInput if it is that of a table."""
    if not isinstance(brief.schema, TextSchema):
        raise BadInput(f"{attack} rewrites words of messages. Got the schema of a table.")
    return brief.schema


def cannot_rewrite(schema: Schema, known: Known) -> str | None:  # noqa: ARG001 - what an attack is asked
    """Return why nobody can rewrite a word under a schema, or None if he can."""
    if isinstance(schema, TextSchema) and FORBIDDEN in (schema.changed, schema.character):
        return "it rewrites words, and this attacker can only add to what others wrote"
    return None
