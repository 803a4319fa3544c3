"""The page of what was measured: a row a data set and kind, over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vauban.metrics.intervals import wilson

OURS = ("found", "neither", "erring, put before him")
OTHERS = ("cleanlab", "Data-OOB", "who knows")


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return docs/review-measured.md."""
    lines = [
        "# The review of training data, measured",
        "",
        "Written by `python -m review` in `benchmarks/`; do not edit. Shares of what could be found at best (the "
        "smaller of the looks and of what was planted) in 8,000 records, the mean over the seeds and the lowest of "
        "them; a reviewer who knows what was planted, 500 verified records and a model approved before, where nothing "
        "else is said. cleanlab (self-confidence of out-of-fold probabilities) and Data-OOB (50 bags) know the labels.",
    ]
    for place, share in ((0, "2.5"), (1, "5")):
        lines += [
            "",
            f"## After looking at {share} % of the records",
            "",
            "| data | planted | seeds | review | with neither | erring in 10 % | cleanlab | Data-OOB | who knows |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for data, kind in sorted({(r["data"], r["kind"]) for r in rows}):
            mine = [r for r in rows if (r["data"], r["kind"]) == (data, kind)]
            cells = [_share(mine, name, place) for name in (*OURS, *OTHERS)]
            lines.append(f"| {data} | {kind} ({mine[0]['planted']}) | {len(mine)} | {' | '.join(cells)} |")
    lines += [
        "",
        "A reviewer who errs calls a tenth of what is put before him by the wrong name; the column says what was put "
        "before him. `who knows`: turned labels by a model that was cross-fitted before any was turned; a section by "
        "reading nothing but its records with the label that the attacker wants, those first that the approved model "
        "expects least. What he does not find among them looks like what is honest.",
        "",
        "## Damage undone",
        "",
        "Probes that get what the attacker wants (mails of the campaign that pass; for `dictionary`, good mails that "
        "do not), of a model trained on all, on all but what the review found in 2.5 %, and on nothing planted. Wilson "
        "intervals over the probes of all seeds.",
        "",
        "| data | planted | attacked | after the review | nothing planted |",
        "|---|---|---|---|---|",
    ]
    for data, kind in sorted({(r["data"], r["kind"]) for r in rows if r["attacked"] is not None}):
        mine = [r for r in rows if (r["data"], r["kind"]) == (data, kind)]
        cells = [_rate(mine, name) for name in ("attacked", "reviewed", "clean")]
        lines.append(f"| {data} | {kind} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _share(rows: Sequence[dict[str, Any]], name: str, place: int) -> str:
    found = []
    for r in rows:
        if name not in r:
            return "-"
        looks = r["rows"] // (40 if place == 0 else 20)
        found.append(r[name][place] / min(looks, r["planted"]))
    return f"{100 * np.mean(found):.0f} % ({100 * min(found):.0f})"


def _rate(rows: Sequence[dict[str, Any]], name: str) -> str:
    told = wilson(sum(r[name]["won"] for r in rows), sum(r[name]["n"] for r in rows))
    return f"{100 * told.value:.1f} % ({100 * told.low:.1f} to {100 * told.high:.1f}, n = {told.n})"
