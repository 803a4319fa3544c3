"""Families: records that are nearly the same, as copies of one campaign are."""

from __future__ import annotations

import re
from itertools import pairwise
from zlib import crc32

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from vauban.records import Ints, Records

_WORD = re.compile(r"\w+")
HASHES, ROWS = 64, 4
"""MinHash values a message, and how many of them in a row make a band: two messages that share 70 % of their word
pairs meet in at least one of 16 bands with probability 0.99."""
FINENESS = 20
"""Quantiles by which a number is told apart from another."""


def families(records: Records) -> Ints:
    """Return the number of each record's family (n,): messages by MinHash of word pairs, tables by rounded values.

    Broder, "On the resemblance and containment of documents" (1997), with the banding of Leskovec, Rajaraman and Ullman
    (Mining of Massive Datasets, section 3.4).
    """
    if not len(records):
        return np.empty(0, dtype=np.int64)
    keys = _bands(records) if records.ndim == 1 else _rounded(records)
    n, bands = keys.shape
    pairs = []
    for band in range(bands):
        _, first, which = np.unique(keys[:, band], return_index=True, return_inverse=True)
        pairs.append(np.stack([np.arange(n), first[which]]))
    left, right = np.concatenate(pairs, axis=1)
    graph = coo_matrix((np.ones(len(left)), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _bands(texts: Records) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
    rng = np.random.default_rng(0)
    scale = rng.integers(1, 1 << 61, size=HASHES, dtype=np.uint64) | np.uint64(1)
    shift = rng.integers(0, 1 << 61, size=HASHES, dtype=np.uint64)
    out = np.empty((len(texts), HASHES), dtype=np.uint64)
    for i, text in enumerate(texts):
        words = _WORD.findall(text.lower())
        pairs = {crc32(f"{a} {b}".encode()) for a, b in pairwise(words)} or {crc32(text.encode())}
        shingles = np.fromiter(pairs, dtype=np.uint64, count=len(pairs))
        out[i] = (shingles[:, None] * scale + shift).min(axis=0)
    bands = out.reshape(len(texts), -1, ROWS)
    mixed = bands[:, :, 0].copy()
    for row in range(1, ROWS):
        mixed = (mixed * np.uint64(0x9E3779B97F4A7C15)) ^ bands[:, :, row]
    return np.asarray(mixed)


def _rounded(records: Records) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
    """Return one key a record and grid: two grids, half a step apart, so that no edge keeps all copies asunder."""
    keys = []
    for offset in (0.0, 0.5):
        codes = np.empty(records.shape)
        for j in range(records.shape[1]):
            column = records[:, j]
            cuts = np.unique(np.nanquantile(column, (np.arange(FINENESS) + offset) / FINENESS))
            codes[:, j] = np.where(np.isnan(column), -1, np.searchsorted(cuts, column, side="right"))
        _, which = np.unique(codes, axis=0, return_inverse=True)
        keys.append(which.astype(np.uint64).ravel())
    return np.stack(keys, axis=1)
