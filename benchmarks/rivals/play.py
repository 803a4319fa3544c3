"""Run one rival against one model, in the rival's own environment; prints one line of JSON.

python -m rivals.play art hop-skip-jump-mask taiwan lightgbm --victims 60
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rivals.counted import Counted
from rivals.space import Space
from rivals.victims import Besieged, besieged

CAPS = (200, 500, 1000)
TRIAL = 5
"""Victims of the tuning part on which a rival's best setting is chosen, for each cap."""


def nearest_known(space: Space, besieged: Besieged, victims: Any) -> NDArray[np.float32]:
    """Return for each victim the nearest known record that the model passes (asked beforehand, not counted)."""
    donors = besieged.passed
    rows, others = space.encode(victims), space.encode(donors)
    picked = [np.abs(others - row).sum(axis=1).argmin() for row in rows]
    return others[picked]


def main() -> None:
    """Choose the best setting, then attack the victims with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=["art", "foolbox"])
    parser.add_argument("rival")
    parser.add_argument("data")
    parser.add_argument("model")
    parser.add_argument("--victims", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    by = import_module(f"rivals.by_{asked.library}")
    name, masked = asked.rival.removesuffix("-mask"), asked.rival.endswith("-mask")
    siege = besieged(asked.data, asked.model, asked.seed, asked.victims)
    space = Space.around(siege.schema, siege.known)

    def attack(victims: Any, setting: Any) -> tuple[Counted, list[str]]:
        counted = Counted(siege.target, space, victims, max(CAPS))
        return counted, by.play(counted, name, setting, nearest_known(space, siege, victims), masked=masked)

    trials = [attack(siege.trial[:TRIAL], setting)[0] for setting in by.SETTINGS[name]]
    chosen = {cap: int(np.argmin([_merit(t.costs_at(cap)) for t in trials])) for cap in CAPS}
    out: dict[str, Any] = {
        "library": asked.library,
        "rival": asked.rival,
        "data": asked.data,
        "model": asked.model,
        "seed": asked.seed,
        "fingerprint": siege.fingerprint,
        "caps": {},
    }
    for index in sorted(set(chosen.values())):
        started, cpu = time.perf_counter(), time.process_time()
        counted, problems = attack(siege.victims, by.SETTINGS[name][index])
        effort = {
            "calls": counted.calls,
            "rows": int(counted.rows.sum()),
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - cpu,
            "model_seconds": counted.model_seconds,
        }
        for cap in (c for c in CAPS if chosen[c] == index):
            costs = [c if np.isfinite(c) else None for c in counted.costs_at(cap)]
            out["caps"][cap] = {
                "setting": dict(by.SETTINGS[name][index]),
                "costs": costs,
                "problems": problems,
                **effort,
            }
    print(json.dumps(out))


def _merit(costs: NDArray[np.float64]) -> float:
    """Return what a setting is judged by: victims not evaded first, then the median cost of those evaded."""
    won = np.isfinite(costs)
    return float((~won).sum() * 1e6 + (np.median(costs[won]) if won.any() else 0))


if __name__ == "__main__":
    main()
