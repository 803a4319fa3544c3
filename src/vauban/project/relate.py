"""Find what holds between the columns of a table: orders, sums, quotients, zeros that come together.

A relation is proposed only where it holds in every record and would not hold by chance: where the columns are
shuffled it breaks in many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np

from vauban.records import Floats

ROWS = 5000
LEAST = 50
"""Records that a relation must be seen in."""
COLUMNS = 60
"""Most columns that are compared with each other: pairs grow with their square."""
TRIPLES = 25
CHANCE = 0.9
"""Share of shuffled records in which what holds only by chance still holds."""
MOST = 20


@dataclass(frozen=True)
class Found:
    """A relation that holds: its JSON values as ``vauban.schema`` reads them, the columns in it, and the reason."""

    stored: dict[str, Any]
    columns: tuple[str, ...]
    reason: str


def mine(numbers: Floats, names: Sequence[str]) -> tuple[Found, ...]:
    """Return what holds in all of n records (n, d) of the columns named; NaN is a missing value.

    At most `MOST`, sums and quotients first: an order that follows from a sum is left out.
    """
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(numbers))[:ROWS]
    data = numbers[rows]
    varied = [j for j in range(len(names)) if len(np.unique(data[:, j][~np.isnan(data[:, j])])) > 2][:COLUMNS]
    if len(data) < LEAST or len(varied) < 2:
        return ()
    shuffled = np.column_stack([rng.permutation(data[:, j]) for j in range(data.shape[1])])
    found: list[Found] = []
    for one in (*_threes(data, shuffled, varied, names), *_twos(data, shuffled, varied, names)):
        known = any(set(one.columns) <= set(f.columns) for f in found)
        if not known and _holds_everywhere(one, numbers, names):
            found.append(one)
    return tuple(found[:MOST])


def _twos(data: Floats, shuffled: Floats, varied: list[int], names: Sequence[str]) -> Iterator[Found]:
    for a, b in combinations(varied, 2):
        both = ~np.isnan(data[:, a]) & ~np.isnan(data[:, b])
        zero = (data[:, a] == 0) == (data[:, b] == 0)
        share = float((data[both, a] == 0).mean()) if both.sum() >= LEAST else 0.0
        by_chance = share**2 + (1 - share) ** 2
        if zero[both].all() and by_chance < CHANCE and both.sum() >= 4 * LEAST:
            yield _zeros(names[a], names[b], int(both.sum()))
    for a, b in permutations(varied, 2):
        both = ~np.isnan(data[:, a]) & ~np.isnan(data[:, b])
        if both.sum() < LEAST or (data[both, a] > data[both, b]).any():
            continue
        mixed = shuffled[:, a] <= shuffled[:, b]
        if mixed[~np.isnan(shuffled[:, a]) & ~np.isnan(shuffled[:, b])].mean() < CHANCE:
            yield _order(names[a], names[b], int(both.sum()))


def _threes(data: Floats, shuffled: Floats, varied: list[int], names: Sequence[str]) -> Iterator[Found]:
    """Look at a few records first: most triples are no relation, and the few say so."""
    few = [j for j in varied if len(np.unique(data[:, j])) >= 10][:TRIPLES]
    for c in few:
        for a, b in combinations([j for j in few if j != c], 2):
            triples: tuple[tuple[str, Any, int, int], ...] = (
                ("sum", np.add, a, b),
                ("ratio", np.divide, a, b),
                ("ratio", np.divide, b, a),
                ("product", np.multiply, a, b),
            )
            for kind, value, x, y in triples:
                if _equal(data, value, x, y, c) and not _equal(shuffled, value, x, y, c):
                    yield _derived(kind, names[x], names[y], names[c], len(data))


def _equal(data: Floats, value: Any, a: int, b: int, c: int) -> bool:
    for rows in (data[:20], data):
        with np.errstate(all="ignore"):
            made = value(rows[:, a], rows[:, b])
        seen = np.isfinite(made) & ~np.isnan(rows[:, c])
        wide = np.maximum(np.abs(rows[:, c]), 1.0)
        if not (np.abs(made - rows[:, c]) <= 1e-6 * wide)[seen].all():
            return False
    return bool(seen.sum() >= LEAST and len(np.unique(rows[seen, c])) >= 10)


def _holds_everywhere(one: Found, numbers: Floats, names: Sequence[str]) -> bool:
    """Whether it holds in all records, not only in those that were looked at."""
    at = [list(names).index(c) for c in one.columns]
    columns = [numbers[:, j] for j in at]
    gone = np.isnan(numbers[:, at]).any(axis=1)
    tests: dict[str, Callable[..., Any]] = {
        "order": lambda a, b: a <= b,
        "zeros": lambda a, b: (a == 0) == (b == 0),
        "sum": lambda a, b, c: np.isclose(a + b, c, rtol=1e-6, atol=1e-6),
        "ratio": lambda a, b, c: np.isclose(a / b, c, rtol=1e-6, atol=1e-6) | ~np.isfinite(a / b),
        "product": lambda a, b, c: np.isclose(a * b, c, rtol=1e-6, atol=1e-6),
    }
    with np.errstate(all="ignore"):
        holds = tests[one.reason.split(":")[0]](*columns)
    return bool((holds | gone).all())


def _order(low: str, high: str, n: int) -> Found:
    stored = {"kind": "linear", "name": f"{low} <= {high}", "weights": {low: 1.0, high: -1.0}, "bound": 0.0}
    return Found(stored, (low, high), f"order: it holds in all of {n} records, and not when they are shuffled")


def _zeros(one: str, other: str, n: int) -> Found:
    tests = [{"feature": f, "test": "==", "value": 0} for f in (one, other)]
    name = f"{one} is 0 where {other} is"
    stored = {"kind": "implication", "name": name, "when": tests[0], "then": tests[1], "both": True}
    return Found(stored, (one, other), f"zeros: they come together in all of {n} records, and not when shuffled")


def _derived(kind: str, a: str, b: str, c: str, n: int) -> Found:
    if kind == "sum":
        weights = {a: 1.0, b: 1.0, c: -1.0}
        stored: dict[str, Any] = {
            "kind": "linear",
            "name": f"{a} + {b} = {c}",
            "weights": weights,
            "bound": 0.0,
            "equal": True,
        }
    else:
        sign = "/" if kind == "ratio" else "*"
        stored = {"kind": "derived", "feature": c, "expression": [sign, a, b], "tolerance": 1e-5}
    return Found(stored, (a, b, c), f"{kind}: it holds in all of {n} records, and not when they are shuffled")
