"""Read the inside of a model whose margin is a sum over features, by measuring it; and prove that it is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vauban.contracts import AdditiveStructure
from vauban.errors import TargetError
from vauban.records import Floats, Records
from vauban.schema import TableSchema

TOLERANCE = 1e-7
"""How far, relative to the spread of margins, a model may be from the sum of its parts and still be read exactly."""


def read_additive(
    margin: Callable[[Records], Floats], schema: TableSchema, sample: Records, limit: float, name: str
) -> AdditiveStructure:
    """Return the additive structure of a margin function.

    Args:
        margin: encoded records (n, d) to margins (n,), positive is more harmful.
        schema: of the records.
        sample: real records (m, d); the first is the reference, all are the proof.
        limit: the margin at which records are blocked.
        name: of the model, for the error.

    Raises:
        TargetError: the margin of the sample, shuffled column by column, is not the sum of the parts.
    """
    reference = sample[0].copy()
    for j in np.flatnonzero(np.isnan(reference)).tolist():
        present = sample[~np.isnan(sample[:, j]), j]
        reference[j] = present[0] if len(present) else 0.0
    probes: list[Floats] = [reference]
    plan: list[tuple[int, float]] = []
    for j, feature in enumerate(schema.features):
        if feature.listed:
            values = [float(i) for i in range(len(feature.values))]
        else:
            column = sample[~np.isnan(sample[:, j]), j]
            values = [float(column.max())] if len(column) and column.max() != reference[j] else [reference[j] + 1.0]
        for value in [*values, *([np.nan] if np.isnan(sample[:, j]).any() else [])]:
            probe = reference.copy()
            probe[j] = value
            probes.append(probe)
            plan.append((j, value))
    measured = margin(np.array(probes))
    at_reference, moved = measured[0], measured[1:] - measured[0]

    d = len(schema.features)
    weights, missing, offset = np.zeros(d), np.full(d, np.nan), float(at_reference) - limit
    tables: list[Floats | None] = [np.zeros(len(f.values)) if f.listed else None for f in schema.features]
    for (j, value), change in zip(plan, moved, strict=True):
        table = tables[j]
        if np.isnan(value):
            missing[j] = change
        elif table is not None:
            table[int(value)] = change
        else:
            weights[j] = change / (value - reference[j])
    for j, table in enumerate(tables):
        if table is None:  # parts are measured from the reference: a number's is weight * (value - reference)
            offset -= weights[j] * reference[j]
            missing[j] += weights[j] * reference[j]
    structure = AdditiveStructure(offset, weights, tuple(tables), missing)
    _prove(structure, margin, sample, limit, name)
    return structure


def _prove(
    structure: AdditiveStructure, margin: Callable[[Records], Floats], sample: Records, limit: float, name: str
) -> None:
    rng = np.random.default_rng(0)
    mixed = np.column_stack([rng.permutation(sample[:, j]) for j in range(sample.shape[1])])
    checked = np.vstack([sample, mixed])
    expected, got = margin(checked) - limit, structure.margin(checked)
    off = np.abs(expected - got).max()
    if not off <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise TargetError(
            f"The structure of {name!r} cannot be read: its margin is no sum over features (off by {off:.3g}). "
            "Structure is granted for linear models and scorecards only."
        )
