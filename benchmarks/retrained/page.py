"""The page of what was measured: a row for each fault and data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vauban.assurance.statement import exact
from vauban.results import Rate

WHERE = ("gate", "predictions")
GAIN = 0.1
"""Share of what he wants that the attacker must gain, for there to be anything to hold."""


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return docs/retrained-measured.md."""
    lines = [
        "# Retrained models before the gate and the review of predictions, measured",
        "",
        "Written by `python -m retrained` in `benchmarks/`; do not edit. A model in use, trained on 4,000 records; a "
        "candidate, trained on these and on a batch of 4,000 new ones from ten sources, each with a kind of record of "
        "its own. 2,000 verified records. The gate sees both models and the batch; the review of predictions both, "
        "what the candidate was trained on, and a log with labels of 3,000 mails or 6,000 applications, in which a "
        "campaign or a trigger is on 60 records. `named`: some line of the evidence says what was done: the threshold, "
        "the source, a word of the campaign, a value of the trigger, the attacked section, the good records that no "
        "longer pass; or near-identical records that the candidate learnt by heart and that are the attacker's. Exact "
        "intervals of 95 %.",
        "",
        "What is sent: `pseudospam`, `dictionary` and triggers are 1 % of all training records, `subpopulation` 3 %, "
        "the frog 2 % over eight rounds, each of 500 new mails, judged at the first at which probes pass more often "
        "than chance explains. Sections are those of the [stories](stories.md). The attacker sends through the ten "
        "sources that everybody uses.",
        "",
        "| fault | data | what the attacker gets | held by the gate | and named | held by the review | and named |",
        "|---|---|---|---|---|---|---|",
    ]
    faults = [r for r in rows if r["kind"] != "sound" and _harmed(r)]
    for kind, data in sorted({(r["kind"], r["data"]) for r in faults}):
        mine = [r for r in faults if (r["kind"], r["data"]) == (kind, data)]
        cells = [_of(mine, where, what) for where in WHERE for what in ("held", "named")]
        lines.append(f"| {kind} | {data} | {_harm(mine)} | {' | '.join(cells)} |")
    sound = [r for r in rows if r["kind"] == "sound"]
    lines += [
        "",
        "What the attacker gets: share of fresh records that are decided as he wants, with the model in use and with "
        f"the candidate; the mean over the seeds. Left out are candidates that give him less than {100 * GAIN:.0f} "
        f"points more than the model in use: {_idle(rows)}.",
        "",
        "## Sound retrainings",
        "",
        "The batch is honest. The gate's siege is left out: [gate](gate.md) says what it holds.",
        "",
        "| data | held by the gate | held by the review |",
        "|---|---|---|",
    ]
    for data in sorted({r["data"] for r in sound}):
        mine = [r for r in sound if r["data"] == data]
        lines.append(f"| {data} | {' | '.join(_of(mine, where, 'held') for where in WHERE)} |")
    cells = [_of(sound, where, "held") for where in WHERE] if sound else []
    lines += [f"| all | {' | '.join(cells)} |"] if cells else []
    for row in sound:
        lines += [
            f"\n{row['data']}, seed {row['seed']}, {where}: {'; '.join(row[where]['evidence'][:3])}"
            for where in WHERE
            if row[where]["held"]
        ]
    return "\n".join(lines) + "\n"


def _harmed(row: dict[str, Any]) -> bool:
    return row["harm"] is None or row["harm"][0] - row["harm"][1] >= GAIN


def _idle(rows: Sequence[dict[str, Any]]) -> str:
    idle = [r for r in rows if not _harmed(r)]
    told = [f"{r['kind']} on {r['data']}, seed {r['seed']}" for r in sorted(idle, key=lambda r: (r["kind"], r["seed"]))]
    return "; ".join(told) or "none"


def _of(rows: Sequence[dict[str, Any]], where: str, what: str) -> str:
    rate: Rate = exact(sum(r[where][what] for r in rows), len(rows))
    return f"{sum(r[where][what] for r in rows)} of {len(rows)} ({100 * rate.low:.0f} to {100 * rate.high:.0f} %)"


def _harm(rows: Sequence[dict[str, Any]]) -> str:
    told = [r["harm"] for r in rows if r["harm"]]
    if not told:
        return "-"
    new, old = (100 * sum(part) / len(told) for part in zip(*told, strict=True))
    return f"{old:.0f} % before, {new:.0f} % now"
