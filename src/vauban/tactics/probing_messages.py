"""Probe a filter of messages before any victim is at hand: which words move it, which way; a picture of it.

Questions go, in an order that does not depend on the budget, to messages as they occur in the class aimed at, to a
message near the line with one word added (the first-n-words tests of Lowd and Meek, "Good word attacks on statistical
spam filters", CEAS 2005, section 4), and to messages near the line of what has been learnt so far. With labels alone,
words are added to carriers on either side of the line: a blocked and a passing message that differ in one word.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from vauban.contracts import Ask, Brief, Decisions, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Ints, Mask, Records, messages
from vauban.schema import TextSchema
from vauban.tactics.evidence import Notebook
from vauban.tactics.message_substitute import RECIPES, MessageSubstitute, Words, best_recipe, fit, learn_labels

ROUND = 50
CARRIERS = 4
"""Pairs of messages on either side of the line to which words are added."""
SAMPLED = 500
"""Messages among which a word's weight is taken."""
FEWEST = 3
"""Messages that hold a word, below which it is reported only if it was tried."""


@dataclass(frozen=True)
class MessagePicture:
    """What probing learnt of a filter. Picklable; plain data.

    Attributes:
        effects: words, strongest first; sizes are changes of the margin (log-odds, for a filter that answers
            probabilities) where the word occurs, or, where only labels are granted, of the substitute's margin in
            standard deviations of it among the messages looked at.
        substitute: what predicts the filter.
    """

    effects: tuple[Effect, ...]
    substitute: MessageSubstitute

    def decide(self, records: Records) -> Decisions:
        """Return PASS or BLOCK for messages (n,).

        A referral is predicted as what it means to him: BLOCK to one who wants to pass, PASS to one who wants blocks.
        """
        return self.substitute.decide(records)


@dataclass
class _Probe:
    """One exploration under way."""

    brief: Brief
    schema: TextSchema
    most: int
    reported: int
    notes: Notebook = field(init=False)
    rng: np.random.Generator = field(init=False)
    measured: dict[int, list[float]] = field(default_factory=dict)
    tried: dict[int, int] = field(default_factory=dict)
    carriers: dict[bool, list[str]] = field(default_factory=lambda: {False: [], True: []})

    def __post_init__(self) -> None:
        known = self.brief.known
        self.notes = Notebook(self.brief)
        self.rng = self.brief.rng()
        aimed = known.records[known.aimed]
        pool = aimed if len(aimed) else known.records
        self.pool = pool[self.rng.permutation(len(pool))]
        self.words = Words.of(known.records)
        labels = None if known.labels is None else known.labels.astype(bool)
        self.prior = learn_labels(self.words, known.records, labels, int(self.rng.integers(2**31)))
        self.held = np.asarray(self.words.present(self.pool).sum(axis=0)).ravel()
        self.believed, self.fitted_on = self.prior, 0
        self.recipe, self.chosen_on = RECIPES[0], 0

    def substitute(self, *, final: bool = False) -> MessageSubstitute:
        """Return what the answers so far teach. How it is made is chosen anew at the end, and as answers double."""
        if final or len(self.notes) != self.fitted_on:
            data = self.notes.answered()
            if final or len(data) >= 2 * self.chosen_on:
                self.recipe, self.chosen_on = best_recipe(data, self.words, self.prior), len(data)
            self.believed, self.fitted_on = fit(self.recipe, data, self.words, self.prior), len(data)
        return self.believed

    # --- questions --------------------------------------------------------------------------------

    def run(self) -> Generator[Ask, Outcome, None]:
        """Ask, in an order that does not depend on the budget, until the budget is spent or nothing new is left."""
        yield from self.as_they_occur(ROUND)
        before = -1
        while before < len(self.notes) < self.most:
            before = len(self.notes)
            n = ROUND * max(1, before // 500)
            if not self.notes.scored:
                yield from self.find_carriers()
            yield from self.one_word_added(n)
            yield from self.as_they_occur(n)
            yield from self.near_the_line(n // 2)
            yield from self.as_they_occur(n // 2)

    def as_they_occur(self, n: int) -> Generator[Ask, Outcome, None]:
        fresh = self.pool[self.notes.new(self.pool)][:n]
        yield from self.notes.ask(fresh, natural=True)
        if len(fresh) < n:
            spliced, parents = self.spliced(n - len(fresh))
            yield from self.notes.ask(spliced, made_of=parents)

    def spliced(self, n: int) -> tuple[Records, Records]:
        """Return messages whose first half is of one that he has and the second of another; and the first parents."""
        if not len(self.pool):
            return self.pool[:0], self.pool[:0]
        one, other = (self.pool[self.rng.integers(len(self.pool), size=2 * n)] for _ in range(2))
        made = messages(f"{_half(a, 0)} {_half(b, 1)}".strip() for a, b in zip(one, other, strict=True))
        new = np.flatnonzero(self.notes.new(made) & self.fits(made))[:n]
        return made[new], one[new]

    def fits(self, records: Records) -> Mask:
        """Return which messages are no longer than may be (n,)."""
        longest = self.schema.longest
        return np.array([longest is None or len(t) <= longest for t in records], dtype=np.bool_)

    def near_the_line(self, n: int) -> Generator[Ask, Outcome, None]:
        fresh = self.pool[self.notes.new(self.pool)][:2000]
        spliced, parents = self.spliced(4 * n)
        records, parents = np.concatenate([fresh, spliced]), np.concatenate([fresh, parents])
        distance = np.abs(self.substitute().margin(records))
        chosen = self.rng.permutation(np.argsort(distance, kind="stable")[: 2 * n])[:n]
        yield from self.notes.ask(records[chosen], made_of=parents[chosen])

    def find_carriers(self) -> Generator[Ask, Outcome, None]:
        """Bisect between passing and blocked messages until they differ in one word."""
        data = self.notes.answered()
        usable = data.natural & (np.array([len(t.split()) for t in data.records]) > 1)
        passing, blocked = data.records[usable & ~data.blocked], data.records[usable & data.blocked]
        if not len(passing) or not len(blocked):
            return
        pairs = [(self.rng.choice(passing), self.rng.choice(blocked)) for _ in range(CARRIERS)]
        parents = messages(p for p, _ in pairs)
        low = np.zeros(CARRIERS, dtype=np.int64)  # words taken of the blocked message: none passes, all is blocked
        high = np.array([len(b.split()) for _, b in pairs], dtype=np.int64)
        while (live := high - low > 1).any():
            middle = (low + high) // 2
            made = messages(_crossed(*pairs[i], int(middle[i])) for i in np.flatnonzero(live))
            side, _ = yield from self.notes.ask(made, made_of=parents[live])
            high[live] = np.where(side, middle[live], high[live])
            low[live] = np.where(side, low[live], middle[live])
        ends = {False: low, True: high}
        self.carriers = {
            side: [_crossed(p, b, int(k)) for (p, b), k in zip(pairs, at, strict=True)] for side, at in ends.items()
        }

    def one_word_added(self, n: int) -> Generator[Ask, Outcome, None]:
        """Add to a message near the line a word that is believed to matter and has been tried least."""
        weights = self.substitute().word_weights(self.pool[:SAMPLED])
        tried = np.array([self.tried.get(i, 0) for i in range(len(weights))])
        promise = np.abs(weights) * np.sqrt(self.held) / (1.0 + tried) ** 2
        order: Ints = np.argsort(-promise, kind="stable")[:n].astype(np.int64)
        order = order[self.held[order] > 0]
        if self.notes.scored:
            yield from self.measured_words(order)
            return
        if not self.carriers[True]:
            return
        bases = [self._carrier(weights[i] < 0, self.tried.get(int(i), 0)) for i in order]
        made = messages(f"{base} {self.words.listed[i]}" for base, i in zip(bases, order, strict=True))
        which = self.notes.new(made) & self.fits(made)
        self._count(order)
        yield from self.notes.ask(made[which], made_of=messages(bases)[which])

    def _carrier(self, blocked: bool, ordinal: int) -> str:
        """Return a barely blocked message for a word that is believed to lower, a barely passing one for the others."""
        found = self.carriers[bool(blocked)]
        return found[ordinal % len(found)]

    def _count(self, order: Ints) -> None:
        for i in order.tolist():
            self.tried[i] = self.tried.get(i, 0) + 1

    def measured_words(self, order: Ints) -> Generator[Ask, Outcome, None]:
        data = self.notes.answered()
        if data.margins is None or not data.natural.any():
            return
        mine = np.flatnonzero(data.natural & self.fits(messages(f"{t} {'x' * 20}" for t in data.records)))
        if not len(mine):
            return
        near = mine[np.argsort(np.abs(data.margins[mine]), kind="stable")][:CARRIERS]
        bases = [data.records[near[self.tried.get(int(i), 0) % len(near)]] for i in order]
        made = messages(f"{base} {self.words.listed[i]}" for base, i in zip(bases, order, strict=True))
        absent = np.asarray(self.words.present(messages(bases))[np.arange(len(order)), order]).ravel() == 0
        which = self.notes.new(made) & self.fits(made) & absent
        self._count(order)
        start = len(self.notes)
        try:
            yield from self.notes.ask(made[which], made_of=messages(bases)[which])
        finally:
            self._measure(order[which], messages(bases)[which], start)

    def _measure(self, words: Ints, bases: Records, start: int) -> None:
        """Write down by how much each word moved the margin of its message."""
        data = self.notes.answered()
        if data.margins is None:
            return
        before = dict(zip(data.records[:start].tolist(), data.margins[:start].tolist(), strict=True))
        for word, base, margin in zip(words.tolist(), bases, data.margins[start:].tolist(), strict=False):
            self.measured.setdefault(int(word), []).append(margin - before[base])

    # --- what they told ---------------------------------------------------------------------------

    def effects(self, substitute: MessageSubstitute) -> tuple[Effect, ...]:
        sample = self.pool[:SAMPLED]
        if not len(sample):
            return ()
        moves = substitute.word_weights(sample)
        if not self.notes.scored:
            moves = moves / (float(np.std(substitute.margin(sample))) or 1.0)
        for i, found in self.measured.items():
            moves[i] = float(np.mean(found))
        moves = np.where((self.held >= FEWEST) | np.isin(np.arange(len(moves)), list(self.tried)), moves, 0.0)
        order = [int(i) for i in np.argsort(-np.abs(moves), kind="stable")[: self.reported] if moves[i] != 0]
        return tuple(
            Effect(self.words.listed[i], float(abs(moves[i])), "raises" if moves[i] > 0 else "lowers") for i in order
        )

    def picture(self) -> MessagePicture:
        substitute = self.substitute(final=True)
        return MessagePicture(self.effects(substitute), substitute)


def probe_messages(
    brief: Brief, schema: TextSchema, most: int, reported: int
) -> Generator[Ask, Outcome, MessagePicture]:
    """Ask within the budget and return the picture; without messages of his own he asks nothing.

    Args:
        brief: of the scouting.
        schema: of its records.
        most: no round of questions is begun after so many, whatever the budget.
        reported: most words in the picture's effects.
    """
    probe = _Probe(brief, schema, most, reported)
    with suppress(BudgetSpent):
        yield from probe.run()
    return probe.picture()


def _half(text: str, which: int) -> str:
    words = text.split()
    cut = (len(words) + 1) // 2
    return " ".join(words[cut:] if which else words[:cut])


def _crossed(passing: str, blocked: str, k: int) -> str:
    """Return the first k words of a blocked message, then a passing one's from its k-th on; whole ones at the ends."""
    ours, theirs = blocked.split(), passing.split()
    if k == 0:
        return passing
    if k >= len(ours):
        return blocked
    return " ".join([*ours[:k], *theirs[min(k, len(theirs)) :]])
