"""The decision-based attacks of Foolbox, all victims in one batch, as it does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rivals.counted import CapReached, Counted

SETTINGS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "hop-skip-jump": (
        {"steps": 64, "initial_gradient_eval_steps": 20, "max_gradient_eval_steps": 200},
        {"steps": 64, "initial_gradient_eval_steps": 100, "max_gradient_eval_steps": 1000},
        {"steps": 64, "initial_gradient_eval_steps": 20, "max_gradient_eval_steps": 200, "from_known": True},
    ),
    "boundary": (
        {"steps": 1000, "spherical_step": 0.01, "source_step": 0.01},
        {"steps": 1000, "spherical_step": 0.1, "source_step": 0.1},
        {"steps": 1000, "spherical_step": 0.1, "source_step": 0.1, "from_known": True},
    ),
}


def play(
    counted: Counted, rival: str, setting: Mapping[str, Any], starts: NDArray[np.float32], *, masked: bool
) -> list[str]:
    """Attack all victims at once; return what went wrong. Foolbox has no mask for these attacks."""
    import eagerpy as ep
    import foolbox as fb

    if masked:
        raise ValueError("Foolbox has no mask.")
    options = {k: v for k, v in setting.items() if k != "from_known"}
    rows = counted.space.encode(counted.victims)
    live = np.arange(len(rows))

    def predict(x: Any) -> NDArray[np.float32]:
        asked = np.asarray(x, dtype=np.float32)
        owner = live[np.arange(len(asked)) % len(live)]
        blocked = counted.ask(asked, owner)
        return np.stack([1 - blocked, blocked], axis=1).astype(np.float32)

    model = fb.NumPyModel(predict, bounds=(0, 1), data_format="channels_last")
    problems: list[str] = []
    given: dict[str, Any] = {}
    # The library gives up on the whole batch where one victim has no start: such are found here and left out.
    found, start = _started(counted, rows, starts if setting.get("from_known") else None)
    problems += ["no start among 50 random directions"] * int((~found).sum())
    live = np.flatnonzero(found)
    if not len(live):
        return problems
    given["starting_points"] = start[live]
    rows = rows[live]
    if rival == "hop-skip-jump":
        attack = fb.attacks.HopSkipJumpAttack(stepsize_search="geometric_progression", gamma=1.0, **options)
    else:
        attack = fb.attacks.BoundaryAttack(**options)
    np.random.seed(0)
    try:
        given = {k: ep.astensor(v) for k, v in given.items()}
        attack.run(model, ep.astensor(rows), ep.astensor(np.ones(len(rows), dtype=np.int64)), **given)
    except CapReached:
        pass
    except Exception as error:  # noqa: BLE001 - a rival's crash is a figure of the table
        problems.append(f"{type(error).__name__}: {error}")
    return problems


def _started(
    counted: Counted, rows: NDArray[np.float32], known: NDArray[np.float32] | None
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return who has a start, and starts: a known record where it passes, else uniform noise, a question a try."""
    rng = np.random.default_rng(0)
    found = np.zeros(len(rows), dtype=bool)
    start = rows.copy()
    for turn in range(50):
        left = np.flatnonzero(~found)
        if not len(left):
            break
        noise = rng.uniform(size=rows[left].shape).astype(np.float32)
        tried = noise if known is None or turn else known[left]
        try:
            passed = counted.ask(tried, left) < 0.5
        except CapReached:
            break
        start[left[passed]] = tried[passed]
        found[left[passed]] = True
    return found, start
