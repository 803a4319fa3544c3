"""Records: what a model decides about, in the two forms that everything else passes around.

A *table* is a float64 array (n, d), one column a schema feature: numbers as they are, booleans as 0 / 1, categories as
their index in the schema's list, missing as NaN. *Messages* are an object array (n,) of str. No array class of our own:
slicing, masks and ``np.concatenate`` work as they do everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Records: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]


class Modality(StrEnum):
    """What kind of records an attack works on."""

    TABULAR = "table"
    TEXT = "messages"


def messages(texts: Iterable[str]) -> Records:
    """Return texts as an object array (n,)."""
    listed = list(texts)
    out = np.empty(len(listed), dtype=object)
    out[:] = listed
    return out


def with_columns(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a copy of a frame with these columns new or replaced; unlike by ``assign``, one may be called "self"."""
    out = frame.copy()
    for name, values in columns.items():
        out[name] = values
    return out


def modality_of(records: Records) -> Modality:
    """Return the modality that the shape and dtype of records say."""
    return Modality.TEXT if records.ndim == 1 else Modality.TABULAR


def frozen(records: Records) -> Records:
    """Return a read-only copy: what is handed out cannot be written into, what is handed in cannot change later."""
    copy = records.copy()
    copy.flags.writeable = False
    return copy


def those(rows: NDArray[Any], which: Mask) -> NDArray[Any]:
    """Return the rows (n, ...) that a mask (n,) picks: the very array, not a copy, where it picks all."""
    return rows if which.all() else rows[which]


_MIX = np.uint64(0x9E3779B97F4A7C15)
_STIR = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
_BLOCK = 2048
"""Rows hashed at a time: what is in between stays in the processor's cache."""


def fingerprints(records: Records) -> NDArray[np.uint64]:
    """Return a 64-bit key per record (n,): equal records have equal keys on every machine.

    In tables every bit pattern is mixed by multiply and shift, and a row's are added up with an odd weight a column;
    -0.0 counts as 0.0, and NaN is NaN. A collision among a million different records has probability below 1e-6, and
    cannot make a success: every success is asked of the model once more.
    """
    if modality_of(records) is Modality.TEXT:
        digests = b"".join(blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in records)
        return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
    return _stirred(_sums(records) + _MIX)


def changed_fingerprints(records: Records, which: Ints, column: Ints, values: Floats) -> NDArray[np.uint64]:
    """Return what `fingerprints` would of records of a table (n, d), each with another value in one column (k,).

    Args:
        records: (n, d) as they are.
        which: (k,) the record that each is a change of.
        column: (k,) where it is changed.
        values: (k,) to what.
    """
    change = _mixed(values) - _mixed(records[which, column])
    return _stirred(_sums(records)[which] + change * _weights(records.shape[1])[column] + _MIX)


def _sums(records: Records) -> NDArray[np.uint64]:
    """Return the sum of each record's mixed values (n,), with a weight a column."""
    weights = _weights(records.shape[1])
    sums = np.empty(len(records), dtype=np.uint64)
    for i in range(0, len(records), _BLOCK):
        np.matmul(_mixed(records[i : i + _BLOCK]), weights, out=sums[i : i + _BLOCK])
    return sums


def _mixed(values: Floats) -> NDArray[np.uint64]:
    """Return values with their bits mixed (same shape)."""
    plain = np.add(values, 0.0, order="C")
    if plain.size and np.isnan(plain.min()):
        plain[np.isnan(plain)] = np.nan  # one pattern of bits for all that is missing
    bits: NDArray[np.uint64] = plain.view(np.uint64)
    bits *= _MIX
    bits ^= bits >> _HALF
    return bits


@lru_cache(maxsize=64)
def _weights(columns: int) -> NDArray[np.uint64]:
    """Return an odd number for each column."""
    return _stirred(np.arange(1, columns + 1, dtype=np.uint64) * _MIX) | np.uint64(1)


def _stirred(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return keys whose every bit depends on every bit of these."""
    keys = (keys ^ (keys >> np.uint64(29))) * _STIR
    return keys ^ (keys >> _HALF)
