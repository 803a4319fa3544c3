"""Broken attacks: each must fail the check that is there for it."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pytest
from sound import Picture, Sound

from vauban.contracts import LABEL, SCORE, Ask, Bound, Candidate, Effect
from vauban.errors import BudgetSpent
from vauban.records import Modality
from vauban.schema import Derived
from vauban.testing import attack_checks, play
from vauban.threat import Decision

CHECKS = {c.name: c for c in attack_checks()}


class Overspends(Sound):
    def search(self, cohort, intelligence, brief):
        while True:
            try:
                yield Ask(cohort.records, cohort.ids)
            except BudgetSpent:
                continue


class LetsBudgetSpentOut(Sound):
    def search(self, cohort, intelligence, brief):
        yield Ask(cohort.records, cohort.ids)
        return ()


class LosesWhatItHas(Sound):
    def search(self, cohort, intelligence, brief):
        try:
            yield Ask(cohort.records, cohort.ids)
        except BudgetSpent:
            return None
        return ()


class AsksNothingForEver(Sound):
    def search(self, cohort, intelligence, brief):
        while True:
            try:
                yield Ask(cohort.records[:0], cohort.ids[:0])
            except BudgetSpent:
                continue


class AsksForTheSpentOnly(Sound):
    def search(self, cohort, intelligence, brief):
        while True:
            try:
                yield Ask(cohort.records[:1], cohort.ids[:1])
            except BudgetSpent:
                continue


class ThinksForEver(Sound):
    def search(self, cohort, intelligence, brief):
        yield Ask(cohort.records, cohort.ids)
        while True:
            pass


class WritesIntoVictims(Sound):
    def search(self, cohort, intelligence, brief):
        cohort.records.flags.writeable = True
        cohort.records[:] = brief.known.records[0]
        yield from ()
        return ()


class WritesIntoKnown(Sound):
    def scout(self, brief):
        brief.known.records[0] = 0
        yield from ()
        return Picture(brief.known.records[:0])


class LeavesTheSchema(Sound):
    def proposals(self, turn, cohort, best, intelligence, streams, brief):
        return np.repeat(brief.known.records[[turn]], len(cohort), axis=0)

    def search(self, cohort, intelligence, brief):
        with suppress(BudgetSpent):
            yield Ask(self.proposals(0, cohort, None, intelligence, None, brief), cohort.ids)
        return ()


class UsesGlobalState(Sound):
    def stream(self, cohort, i):
        return np.random


class UsesUnseededStream(Sound):
    def stream(self, cohort, i):
        return np.random.default_rng()


class SharesOneStream(Sound):
    def proposals(self, turn, cohort, best, intelligence, streams, brief):
        return super().proposals(turn, cohort, best, intelligence, streams[:1] * len(cohort), brief)


class GoesByTheCohort(Sound):
    def proposals(self, turn, cohort, best, intelligence, streams, brief):
        if turn == 1 and len(cohort):
            centre = np.nanmedian(cohort.records, axis=0)
            return brief.schema.repair(cohort.records, np.repeat(centre[None], len(cohort), axis=0))
        return super().proposals(turn, cohort, best, intelligence, streams, brief)


class AsksScores(Sound):
    def question(self, records, owner, brief):
        return Ask(records, owner, SCORE)


class ClaimsFalseBound(Sound):
    def claims(self, cohort, best, price, brief):
        return [Bound(int(v), float(p)) for v, p in zip(cohort.ids, price, strict=True)]


class ClaimsForAnother(Sound):
    def claims(self, cohort, best, price, brief):
        return [Candidate(int(v) + 1, r) for v, r in zip(cohort.ids, best, strict=True)]


class ClaimsTheImpossible(Sound):
    def claims(self, cohort, best, price, brief):
        return [Candidate(int(v), brief.known.records[3]) for v in cohort.ids]


class CountsFromNought(Sound):
    def question(self, records, owner, brief):
        return Ask(records, np.arange(len(owner)))


class NamesNoOwner(Sound):
    def question(self, records, owner, brief):
        return Ask(records)


COUNTER = itertools.count()


class Remembers(Sound):
    def proposals(self, turn, cohort, best, intelligence, streams, brief):
        for _ in range(next(COUNTER) % 7):
            for stream in streams:
                stream.random()
        return super().proposals(turn, cohort, best, intelligence, streams, brief)


class GoesByHash(Sound):
    def picture(self, donors, brief):
        order = np.argsort([hash(f"donor {i}") for i in range(len(donors))])
        return Picture(donors[order])


class OnlyEverPasses(Sound):
    def reached(self, decisions, brief):
        return decisions == Decision.PASS


class AsksTwice(Sound):
    def question(self, records, owner, brief):
        return Ask(np.repeat(records, 2, axis=0), np.repeat(owner, 2))


class AsksTheDearer(Sound):
    def search(self, cohort, intelligence, brief):
        try:
            for turn in range(4):
                yield Ask(super().proposals(turn, cohort, cohort.records, intelligence, (), brief), cohort.ids)
        except (BudgetSpent, IndexError):
            pass
        return ()


class IgnoresHisMeans(Sound):
    def search(self, cohort, intelligence, brief):
        try:
            for donor in intelligence.donors:
                wished = np.repeat(donor[None], len(cohort), axis=0)
                yield Ask(brief.schema.repair(cohort.records, wished), cohort.ids)
        except BudgetSpent:
            pass
        return ()


class SulksWhenIgnorant(Sound):
    def scout(self, brief):
        assert len(brief.known.records), "I know nothing."
        return (yield from super().scout(brief))


class NeedsSomebody(Sound):
    def search(self, cohort, intelligence, brief):
        cohort.records.min(axis=0)
        return (yield from super().search(cohort, intelligence, brief))


class ShowsNegativeEffects(Sound):
    def picture(self, donors, brief):
        return Picture(donors, (Effect("age", -1.0, "raises"),))


class ShowsUnknownFeatures(Sound):
    def picture(self, donors, brief):
        return Picture(donors, (Effect("no such feature", 1.0, "raises"),))


@dataclass
class Changeable:
    donors: np.ndarray
    effects: tuple = ()


class LearnsSomethingChangeable(Sound):
    def picture(self, donors, brief):
        return Changeable(donors)


@dataclass(frozen=True)
class HoldsALambda(Sound):
    choose: Callable[..., object] = lambda x: x


@dataclass
class IsNoValue:
    donors: int = 8
    modalities = frozenset({Modality.TABULAR})
    wants = LABEL

    def scout(self, brief):
        return (yield from Sound().scout(brief))

    def search(self, cohort, intelligence, brief):
        return (yield from Sound().search(cohort, intelligence, brief))


class IgnoresRelations(Sound):
    def search(self, cohort, intelligence, brief):
        loose = replace(brief, schema=replace(brief.schema, relations=()))
        return (yield from super().search(cohort, intelligence, loose))


class RecomputesAndIgnoresTheRest(Sound):
    def search(self, cohort, intelligence, brief):
        derived = tuple(r for r in brief.schema.relations if isinstance(r, Derived))
        loose = replace(brief, schema=replace(brief.schema, relations=derived))
        return (yield from super().search(cohort, intelligence, loose))


BROKEN = [
    (IgnoresRelations, "asks only possible records"),
    (RecomputesAndIgnoresTheRest, "asks only possible records"),
    (Overspends, "stops at the budget"),
    (Overspends, "returns when the budget is spent at any question"),
    (LetsBudgetSpentOut, "returns when the budget is spent at any question"),
    (LetsBudgetSpentOut, "stops at the budget"),
    (LosesWhatItHas, "returns when the budget is spent at any question"),
    (AsksNothingForEver, "returns its claims in every world"),
    (AsksForTheSpentOnly, "stops at the budget"),
    (WritesIntoVictims, "leaves alone what it was handed"),
    (WritesIntoKnown, "leaves alone what it was handed"),
    (LeavesTheSchema, "asks only possible records"),
    (UsesGlobalState, "uses only its own random stream"),
    (UsesUnseededStream, "uses only its own random stream"),
    (UsesUnseededStream, "same seed, same findings"),
    (SharesOneStream, "same findings alone, in cohorts of 1 and 7, and all together"),
    (GoesByTheCohort, "same findings alone, in cohorts of 1 and 7, and all together"),
    (AsksScores, "asks only what it was granted"),
    (ClaimsFalseBound, "claims no false bound"),
    (ClaimsForAnother, "claims are well formed and about its own victims"),
    (ClaimsTheImpossible, "claims are well formed and about its own victims"),
    (CountsFromNought, "asks on behalf of its own victims"),
    (NamesNoOwner, "asks on behalf of its own victims"),
    (Remembers, "same seed, same findings"),
    (Remembers, "same findings while something else attacks"),
    (GoesByHash, "same findings in another process"),
    (OnlyEverPasses, "works for both violations, or for neither"),
    (AsksTwice, "wastes no question"),
    (AsksTheDearer, "wastes no question"),
    (IgnoresHisMeans, "asks nothing that he cannot pay"),
    (SulksWhenIgnorant, "plays on with no data to start from"),
    (NeedsSomebody, "accepts a cohort of nobody"),
    (ShowsNegativeEffects, "intelligence is frozen, picklable and well formed"),
    (ShowsUnknownFeatures, "intelligence is frozen, picklable and well formed"),
    (LearnsSomethingChangeable, "intelligence is frozen, picklable and well formed"),
    (HoldsALambda, "travels to another worker"),
    (IsNoValue, "travels to another worker"),
]


@pytest.mark.parametrize(("mutant", "check"), BROKEN, ids=lambda x: getattr(x, "__name__", x))
def test_mutant_fails_the_check_that_is_there_for_it(mutant, check):
    with pytest.raises(AssertionError) as failure:
        CHECKS[check].run(mutant())
    assert str(failure.value).strip()


def test_mutant_that_thinks_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(play, "MOST_SECONDS", 0.5)
    with pytest.raises(AssertionError, match="for ever"):
        CHECKS["returns its claims in every world"].run(ThinksForEver())


@pytest.mark.parametrize("check", CHECKS.values(), ids=str)
def test_sound_attack_passes(check):
    check.run(Sound())


def test_every_check_has_a_mutant():
    harmless = {"stops at the flagged budget", "survives a victim at the goal already"}
    assert set(CHECKS) - {check for _, check in BROKEN} <= harmless
