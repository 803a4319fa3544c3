"""Records: what a model decides about, in the two forms that everything else passes around.

A *table* is a float64 array (n, d), one column a schema feature: numbers as they are, booleans as 0 / 1, categories as
their index in the schema's list, missing as NaN. *Messages* are an object array (n,) of str. No array class of our own:
slicing, masks and ``np.concatenate`` work as they do everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

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


def modality_of(records: Records) -> Modality:
    """Return the modality that the shape and dtype of records say."""
    return Modality.TEXT if records.ndim == 1 else Modality.TABULAR


def frozen(records: Records) -> Records:
    """Return a read-only copy: what is handed out cannot be written into, what is handed in cannot change later."""
    copy = records.copy()
    copy.flags.writeable = False
    return copy


_MIX = np.uint64(0x9E3779B97F4A7C15)


def fingerprints(records: Records) -> NDArray[np.uint64]:
    """Return a 64-bit key per record (n,): equal records have equal keys on every machine.

    Tables are hashed column by column with a multiply-and-shift mix over the bit patterns, vectorised over rows; -0.0
    counts as 0.0, and NaN is NaN. A collision among a million different records has probability below 1e-7, and cannot
    make a success: every success is asked of the model once more.
    """
    if modality_of(records) is Modality.TEXT:
        digests = b"".join(blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in records)
        return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
    plain = records + 0.0
    if plain.size and np.isnan(plain.min()):
        plain[np.isnan(plain)] = np.nan  # one pattern of bits for all that is missing
    bits = plain.view(np.uint64)
    keys = np.full(len(records), _MIX, dtype=np.uint64)
    for j in range(records.shape[1]):
        keys ^= bits[:, j]
        keys *= _MIX
        keys ^= keys >> np.uint64(29)
    keys *= np.uint64(0xBF58476D1CE4E5B9)
    keys ^= keys >> np.uint64(32)
    return keys
