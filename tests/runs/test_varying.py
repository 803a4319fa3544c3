"""Models that answer differently each time: recognised, and judged by asking again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_systems
from hypothesis import given
from hypothesis import strategies as st

from vauban.audit.run import Settings, run_audit
from vauban.audit.varying import AFRESH, SHORTLIST, Shortlist, least, varies
from vauban.metrics.intervals import wilson
from vauban.records import Records
from vauban.system import System
from vauban.targets import CallableTarget
from vauban.threat import Decision

NOISE = 0.08


class Noisy:
    """A model that adds a random number to what another says."""

    def __init__(self, system: System, noise: float = NOISE) -> None:
        self.base, self.noise, self.rng = system.target, noise, np.random.default_rng(1)

    def __call__(self, frame: object) -> np.ndarray:
        scores = self.base.answer(self.base.schema.encode(frame), self.base.grants).scores
        return np.clip(scores + self.rng.normal(size=len(scores)) * self.noise, 0, 1)


def noisy(system: System, noise: float = NOISE) -> System:
    model = Noisy(system, noise)
    target = CallableTarget(model, system.target.schema, threshold=system.target.threshold, name="noisy")
    return replace(system, target=target)


def audit(
    system: System,
    folder: Path | None = None,
    attacks: tuple[str, ...] = ("greedy-search", "random-search", "do-nothing"),
):
    return run_audit(system, small_systems.threats(40), Settings(0, 20, attacks, answers=folder))


def truth(system: System, records: Records, block: bool) -> np.ndarray:
    """How often the noisy model flips records, by the distribution of its noise."""
    from scipy.stats import norm

    over = (system.target.answer(records, system.target.grants).scores - system.target.threshold) / NOISE
    return norm.cdf(over if block else -over)


def test_such_a_model_is_recognised(scorecard_system: System) -> None:
    assert not varies(scorecard_system)
    assert varies(noisy(scorecard_system))
    assert varies(replace(scorecard_system, target=replace(scorecard_system.target, deterministic=False)))


def test_a_success_flips_more_often_than_not(scorecard_system: System) -> None:
    done = audit(noisy(scorecard_system))
    assert done.exit_code == 0
    assert done.result.model["deterministic"] is False
    for finding, success in zip(done.result.findings, done.successes, strict=True):
        if not finding.successes:
            continue
        won = success.judged.success
        goal = success.front.threat.cell.goal == Decision.BLOCK
        often = truth(scorecard_system, success.judged.records[won], goal)
        assert often.min() > 0.4  # 15 of 20 by chance: 4 in 1,000 at 0.45, for one of five candidates
        assert np.mean(often > 0.5) > 0.9
        assert finding.confirmation is not None
        assert finding.confirmation.flips.low > 0.5
        assert finding.confirmation.questions == success.judged.afresh.sum() > 0
    assert any(f.successes for f in done.result.findings if f.attack == "random-search")
    assert any("differently each time" in line for line in done.result.verdict.details)


def test_one_answer_would_not_do(scorecard_system: System) -> None:
    """Without asking again, luck passes for success: what this guards against is there."""
    system = noisy(scorecard_system, 0.25)
    control = next(f for f in audit(system, attacks=("do-nothing",)).result.findings if f.cell == "EI")
    lucky = system.target.answer(system.target.schema.encode(system.parts.victims.frame), system.target.grants)
    passed = (lucky.decisions == Decision.PASS)[system.parts.victims.labels == 1].mean()
    assert control.success_rate.value < passed


def test_the_same_model_that_answers_the_same_is_not_confirmed(scorecard_system: System) -> None:
    done = audit(scorecard_system)
    assert done.result.model["deterministic"] is True
    assert all(f.confirmation is None for f in done.result.findings)


def test_a_run_of_such_a_model_resumes_to_the_same_findings(scorecard_system: System, tmp_path: Path) -> None:
    system = noisy(scorecard_system)
    first = audit(system, tmp_path)
    again = audit(system, tmp_path)
    assert [f.substance() for f in again.result.findings] == [f.substance() for f in first.result.findings]
    fresh = audit(system, tmp_path / "other")
    assert [f.substance() for f in fresh.result.findings] != [f.substance() for f in first.result.findings]


def test_how_many_of_the_fresh_answers_must_agree() -> None:
    assert wilson(least(AFRESH), AFRESH).low > 0.5 >= wilson(least(AFRESH) - 1, AFRESH).low


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=40), st.integers(1, 5))
def test_the_shortlist_is_the_cheapest_different_ones(seen: list[tuple[int, int]], batches: int) -> None:
    victims = np.full((3, 1), 100.0)
    kept = Shortlist(victims)
    for part in np.array_split(np.arange(len(seen)), batches):
        who = np.array([seen[i][0] for i in part], dtype=np.int64)
        what = np.array([float(seen[i][1]) for i in part])
        kept.add(who, what[:, None], what, part.astype(np.int64) + 1)
    for victim in range(3):
        wanted = sorted({float(b) for a, b in seen if a == victim})[:SHORTLIST]
        got = kept.cost[victim][np.isfinite(kept.cost[victim])]
        assert got.tolist() == wanted
        assert kept.records[victim, : len(got), 0].tolist() == wanted
        firsts = [next(i + 1 for i, s in enumerate(seen) if s == (victim, int(w))) for w in wanted]
        assert kept.at[victim, : len(got)].tolist() == firsts


@pytest.mark.parametrize("holds", [0, 1, 2])
def test_the_cheapest_that_holds_is_confirmed(holds: int) -> None:
    kept = Shortlist(np.zeros((1, 1)))
    kept.add(np.zeros(3, np.int64), np.arange(1.0, 4.0)[:, None], np.arange(1.0, 4.0), np.arange(1, 4))
    found = kept.confirm(lambda rows, when: rows[:, 0] == holds + 1.0)
    assert found.rank.tolist() == [holds]
    assert found.share.tolist() == [1.0]
    assert found.asked.tolist() == [AFRESH * (holds + 1)]


def test_what_never_holds_is_no_success() -> None:
    kept = Shortlist(np.zeros((2, 1)))
    kept.add(np.zeros(1, np.int64), np.ones((1, 1)), np.ones(1), np.ones(1, np.int64))
    found = kept.confirm(lambda rows, when: when % 2 == 0)
    assert found.rank.tolist() == [-1, -1]
    assert found.asked.tolist() == [AFRESH, 0]
