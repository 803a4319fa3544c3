"""Attacks on training and gates that break one rule each: a suite that lets one through is broken itself."""

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pytest

from vauban.contracts import NothingLearnt, Screening, Send, Tamper, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Modality
from vauban.testing import causative_checks, gate_checks
from vauban.threat import Grant

TABLES_AND_MESSAGES = frozenset(Modality)


@dataclass(frozen=True)
class Sound:
    """Sends known records of the class that it wants decided otherwise, from its accounts."""

    modalities = TABLES_AND_MESSAGES
    wants = frozenset({Grant.SEND})

    def scout(self, brief):
        return no_scouting(NothingLearnt())

    def records(self, brief, rng):
        known = brief.known
        mine = known.of(int(brief.cell.harmful))
        return mine[rng.integers(len(mine), size=brief.campaign.sends)] if len(mine) else mine

    def move(self, brief, rng):
        records = self.records(brief, rng)
        sources = [brief.campaign.sources[i % 2] for i in range(len(records))]
        labels = np.full(len(records), 1 - int(brief.cell.harmful), dtype=np.int8)
        return Send(records, sources, labels, "his accounts say so")

    def campaign(self, intelligence, brief):
        rng = brief.rng()
        with suppress(BudgetSpent):
            while True:
                yield self.move(brief, rng)
        return ()

    def dress(self, records, intelligence, brief):
        return records


class Greedy(Sound):
    fails = "keeps the rules in every field"

    def records(self, brief, rng):
        return np.concatenate([super().records(brief, rng)] * 2)


class SendsWhereItMayNot(Sound):
    fails = "plays on when it may send nothing"

    def records(self, brief, rng):
        return super().records(brief, rng) if brief.campaign.sends else brief.known.records[:1]


class OthersAccounts(Sound):
    fails = "keeps the rules in every field"

    def move(self, brief, rng):
        move = super().move(brief, rng)
        return replace(move, sources=["sender 3"] * len(move.records))


class SaysNotWhy(Sound):
    fails = "keeps the rules in every field"

    def move(self, brief, rng):
        return replace(super().move(brief, rng), why="")


class OneLabelForAll(Sound):
    fails = "keeps the rules in every field"

    def move(self, brief, rng):
        return replace(super().move(brief, rng), labels=np.zeros(1, dtype=np.int8))


class Impossible(Sound):
    fails = "keeps the rules in every field"

    def records(self, brief, rng):
        records = super().records(brief, rng)
        return records if records.ndim == 1 else records + 0.37


class Tampers(Sound):
    fails = "keeps the rules in every field"

    def campaign(self, intelligence, brief):
        yield Tamper(np.array([0]), labels=np.array([1], dtype=np.int8))
        return ()


class LetsItThrough(Sound):
    fails = "returns when it is over at any move"

    def campaign(self, intelligence, brief):
        rng = brief.rng()
        while True:
            yield self.move(brief, rng)


class NeverEnds(Sound):
    fails = "ends after one round"

    def campaign(self, intelligence, brief):
        rng = brief.rng()
        while True:
            with suppress(BudgetSpent):
                yield self.move(brief, rng)


class GlobalRandom(Sound):
    fails = "uses only its own random stream"

    def records(self, brief, rng):
        return super().records(brief, np.random.default_rng(np.random.randint(1 << 30)))


class Unseeded(Sound):
    fails = "same seed, same campaign"

    def records(self, brief, rng):
        return super().records(brief, np.random.default_rng())


class WritesIntoVictims(Sound):
    fails = "leaves alone what it was handed"

    def dress(self, records, intelligence, brief):
        if records.flags.writeable:
            records[:] = records[::-1].copy()
        return records


class LosesTheHarm(Sound):
    fails = "dresses records as possible ones that still do harm"

    def dress(self, records, intelligence, brief):
        good = brief.known.of(0)
        return good[np.zeros(len(records), dtype=int)] if len(good) else records


class DressesFewer(Sound):
    fails = "dresses records as possible ones that still do harm"

    def dress(self, records, intelligence, brief):
        return records[1:]


class DressesByCompany(Sound):
    fails = "dresses the same record alike alone and among others"

    def dress(self, records, intelligence, brief):
        if records.ndim == 1:
            out = records.copy()
            out[:] = [f"{t} {len(records)}" for t in records]
            return out
        return records


class NeedsData(Sound):
    fails = "plays on with no data to start from"

    def records(self, brief, rng):
        return brief.known.records[[0] * brief.campaign.sends]


class Idle(Sound):
    fails = "does something"

    def campaign(self, intelligence, brief):
        return ()
        yield


class Mutable(Sound):
    fails = "intelligence is frozen, picklable and well formed"

    def scout(self, brief):
        return no_scouting([])


@dataclass(frozen=True)
class Insider:
    """Alters its share of what is stored when it comes, sends nothing, and leaves what arrives alone."""

    modalities = TABLES_AND_MESSAGES
    wants = frozenset({Grant.TAMPER})

    def scout(self, brief):
        return no_scouting(NothingLearnt())

    def change(self, brief, ids):
        return Tamper(ids, labels=(1 - brief.known.labels[ids]).astype(np.int8))

    def share(self, brief):
        return round(brief.campaign.sends / brief.campaign.collected * len(brief.known.records))

    def campaign(self, intelligence, brief):
        count = 0 if brief.known.labels is None else self.share(brief)
        with suppress(BudgetSpent):
            if count:
                yield self.change(brief, np.arange(count))
            while True:
                yield Send(brief.known.records[:0], why="it sends nothing")
        return ()

    def dress(self, records, intelligence, brief):
        return records


class AltersTooMuch(Insider):
    fails = "keeps the rules in every field"

    def share(self, brief):
        return 2 * super().share(brief) if brief.campaign.sends else 0


class AltersWhatIsNotThere(Insider):
    fails = "keeps the rules in every field"

    def change(self, brief, ids):
        return Tamper(ids + len(brief.known.records), delete=True)


class DeletesTwice(Insider):
    fails = "keeps the rules in every field"

    def campaign(self, intelligence, brief):
        with suppress(BudgetSpent):
            while True:
                yield Tamper(np.array([0]), delete=True)
        return ()


class DeletesAndRelabels(Insider):
    fails = "keeps the rules in every field"

    def change(self, brief, ids):
        return Tamper(ids, labels=np.zeros(len(ids), dtype=np.int8), delete=True)


class ImpossibleEdits(Insider):
    fails = "keeps the rules in every field"

    def change(self, brief, ids):
        records = brief.known.records[ids]
        return Tamper(ids, records=records if records.ndim == 1 else records + 0.37)


class DoesNotSayThatItTampers(Insider):
    fails = "keeps the rules in every field"
    wants = frozenset({Grant.SEND})


def broken(checks, thing):
    check = next(c for c in checks if c.name == type(thing).fails)
    with pytest.raises(Exception, match=r"\S") as failure:
        check.run(thing)
    return failure


@pytest.mark.parametrize("kind", [Sound, Insider])
def test_a_sound_attack_passes(kind):
    for check in causative_checks():
        check.run(kind())


@pytest.mark.parametrize("kind", [*Sound.__subclasses__(), *Insider.__subclasses__()], ids=lambda k: k.__name__)
def test_a_broken_attack_fails(kind):
    broken(causative_checks(), kind())


@dataclass(frozen=True)
class Holds:
    """A sound gate: holds records whose label the approved model contradicts most firmly."""

    def screen(self, batch, context):
        told = context.approved.answer(batch.data.records, frozenset({Grant.LABEL, Grant.SCORE}))
        far = np.abs(np.asarray(told.scores) - batch.data.labels) > 0.99
        return Screening(~far, (f"{int(far.sum())} held",))


class HoldsAll(Holds):
    fails = "lets an honest batch through"

    def screen(self, batch, context):
        return Screening(np.zeros(len(batch.data), dtype=bool), ("all",))


class SaysNothing(Holds):
    fails = "says why, if it holds any"

    def screen(self, batch, context):
        return Screening(np.arange(len(batch.data)) > 1)


class OneAnswer(Holds):
    fails = "says of each record whether to train on it"

    def screen(self, batch, context):
        return Screening(np.array(True), ("one",))


class Numbers(Holds):
    fails = "says of each record whether to train on it"

    def screen(self, batch, context):
        return Screening(np.ones(len(batch.data)), ("scores",))


class ByLot(Holds):
    fails = "same seed, same screening"

    def screen(self, batch, context):
        return Screening(np.random.default_rng().random(len(batch.data)) > 0.1, ("by lot",))


class NeedsTwoClasses(Holds):
    fails = "says of each record whether to train on it"

    def screen(self, batch, context):
        limit = batch.data.records[batch.data.labels == 0][0]
        return Screening(np.ones(len(batch.data), dtype=bool), (f"as {limit}",))


class Writes(Holds):
    fails = "leaves alone what it was handed"

    def screen(self, batch, context):
        batch.sources.flags.writeable = True
        batch.sources[:] = "nobody"
        return Screening(np.ones(len(batch.data), dtype=bool))


def test_a_sound_gate_passes():
    for check in gate_checks():
        check.run(Holds())


@pytest.mark.parametrize("kind", Holds.__subclasses__(), ids=lambda k: k.__name__)
def test_a_broken_gate_fails(kind):
    broken(gate_checks(), kind())
