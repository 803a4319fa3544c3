"""Measure the review of training data beside cleanlab and Data-OOB; write review.json and docs/review-measured.md.

    VAUBAN_DATA_DIR=... python -m review [--data enron,taiwan] [--kinds frog] [--seeds 5]      (in benchmarks/)

What was measured is kept in review.json and not measured twice. cleanlab must be installed.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from review.planted import KINDS, Case, case
from review.rivals import RIVALS
from review.tables import page
from vauban.contracts import LABEL, Labelled
from vauban.records import Floats, Mask
from vauban.review.examine import examine, order_of
from vauban.review.harm import weighed
from vauban.review.intake import Taken
from vauban.review.ranking import RANDOM, Ranking
from vauban.threat import Decision

ROOT = Path(__file__).parent.parent


def read(order: Ranking, truth: Mask, looks: int, errs: float, seed: int) -> tuple[list[int], list[bool], int, int]:
    """Return the rows that were looked at, what was said of each, and hits and number of those drawn by lot."""
    rng = np.random.default_rng((seed, 8))
    rows: list[int] = []
    said: list[bool] = []
    hits = lots = 0
    for _ in range(looks):
        look = order.next()
        if look is None:
            break
        poison = bool(truth[look.row]) != bool(rng.uniform() < errs)
        order.tell(look.row, look.reason, poison)
        rows.append(look.row)
        said.append(poison)
        hits += look.reason == RANDOM and poison
        lots += look.reason == RANDOM
    return rows, said, hits, lots


def passing(c: Case, keep: Mask) -> dict[str, int] | None:
    """Return how many probes get what the attacker wants of a model that is trained on these records."""
    if c.probes is None:
        return None
    data = Labelled(c.dossier.records, c.dossier.labels).take(keep)
    decisions = c.trainer.fit(data).answer(c.probes, LABEL).decisions
    won = decisions == Decision.PASS if c.wants_pass else decisions != Decision.PASS
    return {"won": int(won.sum()), "n": len(won)}


def measure(data: str, kind: str, seed: int) -> dict[str, Any]:
    """Return what is found of what was planted."""
    c = case(data, kind, seed)
    n, planted = len(c.dossier), c.planted
    most = (n // 40, n // 20)
    row: dict[str, Any] = {"data": data, "kind": kind, "seed": seed, "rows": n, "planted": int(planted.sum())}
    started = time.process_time()
    taken = Taken("", pd.DataFrame(), np.arange(n), c.dossier, trainer=c.trainer)
    signals = weighed(taken, examine(c.dossier), 10).signals
    row["seconds"] = round(time.process_time() - started, 1)
    rows, said, _, _ = read(order_of(c.dossier, signals, seed), planted, most[1], 0.0, seed)
    row["found"] = [int(planted[rows[:k]].sum()) for k in most]
    keep = np.ones(n, dtype=bool)
    for name, mask in (("attacked", keep), ("clean", ~planted)):
        row[name] = passing(c, mask)
    poison = [r for r, s in zip(rows[: most[0]], said, strict=False) if s]
    keep[poison] = False
    row["reviewed"] = passing(c, keep)
    rows, said, _, _ = read(order_of(c.dossier, signals, seed), planted, most[1], 0.1, seed)
    row["erring, put before him"] = [int(planted[rows[:k]].sum()) for k in most]
    called = np.array(said)
    row["erring, called poison"] = [int((planted[rows[:k]] & called[:k]).sum()) for k in most]
    bare = replace(c.dossier, approved=None, trusted=None)
    rows = read(order_of(bare, examine(bare).signals, seed), planted, most[1], 0.0, seed)[0]
    row["neither"] = [int(planted[rows[:k]].sum()) for k in most]
    scores: dict[str, Floats] = {name: rival(c.dossier, seed) for name, rival in RIVALS.items()}
    if c.oracle is not None:
        scores["who knows"] = c.oracle
    for name, score in scores.items():
        first = np.argsort(-score, kind="stable")
        row[name] = [int(planted[first[:k]].sum()) for k in most]
    return row


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=",".join(KINDS))
    parser.add_argument("--kinds", default="")
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    path = ROOT / "review.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    done = {(r["data"], r["kind"], r["seed"]) for r in rows}
    for seed in range(asked.seeds):
        for data in asked.data.split(","):
            for kind in asked.kinds.split(",") if asked.kinds else KINDS[data]:
                if kind not in KINDS[data] or (data, kind, seed) in done:
                    continue
                rows.append(measure(data, kind, seed))
                print(json.dumps(rows[-1]), flush=True)
                path.write_text(json.dumps(rows, indent=1) + "\n")
    (ROOT.parent / "docs" / "review-measured.md").write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
