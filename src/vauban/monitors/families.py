"""Families: records that are nearly the same, as copies of one campaign are."""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from vauban.records import Ints, Records

Keys = NDArray[np.uint64]
_WORD = re.compile(r"\w+")
HASHES, ROWS = 64, 4
"""MinHash values a message, and how many of them in a row make a band: two messages that share 70 % of their word
pairs meet in at least one of 16 bands with probability 0.99."""
ODD = np.uint64(0x9E3779B97F4A7C15)
NEAR = 0.2
"""Share of the usual distance to the nearest record, below which two rows of a table are copies."""
MOST_CLOSE = 30_000
"""Rows of a table up to which distances are looked at; beyond, copies are those that fall into the same cells."""
LOOK = 2000
"""Rows from which the usual distance is taken."""
FINENESS = 20
"""Quantiles by which a number is told apart from another."""


def families(records: Records) -> Ints:
    """Return the number of each record's family (n,): messages by MinHash of words, tables by distance.

    Rows of a table are of one family if they fall into the same cell of a fine grid, or are closer than `NEAR` times
    what the nearest record usually is. For messages: Broder, "On the resemblance and containment of documents" (1997),
    with the banding of Leskovec, Rajaraman and Ullman (Mining of Massive Datasets, section 3.4).
    """
    if not len(records):
        return np.empty(0, dtype=np.int64)
    keys = _bands(records) if records.ndim == 1 else _rounded(records)
    n, bands = keys.shape
    pairs = [] if records.ndim == 1 else [_close(records)]
    for band in range(bands):
        _, first, which = np.unique(keys[:, band], return_index=True, return_inverse=True)
        pairs.append(np.stack([np.arange(n), first[which]]))
    left, right = np.concatenate(pairs, axis=1)
    graph = coo_matrix((np.ones(len(left)), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _bands(texts: Records) -> Keys:
    """Return a key for each band of MinHash values of word pairs (n, b)."""
    rng = np.random.default_rng(0)
    scale = rng.integers(1, 1 << 61, size=HASHES, dtype=np.uint64) | np.uint64(1)
    shift = rng.integers(0, 1 << 61, size=HASHES, dtype=np.uint64)
    out = np.empty((len(texts), HASHES), dtype=np.uint64)
    for i, text in enumerate(texts):
        words = hashed_words(text)
        pairs = words[:-1] * ODD ^ words[1:] if len(words) > 1 else hashed([text])
        out[i] = _least(pairs, scale, shift)
    bands = out.reshape(len(texts), -1, ROWS)
    mixed = bands[:, :, 0].copy()
    for row in range(1, ROWS):
        mixed = (mixed * ODD) ^ bands[:, :, row]
    return np.asarray(mixed)


def hashed_words(text: str) -> Keys:
    """Return a number for each word of a text, in order."""
    return hashed(_WORD.findall(text.lower()))


def hashed(texts: list[str]) -> Keys:
    """Return a number for each text."""
    found = (crc32(text.encode("utf-8", "replace")) for text in texts)
    return np.fromiter(found, dtype=np.uint64, count=len(texts))


def _least(shingles: Keys, scale: Keys, shift: Keys) -> Keys:
    mixed = np.unique(shingles)[:, None] * scale + shift
    return np.asarray((mixed ^ (mixed >> np.uint64(31))).min(axis=0))


def _rounded(records: Records) -> Keys:
    """Return one key a record and grid: two grids, half a step apart, so that no edge keeps all copies asunder."""
    keys = []
    for offset in (0.0, 0.5):
        key = np.zeros(len(records), dtype=np.uint64)
        for j in range(records.shape[1]):
            column = records[:, j]
            cuts = np.unique(np.nanquantile(column, (np.arange(FINENESS) + offset) / FINENESS))
            code = np.where(np.isnan(column), FINENESS + 1, np.searchsorted(cuts, column, side="right"))
            key = (key ^ (key >> np.uint64(29))) * ODD + code.astype(np.uint64) + np.uint64(1)
        keys.append(key)
    return np.stack(keys, axis=1)


def _close(records: Records) -> Ints:
    """Return pairs of rows (2, p) that are closer than records by chance are; numbers count in standard deviations."""
    n = len(records)
    if n < 3 or n > MOST_CLOSE:
        return np.empty((2, 0), dtype=np.int64)
    spread = np.nanstd(records, axis=0) if records.shape[1] else np.ones(0)
    points = np.nan_to_num(records / np.where(spread > 0, spread, 1.0), nan=-9.0)
    tree = cKDTree(points)
    some = points[np.random.default_rng(0).permutation(n)[:LOOK]]
    usual = float(np.median(tree.query(some, k=2)[0][:, 1]))
    if usual <= 0:
        return np.empty((2, 0), dtype=np.int64)
    distance, nearest = tree.query(points, k=min(4, n), distance_upper_bound=NEAR * usual)
    row, k = np.nonzero(np.isfinite(distance))
    return np.stack([row, nearest[row, k]]).astype(np.int64)
