"""Review training sets in which nothing was planted; say how much may be left; write clean.json, docs/review-clean.md.

    VAUBAN_DATA_DIR=... python -m review.clean [--data taiwan,sms] [--seeds 25]      (in benchmarks/)

Natural copies stay in. LendingClub comes in the order of its time: the approved model was trained on what came first,
so that the records under review have drifted. Then as many records as 1 % are called poison by lot, which no detector
knows of: a person looks at 200 records, and of those that he has not seen at most so many are said to be poison.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

from review.__main__ import read
from review.planted import MODEL, OF
from vauban.contracts import Labelled
from vauban.datasets import load
from vauban.metrics.intervals import wilson
from vauban.monitors.dossier import Dossier
from vauban.review.examine import examine, order_of
from vauban.scenarios import scenario

ROOT = Path(__file__).parent.parent
SIZES = {
    "taiwan": (8000, 500, 4000),
    "lendingclub": (8000, 500, 4000),
    "enron": (4000, 500, 3000),
    "sms": (3000, 300, 1500),
}
"""Records under review, verified ones, and those of the approved model."""
IN_TIME = ("lendingclub",)
LOOKS = 200


def clean(data: str, seed: int) -> Dossier:
    """Return a training set in which nothing was planted."""
    system = scenario(OF[data]).system(data, MODEL[data], seed)
    loaded, rng = load(data), np.random.default_rng((seed, 1))
    base, trusted, before = SIZES[data]
    order = rng.permutation(len(loaded.labels))[: base + trusted + before]
    if data in IN_TIME:
        order = np.sort(order)
        order[before:] = rng.permutation(order[before:])
    whole = Labelled(system.target.schema.encode(loaded.frame.iloc[order]), loaded.labels[order])
    earlier, later = whole.take(np.arange(before)), whole.take(np.arange(before, len(order)))
    under, known = later.take(np.arange(base)), later.take(np.arange(base, len(later)))
    approved, schema = system.trainer.fit(earlier), system.target.schema
    return Dossier(under.records, under.labels, schema, trusted=known, approved=approved, seed=seed)


def measure(data: str, seed: int) -> dict[str, Any]:
    """Return which detectors raise an alarm, with an approved model and without, and whether the bound holds."""
    dossier, started = clean(data, seed), time.process_time()
    found = examine(dossier)
    bare = examine(replace(dossier, approved=None, trusted=None))
    truth = np.zeros(len(dossier), dtype=bool)
    truth[np.random.default_rng((seed, 11)).permutation(len(dossier))[: len(dossier) // 100]] = True
    rows, _, hits, lots = read(order_of(dossier, found.signals, seed), truth, LOOKS, 0.0, seed)
    high = float(beta.ppf(0.95, hits + 1, lots - hits)) if lots > hits else 1.0
    rest = np.delete(truth, rows)
    return {
        "data": data,
        "seed": seed,
        "alarms": {name: list(of)[:3] for name, of in found.findings.items() if of},
        "alarms with neither": {name: list(of)[:3] for name, of in bare.findings.items() if of},
        "lots": lots,
        "bound": high,
        "left": float(rest.mean()),
        "seconds": round(time.process_time() - started, 1),
    }


def page(rows: list[dict[str, Any]]) -> str:
    """Return docs/review-clean.md."""
    lines = [
        "# Reviews where nothing was planted",
        "",
        "Written by `python -m review.clean` in `benchmarks/`; do not edit. "
        + " ".join((__doc__ or "").split("\n\n")[2].split()),
        "",
        "| data | runs | alarms | alarms with neither verified records nor an approved model | bound holds |",
        "|---|---|---|---|---|",
    ]
    for data in [*sorted({r["data"] for r in rows}), "all"]:
        mine = [r for r in rows if data in (r["data"], "all")]
        told = [
            wilson(sum(bool(r["alarms"]) for r in mine), len(mine)),
            wilson(sum(bool(r["alarms with neither"]) for r in mine), len(mine)),
            wilson(sum(r["left"] <= r["bound"] for r in mine), len(mine)),
        ]
        cells = [f"{round(t.value * t.n)} of {t.n} ({100 * t.low:.0f} to {100 * t.high:.0f} %)" for t in told]
        lines.append(f"| {data} | {len(mine)} | {' | '.join(cells)} |")
    lines += ["", "Every alarm, with an approved model and verified records:", ""]
    lines += [
        f"- {r['data']}, seed {r['seed']}: {name}: {line}"
        for r in rows
        for name, of in r["alarms"].items()
        for line in of
    ] or ["none."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=",".join(SIZES))
    parser.add_argument("--seeds", type=int, default=25)
    asked = parser.parse_args()
    path = ROOT / "clean.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    done = {(r["data"], r["seed"]) for r in rows}
    for seed in range(asked.seeds):
        for data in asked.data.split(","):
            if (data, seed) in done:
                continue
            rows.append(measure(data, seed))
            print(json.dumps(rows[-1]), flush=True)
            path.write_text(json.dumps(rows, indent=1) + "\n")
    (ROOT.parent / "docs" / "review-clean.md").write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
