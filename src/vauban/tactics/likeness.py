"""Which known records resemble a victim in what nobody can change."""

from __future__ import annotations

import numpy as np

from vauban.records import Floats, Ints, Records
from vauban.schema import TableSchema

_BLOCK = 1 << 22


def nearest(schema: TableSchema, victims: Records, known: Records, count: int) -> Ints:
    """Return the known records, at most ``count``, nearest to each victim in the immutable features: (n, k), unordered.

    Distance is Euclidean over numbers in standard deviations of the known ones, 1 for different listed values; what is
    missing is taken for the mean.
    """
    count = min(count, len(known))
    if not len(schema.fixed) or count == len(known):
        return np.tile(np.arange(count), (len(victims), 1))
    mine, theirs = _coordinates(schema, victims, known), _coordinates(schema, known, known)
    out = np.empty((len(victims), count), dtype=np.int64)
    rows = max(1, _BLOCK // len(known))
    for start in range(0, len(victims), rows):
        part = mine[start : start + rows]
        distance = (theirs**2).sum(axis=1) - 2 * part @ theirs.T
        out[start : start + rows] = np.argpartition(distance, count - 1, axis=1)[:, :count]
    return out


def _coordinates(schema: TableSchema, records: Records, known: Records) -> Floats:
    columns: list[Floats] = []
    for j in schema.fixed:
        feature = schema.features[j]
        if feature.listed:
            columns.extend((records[:, j] == k) / np.sqrt(2) for k in range(len(feature.values)))
            continue
        have = known[:, j][np.isfinite(known[:, j])]
        mean, spread = (have.mean(), have.std()) if len(have) else (0.0, 1.0)
        columns.append(
            (np.where(np.isnan(records[:, j]), mean, records[:, j]) - mean) / (spread if spread > 0 else 1.0)
        )
    return np.array(columns, dtype=np.float64).T
