"""Dress victims as records that reach the goal, the cheapest first."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from vauban.contracts import Ask, Brief, Outcome
from vauban.records import Floats, Ints, Records
from vauban.schema import TableSchema
from vauban.schema.feature import directed_cost
from vauban.tactics.bracket import Bracket
from vauban.tactics.ledger import Ledger

DONORS = 32
"""Records that reach the goal which victims are dressed as, at most."""


def donors_of(brief: Brief, picture: Bracket) -> Records:
    """Return records that reached the goal; where nobody asked, those of the class that should."""
    found = picture.donors if len(picture.donors) else brief.known.of(0 if brief.cell.harmful else 1)
    return found[:DONORS]


def borrow_in_turn(ledger: Ledger, live: Ints, donors: Records, first: int, each: int) -> Generator[Ask, Outcome, None]:
    """Dress the victims as records that reach the goal, in all that may change: the cheapest from ``first`` on."""
    if first >= len(donors) or not len(live):
        return
    original = ledger.cohort.records[live]
    order = np.argsort(_fares(ledger.schema, original, donors), axis=1, kind="stable")[:, first : first + each]
    rows = np.repeat(np.arange(len(live)), order.shape[1])
    dressed = ledger.schema.repair(original[rows], donors[order.ravel()])
    yield from ledger.ask(live[rows], dressed, ledger.schema.cost(original[rows], dressed), distinct=False)


def _fares(schema: TableSchema, original: Records, donors: Records) -> Floats:
    """Return about what dressing each victim as each donor costs (k, D), without what he cannot change."""
    low, high = schema.span(original)
    total = np.zeros((len(original), len(donors)))
    for at, j in enumerate(schema.numbers):
        change = np.clip(donors[None, :, j], low[:, j, None], high[:, j, None]) - original[:, j, None]
        total += np.nan_to_num(directed_cost(change, schema.up[at], schema.down[at]), nan=0.0, posinf=0.0)
    for j in schema.categories.tolist():
        there = ~np.isnan(original[:, j])[:, None] & ~np.isnan(donors[:, j])
        matrix = np.where(np.isfinite(schema.moves(j)), schema.moves(j), 0.0)
        was, now = np.nan_to_num(original[:, j]).astype(np.intp), np.nan_to_num(donors[:, j]).astype(np.intp)
        total += np.where(there, matrix[was[:, None], now[None, :]], 0.0)
    return total
