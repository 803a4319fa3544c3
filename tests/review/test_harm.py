"""What groups of suspects do to the model: exact, of the user's own trainer, in the reason and in the order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.review.planted import of_applicants, of_messages
from vauban.contracts import Labelled, Target
from vauban.errors import TargetError
from vauban.monitors.dossier import Dossier
from vauban.review.examine import HARM, Examined, examine
from vauban.review.harm import weighed
from vauban.review.intake import Taken
from vauban.scenarios import scenario


def taken(dossier: Dossier, trainer: object = None) -> Taken[Dossier]:
    n = len(dossier)
    times = np.datetime64("2026-11-03", "s") + np.arange(n) * np.timedelta64(1, "h")
    return Taken("data", None, np.arange(n).astype(str), dossier, times=times, trainer=trainer)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def campaign() -> tuple[Dossier, np.ndarray, Examined]:
    dossier, planted = of_messages("campaign", 1)
    sources = np.where(planted, "B12", "others").astype(object)
    dossier = replace(dossier, sources=sources)
    return dossier, planted, examine(dossier)


def test_the_reason_says_what_a_campaign_does(campaign: tuple[Dossier, np.ndarray, Examined]) -> None:
    dossier, planted, examined = campaign
    found = weighed(taken(dossier), examined, 10)
    signal = found.signals[HARM]
    worst = np.argsort(-signal.score, kind="stable")[: planted.sum()]
    assert planted[worst].mean() >= 0.9, "what does most is read first"
    why = str(signal.why[worst[0]])
    for said in (
        "source B12",
        "Nov 2026",
        "verified records like these are",
        "without them a model stops",
        "with them",
    ):
        assert said in why
    assert signal.p[worst[0]] < 0.05
    lines = [x for lines in found.findings.values() for x in lines]
    assert any("without them" in x for x in lines)
    assert all(signal.why[np.isfinite(signal.score)])


def test_what_a_reason_says_is_what_retraining_gives(campaign: tuple[Dossier, np.ndarray, Examined]) -> None:
    """The same by hand: train without the family, ask of the family."""
    from sklearn.linear_model import LogisticRegression

    dossier, planted, examined = campaign
    found = weighed(taken(dossier), examined, 10)
    x, y = dossier.view.linear, dossier.labels
    rows = np.flatnonzero(dossier.family == dossier.family[np.flatnonzero(planted)[0]])
    said = []
    for keep in (np.setdiff1d(np.arange(len(y)), rows), np.arange(len(y))):
        model = LogisticRegression(C=10.0, solver="liblinear", random_state=0, max_iter=200).fit(x[keep], y[keep])
        said.append(100 * (model.predict_proba(x[rows])[:, 1] >= 0.5).mean())
    expected = f"stops {said[0]:.0f} % of such records, with them {said[1]:.0f} %"
    assert any(expected in str(w) for w in found.signals[HARM].why[rows])


@dataclass
class _Counting:
    """A trainer that says how often it was asked, and of how many records."""

    inner: object
    sizes: list[int]
    fails: bool = False

    def fit(self, data: Labelled, start: Target | None = None) -> Target:
        self.sizes.append(len(data))
        if self.fails:
            raise TargetError("The trainer is out of order.")
        return self.inner.fit(data)  # type: ignore[attr-defined, no-any-return]


def test_the_users_own_trainer_is_asked_no_more_often_than_he_says() -> None:
    dossier, planted = of_applicants("campaign")
    trainer = scenario("credit").system("generated-credit", "logistic-regression", 0).trainer
    counting = _Counting(trainer, [])
    examined = examine(dossier)
    alarm = replace(examined.signals["copies"], alarm=("a campaign",), groups=(np.flatnonzero(planted),))
    examined = replace(examined, signals={**examined.signals, "copies": alarm})
    found = weighed(taken(dossier, counting), examined, 2)
    assert counting.sizes[0] == len(dossier)
    assert len(counting.sizes) == 2
    assert counting.sizes[1] < len(dossier)
    assert "without them the model stops" in str(found.signals[HARM].why[np.flatnonzero(planted)[0]])
    broken = weighed(taken(dossier, _Counting(trainer, [], fails=True)), examined, 2)
    assert HARM not in broken.signals
    assert "out of order" in broken.skipped[-1].reason


def test_where_no_group_stands_out_nothing_is_trained() -> None:
    dossier, _ = of_applicants()
    counting = _Counting(None, [])
    examined = examine(dossier)
    assert weighed(taken(dossier, counting), examined, 1) is examined
    assert counting.sizes == []
