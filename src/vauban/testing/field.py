"""The field that attacks on training and gates are tried on: a planted world whose model is trained every round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np

from vauban.contracts import SCORE, Batch, Brief, Campaign, GateContext, Known, Labelled, Target
from vauban.errors import BudgetSpent
from vauban.records import Floats, Mask, Modality, Records, frozen
from vauban.testing.worlds import MIXED, Planted, World, planted_mail, planted_related, planted_table, worlds
from vauban.threat import Budget, Cell, Grant

ROUNDS, SENDS, EACH = 3, 6, 40
"""Rounds of a play, records that the attacker may send in each, records of others in each."""
KNOWN, FIRST, TRUSTED = 60, 120, 100
"""Records that the attacker knows, that the first model is trained on, that gates may trust."""
N = KNOWN + FIRST + TRUSTED + ROUNDS * EACH


@dataclass(frozen=True)
class Fitted:
    """A trainer that needs no library: a margin per feature or word, from how often each class has it.

    Tables are split at each feature's median; a message is the set of its words. Laplace's rule keeps odds finite.
    """

    model: Planted

    def fit(self, data: Labelled, start: Target | None = None) -> Target:  # noqa: ARG002 - from scratch, always
        """Return a planted target of the data."""
        learn = _word_odds if data.records.ndim == 1 else _cell_odds
        return Planted("fitted", self.model.schema, learn(data))


@dataclass(frozen=True)
class _WordOdds:
    odds: dict[str, float]

    def __call__(self, records: Records) -> Floats:
        return np.array([sum(self.odds.get(w, 0.0) for w in sorted(set(t.casefold().split()))) for t in records])


@dataclass(frozen=True)
class _CellOdds:
    medians: Floats
    odds: Floats

    def __call__(self, records: Records) -> Floats:
        high = (np.nan_to_num(records, nan=-np.inf) > self.medians).astype(np.intp)
        return np.asarray(self.odds[high, np.arange(records.shape[1])].sum(axis=1))


def _word_odds(data: Labelled) -> _WordOdds:
    seen: dict[str, list[int]] = {}
    for text, label in zip(data.records, data.labels, strict=True):
        for word in set(text.casefold().split()):
            seen.setdefault(word, [1, 1])[int(label)] += 1
    size = np.bincount(data.labels, minlength=2) + 2
    return _WordOdds({w: float(np.log(b / size[1]) - np.log(g / size[0])) for w, (g, b) in sorted(seen.items())})


def _cell_odds(data: Labelled) -> _CellOdds:
    records = np.nan_to_num(data.records, nan=-np.inf)
    medians = np.median(records, axis=0)
    high = records > medians
    size = np.bincount(data.labels, minlength=2) + 2
    bad, good = (high[data.labels == label].sum(axis=0) + 1 for label in (1, 0))
    up = np.log(bad / size[1]) - np.log(good / size[0])
    down = np.log1p(-bad / size[1]) - np.log1p(-good / size[0])
    return _CellOdds(medians, np.stack([down, up]))


@dataclass(frozen=True)
class Field:
    """A world with a loop.

    Attributes:
        name: unique among `fields`.
        world: whose known records the attacker has.
        cell: CI or CA.
        first: what the first model is trained on.
        trusted: verified records for gates.
        rounds: what arrives, round by round.
        labels: whether the attacker's own accounts label what he sends.
    """

    name: str
    world: World
    cell: Cell
    first: Labelled
    trusted: Labelled
    rounds: tuple[Labelled, ...]
    labels: bool

    @property
    def trainer(self) -> Fitted:
        """How the model is trained, again and again."""
        return Fitted(self.world.target)

    @property
    def modality(self) -> Modality:
        """What its records are."""
        return self.world.modality

    def brief(self, wants: frozenset[Grant], queries: int = 60, sends: int = SENDS, rounds: int = ROUNDS) -> Brief:
        """Return the brief of an attacker who wants that: who may tamper knows the training data."""
        own = self.first if Grant.TAMPER in wants else None
        known = self.world.known if own is None else Known(own.records, own.labels, _thirds(len(own)))
        return replace(
            self.world.brief(Budget(queries, queries)),
            cell=self.cell,
            grants=SCORE | (wants & {Grant.SEND, Grant.TAMPER}),
            inside=None,
            known=known,
            campaign=Campaign(rounds, sends, EACH, ("account 0", "account 1"), self.labels),
        )


def _thirds(n: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(frozen(np.arange(n) % 3 == 0))


@cache
def fields() -> tuple[Field, ...]:
    """Return every field: a table, one with relations, and messages x integrity and availability x who labels."""
    made = []
    drawn = {"linear": planted_table(MIXED, N, 0.1), "related": planted_related(N), "words": planted_mail(N)}
    for name, records in drawn.items():
        which = next(w for w in worlds() if w.target.name == name and w.cell is Cell.EI)
        records = records[np.random.default_rng(9).permutation(N)]
        labels = (which.target.margin(records) > 0).astype(np.int8)
        whole = Labelled(records, labels)
        cuts = np.cumsum([0, KNOWN, FIRST, TRUSTED, *[EACH] * ROUNDS])
        known, first, trusted, *loop = (_part(whole, a, b) for a, b in pairwise(cuts.tolist()))
        aimed = _thirds(KNOWN)
        world = replace(which, known=Known(known.records, known.labels, aimed))
        for cell in (Cell.CI, Cell.CA):
            for his in (True, False):
                single = which.victims[:2] if his else None  # who labels aims at single records
                aiming = replace(world, known=replace(world.known, chosen=single))
                who = "his accounts" if his else "others"
                made.append(Field(f"{name} {cell} labelled by {who}", aiming, cell, first, trusted, tuple(loop), his))
    return tuple(made)


def _part(whole: Labelled, start: int, end: int) -> Labelled:
    return Labelled(frozen(whole.records[start:end]), frozen(whole.labels[start:end]))


@dataclass
class Person:
    """A reviewer with time for ten records, who knows how the world labels them."""

    field: Field
    batch: Labelled
    time: int = 10

    def look(self, row: int, *, stored: bool = False) -> bool:
        """Return whether a label is not the world's."""
        if not self.time:
            raise BudgetSpent("He has no time left.")
        self.time -= 1
        data = (self.field.first if stored else self.batch).take(np.array([row]))
        return bool((self.field.world.target.margin(data.records)[0] > 0) != data.labels[0])

    def called(self) -> Labelled:
        """Return nothing: it is his first round."""
        return self.batch.take(np.arange(0))

    def cleared(self) -> Mask:
        """Return nothing: it is his first round."""
        return np.zeros(len(self.field.first), dtype=bool)


def gate_case(
    field: Field, rows: Labelled, sources: tuple[str, ...] = ("a", "b", "c", "d")
) -> tuple[Batch, GateContext]:
    """Return a batch and what a gate may look at besides, all of it read-only."""
    names = np.array([sources[i % len(sources)] for i in range(len(rows))], dtype=object)
    names.flags.writeable = False
    context = GateContext(
        field.world.target.schema,
        field.trainer,
        field.first,
        field.trusted,
        field.trainer.fit(field.first),
        (3, 1),
        Person(field, rows),
    )
    return Batch(Labelled(frozen(rows.records), frozen(rows.labels)), names, 1), context
