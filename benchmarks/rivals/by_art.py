"""The attacks of the Adversarial Robustness Toolbox, each victim on its own, as the toolbox does it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rivals.counted import CapReached, Counted

SETTINGS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "hop-skip-jump": (
        {"max_iter": 50, "max_eval": 200, "init_eval": 20},
        {"max_iter": 50, "max_eval": 1000, "init_eval": 100},
        {"max_iter": 50, "max_eval": 200, "init_eval": 20, "from_known": True},
    ),
    "boundary": (
        {"max_iter": 1000, "delta": 0.01, "epsilon": 0.01, "sample_size": 20, "num_trial": 25},
        {"max_iter": 1000, "delta": 0.1, "epsilon": 0.1, "sample_size": 10, "num_trial": 10},
        {"max_iter": 1000, "delta": 0.1, "epsilon": 0.1, "sample_size": 10, "num_trial": 10, "from_known": True},
    ),
    "zoo": (
        {"max_iter": 100, "binary_search_steps": 5, "initial_const": 1.0, "learning_rate": 0.1},
        {"max_iter": 40, "binary_search_steps": 10, "initial_const": 10.0, "learning_rate": 0.5},
        {"max_iter": 200, "binary_search_steps": 2, "initial_const": 100.0, "learning_rate": 0.3},
    ),
}


def play(
    counted: Counted, rival: str, setting: Mapping[str, Any], starts: NDArray[np.float32], *, masked: bool
) -> list[str]:
    """Attack every victim, one after the other; return what went wrong."""
    from art.attacks.evasion import BoundaryAttack, HopSkipJump, ZooAttack
    from art.estimators.classification import BlackBoxClassifier

    makers = {"hop-skip-jump": HopSkipJump, "boundary": BoundaryAttack, "zoo": ZooAttack}
    options = {k: v for k, v in setting.items() if k != "from_known"}
    problems = []
    rows = counted.space.encode(counted.victims)
    for i in range(len(rows)):

        def predict(x: NDArray[np.float32], who: int = i) -> NDArray[np.float64]:
            owner = np.full(len(x), who)
            blocked = counted.ask(np.asarray(x, dtype=np.float32), owner, scores=rival == "zoo")
            return np.stack([1 - blocked, blocked], axis=1)

        classifier = BlackBoxClassifier(predict, rows.shape[1:], 2, clip_values=(0.0, 1.0))
        if rival == "zoo":
            options |= {"use_resize": False, "use_importance": False, "nb_parallel": min(20, rows.shape[1])}
            options |= {"batch_size": 1, "variable_h": 0.05}
            attack = makers[rival](classifier, verbose=False, **options)
        else:
            attack = makers[rival](classifier, targeted=False, verbose=False, **options)
        extra: dict[str, Any] = {}
        if setting.get("from_known"):
            extra["x_adv_init"] = starts[i : i + 1]
        if masked:
            extra["mask"] = counted.space.mask
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                np.random.seed(i)
                attack.generate(rows[i : i + 1], y=None if rival != "zoo" else np.array([[0.0, 1.0]]), **extra)
        except CapReached:
            pass
        except Exception as error:  # noqa: BLE001 - a rival's crash is a figure of the table
            problems.append(f"{type(error).__name__}: {error}")
    return problems
