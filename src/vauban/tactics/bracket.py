"""Scouting with scores: between which scores the decision turns, and which records reach the goal."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np

from vauban.contracts import SCORE, Ask, Brief, Effect, Outcome
from vauban.errors import BudgetSpent
from vauban.records import Floats, Records
from vauban.schema import TableSchema

ALONG, ZOOMS = 12, 3
"""Records asked about between two known ones, and how often, to find the score at which the decision turns."""


@dataclass(frozen=True)
class Bracket:
    """What scouting learnt: between which progress the decision turns, records that reach the goal, and effects."""

    below: float = -np.inf
    above: float = np.inf
    donors: Records = field(default_factory=lambda: np.empty((0, 0)))
    effects: tuple[Effect, ...] = ()


def bracketed(brief: Brief, questions: int) -> Generator[Ask, Outcome, Bracket]:
    """Ask about known records, at most so many questions, then between the two nearest to the threshold."""
    most = min(questions, brief.budget.scouting)
    known = brief.known.records
    if not len(known) or not most or not isinstance(brief.schema, TableSchema):
        return Bracket()
    sample = known[brief.rng().permutation(len(known))[: max(most - ZOOMS * (ALONG + len(brief.schema.features)), 1)]]
    try:
        outcome = yield Ask(sample, None, SCORE)
    except BudgetSpent:
        return Bracket()
    sample = sample[outcome.answered]
    progress = brief.progress(outcome.scores[outcome.answered])  # type: ignore[index]
    reached = brief.reached(outcome.decisions[outcome.answered])
    effects = _effects(brief.schema, sample, progress, brief.cell.harmful)
    below = float(progress[~reached].max(initial=-np.inf))
    above = float(progress[reached].min(initial=np.inf))
    donors = sample[reached]
    if not reached.any() or reached.all():
        return Bracket(below, above, donors, effects)
    low = sample[~reached][np.argmax(progress[~reached])]
    high = sample[reached][np.argmin(progress[reached])]
    for _ in range(ZOOMS):
        path = _path(brief.schema, low, high)
        try:
            outcome = yield Ask(path, None, SCORE)
        except BudgetSpent:
            break
        progress = brief.progress(outcome.scores[outcome.answered])  # type: ignore[index]
        reached = brief.reached(outcome.decisions[outcome.answered])
        below = float(progress[~reached].max(initial=below))
        above = float(progress[reached].min(initial=above))
        path = np.concatenate([low[None], path[outcome.answered], high[None]])
        turn = int(np.argmax(np.concatenate([[False], reached, [True]])))
        low, high = path[turn - 1], path[turn]
    return Bracket(below, above, donors, effects)


def _path(schema: TableSchema, low: Records, high: Records) -> Records:
    """Return records between two: their listed values change one after the other, then their numbers evenly."""
    listed = np.array([f.listed for f in schema.features])
    steps = [low]
    for j in np.flatnonzero(listed & ~(low == high)):
        steps.append(steps[-1].copy())
        steps[-1][j] = high[j]
    step = schema.step
    for share in np.linspace(0, 1, ALONG + 1)[:-1]:
        with np.errstate(invalid="ignore", divide="ignore"):
            value = low + share * (high - low)
            value = np.where(step > 0, np.rint(value / step) * step, value)
        steps.append(np.where(listed, high, value))
    return schema.derived(np.array(steps[1:]))


def _effects(schema: TableSchema, records: Records, progress: Floats, harmful: bool) -> tuple[Effect, ...]:
    """Return the features by how strongly they go with progress over known records, strongest first."""
    found = []
    spread = float(progress.std()) if len(progress) else 0.0
    for j, feature in enumerate(schema.features):
        column = records[:, j]
        there = ~np.isnan(column)
        if there.sum() < 3 or spread == 0 or np.ptp(column[there]) == 0:
            continue
        if feature.listed:
            codes = column[there].astype(np.intp)
            count = np.bincount(codes, minlength=len(feature.values))
            mean = np.bincount(codes, progress[there], len(feature.values)) / np.maximum(count, 1)
            strength = float(np.sqrt(np.average((mean - progress[there].mean()) ** 2, weights=count)))
            order = np.argsort(mean if harmful else -mean, kind="stable")
            values = tuple(str(feature.values[v]) for v in order if count[v])
            found.append(Effect(feature.name, strength, "both", values=values))
        else:
            r = float(np.corrcoef(column[there], progress[there])[0, 1])
            raises = (r < 0) == harmful
            found.append(Effect(feature.name, abs(r) * spread, "raises" if raises else "lowers"))
    return tuple(sorted(found, key=lambda e: (-e.effect, e.name)))
