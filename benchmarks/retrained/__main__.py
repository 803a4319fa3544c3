"""What the gate and the review of predictions say of candidates with a fault, and of sound ones; write the page.

    VAUBAN_DATA_DIR=... python -m retrained [--kinds sound,frog] [--data taiwan] [--seeds 10]     (in benchmarks/)

What was measured is kept in retrained.json and not measured twice. The gate's siege is left out: benchmarks/siege.py
measures it.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrained.candidates import KINDS, SOUND, Candidate, candidates
from retrained.page import page
from vauban.assurance.gate import LEVEL, decide
from vauban.contracts import LABEL
from vauban.monitors.changes import together
from vauban.review.examine import Examined, examine, examine_predictions
from vauban.threat import Decision

ROOT = Path(__file__).parent.parent
HIS = 0.8
"""Share of the families that changed together that must be the attacker's for this to be about him."""


def says(lines: Sequence[str], words: Sequence[str]) -> bool:
    """Return whether a line has one of these as a whole."""
    return any(re.search(rf"(?<!\w){re.escape(w)}(?!\w)", line) for line in lines for w in words)


def gated(c: Candidate) -> dict[str, Any]:
    """Return what the gate says, but for its siege."""
    signals = examine(c.batch).signals
    told = decide(c.new, c.old, c.trusted, c.old.schema, batch=c.batch, signals=signals)
    lines = [line for check in told.checks if check.holds for line in check.evidence]
    new, old = (m.answer(c.batch.records, LABEL).decisions == Decision.PASS for m in (c.new, c.old))
    kin = np.isin(c.batch.family, together(new & ~old, c.batch.family, LEVEL / 10)[0])
    learnt = bool(kin.any()) and bool(c.planted[0][kin].mean() >= HIS)
    return {
        "held": not told.goes_on,
        "named": not told.goes_on and (says(lines, c.words) or learnt),
        "evidence": [f"{check.name}: {line[:160]}" for check in told.checks if check.holds for line in check.evidence],
    }


def reviewed(c: Candidate) -> dict[str, Any]:
    """Return what the review of predictions says."""
    found: Examined = examine_predictions(c.log)
    lines = [line for of in found.findings.values() for line in of]
    named = found.alarm and says(lines, c.words)
    return {
        "held": found.alarm,
        "named": named,
        "evidence": [f"{name}: {line[:160]}" for name, of in found.findings.items() for line in of[:2]],
    }


def measure(kind: str, data: str, seed: int) -> dict[str, Any]:
    """Return what is said of a candidate; of those of several rounds, up to the one at which damage has begun."""
    started, row, turn = time.process_time(), {}, 0
    held: dict[str, Any] = {}
    for turn, c in enumerate(candidates(kind, data, seed)):
        row = {"gate": gated(c), "predictions": reviewed(c)}
        row["harm"], row["changed"] = c.harm, int(np.sum(c.log.changed))
        for name in ("gate", "predictions"):
            if row[name]["named"]:
                held.setdefault(name, {**row[name], "round": turn})
    row |= held
    return {"kind": kind, "data": data, "seed": seed, "rounds": turn + 1, **row,
            "seconds": round(time.process_time() - started, 1)}  # fmt: skip


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--data", default="", help="a part of the name of the data")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "retrained.json")
    asked = parser.parse_args()
    if not any(asked.data in data for kind in asked.kinds.split(",") for data in KINDS[kind]):
        parser.error(f"No data are called like {asked.data!r}.")
    rows = json.loads(asked.out.read_text()) if asked.out.exists() else []
    done = {(r["kind"], r["data"], r["seed"]) for r in rows}
    for seed in range(max(asked.seeds, *SOUND.values())):
        for kind in asked.kinds.split(","):
            for data in KINDS[kind]:
                if asked.data not in data or (kind, data, seed) in done:
                    continue
                if seed >= (SOUND[data] if kind == "sound" else asked.seeds):
                    continue
                rows.append(measure(kind, data, seed))
                print(json.dumps(rows[-1]), flush=True)
                asked.out.write_text(json.dumps(rows, indent=1) + "\n")
    (ROOT.parent / "docs" / "retrained-measured.md").write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
