"""Detectors: what each promises, on every line of the catalogue; what they find; and that broken ones are noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.review.planted import of_applicants, of_messages
from vauban.catalogue import DETECTORS
from vauban.monitors import segments
from vauban.monitors.dossier import Detector, Dossier, Signal
from vauban.review.examine import SCRAMBLED, examine, hygiene, order_of
from vauban.review.ranking import AGREED, Ranking
from vauban.testing.detectors import detector_checks

CHECKS = detector_checks()


def with_arrivals(dossier: Dossier) -> Dossier:
    rng = np.random.default_rng(3)
    sources = np.array([f"source {i}" for i in rng.integers(12, size=len(dossier))], dtype=object)
    return replace(dossier, sources=sources, batches=np.arange(len(dossier)) * 8 // len(dossier))


@pytest.fixture(scope="module")
def dossiers() -> dict[str, Dossier]:
    return {"messages": with_arrivals(of_messages("flips")[0]), "table": with_arrivals(of_applicants()[0])}


@pytest.mark.parametrize("kind", ["messages", "table"])
@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_every_detector_keeps_its_promises(name: str, kind: str, dossiers: dict[str, Dossier]) -> None:
    detector = DETECTORS[name].make()
    if detector.unfit(dossiers[kind]) is not None:
        assert len(detector.unfit(dossiers[kind])) > 10
        return
    for check in CHECKS:
        check(detector, dossiers[kind])


@dataclass(frozen=True)
class _Broken:
    """A detector that breaks one promise."""

    break_: Callable[[Signal, Dossier], Signal]

    def unfit(self, dossier: Dossier) -> str | None:
        return None

    def score(self, dossier: Dossier) -> Signal:
        return self.break_(DETECTORS["trusted"].make().score(dossier), dossier)


def _all(detector: Detector, dossier: Dossier) -> None:
    for check in CHECKS:
        check(detector, dossier)


def _writes(signal: Signal, dossier: Dossier) -> Signal:
    dossier.view.linear.data[:3] = 7.0
    return signal


def _chance(signal: Signal, dossier: Dossier) -> Signal:
    return replace(signal, score=np.random.default_rng().normal(size=len(signal.score)))


@pytest.mark.parametrize(
    "broken",
    [
        lambda s, d: replace(s, p=s.p + 0.5),
        lambda s, d: replace(s, score=s.score[:-1]),
        lambda s, d: replace(s, score=np.full(len(s.score), np.nan)),
        lambda s, d: replace(s, why=np.full(len(s.why), "", dtype=object)),
        _writes,
        _chance,
    ],
    ids=["p above 1", "too short", "nan", "no reasons", "writes into what it is handed", "random"],
)
def test_a_broken_detector_is_noticed(broken: Callable[[Signal, Dossier], Signal]) -> None:
    dossier, _ = of_messages("flips")
    detector: Detector = _Broken(broken)
    with pytest.raises(AssertionError):
        _all(detector, dossier)


def found(dossier: Dossier, planted: np.ndarray, looks: int) -> int:
    """How many planted records a perfect reviewer finds with so many looks."""
    ranking = order_of(dossier, examine(dossier).signals, 0)
    hits = 0
    for _ in range(looks):
        look = ranking.next()
        assert look is not None
        ranking.tell(look.row, look.reason, bool(planted[look.row]))
        hits += int(planted[look.row])
    return hits


@pytest.mark.parametrize(
    ("kind", "looks", "share"),
    [("flips", 60, 0.75), ("campaign", 40, 0.9), ("trigger", 60, 0.9), ("dictionary", 30, 0.9)],
)
def test_what_was_planted_among_messages_is_found(kind: str, looks: int, share: float) -> None:
    dossier, planted = of_messages(kind)  # some of the generated messages have a wrong label of their own
    assert found(dossier, planted, looks) >= share * planted.sum()


def test_a_campaign_among_applicants_is_found_and_alarms() -> None:
    dossier, planted = of_applicants("campaign")
    assert found(dossier, planted, 60) >= 0.9 * planted.sum()


@pytest.mark.parametrize("made", [of_messages, of_applicants])
def test_nothing_planted_is_no_alarm(made: Callable[..., tuple[Dossier, np.ndarray]]) -> None:
    for seed in range(3):
        examined = examine(made(None, seed)[0])
        assert not examined.alarm, examined.findings


def test_scrambled_labels_are_told_in_one_line() -> None:
    dossier, _ = of_messages()
    shuffled = replace(dossier, labels=np.random.default_rng(0).permutation(dossier.labels))
    lines = hygiene(shuffled)
    assert sum(line.startswith(SCRAMBLED) for line in lines) == 1
    assert not any(line.startswith(SCRAMBLED) for line in hygiene(dossier))


def test_copies_with_both_labels_are_told() -> None:
    dossier, _ = of_messages()
    records = dossier.records.copy()
    records[1], labels = records[0], dossier.labels.copy()
    labels[1] = 1 - labels[0]
    assert any("exact copies" in line for line in hygiene(replace(dossier, records=records, labels=labels)))


def test_what_sections_count_is_a_matrix_product() -> None:
    dossier, _ = of_applicants("campaign")
    traits, _, column = dossier.view.sections()
    dense, weights = traits.toarray(), np.stack([np.ones(len(dossier)), dossier.labels.astype(float)])
    sums = segments._sums(dossier, column, weights)
    for total, weight in zip(sums, weights, strict=True):
        np.testing.assert_allclose(total, (dense * weight[:, None]).T @ dense)


def test_what_judges_of_labels_agree_on_is_read_before_what_one_of_them_says() -> None:
    rng = np.random.default_rng(0)
    turned = np.arange(2000) < 60
    judges = {name: 0.3 * turned + rng.uniform(0, 0.6, 2000) for name in ("label", "trusted", "approved")}
    order = Ranking(judges, seed=0)
    head = {name: int(turned[rows[:60]].sum()) for name, rows in order._orders.items()}
    assert head[AGREED] > max(head[name] for name in judges)
    assert AGREED not in Ranking({"label": judges["label"], "shape": judges["trusted"]}, seed=0)._orders


@pytest.mark.parametrize(("said", "rests"), [((0, 1, 0), False), ((0,), False), ((0, 0), True), ((1, 0, 0), False)])
def test_an_honest_original_and_one_wrong_word_do_not_put_a_campaign_last(said, rests):
    """Of 30 near-copies one is the honest record that they were made of: what was said, and whether the rest waits."""
    family = np.concatenate([np.zeros(30, dtype=np.int64), np.arange(1, 71)])
    order = Ranking({"copies": -np.arange(100.0)}, family=family, seed=0)
    for row, poison in enumerate(said):
        order.tell(row, "copies", bool(poison))
    assert bool(order._rests[len(said) : 30].any()) is rests
    assert not order._rests[30:].any()
