"""The ways in which victims' features can be moved, in money: what an amount spent on one of them buys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.contracts import Brief
from vauban.errors import ContractViolation
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import FORBIDDEN, TableSchema
from vauban.schema.feature import ON_GRID


def table_of(brief: Brief) -> TableSchema:
    """Return the brief's schema; ContractViolation if it is none of a table."""
    if not isinstance(brief.schema, TableSchema):
        raise ContractViolation(
            f"A search on tables needs the schema of a table. Got one of {brief.schema.modality.value}: "
            "run it on the modalities that the attack names."
        )
    return brief.schema


def grafted(schema: TableSchema, before: Records, after: Records) -> Records:
    """Return the nearest records to ``after`` that can be made of ``before`` (n, d); what is missing there is kept."""
    return schema.repair(before, np.where(np.isnan(after), before, after))


@dataclass(frozen=True)
class Arms:
    """An arm is a number's direction, or a category's other value; it belongs to one mutable feature.

    Attributes:
        start: (n, m) the victims' own values of the mutable features.
        feature: (a,) position of each arm's feature among the mutable ones.
        number: (a,) whether it can be gone in part.
        step: (a,) the number's grid, 0 for a continuum and for categories.
        end: (n, a) where each arm leads when gone all the way.
        full: (n, a) what that costs; FORBIDDEN where this victim cannot go there, or is there.
    """

    start: Floats
    feature: Ints
    number: Mask
    step: Floats
    end: Floats
    full: Floats

    @staticmethod
    def of(schema: TableSchema, victims: Records, known: Records) -> Arms:
        """Return the arms of victims (n, d). Known records bound a number that the schema leaves unbounded."""
        start = victims[:, schema.mutable]
        low, high = _ends(schema, victims, known)
        feature, number, step, end, full = [], [], [], [], []
        for at, j in enumerate(schema.mutable):
            price = schema.features[j].price
            if price.moves is None:
                ways = [(high[:, j], price.up, 1.0), (low[:, j], price.down, -1.0)]
                for to, cost, sign in ways:
                    if cost < FORBIDDEN:
                        feature.append(at)
                        number.append(True)
                        step.append(schema.step[j])
                        end.append(to)
                        distance = (to - start[:, at]) * sign
                        full.append(np.where(distance > 0, distance * cost, FORBIDDEN))
                continue
            matrix = schema.moves(int(j))
            gone = np.isnan(start[:, at])
            now = np.where(gone, 0, start[:, at]).astype(np.intp)
            for k in range(len(matrix)):
                if np.isfinite(np.delete(matrix[:, k], k)).any():  # somebody can go there
                    feature.append(at)
                    number.append(False)
                    step.append(0.0)
                    end.append(np.full(len(start), float(k)))
                    full.append(np.where(gone | (now == k), FORBIDDEN, matrix[now, k]))
        return Arms(
            start,
            np.array(feature, dtype=np.int64),
            np.array(number, dtype=np.bool_),
            np.array(step),
            np.array(end).reshape(len(end), len(start)).T.copy(),
            np.array(full).reshape(len(full), len(start)).T.copy(),
        )

    def spend(self, victims: Ints, arms: Ints, money: Floats) -> tuple[Floats, Floats]:
        """Return the values reached and what they cost, each (n,): the furthest attainable for at most this money.

        Where the money buys nothing, the value is the victim's own and the cost 0.
        """
        x, end, full = self.start[victims, self.feature[arms]], self.end[victims, arms], self.full[victims, arms]
        far = money >= full
        part = self.number[arms] & ~far & (full < FORBIDDEN)
        share = np.divide(money, full, out=np.zeros(len(full)), where=part)
        to = snapped(x, x + np.where(part, end - x, 0.0) * share, self.step[arms])
        gone = np.divide(to - x, end - x, out=np.zeros(len(full)), where=part)
        return np.where(far, end, to), np.where(far, full, np.where(part, full, 0.0) * gone)


def snapped(start: Floats, to: Floats, step: Floats) -> Floats:
    """Return numbers (n,) moved to their own grids (n,), 0 for a continuum, in the direction of ``start``."""
    up = to > start
    steps = np.divide(to, step, out=np.zeros(len(to)), where=step > 0)
    whole = np.where(up, np.floor(steps + ON_GRID), np.ceil(steps - ON_GRID)) * step
    whole = np.where((to != start) & (up == (whole > start)), whole, start)
    return np.where(step > 0, whole, to)


def _ends(schema: TableSchema, victims: Records, known: Records) -> tuple[Records, Records]:
    low, high = schema.span(victims)
    for j in schema.numbers:
        if not np.isinf([low[:, j], high[:, j]]).any():
            continue
        # how far, only known records say: a victim's reach must not depend on the other victims
        around = known[:, j][np.isfinite(known[:, j])]
        if len(around):
            reach = 2 * np.ptp(around) + np.abs(victims[:, j] - np.median(around))
        else:
            reach = 10 * np.maximum(np.abs(victims[:, j]), 1.0)
        step = np.full(len(victims), schema.step[j])
        for ends, sign in ((low, -1.0), (high, 1.0)):
            cut = snapped(victims[:, j], victims[:, j] + sign * reach, step)
            ends[:, j] = np.where(np.isinf(ends[:, j]), cut, ends[:, j])
    return low, high
