"""Measure the review that runs every night; write nights.json and docs/review-nights.md.

    VAUBAN_DATA_DIR=... python -m review.nights [--data enron,sms] [--kinds frog] [--seeds 2]      (in benchmarks/)

Ten nights, each with as many new records. Each night a person who knows what was planted reads as many records as 5 %
of a night, at least 12, in the order of reading, and approves it unless what he saw last was poison still. `unread`:
nobody reads or approves anything. Every night a model is trained on all that came and was not called poison.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from review.planted import pool, sent
from vauban.contracts import LABEL, Labelled
from vauban.errors import BadInput
from vauban.metrics.intervals import wilson
from vauban.records import Mask, Records
from vauban.review.examine import examine
from vauban.review.folder import Folder, write
from vauban.review.intake import Columns
from vauban.review.nights import approve, of_nights, read_state
from vauban.store.repository import Verdict, open_store
from vauban.threat import Cell, Decision

ROOT = Path(__file__).parent.parent
NIGHTS, ARRIVES = 10, 5
"""Nights, and the one (from 0) in which a campaign or the poison of a trigger comes; a frog begins two earlier."""
SIZES = {"enron": (2500, 500, 3000, 1500, 1000), "sms": (3000, 300, 1000, 400, 440)}
KINDS = ("nothing", "campaign", "trigger", "frog", "frog, unread")
SHARE = 0.06
"""Of the night that it comes in: a campaign, a trigger. Of each night: a third of it, a frog."""


def measure(data: str, kind: str, seed: int) -> dict[str, Any]:
    """Return what each night's review found."""
    p = pool(data, seed, SIZES[data])
    each = len(p.base) // NIGHTS
    attack = {"campaign": "pseudospam", "trigger": "backdoor", "frog": "boiling-frog"}.get(kind.split(",")[0])
    parts: list[Records] = []
    labels = np.empty(0, dtype=np.int8)
    probes = None
    first = ARRIVES - 2 if kind.startswith("frog") else ARRIVES
    if attack is not None:
        rounds = NIGHTS - first if kind.startswith("frog") else 1
        many = max(int(SHARE * each / (3 if rounds > 1 else 1)), 4)
        parts, whole, dress = sent(p, attack, Cell.CI, many, rounds, seed)
        labels, probes = whole.labels, dress(p.test.records[p.test.labels == 1])
    texts = np.concatenate([p.base.records, *parts])
    given = np.concatenate([p.base.labels, labels])
    when = np.concatenate([np.arange(len(p.base)) // each, *[np.full(len(r), first + i) for i, r in enumerate(parts)]])
    planted = np.arange(len(texts)) >= len(p.base)
    budget, unread = max(each // 20, 12), kind.endswith("unread")
    started = time.process_time()
    nights = []
    with tempfile.TemporaryDirectory() as place:
        state, file = Path(place) / "state", Path(place) / "tonight.parquet"
        gone = np.zeros(len(texts), dtype=bool)
        for night in range(NIGHTS):
            rows = np.random.default_rng((seed, night)).permutation(np.flatnonzero(when == night))
            names = [f"r{i}" for i in rows]
            pd.DataFrame({"id": names, "text": texts[rows], "label": given[rows]}).to_parquet(file, index=False)
            taken = of_nights(file, Columns("label", ("1",), "text", record="id"), None, read_state(state), seed)
            assert taken is not None
            taken = replace(taken, dossier=replace(taken.dossier, trusted=p.trusted, approved=p.approved))
            examined = examine(taken.dossier).beside(taken.waiting)
            out = state / f"{night:02d}"
            out.mkdir(parents=True)
            held = unread
            folder = write(out, taken, examined, budget, "")
            seen = {int(r[1:]) for r in pd.read_parquet(out / "queue.parquet")["record"]}
            if not unread:
                seen |= _read(folder, planted, gone, budget)
                try:
                    approve(folder, "ben", "data-scientist", None)
                except BadInput:
                    held = True
            told: dict[str, Any] = {
                "alarm": examined.alarm,
                "approved": not held,
                "seen": sorted(i for i in seen if planted[i]),
            }
            told["findings"] = {k: list(v)[:3] for k, v in examined.findings.items() if v}
            if probes is not None:
                keep = (when <= night) & ~gone
                model = p.trainer.fit(Labelled(texts[keep], given[keep]))
                passed = model.answer(probes, LABEL).decisions == Decision.PASS
                told |= {"passed": int(passed.sum()), "probes": len(passed)}
            nights.append(told)
    return {
        "data": data,
        "kind": kind,
        "seed": seed,
        "a night": each,
        "budget": budget,
        "planted": {int(n): np.flatnonzero(planted & (when == n)).tolist() for n in np.unique(when[planted])},
        "nights": nights,
        "seconds": round(time.process_time() - started, 1),
    }


def _read(folder: Folder, planted: Mask, gone: Mask, looks: int) -> set[int]:
    """Read in the order, with two people's verdicts on each; return what was looked at."""
    order, seen = folder.ranking([]), set()
    with open_store(folder.verdicts) as store:
        for _ in range(looks):
            look = order.next()
            if look is None:
                break
            record = str(folder.records["record"].iloc[look.row])
            row = int(record[1:])
            poison = bool(planted[row])
            verdict = "poison" if poison else "correct"
            store.add([Verdict(0, "", record, verdict, "ana", "analyst", reason=look.reason)])
            store.add([Verdict(0, "", record, verdict, "ben", "data-scientist", reason=look.reason)])
            order.tell(look.row, look.reason, poison)
            gone[row] |= poison
            seen.add(row)
    return seen


def page(rows: list[dict[str, Any]]) -> str:
    """Return docs/review-nights.md."""
    lines = [
        "# The review at intervals, measured",
        "",
        "Written by `python -m review.nights` in `benchmarks/`; do not edit. Ten nights; 500 (Enron) or 300 (SMS) "
        "verified records and a model approved before the first. Each night a person who knows what was planted reads "
        "as many records as the budget says, and approves the night unless what he saw last was poison still. "
        "`unread`: nobody ever reads or approves. Seen: in "
        "`queue.csv`, or read, by the night after the one in which it came. Alarm: the nights in which poison came and "
        "the review exits 1. With Wilson intervals, over all seeds.",
        "",
        "| data | planted | seeds | a night | budget | seen by the next night | alarm | probes that pass, at last |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for data, kind in sorted({(r["data"], r["kind"]) for r in rows if r["kind"] != "nothing"}):
        mine = [r for r in rows if (r["data"], r["kind"]) == (data, kind)]
        seen = [_seen(r) for r in mine]
        alarms = [r["nights"][int(n)]["alarm"] for r in mine for n in r["planted"]]
        last = [r["nights"][-1] for r in mine]
        lines.append(
            f"| {data} | {kind} | {len(mine)} | {mine[0]['a night']} | {mine[0]['budget']} | "
            f"{_rate(sum(s for s, _ in seen), sum(n for _, n in seen))} | {sum(alarms)} of {len(alarms)} | "
            f"{_rate(sum(t['passed'] for t in last), sum(t['probes'] for t in last))} |"
        )
    lines += ["", "## The boiling frog", ""]
    lines += [
        "`unread`, a row a seed: the night (from 1) in which some of it is first in `queue.csv`, and in which a review",
        "exits 1 first after it began; the probes that pass a model trained on all that came until the night before it",
        "began, and until the night of `queue.csv`. A filter of a few hundred messages lets much pass by itself.",
        "",
        "| data | seed | begins | in `queue.csv` | exits 1 | pass before it began | pass then | first above 50 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in sorted((r for r in rows if r["kind"] == "frog, unread"), key=lambda r: (r["data"], r["seed"])):
        lines.append(_frog(r))
    lines += ["", "## Nights without poison", ""]
    for data in sorted({r["data"] for r in rows}):
        quiet = [t["alarm"] for r in rows if r["data"] == data and r["kind"] == "nothing" for t in r["nights"]]
        if quiet:
            told = wilson(sum(quiet), len(quiet))
            low, high = 100 * told.low, 100 * told.high
            lines.append(f"- {data}: {sum(quiet)} of {told.n} nights alarm ({low:.1f} to {high:.1f} %).")
    return "\n".join(lines) + "\n"


def _seen(r: dict[str, Any]) -> tuple[int, int]:
    hits = total = 0
    for night, rows in r["planted"].items():
        by = min(int(night) + 2, NIGHTS)
        found = {i for told in r["nights"][int(night) : by] for i in told["seen"]}
        hits, total = hits + len(found & set(rows)), total + len(rows)
    return hits, total


def _frog(r: dict[str, Any]) -> str:
    passing = [f"{100 * t['passed'] / t['probes']:.0f} %" for t in r["nights"]]
    begins = min(int(n) for n in r["planted"])
    after = range(begins, NIGHTS)
    seen = next((i for i in after if r["nights"][i]["seen"]), None)
    alarm = next((str(i + 1) for i in after if r["nights"][i]["alarm"]), "never")
    above = next((str(i + 1) for i, t in enumerate(r["nights"]) if 2 * t["passed"] > t["probes"]), "never")
    when = ("never", "-") if seen is None else (str(seen + 1), passing[seen])
    row = (r["data"], r["seed"], begins + 1, when[0], alarm, passing[begins - 1], when[1], above)
    return f"| {' | '.join(map(str, row))} |"


def _rate(hits: int, n: int) -> str:
    told = wilson(hits, n)
    return f"{hits} of {n} ({100 * told.low:.0f} to {100 * told.high:.0f} %)"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=",".join(SIZES))
    parser.add_argument("--kinds", default=";".join(KINDS), help="Kinds, with a semicolon between.")
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    path = ROOT / "nights.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    done = {(r["data"], r["kind"], r["seed"]) for r in rows}
    for seed in range(asked.seeds):
        for data in asked.data.split(","):
            for kind in asked.kinds.split(";"):
                if (data, kind, seed) in done:
                    continue
                rows.append(json.loads(json.dumps(measure(data, kind, seed))))
                last = rows[-1]
                print(data, kind, seed, last["seconds"], [int(t["alarm"]) for t in last["nights"]], _seen(last))
                path.write_text(json.dumps(rows) + "\n")
    (ROOT.parent / "docs" / "review-nights.md").write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
