"""How a deployed model does: on trusted records, in the slice aimed at, on fresh probes, in money."""

from __future__ import annotations

from typing import Any

import numpy as np

from vauban.contracts import LABEL, Decisions, Target
from vauban.metrics.intervals import combined, weighted, wilson
from vauban.records import Mask, Records
from vauban.results import Rate
from vauban.simulation.outcome import Measured
from vauban.simulation.stage import Stage
from vauban.threat import Cell, Decision


def measure(stage: Stage, model: Target, dressed: Records, cell: Cell) -> tuple[Measured, Mask]:
    """Return how a model does, see `Measured`, and which of the dressed probes are decided as he wants (m,)."""
    # One call for all of them: many a pipeline takes longer to begin than to decide.
    asked = [stage.trusted.records, dressed, *([] if dressed is stage.probes else [stage.probes])]
    whole = model.answer(np.concatenate(asked), LABEL).decisions
    decisions, *probed = np.split(whole, np.cumsum([len(a) for a in asked])[:-1])
    passed, bad = decisions == Decision.PASS, stage.trusted.labels == 1
    fnr, fpr = _rate(passed[bad]), _rate(~passed[~bad])
    wrong = passed == bad
    kind = bad == cell.harmful
    slice_error = _rate(wrong[kind & stage.aimed])
    # Probes are taken from one class, so the classes of what is left are weighed as they occur.
    shares = (stage.prevalence, 1 - stage.prevalence)
    loss = None
    if stage.amounts is not None:
        errors = ((passed[bad], stage.amounts[0][bad]), (~passed[~bad], stage.amounts[1][~bad]))
        means = [float(money.mean()) if len(money) else 0.0 for _, money in errors]
        lost = [weighted(which, money) for which, money in errors]
        loss = combined(lost, [1000 * share * mean for share, mean in zip(shares, means, strict=True)])
    won, plain = _as_wanted(probed[0], cell), _as_wanted(probed[-1], cell)
    return Measured(fnr, fpr, slice_error, _rate(won), _rate(plain), combined((fnr, fpr), shares), loss), won


def reached(model: Target, records: Records, cell: Cell) -> Mask:
    """Return which records (n,) the model decides as the attacker wants, at its deployed threshold."""
    if not len(records):
        return np.zeros(0, dtype=bool)
    return _as_wanted(model.answer(records, LABEL).decisions, cell)


def _as_wanted(decisions: Decisions, cell: Cell) -> Mask:
    # Mail that is held for a person is lost to its reader for the time being: in availability, referring is enough.
    return np.asarray(decisions == Decision.PASS if cell.harmful else decisions != Decision.PASS)


def _rate(which: Any) -> Rate:
    return wilson(int(np.sum(which)), len(which))
