"""Small planted worlds: targets whose inside is known, with victims, known records and a brief for each cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from vauban.contracts import (
    SCORE,
    AdditiveStructure,
    Answers,
    Brief,
    Known,
    Scale,
    Structure,
)
from vauban.errors import TargetError
from vauban.records import Floats, Mask, Modality, Records, frozen, messages
from vauban.schema import (
    FORBIDDEN,
    Calculation,
    Condition,
    Derived,
    Feature,
    Implication,
    Kind,
    Linear,
    Price,
    Schema,
    TableSchema,
    TextSchema,
)
from vauban.targets.deciding import answers_from
from vauban.threat import Budget, Cell, Grant, Knows

INSIDE = SCORE | {Grant.STRUCTURE, Grant.GRADIENT}


@dataclass(frozen=True)
class Planted:
    """A target whose score is the logistic of a planted margin of encoded records."""

    name: str
    schema: Schema
    margin: Callable[[Records], Floats]
    inside: AdditiveStructure | None = None
    threshold: float = 0.5
    scale: Scale = Scale.PROBABILITY
    deterministic: bool = True

    @property
    def grants(self) -> frozenset[Grant]:
        """Labels and scores; structure and gradient where the margin is a sum over features."""
        return SCORE if self.inside is None else INSIDE

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return what the planted margin says of encoded records."""
        self._refuse_unreadable(records)
        scores = 1.0 / (1.0 + np.exp(-self.margin(records)))
        told = answers_from(scores, len(records), self.threshold, 0.0, self.name)
        if Grant.GRADIENT not in want:
            return told
        inside = self.structure()
        slope = np.where([t is None for t in inside.tables], inside.weights, np.nan)
        return replace(told, gradients=np.tile(slope, (len(records), 1)))

    def _refuse_unreadable(self, records: Records) -> None:
        if not isinstance(self.schema, TableSchema):
            strange = [r for r in records.tolist() if not isinstance(r, str)]
            if strange:
                raise TargetError(f"A message must be a text. Got {strange[0]!r}.")
            return
        for j, f in enumerate(self.schema.features):
            column = records[:, j]
            bad = np.isinf(column)
            if f.listed:
                bad |= ~np.isnan(column) & ~((column >= 0) & (column < len(f.values)) & (column == np.rint(column)))
            if bad.any():
                raise TargetError(
                    f"The feature {f.name!r} can never be {column[bad][0]}: no record of the schema is so."
                )

    def structure(self) -> Structure:
        """Return the planted structure; TargetError where the margin is no sum over features."""
        if self.inside is None:
            raise TargetError(f"The planted model {self.name!r} has no additive structure.")
        return self.inside


@dataclass(frozen=True)
class World:
    """A target, an attacker's cell, and what he may ask.

    Attributes:
        name: unique among `worlds`.
        target: the planted model.
        cell: what the attacker is after.
        grants: what he may ask for.
        victims: read-only (n, ...); all on the wrong side for him, but the last, which is at the goal already.
        known: records that he knows, with labels.
        listable: whether all attainable records of a victim can be listed: then `optimum` is known.
    """

    name: str
    target: Planted
    cell: Cell
    grants: frozenset[Grant]
    victims: Records
    known: Known
    listable: bool = False

    def brief(self, budget: Budget | None = None) -> Brief:
        """Return the attacker's brief in this world."""
        return Brief(
            cell=self.cell,
            schema=self.target.schema,
            grants=self.grants,
            budget=budget or Budget(queries=50, scouting=40),
            known=self.known,
            scale=self.target.scale,
            seed=(7, 1),
            inside=self.target.structure() if Grant.STRUCTURE in self.grants else None,
        )

    def ignorant(self) -> Brief:
        """Return the brief of an attacker who starts with no data."""
        nothing = Known(frozen(self.known.records[:0]), None, np.empty(0, dtype=bool))
        return replace(self.brief(), known=nothing, knows=Knows.NOTHING)

    @property
    def modality(self) -> Modality:
        """What its records are."""
        return self.target.schema.modality

    @cached_property
    def wrong_side(self) -> Mask:
        """Which victims are not at the goal already (n,)."""
        return np.asarray(self.target.answer(self.victims, SCORE).decisions != self.cell.goal)

    @cached_property
    def optimum(self) -> Floats:
        """Cost of each victim's cheapest flip (n,), found by listing every attainable record; listable worlds only."""
        assert self.listable, self.name  # noqa: S101 - a defect of the suite itself
        best = np.full(len(self.victims), FORBIDDEN)
        for i, victim in enumerate(self.victims):
            everything = self._everything(victim)
            goals = everything[self.brief().reached(self.target.answer(everything, SCORE).decisions)]
            best[i] = self.target.schema.cost(np.tile(victim, (len(goals), 1)), goals).min(initial=FORBIDDEN)
        return best

    def _everything(self, victim: Floats) -> Records:
        """Return every record that a victim (d,) could become, and some that it could not."""
        schema = self.target.schema
        assert isinstance(schema, TableSchema), self.name  # noqa: S101
        grids = [
            np.arange(f.lower, f.upper + 1e-9, 1.0 if f.listed else f.step or 1.0)
            if j in schema.mutable
            else victim[[j]]
            for j, f in enumerate(schema.features)
        ]
        return schema.derived(np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, len(grids)))


def _logistic_structure(schema: TableSchema, offset: float, parts: dict[str, float | list[float]]) -> AdditiveStructure:
    weights, tables = np.zeros(len(schema)), list[Floats | None]()
    for j, f in enumerate(schema.features):
        part = parts[f.name]
        if isinstance(part, list):
            tables.append(np.array(part))
        elif f.listed:
            tables.append(part * np.arange(len(f.values), dtype=np.float64))
        else:
            weights[j] = part
            tables.append(None)
    return AdditiveStructure(offset, weights, tuple(tables), np.zeros(len(schema)))


MIXED = TableSchema(
    (
        Feature("age", Kind.INTEGER, 18, 90, dtype="int64"),
        Feature("income", Kind.NUMERIC, 0, 8000, price=Price(up=0.002)),
        Feature("amount", Kind.NUMERIC, 500, 10_000, step=50, price=Price(up=0.001, down=0.002)),
        Feature("months", Kind.INTEGER, 6, 60, price=Price(up=0.05, down=0.15), dtype="int64"),
        Feature(
            "savings", Kind.ORDINAL, values=("none", "some", "much"), price=Price(up=1.5, down=0.5), dtype="object"
        ),
        Feature(
            "purpose",
            Kind.CATEGORICAL,
            values=("car", "home", "study", "other"),
            price=Price(moves=((0, 2, FORBIDDEN, 1), (2, 0, 3, 1), (1, 1, 0, 1), (1, FORBIDDEN, 1, 0))),
            dtype="object",
        ),
        Feature("phone", Kind.BOOLEAN, price=Price.flat(2, 0.4, rising=True), dtype="bool"),
        Feature("rating", Kind.NUMERIC, 0, 1, price=Price(up=4.0, down=1.0)),
    )
)
"""Immutable, up-only, gridded, integer, ordinal, categorical and boolean features, and one that can be missing."""

_LINEAR = _logistic_structure(
    MIXED,
    1.9,
    {
        "age": -0.02,
        "income": -0.0006,
        "amount": 0.0003,
        "months": 0.04,
        "savings": -0.7,
        "purpose": [0.3, -0.4, 0.5, 0.0],
        "phone": -0.5,
        "rating": -1.2,
    },
)

TINY = TableSchema(
    (
        Feature("a", Kind.INTEGER, 0, 6, price=Price(up=1.0, down=2.0)),
        Feature("b", Kind.NUMERIC, 0, 2, step=0.5, price=Price(up=1.3)),
        Feature("c", Kind.ORDINAL, values=("l", "m", "h", "x"), price=Price(down=0.9), dtype="object"),
        Feature("d", Kind.CATEGORICAL, values=("p", "q", "r"), price=Price.flat(3, 1.7), dtype="object"),
        Feature("e", Kind.BOOLEAN, price=Price.flat(2, 0.8)),
    )
)
"""Every attainable record can be listed: 840 in all."""

_TINY = _logistic_structure(TINY, 0.15, {"a": -0.55, "b": -0.8, "c": 0.6, "d": [0.5, -0.6, 0.1], "e": 0.7})

RELATED = TableSchema(
    (
        Feature("amount", Kind.INTEGER, 1, 9, price=Price(up=0.6, down=1.0)),
        Feature("months", Kind.INTEGER, 1, 4, price=Price(up=0.8, down=0.5), dtype="int64"),
        Feature("burden", Kind.NUMERIC, 0, 6, step=0.05),
        Feature("open", Kind.INTEGER, 0, 6, price=Price(up=0.7, down=0.9)),
        Feature("card", Kind.BOOLEAN, price=Price.flat(2, 0.6), dtype="bool"),
        Feature("limit", Kind.ORDINAL, values=("none", "low", "high"), price=Price(up=0.5, down=0.4), dtype="object"),
        Feature("total", Kind.INTEGER, 0, 8, price=Price(up=0.5)),
    ),
    relations=(
        Derived("burden", Calculation("/", ("amount", "months")), note="what is to be paid a month"),
        Linear("open accounts are accounts", {"open": 1, "total": -1}),
        Implication("no card, no limit", Condition("card", "==", False), Condition("limit", "==", "none"), both=True),
    ),
)
"""A derived feature (out of bounds where much is to be paid soon), an inequality and an equivalence."""

_RELATED = _logistic_structure(
    RELATED,
    0.5,
    {
        "amount": -0.3,
        "months": 0.15,
        "burden": 0.7,
        "open": -0.5,
        "card": 0.6,
        "limit": [0.2, -0.5, -0.9],
        "total": 0.1,
    },
)

_GOOD = ["meeting", "agenda", "project", "report", "minutes", "lunch", "thanks", "regards", "family", "weekend"]
_BAD = ["winner", "prize", "free", "cash", "urgent", "claim", "offer", "click", "guaranteed", "bonus"]
_PLAIN = ["the", "a", "and", "to", "of", "you", "we", "it", "for", "on", "with", "this", "that", "have", "will"]
_WEIGHTS = {
    **{w: -0.3 - 0.12 * i for i, w in enumerate(_GOOD)},
    **{w: 0.4 + 0.12 * i for i, w in enumerate(_BAD)},
    **{w: 0.05 * (i % 3 - 1) for i, w in enumerate(_PLAIN)},
}
WORDS = TextSchema(longest=200)


def _steps(records: Records) -> Floats:
    """Return a piecewise constant margin of mixed records that is not monotone in amount and in income."""
    income, amount, months = records[:, 1], records[:, 2], records[:, 3]
    rating = np.where(np.isnan(records[:, 7]), 0.5, records[:, 7])
    margin = np.where((amount > 2000) & (amount <= 5000), 1.1, -0.3) + np.where(months > 30, 0.8, -0.4)
    margin += np.where(income > 4000, -1.0, 0.2) + np.where((income > 5500) & (rating < 0.4), 0.9, 0.0)
    margin += np.where((records[:, 5] == 2) & (records[:, 6] == 0), 0.7, -0.2) + np.where(records[:, 4] >= 1, -0.6, 0.3)
    return np.asarray(margin - 0.05)


def _words(records: Records) -> Floats:
    return np.array([sum(_WEIGHTS.get(w, 0.0) for w in set(t.casefold().split())) - 0.2 for t in records], dtype=float)


def _parts(word: str) -> list[str]:
    """Return the four-letter parts of a word with a space at each end."""
    spaced = f" {word} "
    return [spaced[i : i + 4] for i in range(len(spaced) - 3)]


_PARTS = {part: weight / len(_parts(word)) for word, weight in _WEIGHTS.items() for part in _parts(word)}


def _letters(records: Records) -> Floats:
    """Return a margin of parts of words, under which an empty message is blocked: a word half known still counts."""
    found = [{part for word in t.casefold().split() for part in _parts(word)} for t in records]
    return np.array([sum(_PARTS.get(part, 0.0) for part in sorted(parts)) + 0.3 for parts in found], dtype=float)


def planted_table(schema: TableSchema, n: int, missing: float) -> Records:
    """Return random records on the grid, one feature (the last number) missing with this probability."""
    rng = np.random.default_rng(5)
    records = np.empty((n, len(schema)))
    for j, f in enumerate(schema.features):
        draw = f.lower + rng.random(n) * (f.upper - f.lower)
        step = schema.step[j]
        records[:, j] = np.rint(draw / step) * step if step else np.round(draw, 3)
    if missing:
        records[rng.random(n) < missing, -1] = np.nan
    return records


def planted_related(n: int) -> Records:
    """Return random records that obey the relations, the last feature missing in a tenth of them."""
    records = planted_table(RELATED, n, 0.0)
    amount, months, _, open_, card, limit, total = records.T
    amount[:] = np.minimum(amount, 6 * months)
    total[:] = np.maximum(total, open_)
    card[:] = limit > 0
    records[np.random.default_rng(9).random(n) < 0.1, -1] = np.nan
    return RELATED.derived(records)


def planted_mail(n: int) -> Records:
    """Return random messages, every second one harmful, some with a payload."""
    rng = np.random.default_rng(6)
    texts = []
    for i in range(n):
        pool = (_BAD, _GOOD)[i % 2]
        chosen = [*rng.choice(pool, 2 + i % 3), *rng.choice(_PLAIN, 5)]
        payload = " call 0800 123456" if i % 6 == 0 else ""
        texts.append(" ".join(rng.permutation(chosen).tolist()) + payload)
    return messages(texts)


def _by_hand(victims: Records, cell: Cell) -> dict[str, tuple[str, ...]]:
    """Return what people made of every other victim: one version with words of the other class, one in capitals."""
    other = " ".join((_GOOD if cell.harmful else _BAD)[-5:])
    return {text: (f"{text} {other}", text.upper(), text[:-1]) for text in victims[::2]}


def _labels(margin: Floats) -> Mask:
    """Return the truth: the margin, but for a tenth of the records that are hard to tell."""
    rng = np.random.default_rng(8)
    return np.asarray((margin > 0) ^ (rng.random(len(margin)) < 0.1))


def _world(target: Planted, records: Records, cell: Cell, grants: frozenset[Grant], listable: bool) -> World:
    half = len(records) // 2
    labels = _labels(target.margin(records))
    reached = target.answer(records, SCORE).decisions == cell.goal
    right = labels == cell.harmful
    wrong_side = np.flatnonzero(~reached & right)
    there = np.flatnonzero(reached & right)
    chosen = np.r_[wrong_side[wrong_side >= half][:11], there[there >= half][:1]]
    known = Known(
        frozen(records[:half]),
        frozen(labels[:half].astype(np.int8)),
        frozen(np.arange(half) % 3 == 0),
        _by_hand(records[chosen], cell) if target.schema.modality is Modality.TEXT else {},
    )
    name = f"{target.name} {cell} {'+'.join(sorted(grants))}"
    return World(name, target, cell, grants, frozen(records[chosen]), known, listable)


@cache
def worlds() -> tuple[World, ...]:
    """Return every world: six targets x integrity and availability x what may be asked."""
    tables = planted_table(MIXED, 300, 0.1)
    made = []
    for target, records, listable in (
        (Planted("linear", MIXED, _LINEAR.margin, _LINEAR), tables, False),
        (Planted("steps", MIXED, _steps), tables, False),
        (Planted("tiny", TINY, _TINY.margin, _TINY), planted_table(TINY, 200, 0.0), True),
        (Planted("words", WORDS, _words), planted_mail(200), False),
        (Planted("letters", WORDS, _letters), planted_mail(200), False),
        (Planted("related", RELATED, _RELATED.margin, _RELATED), planted_related(300), False),
    ):
        labels_only = frozenset({Grant.LABEL})
        for cell in (Cell.EI, Cell.EA):
            for grants in (labels_only, SCORE, *([target.grants] if target.grants != SCORE else [])):
                made.append(_world(target, records, cell, grants, listable))  # noqa: PERF401 - reads better
    return tuple(made)


def world(name: str) -> World:
    """Return a world by name."""
    return next(w for w in worlds() if w.name == name)
