"""Check a ``vauban.toml`` before an audit: does the model load, do the columns agree, what can it be asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.audit.findings import clean_performance
from vauban.contracts import SCORE
from vauban.errors import TargetError, VaubanError
from vauban.project.build import Project
from vauban.schema import TextSchema
from vauban.targets.deciding import rounded

ROWS = 500
REPEATS = 3


@dataclass(frozen=True)
class Checked:
    """One thing that was looked at, whether it is well, and what was seen; None where it could not be looked at."""

    what: str
    well: bool | None
    seen: str


def check(project: Project, seed: int = 0) -> tuple[Checked, ...]:
    """Return what a look at a user's model and data shows, in order; what depends on a failure is not looked at.

    Raises:
        BadInput: the data or the settings cannot be read at all.
    """
    parts, removed = project.parts(project.settings_seed(seed))
    sizes = ", ".join(f"{n} {name}" for name, n in parts.sizes().items() if n)
    gone = "".join(f"; {n} left out: {why}" for why, n in removed.items())
    harmful = sum(int(getattr(parts, name).labels.sum()) for name in parts.sizes())
    out = [Checked("the data are read", True, f"{sizes}; {harmful} harmful{gone}")]
    steps = [
        "the model loads",
        "the columns agree",
        "it answers",
        "the same each time",
        "it is not degenerate",
        "it can be asked",
    ]

    def failed(error: Exception) -> tuple[Checked, ...]:
        at = len(out) - 1
        rest = [Checked(step, None, "not looked at") for step in steps[at + 1 :]]
        return (*out, Checked(steps[at], False, str(error)), *rest)

    try:
        model = project.model()
    except VaubanError as error:
        return failed(error)
    out.append(Checked(steps[0], True, type(model).__name__))
    try:
        target = project.target(parts)
        records = target.schema.encode(parts.victims.frame.iloc[:ROWS])
    except VaubanError as error:
        return failed(error)
    if isinstance(target.schema, TextSchema):
        out.append(Checked(steps[1], True, f"messages in {target.schema.column!r}"))
    else:
        out.append(Checked(steps[1], True, f"{len(target.schema)} features, {len(target.schema.mutable)} can change"))
    want = target.grants & SCORE
    try:
        first = target.answer(records, want)
        passed = float(np.mean(first.decisions == 0))
        out.append(
            Checked(steps[2], True, f"{len(records)} records, {passed:.0%} of them pass at {target.threshold:g}")
        )
        # In another order and in other batches too: an answer may hang on what is asked with it.
        order = np.random.default_rng(seed).permutation(len(records))
        moved = 0
        for turn in range(REPEATS):
            rows = np.arange(len(records)) if turn == 0 else order
            again = target.answer(records[rows], want)
            same = again.decisions == first.decisions[rows]
            if first.scores is not None and again.scores is not None:
                same = same & (rounded(again.scores) == rounded(first.scores[rows]))
            moved = max(moved, int((~same).sum()))
    except TargetError as error:
        return failed(error)
    seen = f"{moved} of {len(records)} records were answered differently when asked again ({REPEATS} times)"
    out.append(Checked(steps[3], moved == 0, seen if moved else f"{REPEATS} repeats of {len(records)} records agree"))
    clean = clean_performance(target, parts.victims)
    wrong = f"{clean.fnr.value:.1%} of harmful records pass, {clean.fpr.value:.1%} of good ones are blocked"
    rates = f"{wrong} (n = {len(parts.victims)})"
    out.append(Checked(steps[4], clean.degenerate is None, clean.degenerate or rates))
    out.append(Checked(steps[5], True, ", ".join(sorted(target.grants))))
    return tuple(out)
