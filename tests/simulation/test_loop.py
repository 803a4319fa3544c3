"""The loop on generated data: what is planted comes out, what is not attacked stays as it is."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from vauban.contracts import LABEL, Labelled, RoundOutcome, Send, Tamper, no_scouting
from vauban.errors import BadInput, BudgetSpent, ContractViolation
from vauban.monitors.frozen_reference import FrozenReference
from vauban.monitors.source_cap import SourceCap
from vauban.records import Modality
from vauban.results import to_json
from vauban.scenarios import scenario
from vauban.simulation.hand import Attacker
from vauban.simulation.labelling import POLICIES
from vauban.simulation.loop import play
from vauban.simulation.run import run_simulation
from vauban.simulation.stage import set_stage
from vauban.threat import Cell, Grant


@pytest.fixture(scope="module")
def spam():
    return scenario("spam").system("generated-spam", "logistic-regression", 0)


@pytest.fixture(scope="module")
def pseudospam(spam):
    return run_simulation(spam, "pseudospam", labels="feedback", share=0.04, rounds=4, gates=["frozen-reference"])


def last(result, name):
    return result.film(name).rounds[-1]


def test_the_campaign_passes_while_all_else_stays(pseudospam):
    attacked, clean = last(pseudospam, "attacked"), last(pseudospam, "clean")
    assert attacked.probe_success.value > 0.8
    assert attacked.probe_success.low > clean.probe_success.high
    assert abs(attacked.error.value - clean.error.value) < 0.02
    assert attacked.plain_success.value < 0.3


def test_a_gate_stops_some_of_it_and_costs_few_clean_records(pseudospam):
    film = pseudospam.film("defended")
    assert sum(r.held_poison for r in film.rounds) >= 0.5 * sum(r.collected_poison for r in film.rounds)
    assert last(pseudospam, "defended").probe_success.value < last(pseudospam, "attacked").probe_success.value
    quiet = pseudospam.film("gates without attack")
    assert sum(r.held_clean for r in quiet.rounds) <= 0.05 * sum(r.collected for r in quiet.rounds)


def test_result_json_has_the_names_that_other_programs_read(pseudospam):
    result = to_json(pseudospam)
    assert {"scenario", "data", "model", "attack", "gate", "share", "seed", "clean", "rounds"} <= set(result)
    assert {"fnr", "fpr", "probe_success", "loss"} <= set(result["clean"])
    wanted = "round fnr fpr slice_error probe_success loss sent collected collected_poison held_poison held_clean"
    assert set(wanted.split()) <= set(result["rounds"][0])
    assert set(result["clean"]["fnr"]) == {"value", "low", "high", "n"}
    frame = pseudospam.frame()
    assert set(frame["film"]) == {"clean", "attacked", "defended", "gates without attack"}
    assert len(frame) == 16


def test_same_seed_same_film(spam, pseudospam):
    again = run_simulation(spam, "pseudospam", labels="feedback", share=0.04, rounds=4)
    assert again.film("attacked") == pseudospam.film("attacked")


def test_the_share_of_what_is_collected_is_his(pseudospam):
    for turn in pseudospam.film("attacked").rounds:
        assert turn.collected_poison / turn.collected == pytest.approx(0.04, abs=0.005)


def test_the_deployed_model_is_never_changed(spam):
    probe = spam.target.schema.encode(spam.parts.victims.frame)
    before = spam.target.answer(probe, spam.target.grants & {Grant.LABEL, Grant.SCORE})
    run_simulation(spam, "far-flips", share=0.1, rounds=2)
    after = spam.target.answer(probe, spam.target.grants & {Grant.LABEL, Grant.SCORE})
    assert np.array_equal(before.scores, after.scores)


def test_without_exploring_nothing_is_asked(spam):
    film = run_simulation(spam, "pseudospam", labels="feedback", share=0.04, rounds=2, explore=False).film("attacked")
    assert film.rounds[-1].asked == 0
    assert film.learnt == ()


def test_far_flips_do_more_than_random_ones():
    credit = scenario("credit").system("generated-credit", "logistic-regression", 0)
    fixed = replace(credit.trainer, quantile=None, threshold=0.25)  # a quantile would move with the scores
    credit = replace(credit, trainer=fixed)
    error = {}
    for attack in ("random-flips", "far-flips"):
        result = run_simulation(credit, attack, share=0.15, rounds=2, cell="CI")
        error[attack] = last(result, "attacked").fnr.value - last(result, "clean").fnr.value
        assert sum(r.altered for r in result.film("attacked").rounds) > 100
    assert error["far-flips"] > error["random-flips"] + 0.02


# --- the rules of the game ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Scripted:
    """Makes the moves that it is told to make."""

    moves: tuple
    wants: frozenset = frozenset({Grant.SEND})
    modalities = frozenset({Modality.TEXT})
    heard: tuple = ()

    def scout(self, brief):
        return no_scouting(_Nothing())

    def campaign(self, intelligence, brief):
        try:
            for move in self.moves:
                heard = yield move(brief) if callable(move) else move
                HEARD.append(heard)
        except BudgetSpent:
            HEARD.append("spent")
        return ()

    def dress(self, records, intelligence, brief):
        return records


@dataclass(frozen=True)
class _Nothing:
    effects: tuple = ()


HEARD = []


def played(spam, attack, gates=(), rounds=2, policy="oracle"):
    HEARD.clear()
    stage = set_stage(spam, rounds, None, None, True)
    attacker = Attacker("scripted", attack, Cell.CI, 0.02)
    return stage, play(stage, attacker, POLICIES[policy], gates, 0, "x", lambda *_: None, Cell.CI).film


def many(brief):
    return Send(np.repeat(brief.known.records[:1], brief.campaign.sends + 1))


def test_nobody_sends_more_than_he_may(spam):
    with pytest.raises(ContractViolation, match="are granted"):
        played(spam, Scripted((many,)))


def test_nobody_tampers_without_the_grant(spam):
    with pytest.raises(ContractViolation, match="not granted"):
        played(spam, Scripted((Tamper(np.array([0]), labels=np.array([1], dtype=np.int8)),)))


def test_only_an_insider_sees_what_was_stored_and_the_last_round_ends_it(spam):
    empty = Send(np.empty(0, dtype=object))
    _, film = played(spam, Scripted((empty,) * 9))
    assert len(film.rounds) == 2
    assert [h if h == "spent" else (h.round, h.stored) for h in HEARD] == [(1, None), "spent"]
    insider = Scripted((empty,) * 9, wants=frozenset({Grant.SEND, Grant.TAMPER}))
    stage, _ = played(spam, insider)
    assert isinstance(HEARD[0], RoundOutcome)
    assert len(HEARD[0].stored) == len(HEARD[0].ids) == len(stage.rounds[0])
    assert HEARD[0].ids[0] == len(stage.first)


def test_an_insider_alters_no_more_than_he_may(spam):
    def first(count):
        return lambda brief: Tamper(np.arange(count), labels=(1 - brief.known.labels[:count]).astype(np.int8))

    stage = set_stage(spam, 2, None, None, True)
    each = len(stage.rounds[0])
    granted = round(round(0.02 * each) / each * len(stage.first))
    inside = frozenset({Grant.TAMPER})
    played(spam, Scripted((first(granted),), wants=inside))
    with pytest.raises(ContractViolation, match=f"; {granted} are granted"):
        played(spam, Scripted((first(granted + 1),), wants=inside))


@pytest.mark.parametrize("share", [0.019, 0.024, 0.044])
def test_an_insider_keeps_to_what_is_granted_however_shares_are_rounded(spam, share):
    result = run_simulation(spam, "random-flips", share=share, rounds=8, traffic=35, explore=False)
    assert sum(r.altered for r in result.film("attacked").rounds) > 0


def test_what_is_deleted_is_trained_on_no_more(spam):
    some = lambda brief: Tamper(np.flatnonzero(brief.known.labels == 1)[:5], delete=True)  # noqa: E731
    stage, film = played(spam, Scripted((some,), wants=frozenset({Grant.TAMPER})))
    trained = []

    class Watched:
        def fit(self, data, start=None):
            trained.append(data)
            return stage.trainer.fit(data, start)

    attacker = Attacker("scripted", Scripted((some,), wants=frozenset({Grant.TAMPER})), Cell.CI, 0.02)
    watched = replace(stage, trainer=Watched())
    play(watched, attacker, POLICIES["oracle"], (), 0, "x", lambda *_: None, Cell.CI)
    assert film.rounds[0].altered == 5
    assert [len(d) for d in trained[:2]] == [len(stage.first), len(stage.first) - 5 + film.rounds[0].collected]


def test_an_insider_is_told_what_lies_in_the_slice(spam):
    from vauban.filters import Filter

    where = Filter("text contains free")
    stage = set_stage(spam, 2, None, where, True)
    HEARD.clear()
    insider = Scripted((Send(np.empty(0, dtype=object)),) * 3, wants=frozenset({Grant.TAMPER}))
    attacker = Attacker("scripted", insider, Cell.CI, 0.02)
    play(stage, attacker, POLICIES["oracle"], (), 0, "x", lambda *_: None, Cell.CI)
    assert 0 < stage.first_aimed.sum() < len(stage.first)
    assert HEARD[0].aimed.tolist() == ["free" in text.lower() for text in HEARD[0].stored.records]


def test_single_records_are_the_probes_and_he_knows_them(spam):
    stage = set_stage(spam, 2, None, None, True, None, 3, 1)
    assert len(stage.probes) == 3
    assert stage.known.chosen.tolist() == stage.probes.tolist()
    assert set(stage.probes) <= set(set_stage(spam, 2, None, None, True).probes)
    other = set_stage(spam, 2, None, None, True, None, 3, 2)
    assert other.probes.tolist() != stage.probes.tolist()


def test_a_record_passes_once_its_like_are_learnt_as_good(spam):
    result = run_simulation(spam, "near-record", chosen=1, share=0.03, rounds=3, labels="feedback", seed=3)
    assert last(result, "clean").probe_success.value == 0
    assert last(result, "attacked").probe_success.value == 1
    assert abs(last(result, "attacked").error.value - last(result, "clean").error.value) < 0.02
    assert result.specificity == "targeted"


@dataclass(frozen=True)
class Rude:
    """A gate that answers for too few records, or writes into what it is handed."""

    writes: bool

    def screen(self, batch, context):
        if self.writes:
            batch.data.records[0] = "mine"
        from vauban.contracts import Screening

        return Screening(np.ones(1, dtype=bool))


def test_gates_are_held_to_their_contract(spam):
    quiet = Scripted(())
    with pytest.raises(ContractViolation, match="must say of each"):
        played(spam, quiet, [("rude", Rude(writes=False))])
    with pytest.raises(ValueError, match="read-only"):
        played(spam, quiet, [("rude", Rude(writes=True))])


def test_auto_learning_labels_by_score_alone(spam):
    stage = set_stage(spam, 2, None, None, True)
    _, film = played(spam, Scripted(()), policy="auto-learn")
    model = stage.trainer.fit(stage.first)
    scores = model.answer(stage.rounds[0].records, model.grants & {Grant.LABEL, Grant.SCORE}).scores
    assert film.rounds[0].collected == int(((scores <= 0.1) | (scores >= 0.9)).sum())


def test_the_parts_of_the_stage_are_disjoint(spam):
    stage = set_stage(spam, 3, None, None, True)
    texts = [set(part.records) for part in (stage.first, *stage.rounds, stage.trusted, stage.quiz)]
    texts.append(set(stage.probes))
    assert sum(map(len, texts)) == len(set().union(*texts))
    assert (stage.trusted.labels == 1).any()


# --- gates, alone --------------------------------------------------------------------------------------


def test_no_more_is_measured_on_than_is_asked_for(spam):
    whole, part = (set_stage(spam, 2, None, None, True, held=held) for held in (None, 100))
    sizes = [len(s.trusted) + len(s.quiz) + len(s.probes) for s in (whole, part)]
    assert sizes[1] == 100 < sizes[0]
    assert set(part.probes) <= set(spam.target.schema.encode(spam.parts.victims.frame))
    assert len(part.first) == len(whole.first)


def test_a_source_is_capped_and_others_are_not(spam):
    from vauban.contracts import Batch

    records = np.array([f"text {i}" for i in range(100)], dtype=object)
    batch = Batch(Labelled(records, np.zeros(100, dtype=np.int8)), np.array(["a"] * 30 + ["b", "c"] * 35), 1)
    context = type("C", (), {"seed": (0,)})()
    train = SourceCap(share=0.2).screen(batch, context).train
    assert [int(train[batch.sources == s].sum()) for s in "abc"] == [20, 20, 20]


def test_the_frozen_reference_is_calibrated_on_trusted_records(spam):
    from vauban.contracts import Batch, GateContext

    stage = set_stage(spam, 2, None, None, True)
    model = stage.trainer.fit(stage.first)
    context = GateContext(stage.schema, stage.trainer, stage.first, stage.quiz, model)
    clean = stage.rounds[0]
    wrong = replace(clean, labels=(1 - clean.labels).astype(np.int8))
    sources = np.array(["x"] * len(clean))
    held = [1 - FrozenReference().screen(Batch(d, sources, 1), context).train.mean() for d in (clean, wrong)]
    assert held[0] < 0.05
    assert held[1] > 5 * held[0] + 0.1
    assert model.answer(clean.records, LABEL) is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"attack": "nosuch"}, "Unknown attack on training"),
        ({"labels": "nobody"}, "Unknown labelling"),
        ({"gates": ["wall"]}, "Unknown gate"),
        ({"share": 0.7}, "between 0 and 0.5"),
        ({"rounds": 500}, "Ask for fewer rounds"),
        ({"cell": "CA"}, "Unknown cell"),
        ({"where": "text contains zzzzzz"}, "selects no record"),
        ({"chosen": 10_000}, "to choose from"),
        ({"share": 0.01, "traffic": 35}, "is not one record"),
    ],
)
def test_bad_input_is_one_clear_error(spam, words, said):
    with pytest.raises(BadInput, match=said):
        run_simulation(spam, **{"attack": "pseudospam", "rounds": 2, **words})


def test_a_system_without_a_trainer_is_refused(spam):
    with pytest.raises(BadInput, match="no trainer"):
        run_simulation(replace(spam, trainer=None), "pseudospam")
