"""Turn what searches reached into findings: figures with n and interval, curves, money, examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vauban.audit.fronts import Front
from vauban.audit.judge import NEVER, Judged
from vauban.audit.money import money
from vauban.audit.varying import AFRESH, SHORTLIST
from vauban.catalogue import Entry
from vauban.contracts import SCORE, Target
from vauban.metrics.intervals import quantile, wilson
from vauban.records import Floats, Ints, Modality, Records
from vauban.results import Change, Clean, Confirmation, Cost, Example, Finding, Queries, Trial
from vauban.schema import Schema
from vauban.system import Part, System
from vauban.threat import Cell, Decision, Grant, Specificity

POINTS = 60
"""Most points of a curve in a report."""
EXAMPLES = 3

_RETRAIN = "Retrain with the successful records, rightly labelled, and audit again; keep them as a test set."
REMEDIES = {
    (Cell.EI, Modality.TABULAR): (
        "Limit how many questions one applicant, device or account may ask, and log them: probing shows as many "
        "near-identical records with changing outcomes (ATLAS mitigations AML.M0004, AML.M0024).",
        "Verify, at the point of decision, the fields that the worst records changed: a field that costs the "
        "applicant nothing to change should not move the decision alone.",
        _RETRAIN,
    ),
    (Cell.EI, Modality.TEXT): (
        "Notice senders whose messages are near-identical but for a few words, and mailboxes that exist to see what "
        "arrives: that is what probing looks like (ATLAS mitigations AML.M0004, AML.M0024).",
        "Judge parts of a message apart, so that friendly words in one part do not outweigh the harmful part; cap the "
        "weight of any one word.",
        _RETRAIN,
    ),
    (Cell.EA, Modality.TABULAR): (
        "Confirm with the applicant, over a channel of his own, what others filled in before a rejection counts.",
        "Cap how much any one field can add to the score.",
        _RETRAIN,
    ),
    (Cell.EA, Modality.TEXT): (
        "Judge quoted and appended parts apart from what the sender wrote; let a person look before mail of known "
        "senders is lost.",
        "Cap how much any one word can add to the score.",
        _RETRAIN,
    ),
}


def clean_performance(target: Target, part: Part) -> Clean:
    """Return false-negative and false-positive rates on held-out data, and whether the model is degenerate."""
    decisions = target.answer(target.schema.encode(part.frame), target.grants & SCORE).decisions
    passed, blocked, harmful = decisions == Decision.PASS, decisions == Decision.BLOCK, part.labels == 1
    misses, blocks = int((passed & harmful).sum()), int((blocked & ~harmful).sum())
    fnr, fpr = wilson(misses, int(harmful.sum())), wilson(blocks, int((~harmful).sum()))
    degenerate = None
    if passed.all() or not passed.any():
        what = "passes all" if passed.all() else "blocks all" if blocked.all() else "passes none"
        degenerate = f"The model {what} of {len(part)} held-out records."
    elif fnr.value + fpr.value >= 1:
        degenerate = "The model does no better than chance at its threshold: its error rates add up to 1 or more."
    return Clean(fnr, fpr, degenerate)


def make_finding(
    system: System,
    front: Front,
    line: Entry,
    judged: Judged,
    *,
    grants: frozenset[Grant],
    effort: dict[str, Any],
    turns: Sequence[Trial] = (),
) -> Finding:
    """Return the finding of one attack on one front; ``turns`` are the members of a cascade."""
    cell, n = front.threat.cell, len(judged.ids)
    won = judged.success
    targeted = front.threat.specificity is Specificity.TARGETED
    rate = wilson(int(won.sum()), n)
    return Finding(
        id=f"{cell.value}-{'targeted-' if targeted else ''}{line.name}",
        cell=cell.value,
        specificity=front.threat.specificity.value,
        attack=line.name,
        role=line.role,
        title=line.name.replace("-", " ").capitalize(),
        description=summary_of(line),
        grants=tuple(sorted(grants)),
        victims=n,
        successes=int(won.sum()),
        success_rate=rate,
        cost=Cost(front.schema.unit, *(quantile(judged.cost, q) for q in (0.5, 0.1, 0.9))),
        queries=Queries(
            quantile(judged.used.astype(np.float64), 0.5),
            quantile(judged.used.astype(np.float64), 0.9),
            quantile(judged.flagged.astype(np.float64), 0.5),
            front.threat.budget.queries,
        ),
        tags=line.tags_in(cell),
        curves={"queries": _curve(judged.first[judged.first < NEVER], n), "cost": _curve(judged.cost[won], n)},
        money=None if system.economics is None else money(system, front, judged, system.economics),
        examples=_examples(system.target, front, judged),
        remediation=REMEDIES[cell, front.schema.modality],
        bounds=_bounds(judged),
        confirmation=_confirmation(judged),
        settings=dict(line.parameters),
        members=_members(judged, turns),
        **effort,
    )


def summary_of(line: Entry) -> str:
    """Return the first paragraph of what an attack says of itself."""
    text = line.make().__class__.__doc__ or ""
    return " ".join(text.split("\n\n")[0].split())


def _curve(at: Floats | Ints, n: int) -> tuple[tuple[float, float], ...]:
    """Return a step curve: the share of n victims evaded at or below each x."""
    x, counts = np.unique(at, return_counts=True)
    share = np.cumsum(counts) / max(n, 1)
    if len(x) > POINTS:
        keep = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int))
        x, share = x[keep], share[keep]
    return tuple((float(a), float(b)) for a, b in zip(x, share, strict=True))


def _bounds(judged: Judged) -> dict[str, Any] | None:
    claimed = ~np.isnan(judged.bound)
    if not claimed.any():
        return None
    return {
        "victims": int(claimed.sum()),
        "median": quantile(judged.bound[claimed], 0.5),
        "out_of_reach": int(np.isinf(judged.bound[claimed]).sum()),
    }


def _members(judged: Judged, turns: Sequence[Trial]) -> tuple[dict[str, Any], ...]:
    """Return of each member of a cascade its figures on the tuning set, and what it reached of what the others left."""
    found = [int((judged.turn == at).sum()) for at in range(len(turns))]
    left = len(judged.ids) - np.cumsum([0, *found])
    return tuple(
        {
            "attack": trial.attack,
            "settings": trial.settings,
            "tuned_on": {"n": trial.n, "successes": trial.successes, "queries": trial.queries},
            "left": int(rest),
            "successes": won,
        }
        for trial, won, rest in zip(turns, found, left, strict=False)
    )


def _confirmation(judged: Judged) -> Confirmation | None:
    if not judged.afresh.any():
        return None
    flips = judged.confirmed[judged.success]
    answers = AFRESH * len(flips)
    return Confirmation(SHORTLIST, AFRESH, int(judged.afresh.sum()), wilson(round(flips.sum() * AFRESH), answers))


def _examples(target: Target, front: Front, judged: Judged) -> tuple[Example, ...]:
    """Return the cheapest successes, of different cost where there are such: what a reader should see first."""
    won = np.flatnonzero(judged.success)
    if not len(won):
        return ()
    won = won[np.argsort(judged.cost[won], kind="stable")]
    picked = won[np.unique(np.linspace(0, max(len(won) // 2, 1) - 1, EXAMPLES).astype(int))]
    before = target.answer(front.victims[picked], target.grants & SCORE).scores
    return tuple(
        Example(
            victim_id=int(front.ids[i]),
            cost=float(judged.cost[i]),
            queries=int(judged.at[i]),
            score_before=None if before is None else float(before[k]),
            score_after=None if np.isnan(judged.score[i]) else float(judged.score[i]),
            changes=changes(front.schema, front.victims[i : i + 1], judged.records[i : i + 1]),
        )
        for k, i in enumerate(picked)
    )


def changes(schema: Schema, before: Records, after: Records) -> tuple[Change, ...]:
    """Return the raw fields in which two records (each of n = 1) differ."""
    was, now = schema.decode(before).iloc[0], schema.decode(after).iloc[0]
    fields = (c for c in schema.columns if not _same(was[c], now[c]))
    return tuple(Change(c, _plain(was[c]), _plain(now[c])) for c in fields)


def _same(one: Any, other: Any) -> bool:
    gone, left = pd.isna(one), pd.isna(other)  # pandas' own NA has no truth value when compared
    return bool(gone and left) if gone or left else bool(one == other)


def _plain(value: Any) -> Any:
    if value is pd.NA:
        return None
    return value.item() if isinstance(value, np.generic) else value
