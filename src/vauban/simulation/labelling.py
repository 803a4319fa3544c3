"""Who labels what was collected: an oracle, the filter itself, or the users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import Answers
from vauban.records import Mask
from vauban.threat import Decision

Labels = NDArray[np.int8]


@dataclass(frozen=True)
class Traffic:
    """What arrived in a round, and what is known of it to whoever labels.

    Attributes:
        truth: (n,) 1 = harmful.
        his: (n,) whether the attacker sent it.
        said: (n,) the label that his accounts give to what he sent; -1 where they say nothing.
        told: what the deployed model says.
    """

    truth: Labels
    his: Mask
    said: Labels
    told: Answers


@dataclass(frozen=True)
class Policy:
    """Which records are collected (n,), and the label that each gets (n,), in words and as a function."""

    name: str
    title: str
    collect: Callable[[Traffic, np.random.Generator], tuple[Mask, Labels]]
    his_accounts: bool = False
    """Whether the attacker's own accounts label what he sends."""


ERROR = 0.01
"""Share of labels that an oracle, or an honest user, gets wrong."""


def _wrong(truth: Labels, rng: np.random.Generator) -> Labels:
    return np.where(rng.uniform(size=len(truth)) < ERROR, 1 - truth, truth).astype(np.int8)


def _oracle(traffic: Traffic, rng: np.random.Generator) -> tuple[Mask, Labels]:
    return np.ones(len(traffic.truth), dtype=bool), _wrong(traffic.truth, rng)


def _feedback(traffic: Traffic, rng: np.random.Generator) -> tuple[Mask, Labels]:
    honest = _wrong(traffic.truth, rng)
    labels = np.where(traffic.his & (traffic.said >= 0), traffic.said, honest)
    return np.ones(len(labels), dtype=bool), labels.astype(np.int8)


def _auto(good: float, bad: float) -> Callable[[Traffic, np.random.Generator], tuple[Mask, Labels]]:
    def collect(traffic: Traffic, rng: np.random.Generator) -> tuple[Mask, Labels]:  # noqa: ARG001 - no chance in it
        if traffic.told.scores is None:
            passed = traffic.told.decisions == Decision.PASS
            return np.ones(len(passed), dtype=bool), np.where(passed, 0, 1).astype(np.int8)
        scores = np.asarray(traffic.told.scores)
        return (scores <= good) | (scores >= bad), (scores >= bad).astype(np.int8)

    return collect


POLICIES: Mapping[str, Policy] = {
    p.name: p
    for p in (
        Policy("oracle", f"somebody labels everything, {100 * ERROR:.0f} % wrongly", _oracle),
        Policy(
            "feedback",
            f"users label everything, {100 * ERROR:.0f} % wrongly, and the attacker's own accounts as he likes",
            _feedback,
            his_accounts=True,
        ),
        Policy(
            "auto-learn",
            "the model's own score labels what it is sure of: good up to 0.1, harmful from 0.9",
            _auto(0.1, 0.9),
        ),
        Policy("auto-learn-eager", "the same, but good up to 0.3, harmful from 0.7", _auto(0.3, 0.7)),
    )
}
"""By name. SpamAssassin learns as good what scores below 0.1 and as spam what scores 12 or more of its own points,
rspamd with a margin that users widen; both are scaled here to scores between 0 and 1."""
