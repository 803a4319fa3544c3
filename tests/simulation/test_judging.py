"""Judging a campaign, and fits that are not repeated: planted probes and planted faults."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from vauban.contracts import Answers, Labelled
from vauban.records import messages
from vauban.results import Rate, to_json
from vauban.schema import TextSchema
from vauban.simulation import fits
from vauban.simulation.fits import Counted, Effort, Remembering, name_of
from vauban.simulation.found import _cost
from vauban.simulation.loop import Played
from vauban.simulation.outcome import Film, Measured, Round, film_from, measured_from
from vauban.simulation.plays import Ended
from vauban.simulation.probed import Probed, judge
from vauban.simulation.stage import Stage
from vauban.threat import Cell, Decision, Grant

SCHEMA = TextSchema(longest=60)
LONG = "x" * 61


@dataclass(frozen=True)
class Blocks:
    """Blocks what holds any of these words; alone in a batch, it passes what holds ``shy``."""

    words: tuple
    shy: str = "nothing"
    schema = SCHEMA
    grants = frozenset({Grant.LABEL, Grant.SCORE})

    def answer(self, records, want):
        bad = np.array([any(w in t for w in self.words) for t in records], dtype=bool)
        if len(records) > 2:
            bad &= np.array([self.shy not in t for t in records], dtype=bool)
        return Answers(np.where(bad, Decision.BLOCK, Decision.PASS).astype(np.int8), bad * 1.0)


def stage(probes):
    none = Labelled(probes[:0], np.empty(0, dtype=np.int8))
    aimed = np.empty(0, dtype=bool)
    ids = np.arange(len(probes)) + 100
    return Stage(SCHEMA, None, none, aimed, (), (), none, aimed, none, probes, None, None, 0.5, ids)


def judged(clean, poisoned, texts, dressed=None, cell=Cell.CI):
    probes = messages(texts)
    dressed = probes if dressed is None else messages(dressed)
    told = poisoned.answer(dressed, frozenset()).decisions
    won = told == Decision.PASS if cell is Cell.CI else told != Decision.PASS
    return judge(stage(probes), Played(None, None, (won,), dressed, poisoned), clean, cell)


def test_what_passes_without_him_is_no_success():
    probed = judged(Blocks(("prize", "loan")), Blocks(("loan",)), ["prize a", "hello b", "loan c", "prize d"])
    assert probed.won.tolist() == [0, 3]
    assert probed.before.tolist() == [1]
    assert probed.victims.tolist() == [True, False, True, True]
    assert [e.victim_id for e in probed.examples] == [100, 103]
    assert probed.examples[0].score_before == 1
    assert probed.examples[0].score_after == 0


def test_the_same_model_twice_has_no_success():
    model = Blocks(("prize",))
    assert not len(judged(model, model, ["prize a", "hello b", "prize c"]).won)


def test_what_only_a_batch_says_is_no_success():
    clean, poisoned = Blocks(("prize", "shy")), Blocks(("prize", "shy"), shy="shy")
    assert poisoned.answer(messages(["shy", "prize", "hello"]), frozenset()).decisions[0] == Decision.PASS
    assert not len(judged(clean, poisoned, ["shy a", "prize b", "hello c"]).won)


def test_a_record_that_cannot_be_made_is_no_success():
    clean, poisoned = Blocks(("x", "prize")), Blocks(())
    probed = judged(clean, poisoned, ["prize a", "prize b", "prize c"], ["prize a", LONG, "prize c hello"])
    assert probed.won.tolist() == [0, 2]
    assert probed.possible.tolist() == [True, False, True]


def test_availability_is_good_records_that_do_not_pass():
    probed = judged(Blocks(("prize",)), Blocks(("prize", "hello")), ["hello a", "bye b", "hello prize"], cell=Cell.CA)
    assert probed.won.tolist() == [0]
    assert probed.before.tolist() == [2]


def test_what_was_judged_is_read_as_it_was_written():
    probed = judged(Blocks(("prize", "loan")), Blocks(("loan",)), ["prize a", "hello b", "loan c"])
    again = Probed.read(probed.written())
    assert again.written() == probed.written()
    assert again.examples == probed.examples


def test_a_film_is_read_as_it_was_written():
    nothing = Rate(float("nan"), float("nan"), float("nan"), 0)
    rate = Rate(0.5, 0.25, 0.75, 8)
    told = Measured(rate, rate, nothing, rate, rate, rate, None)
    turn = Round(1, *vars(told).values(), 3, 4, 0, 30, 3, 1, 2, True, 5, 1, 0, ("said",))
    film = Film("attacked", "mine", ("wall",), (turn, replace(turn, round=2)), ("word",))
    assert to_json(film_from(to_json(film))) == to_json(film)
    assert film_from(to_json(film)).rounds[0].fnr == rate
    assert to_json(measured_from(to_json(told))) == to_json(told)
    with pytest.raises(KeyError):
        film_from({**to_json(film), "rounds": [{}]})


def test_a_victim_costs_what_was_sent_until_it_passed_for_good():
    # Four probes: one passes from round 1 on, one from 3 on, one came and went, one passes without him.
    reached = tuple(np.array(r, dtype=bool) for r in ([1, 0, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1]))
    probed = Probed(4, np.array([3]), np.array([0, 1]), np.ones(4, dtype=bool), ())
    cost = _cost(Ended(None, None, reached, probed), probed, np.array([10, 25, 30]))
    assert cost.tolist() == [10, 30, np.inf]


# --- fits ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learns:
    """A trainer that counts what it really fits."""

    fitted: list
    name: str = "a"

    def fit(self, data, start=None):
        assert not isinstance(start, Counted)
        self.fitted.append(len(data))
        return Blocks(tuple(data.records[data.labels == 1]))


@pytest.fixture
def data(monkeypatch):
    monkeypatch.setattr(fits, "_remembered", type(fits._remembered)())
    return Labelled(messages(["prize", "hello", "loan"]), np.array([1, 0, 1], dtype=np.int8))


def test_the_same_fit_is_done_once_and_another_is_done(data):
    fitted = []
    one, two = (Remembering(Learns(fitted), "same", Effort()) for _ in range(2))
    first = one.fit(data)
    assert two.fit(data).base is first.base
    assert fitted == [3]
    assert (one.effort.fits, two.effort.fits) == (1, 0)
    flipped = Labelled(data.records, np.array([1, 1, 1], dtype=np.int8))
    assert two.fit(flipped).base != first.base
    assert two.fit(data.take(np.array([True, True, False]))).base != first.base
    assert Remembering(Learns(fitted), "another", Effort()).fit(data).base is not first.base
    assert fitted == [3, 3, 2, 3]


def test_a_fit_that_goes_on_from_another_model_is_another(data):
    fitted = []
    trainer = Remembering(Learns(fitted), "same", Effort())
    begun = trainer.fit(data)
    trainer.fit(data, begun)
    trainer.fit(data, begun)
    assert fitted == [3, 3]


def test_questions_are_counted_for_who_asks_them(data):
    trainers = [Remembering(Learns([]), "same", Effort()) for _ in range(2)]
    for trainer in trainers:
        trainer.fit(data).answer(data.records, frozenset())
    assert [(t.effort.model_calls, t.effort.rows_scored) for t in trainers] == [(1, 3), (1, 3)]


def test_few_models_are_remembered(data):
    trainer = Remembering(Learns([]), "same", Effort())
    for i in range(3 * fits.MOST):
        trainer.fit(Labelled(messages([str(i)]), np.array([1], dtype=np.int8)))
    assert len(fits._remembered) == fits.MOST


def test_trainers_are_told_apart_by_what_they_are():
    assert name_of(Learns([], "a")) == name_of(Learns([], "a"))
    assert name_of(Learns([], "a")) != name_of(Learns([], "b"))
    nameless = Learns([lambda: 0])
    assert name_of(nameless) != name_of(nameless)
