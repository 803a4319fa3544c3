"""Training sets in which something was planted, by our own attacks on training, from records that were set apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from vauban.catalogue import causative
from vauban.contracts import LABEL, SCORE, Ask, Brief, Campaign, Known, Labelled, Outcome, RoundOutcome, Target, drive
from vauban.datasets import load
from vauban.errors import BudgetSpent
from vauban.filters import Filter
from vauban.monitors.dossier import Dossier
from vauban.monitors.learning import out_of_fold
from vauban.records import Floats, Ints, Mask, Records
from vauban.scenarios import scenario
from vauban.schema import Schema
from vauban.threat import Budget, Cell, Grant, Knows

ROWS, TRUSTED, BEFORE, HIS, TEST = SIZES = 8000, 500, 4000, 2000, 2000
"""Records under review, verified ones, those of the approved model, those that the attacker has, and fresh probes."""
ROUNDS = 8
SECTION = {"taiwan": "AGE > 55", "lendingclub": "purpose = small_business"}
"""Whom attacks on a section are about: the sections of the stories."""
OF = {"enron": "spam", "sms": "spam", "taiwan": "credit", "lendingclub": "loan"}
MODEL = {
    "enron": "logistic-regression",
    "sms": "logistic-regression",
    "taiwan": "hist-gradient-boosting",
    "lendingclub": "hist-gradient-boosting",
}


@dataclass(frozen=True)
class Case:
    """What is reviewed, what of it was planted (n,), what somebody who knows more would say, and fresh probes.

    Who knows more has, for turned labels, a model of the clean ones; for a section, the section and the label.
    """

    dossier: Dossier
    planted: Mask
    oracle: Floats | None
    probes: Records | None
    trainer: Any
    wants_pass: bool = True


@dataclass(frozen=True)
class Pool:
    """Records of a data set, in disjoint parts."""

    schema: Schema
    trainer: Any
    base: Labelled
    trusted: Labelled
    before: Labelled
    approved: Target
    his: Labelled
    test: Labelled
    aimed: Mask
    aimed_test: Mask


def pool(data: str, seed: int, sizes: tuple[int, ...] = SIZES, model: str | None = None) -> Pool:
    """Return the parts of a data set, drawn by lot; the models are of the data set's kind unless another is named."""
    system = scenario(OF[data]).system(data, model or MODEL[data], seed)
    schema, loaded = system.target.schema, load(data)
    rng = np.random.default_rng((seed, 1))
    order = rng.permutation(len(loaded.labels))[: sum(sizes)]
    frame, labels = loaded.frame.iloc[order], loaded.labels[order]
    whole = Labelled(schema.encode(frame), labels)
    cuts = np.cumsum([0, *sizes])
    base, trusted, before, his, test = (whole.take(np.arange(a, b)) for a, b in pairwise(cuts))
    section = np.ones(len(labels), dtype=bool) if data not in SECTION else Filter(SECTION[data]).mask(frame)
    approved = system.trainer.fit(before)
    aimed, aimed_test = section[cuts[3] : cuts[4]], section[cuts[4] : cuts[5]]
    return Pool(schema, system.trainer, base, trusted, before, approved, his, test, aimed, aimed_test)


def sent(
    p: Pool, attack: str, cell: Cell, each: int, rounds: int, seed: int, asks: int = 1000
) -> tuple[list[Records], Labelled, Any]:
    """Return what an attack of the catalogue sends in each round, all of it with labels, and how it dresses probes.

    ``asks``: questions that he may ask of the approved model before.
    """
    made = causative(attack).make()
    brief = Brief(
        cell,
        p.schema,
        SCORE | {Grant.SEND},
        Budget(1000, 1000),
        Known(p.his.records, p.his.labels, p.aimed),
        Knows.LOOKALIKES,
        p.approved.scale,
        (seed, 9),
        campaign=Campaign(rounds, each, len(p.base) // rounds, tuple(f"account {i}" for i in range(5)), labels=True),
    )
    left = [asks]

    def answer(ask: Ask) -> Outcome:
        if left[0] < len(ask.records):
            raise BudgetSpent("All questions are asked.")
        left[0] -= len(ask.records)
        told = p.approved.answer(ask.records, ask.want & p.approved.grants | LABEL)
        answered = np.ones(len(ask.records), dtype=bool)
        return Outcome(answered, told.decisions, told.scores, None, np.array(left[0]))

    learnt, _ = drive(made.scout(brief), answer)
    turns = iter(range(rounds))

    def hear(move: Any) -> RoundOutcome:
        if isinstance(move, Ask):  # he has asked what he may before
            raise BudgetSpent("All questions are asked.")
        turn = next(turns, None)
        if turn is None:
            raise BudgetSpent("The last round is over.")
        return RoundOutcome(turn, np.zeros(len(move.records), dtype=np.int8), True, rounds - turn - 1)

    _, moves = drive(made.campaign(learnt, brief), hear, rounds)
    records = [m.records for m in moves]
    labels = np.concatenate([m.labels for m in moves]).astype(np.int8)
    return records, Labelled(np.concatenate(records), labels), lambda r: made.dress(r, learnt, brief)


def _insert(p: Pool, parts: list[Records], labels: np.ndarray, seed: int) -> tuple[Labelled, Mask, Ints]:
    """Return the base with what was sent in each round put among the records of its round."""
    rng = np.random.default_rng((seed, 2))
    n = len(p.base)
    last = ROUNDS - len(parts)
    when = np.concatenate([np.arange(n) * ROUNDS // n, *[np.full(len(r), last + i) for i, r in enumerate(parts)]])
    whole = p.base.plus(Labelled(np.concatenate(parts), labels))
    order = np.lexsort((rng.uniform(size=len(when)), when))
    return whole.take(order), np.asarray(order >= n), when[order]


def _flipped(p: Pool, which: Ints) -> tuple[Labelled, Mask, Ints]:
    labels = p.base.labels.copy()
    labels[which] = 1 - labels[which]
    planted = np.zeros(len(labels), dtype=bool)
    planted[which] = True
    return Labelled(p.base.records, labels), planted, np.arange(len(labels)) * ROUNDS // len(labels)


def case(data: str, kind: str, seed: int) -> Case:
    """Return a training set in which this was planted."""
    p = pool(data, seed)
    rng = np.random.default_rng((seed, 3))
    n, one = len(p.base), len(p.base) // 100
    oracle, probes = None, None
    fresh = p.test.records[(p.test.labels == 1) & p.aimed_test]
    if kind.endswith("flips"):
        plain = Dossier(p.base.records, p.base.labels, p.schema, seed=seed)
        learner = "linear" if plain.view.dense is None else "boosted"
        harm = out_of_fold(plain.view, p.base.labels, None, kind=learner, seed=seed)
        sure = np.abs(harm - 0.5) * np.where((harm > 0.5) == (p.base.labels == 1), 1, -1)
        near = {"random-flips": rng.uniform(size=n), "far-flips": -sure, "boundary-flips": np.abs(harm - 0.5)}[kind]
        found, planted, when = _flipped(p, np.argsort(near, kind="stable")[: 3 * one])
        oracle = np.abs(found.labels - harm)
    elif kind == "campaign":
        first = p.his.records[p.his.labels == 1][:1]
        numbers = p.schema.numbers  # type: ignore[union-attr]
        new = np.repeat(first, one, axis=0)
        spread = np.nan_to_num(np.nanstd(p.base.records[:, numbers], axis=0))
        new[:, numbers] += rng.normal(size=(one, len(numbers))) * spread * 0.01
        new = p.schema.repair(np.repeat(first, one, axis=0), new)
        found, planted, when = _insert(p, [new], np.zeros(one, dtype=np.int8), seed)
    else:
        attack, share, rounds, cell = {
            "dictionary": ("dictionary", 1, 1, Cell.CA),
            "pseudospam": ("pseudospam", 1, 1, Cell.CI),
            "backdoor": ("backdoor", 1, 1, Cell.CI),
            "frog": ("boiling-frog", 2, ROUNDS, Cell.CI),
            "subpopulation": ("subpopulation", 2, 1, Cell.CI),
        }[kind]
        parts, whole, dress = sent(p, attack, cell, share * one // rounds, rounds, seed)
        found, planted, when = _insert(p, parts, whole.labels, seed)
        probes = dress(fresh) if attack != "dictionary" else p.test.records[p.test.labels == 0]
        if attack == "subpopulation":
            mine = Filter(SECTION[data]).mask(p.schema.decode(found.records)) & (found.labels == whole.labels[0])
            oracle = np.where(mine, np.asarray(p.approved.answer(found.records, SCORE).scores), -np.inf)
    dossier = Dossier(found.records, found.labels, p.schema, None, when, p.trusted, p.approved, seed)
    return Case(dossier, planted, oracle, probes, p.trainer, kind != "dictionary")


KINDS = {
    "enron": ("random-flips", "boundary-flips", "dictionary", "pseudospam", "backdoor", "frog"),
    "taiwan": ("campaign", "backdoor", "subpopulation", "far-flips", "random-flips", "boundary-flips"),
    "lendingclub": ("campaign", "backdoor", "subpopulation", "far-flips", "random-flips", "boundary-flips"),
}
