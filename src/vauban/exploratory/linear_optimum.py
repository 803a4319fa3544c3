"""The cheapest record of all against a model whose inside is known and a sum over features."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from vauban.contracts import (
    AdditiveStructure,
    Ask,
    Bound,
    Brief,
    Claim,
    Cohort,
    Effect,
    Outcome,
    no_scouting,
)
from vauban.errors import BudgetSpent, ContractViolation
from vauban.records import Floats, Modality, Records
from vauban.schema import FORBIDDEN, Derived, Schema, TableSchema
from vauban.tactics.covering import Cover, Line, Options, cheapest
from vauban.threat import Decision, Grant

MARGINS = (1e-11, 1e-9, 1e-7, 1e-5)
"""How far past the threshold records are placed, relative to the margin's parts: further each time the model, whose
scores are rounded, disagrees."""
READ_WITHIN = 1e-7
"""How exactly, relative to the margin's parts, a structure is read: bounds leave that much room."""


@dataclass(frozen=True)
class InsideKnown:
    """What the model's inside says: the features by how far their parts spread over what the attacker knows."""

    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class LinearOptimum:
    """Solve for the cheapest possible record that flips the decision, and prove that none is cheaper.

    A covering knapsack for each victim: every number may move along its grid in the direction that helps, every
    category to any value, and the gains must add up to the margin. Relations that bound features are left out of that
    problem: the bound holds all the same, what is asked is the repaired record. Where features are derived from others
    the margin is no sum over what can be moved, and the attack is not tried. Ustun, Spangher and Liu, "Actionable
    recourse in linear classification" (FAT* 2019, section 3) solve it as an integer program; here it is solved exactly
    by branch and bound (`vauban.tactics.covering`).
    """

    modalities = frozenset({Modality.TABULAR})
    wants = frozenset({Grant.LABEL, Grant.STRUCTURE})

    def unfit(self, schema: Schema) -> str | None:
        """Return why the optimum cannot be found on this schema, or None."""
        if isinstance(schema, TableSchema) and any(isinstance(r, Derived) for r in schema.relations):
            names = ", ".join(r.feature for r in schema.relations if isinstance(r, Derived))
            return f"the margin is no sum over what can be moved: others follow from it ({names})"
        return None

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, InsideKnown]:
        """Read the inside; ask nothing."""
        inside, schema = _inside(brief)
        return no_scouting(InsideKnown(_effects(inside, schema, brief.known.records)))

    def search(self, cohort: Cohort, intelligence: InsideKnown, brief: Brief) -> Generator[Ask, Outcome, list[Claim]]:
        """Ask once for each victim, again only where rounding made the model disagree; claim a bound for each."""
        inside, schema = _inside(brief)
        sign = 1.0 if brief.cell.goal is Decision.PASS else -1.0
        # What a missing value adds is known only where the structure was read from records in which it was missing.
        cohort = cohort.pick(np.isfinite(inside.margin(cohort.records)))
        margins = sign * inside.margin(cohort.records)  # what has to be gained
        scale = _scale(inside, cohort.records)
        low, high = schema.span(cohort.records)
        problems = [_parts(inside, schema, sign, cohort.records[i], low[i], high[i]) for i in range(len(cohort))]
        claims: list[Claim] = [
            Bound(int(victim), cheapest(parts, float(need)).bound * (1 - 1e-9))
            for victim, (_, parts), need in zip(cohort.ids, problems, margins - READ_WITHIN * scale, strict=True)
        ]
        most = math.inf if brief.budget.cost is None else brief.budget.cost
        open_, asked = np.arange(len(cohort)), set[tuple[int, bytes]]()
        for past in MARGINS:
            covers = [cheapest(problems[i][1], float(margins[i] + past * scale[i])) for i in open_]
            keep = [at for at, cover in enumerate(covers) if cover.cost <= most and cover.cost < math.inf]
            open_ = open_[keep]
            if not len(open_):
                break
            records = np.stack(
                [_record(cohort.records[i], problems[i][0], covers[at]) for i, at in zip(open_, keep, strict=True)]
            )
            if schema.relations:
                records = schema.repair(cohort.records[open_], records)
                new = schema.cost(cohort.records[open_], records) <= most
                for at, record in enumerate(records):
                    new[at] &= (key := (int(open_[at]), record.tobytes())) not in asked
                    asked.add(key)
                records, open_ = records[new], open_[new]
                if not len(open_):
                    break
            try:
                outcome = yield Ask(records, cohort.ids[open_])
            except BudgetSpent:
                break
            open_ = open_[outcome.answered & ~brief.reached(outcome.decisions)]
        return claims


def _inside(brief: Brief) -> tuple[AdditiveStructure, TableSchema]:
    if not isinstance(brief.inside, AdditiveStructure) or not isinstance(brief.schema, TableSchema):
        raise ContractViolation(
            "The linear optimum needs a table and the structure of a model that is a sum over features. "
            f"Got {type(brief.schema).__name__} and {type(brief.inside).__name__}."
        )
    return brief.inside, brief.schema


def _scale(inside: AdditiveStructure, records: Records) -> Floats:
    """Return the size of the sums that a margin is made of (n,): what rounding is relative to."""
    total = np.full(len(records), 1.0 + abs(inside.offset))
    for j, table in enumerate(inside.tables):
        if table is None:
            total += np.abs(inside.weights[j] * np.nan_to_num(records[:, j]))
        else:
            total += np.abs(table).max()
    return total


@dataclass(frozen=True)
class _Move:
    """Where a part's pick leads: a feature's listed values, or a direction along it."""

    feature: int
    values: Floats | None
    direction: float = 0.0
    step: float = 0.0


def _parts(
    inside: AdditiveStructure, schema: TableSchema, sign: float, before: Floats, low: Floats, high: Floats
) -> tuple[list[_Move], list[Options | Line]]:
    """Return, for one victim, what each helpful change gains and costs, and where it leads."""
    moves: list[_Move] = []
    parts: list[Options | Line] = []
    listed = {int(j): schema.moves(int(j)) for j in schema.categories}
    for at, j in enumerate(schema.numbers.tolist()):
        table = inside.tables[j]
        if np.isnan(before[j]):
            continue
        if table is not None:  # an ordinal: its parts are listed, its prices go by rank
            listed[j] = schema.features[j].moves()
            continue
        rate = -sign * inside.weights[j]
        up = rate > 0
        last = (high[j] - before[j]) if up else (before[j] - low[j])
        price = float(schema.up[at] if up else schema.down[at])
        if rate == 0 or last <= 0 or price == FORBIDDEN:
            continue
        step = float(schema.step[j])
        first = step
        if step > 0:
            first = abs(_next(before[j], step, up) - before[j])
            last = first + np.rint((last - first) / step) * step if math.isfinite(last) else last
        moves.append(_Move(j, None, 1.0 if up else -1.0, step))
        parts.append(Line(abs(rate), price, first if step > 0 else 0.0, step, float(last)))
    for j, matrix in listed.items():
        table = inside.tables[j]
        if np.isnan(before[j]) or table is None:
            continue
        costs, gains = matrix[int(before[j])], sign * (table[int(before[j])] - table)
        to = np.flatnonzero((costs < FORBIDDEN) & (gains > 0))
        if len(to):
            moves.append(_Move(j, to.astype(np.float64)))
            parts.append(Options(gains[to], costs[to]))
    return moves, parts


def _next(value: float, step: float, up: bool) -> float:
    """Return the grid's next value in a direction."""
    steps = value / step
    return (math.floor(steps + 1e-6) + 1) * step if up else (math.ceil(steps - 1e-6) - 1) * step


def _record(before: Floats, moves: list[_Move], cover: Cover) -> Floats:
    after = before.copy()
    for move, pick in zip(moves, cover.picks, strict=True):
        if move.values is not None:
            if pick >= 0:
                after[move.feature] = move.values[int(pick)]
        elif pick > 0:
            value = before[move.feature] + move.direction * pick
            after[move.feature] = np.rint(value / move.step) * move.step if move.step > 0 else value
    return after


def _effects(inside: AdditiveStructure, schema: TableSchema, known: Records) -> tuple[Effect, ...]:
    """Return the features by the standard deviation of their parts over known records, strongest first."""
    found = []
    for j, (feature, table) in enumerate(zip(schema.features, inside.tables, strict=True)):
        column = known[:, j][~np.isnan(known[:, j])] if len(known) else np.empty(0)
        if table is None:
            spread = float(np.std(column)) if len(column) else 1.0
            direction = "raises" if inside.weights[j] > 0 else "lowers"
            effect = Effect(feature.name, abs(float(inside.weights[j])) * spread, direction)
        else:
            parts = table[column.astype(np.intp)] if len(column) else table
            order = np.argsort(-table, kind="stable")
            effect = Effect(
                feature.name, float(np.std(parts)), "both", values=tuple(str(feature.values[v]) for v in order)
            )
        if effect.effect > 0:
            found.append(effect)
    return tuple(sorted(found, key=lambda e: (-e.effect, e.name)))
