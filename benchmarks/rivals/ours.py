"""Vauban's own label-only attacks on the same victims, by the audit's own runner."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rivals.play import CAPS
from rivals.victims import Besieged, besieged
from vauban.audit.answers import Oracle
from vauban.audit.plan import brief_for, make_plan
from vauban.audit.runner import scout, search
from vauban.catalogue import entry
from vauban.contracts import LABEL, seed_for
from vauban.records import Floats, Ints
from vauban.scenarios import scenario
from vauban.threat import Budget, Cell

ATTACKS = ("donor-bisection", "block-search", "surrogate")
MOST = 200
FLOOR, LONG, FEW = ("donor-bisection", "block-search"), 20_000, 40
"""What is searched much longer, to see how low a cost can be: attacks, questions a victim, victims."""


def measure(data: str, model: str, seed: int = 0) -> dict[str, Any]:
    """Return costs of every victim at each cap; the questions of scouting, as many as a victim's, come on top."""
    siege = besieged(data, model, seed, MOST)
    out: dict[str, Any] = {"fingerprint": siege.fingerprint, "victims": len(siege.victims), "attacks": {}}
    for attack in ATTACKS:
        caps: dict[str, Any] = {}
        for cap in CAPS:
            oracle = Oracle(siege.target)
            started, cpu = time.perf_counter(), time.process_time()
            cost = _reached(siege, oracle, attack, cap, seed)
            caps[str(cap)] = {
                "costs": _plain(cost),
                "calls": oracle.model_calls,
                "rows": oracle.rows_scored,
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.process_time() - cpu,
                "model_seconds": oracle.model_seconds,
            }
        out["attacks"][attack] = caps
    return out


def floor(data: str, model: str, seed: int = 0) -> dict[str, Any]:
    """Return the cheapest that was found for each of the first victims with many times the questions."""
    siege = besieged(data, model, seed, MOST)
    ids = np.arange(min(FEW, len(siege.victims)))
    found = [_reached(siege, Oracle(siege.target), attack, LONG, seed, ids)[ids] for attack in FLOOR]
    return {"fingerprint": siege.fingerprint, "questions": LONG, "costs": _plain(np.min(found, axis=0))}


def _reached(siege: Besieged, oracle: Oracle, attack: str, cap: int, seed: int, ids: Ints | None = None) -> Floats:
    """Return what each victim's evasion costs (n,); infinity where there is none."""
    threat = scenario("credit").threats([Cell.EI], LABEL, Budget(cap, cap, None, None), None)[0]
    front = make_plan(siege.system, [threat], [attack], MOST).fronts[0]
    line = entry(attack)
    brief = brief_for(front, siege.target, attack, seed)
    scouted = scout(line.make(), attack, brief, oracle)
    key = seed_for(seed, attack, Cell.EI.value, "search")
    judged, _ = search(line.make(), attack, brief, scouted.intelligence, front.victims, oracle, ids=ids, seed=key)
    return judged.cost


def _plain(costs: Floats) -> list[float | None]:
    return [c if np.isfinite(c) else None for c in costs.tolist()]
