"""Vauban's own label-only attacks on the same victims, by the audit's own runner."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rivals.play import CAPS
from rivals.victims import besieged
from vauban.audit.answers import Oracle
from vauban.audit.plan import brief_for, make_plan
from vauban.audit.runner import scout, search
from vauban.catalogue import entry
from vauban.contracts import LABEL, seed_for
from vauban.scenarios import scenario
from vauban.threat import Budget, Cell

ATTACKS = ("donor-bisection", "block-search", "surrogate")
MOST = 200


def measure(data: str, model: str, seed: int = 0) -> dict[str, Any]:
    """Return costs of every victim at each cap; the questions of scouting, as many as a victim's, come on top."""
    siege = besieged(data, model, seed, MOST)
    out: dict[str, Any] = {"fingerprint": siege.fingerprint, "victims": len(siege.victims), "attacks": {}}
    for attack in ATTACKS:
        caps: dict[str, Any] = {}
        for cap in CAPS:
            threat = scenario("credit").threats([Cell.EI], LABEL, Budget(cap, cap, None, None), None)[0]
            front = make_plan(siege.system, [threat], [attack], MOST).fronts[0]
            line, oracle = entry(attack), Oracle(siege.target)
            brief = brief_for(front, siege.target, attack, seed)
            started, cpu = time.perf_counter(), time.process_time()
            scouted = scout(line.make(), attack, brief, oracle)
            key = seed_for(seed, attack, Cell.EI.value, "search")
            judged, _ = search(line.make(), attack, brief, scouted.intelligence, front.victims, oracle, seed=key)
            caps[str(cap)] = {
                "costs": [c if np.isfinite(c) else None for c in judged.cost.tolist()],
                "calls": oracle.model_calls,
                "rows": oracle.rows_scored,
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.process_time() - cpu,
                "model_seconds": oracle.model_seconds,
            }
        out["attacks"][attack] = caps
    return out
