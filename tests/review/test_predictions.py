"""Review of predictions: promises of detectors, what is planted is named, sound models are quiet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.review.predicted import mail, numbers, reviewed, split, table, trained
from vauban.catalogue import PREDICTIONS
from vauban.contracts import Labelled
from vauban.monitors.beside import surplus
from vauban.monitors.dossier import Signal
from vauban.monitors.predictions import PredictionDetector, Predictions
from vauban.monitors.slices import holm
from vauban.monitors.unlike import Unlike
from vauban.review.examine import examine_predictions
from vauban.review.performance import GAMED, performance
from vauban.review.ranking import Ranking
from vauban.targets.leaves import leaves_of
from vauban.testing.detectors import detector_checks


@pytest.fixture(scope="module")
def made() -> dict[str, Predictions]:
    return {"messages": mail("pseudospam")[0], "table": table("backdoor")[0]}


@pytest.mark.parametrize("kind", ["messages", "table"])
@pytest.mark.parametrize("name", sorted(PREDICTIONS))
def test_every_detector_keeps_its_promises(name: str, kind: str, made: dict[str, Predictions]) -> None:
    detector = PREDICTIONS[name].make()
    if detector.unfit(made[kind]) is not None:
        assert len(detector.unfit(made[kind])) > 10
        return
    for check in detector_checks():
        check(detector, made[kind])


@pytest.mark.parametrize("name", sorted(PREDICTIONS))
def test_what_a_detector_needs_and_does_not_have_is_said(name: str, made: dict[str, Predictions]) -> None:
    bare = replace(
        made["messages"], before=None, scores=None, scores_before=None, truth=None, training=None, trusted=None
    )
    reason = PREDICTIONS[name].make().unfit(replace(bare, sources=None))
    assert reason is not None
    assert len(reason) > 10


@dataclass(frozen=True)
class _Broken:
    """A detector that breaks one promise."""

    break_: Callable[[Signal, Predictions], Signal]

    def unfit(self, dossier: Predictions) -> str | None:
        return None

    def score(self, dossier: Predictions) -> Signal:
        return self.break_(PREDICTIONS["changed"].make().score(dossier), dossier)


def _by_place(signal: Signal, dossier: Predictions) -> Signal:
    p = np.where(np.arange(len(dossier)) < 40, 1e-4, 1.0)
    return replace(signal, score=-np.log(p), p=p, why=np.full(len(p), "it comes early", dtype=object))


def _writes(signal: Signal, dossier: Predictions) -> Signal:
    dossier.labels[:3] = 1 - dossier.labels[:3]
    return signal


@pytest.mark.parametrize(
    "broken",
    [
        lambda s, d: replace(s, p=s.p + 0.5),
        lambda s, d: replace(s, score=s.score[:-1]),
        lambda s, d: replace(s, score=np.full(len(s.score), np.inf)),
        lambda s, d: replace(s, p=np.where(np.isneginf(s.score), 0.5, s.p)),
        _by_place,
        _writes,
    ],
    ids=["p above 1", "too short", "inf", "an opinion where it has none", "goes by the place", "writes"],
)
def test_a_broken_detector_is_noticed(broken: Callable[[Signal, Predictions], Signal]) -> None:
    dossier = mail()[0]
    detector: PredictionDetector = _Broken(broken)
    with pytest.raises(AssertionError):
        _all(detector, dossier)


def _all(detector: PredictionDetector, dossier: Predictions) -> None:
    for check in detector_checks():
        check(detector, dossier)


def first(dossier: Predictions, looks: int) -> np.ndarray:
    """The first records of the queue, before anybody gave a verdict."""
    signals = examine_predictions(dossier).signals
    order = Ranking({k: s.score for k, s in signals.items()}, {k: s.p for k, s in signals.items()}, family=None, seed=0)
    rows = []
    for _ in range(looks):
        look = order.next()
        assert look is not None
        order.pass_over(look.row)
        rows.append(look.row)
    return np.array(rows)


@pytest.mark.parametrize(
    ("kind", "reason", "said", "share"),
    [
        ("threshold", "changed", "the threshold was moved from 0.5 to 0.52", 0.9),
        ("source", "slice", "source broker: ", 0.5),
        ("backdoor", "score-slice", "= 1.", 0.5),
    ],
)
def test_what_is_wrong_with_a_candidate_is_named_and_comes_first(
    kind: str, reason: str, said: str, share: float
) -> None:
    dossier, concerned = table(kind)
    examined = examine_predictions(dossier)
    assert any(said in line for line in examined.findings[reason]), examined.findings
    assert concerned.sum() >= 5  # how many decisions change depends on the release of scikit-learn
    assert concerned[first(dossier, 50)].sum() >= share * min(concerned.sum(), 50)


def test_without_labels_a_backdoor_is_still_found() -> None:
    examined = examine_predictions(table("backdoor", labels=False)[0])
    assert any("= 1.234" in line or "= 1.111" in line for line in examined.findings["score-slice"])
    assert "outcome" in {s.attack for s in examined.skipped}


def test_a_campaign_that_was_trained_in_is_named_by_its_words() -> None:
    dossier, concerned = mail("pseudospam")
    examined = examine_predictions(dossier)
    words = ("zorbic", "pilfex", "quandor", "mirtel")
    lines = [*examined.findings.get("score-slice", ()), *examined.findings.get("slice", ())]
    assert any(w in line for line in lines for w in words), examined.findings
    assert concerned[first(dossier, 50)].sum() >= 0.8 * concerned.sum()


@pytest.mark.parametrize("make", [table, mail])
def test_sound_retrainings_are_quiet(make: Callable[..., tuple[Predictions, np.ndarray]]) -> None:
    for seed in range(2):
        examined = examine_predictions(make(None, seed)[0])
        assert not examined.alarm, examined.findings


def test_scores_that_stop_just_inside_the_threshold_are_a_pile_up_unless_the_training_data_do_too() -> None:
    dossier, _ = table()
    assert dossier.scores is not None
    moved = dossier.scores.copy()
    rows = np.flatnonzero(dossier.labels == 1)[:60]
    moved[rows] = 0.5 - np.linspace(1e-4, 0.006, 60)
    piled = replace(dossier, scores=moved, labels=(moved >= 0.5).astype(np.int8), training=None, trusted=None)
    signal = PREDICTIONS["pile-up"].make().score(piled)
    assert any("just inside the threshold" in line for line in signal.alarm)
    assert np.isfinite(signal.score[rows]).all()
    assert not PREDICTIONS["pile-up"].make().score(dossier).alarm


def test_a_column_that_bunches_where_the_training_data_do_not_is_a_pile_up() -> None:
    dossier, _ = table()
    records = dossier.records.copy()
    rows = np.flatnonzero(dossier.labels == 0)[:40]
    records[rows, 3] = 49_990 + np.arange(40) % 10
    signal = PREDICTIONS["pile-up"].make().score(replace(dossier, records=records))
    assert any("income" in line and "50000" in line for line in signal.alarm), signal.alarm
    assert np.isfinite(signal.score[rows]).all()
    # The training data have it too: no signal.
    assert dossier.training is not None
    heaped = dossier.training.records.copy()
    heaped[:120, 3] = 49_990 + np.arange(120) % 10
    training = Labelled(heaped, dossier.training.labels)
    quiet = PREDICTIONS["pile-up"].make().score(replace(dossier, records=records, training=training))
    assert not any("50000" in line for line in quiet.alarm)


def test_a_source_that_gets_through_too_often_is_named() -> None:
    dossier, _ = table()
    assert dossier.sources is not None
    sources, decided = dossier.sources.copy(), dossier.labels.copy()
    assert dossier.truth is not None
    rows = np.flatnonzero(dossier.truth == 1)[:80]
    sources[rows], decided[rows] = "friend", 0
    for beside in ({}, {"training": None, "trusted": None}):
        signal = PREDICTIONS["source-rate"].make().score(replace(dossier, sources=sources, labels=decided, **beside))
        assert any("source friend: 100 % of 80 records pass" in line for line in signal.alarm), signal.alarm
        assert len([x for x in signal.alarm if "friend" not in x]) == 0


def test_late_labels_that_contradict_the_decision_come_first_where_the_model_was_sure() -> None:
    dossier, _ = table()
    assert dossier.truth is not None
    truth = dossier.truth.copy()
    truth[100:] = -1
    signal = PREDICTIONS["outcome"].make().score(replace(dossier, truth=truth))
    wrong = np.flatnonzero((truth >= 0) & (truth != dossier.labels))
    assert np.array_equal(np.flatnonzero(np.isfinite(signal.score)), wrong)
    assert np.argmax(signal.score) == wrong[np.argmax(np.abs(dossier.height[wrong]))]


def test_more_errors_than_among_the_verified_are_told() -> None:
    dossier, _ = table()
    assert dossier.truth is not None
    turned = np.where(np.arange(len(dossier)) % 3 == 0, 1, dossier.truth).astype(np.int8)
    assert PREDICTIONS["outcome"].make().score(replace(dossier, truth=turned)).alarm
    assert not PREDICTIONS["outcome"].make().score(dossier).alarm


def test_the_distance_of_output_configurations_is_the_share_of_leaves_not_shared() -> None:
    data, schema = numbers()
    train, log = split(data, 1500, 300)[:2]
    target = trained(train, schema)
    leaves = leaves_of(target)
    assert leaves is not None
    there, here = leaves(train.records, None), leaves(log.records, None)
    dossier = reviewed(log.records, None, target, None, training=train)
    signal = Unlike().score(dossier)
    for i in range(0, 300, 37):
        base = there[train.labels == dossier.labels[i]]
        shared = max(float((row == here[i]).mean()) for row in base)
        assert signal.score[i] == pytest.approx(1 - shared, abs=1e-6)


def test_leaves_are_those_that_the_model_predicts_by() -> None:
    data, schema = numbers(rows=1500)
    records = data.records.copy()
    records[::7, 0] = np.nan
    target = trained(Labelled(records, data.labels), schema)
    leaves = leaves_of(target)
    assert leaves is not None
    model = target.estimator
    found, nodes = leaves(records, None), [t.nodes for group in model._predictors for t in group]
    margin = sum(n["value"][found[:, k]] for k, n in enumerate(nodes)) + model._baseline_prediction.ravel()[0]
    assert np.allclose(margin, model.decision_function(records))
    assert np.array_equal(leaves(records, np.array([3, 5])), found[:, [3, 5]])


def test_holm_and_surplus_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03]), 3).tolist() == pytest.approx([0.03, 0.06, 0.06])
    known = np.arange(99.0)
    assert surplus(np.full(10, 98.5), known, (0,)).chance == pytest.approx(1 / _choose(109, 10), rel=1e-6)
    rng = np.random.default_rng(0)
    alarms = sum(surplus(rng.normal(size=400), rng.normal(size=150)).chance <= 0.05 for _ in range(400))
    assert alarms <= 32  # 5 % of 400, and 3 standard deviations


def _choose(n: int, k: int) -> float:
    from math import comb

    return float(comb(n, k))


def test_what_cannot_be_known_without_labels_is_said_and_the_estimate_is_marked() -> None:
    dossier, _ = table(labels=False)
    said = " ".join(performance(dossier))
    assert "cannot be said" in said
    assert GAMED in said
    known = " ".join(performance(table()[0]))
    assert "harmful records pass (95 %" in known
    assert GAMED not in known
