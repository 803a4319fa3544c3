"""The system under audit: a model, its data in disjoint parts, and what its errors cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.contracts import Target, Trainer
from vauban.errors import BadInput
from vauban.records import Mask

Labels = NDArray[np.int8]


@dataclass(frozen=True)
class Part:
    """Some of the data: raw records and their true labels (n,), 1 = harmful."""

    frame: pd.DataFrame
    labels: Labels

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.labels)

    def take(self, which: Mask | NDArray[np.int64]) -> Part:
        """Return the part made of some of its records."""
        return Part(self.frame[which] if which.dtype == bool else self.frame.iloc[which], self.labels[which])


@dataclass(frozen=True)
class Parts:
    """Disjoint parts of the data, one for each purpose."""

    train: Part
    tuning: Part
    known: Part
    victims: Part

    def sizes(self) -> dict[str, int]:
        """Return the number of records of each part."""
        return {name: len(getattr(self, name)) for name in ("train", "tuning", "known", "victims")}


SHARES = {"train": 0.55, "tuning": 0.05, "known": 0.15, "victims": 0.25}

HELD_OUT = {"train": 0.0, "tuning": 0.1, "known": 0.3, "victims": 0.6}
"""How records that a model was not trained on are divided: the attacker's look-alikes, and his victims."""


def split(
    frame: pd.DataFrame,
    labels: Labels,
    seed: int,
    shares: Mapping[str, float] = SHARES,
    times: NDArray[np.datetime64] | None = None,
) -> Parts:
    """Return data in disjoint parts, shuffled with the seed.

    Without times each part has the classes in the same shares. With times (n,) the parts follow each other: the model
    is trained on the earliest records, and the victims are the latest. Records of one time are divided at random.

    Raises:
        BadInput: a label is missing or none of 0 and 1, there is not one time a record, or a class has too few records
            to be in every part.
    """
    raw = np.asarray(labels, dtype=np.float64)
    if raw.shape != (len(frame),):
        raise BadInput(f"There must be one label a record, shape ({len(frame)},). Got shape {raw.shape}.")
    if np.isnan(raw).any():
        raise BadInput(f"{int(np.isnan(raw).sum())} of {len(raw)} labels are missing. Give every record a label.")
    strange = sorted(set(np.unique(raw)) - {0.0, 1.0})
    if strange:
        raise BadInput(f"Labels must be 1 (harmful) or 0 (good). Got also {strange[:5]}.")
    rng = np.random.default_rng((seed, 1))
    for label, meaning in ((0, "good"), (1, "harmful")):
        if (raw == label).sum() < 20:
            found = int((raw == label).sum())
            raise BadInput(f"At least 20 {meaning} records (label {label}) are needed. Got {found}.")
    groups = [np.flatnonzero(raw == label) for label in (0, 1)] if times is None else [np.arange(len(raw))]
    chosen: dict[str, list[NDArray[np.int64]]] = {name: [] for name in shares}
    for group in groups:
        rows = rng.permutation(group)
        if times is not None:
            rows = rows[np.argsort(_checked_times(times, len(raw))[rows], kind="stable")]
        ends = np.round(np.cumsum(list(shares.values())) * len(rows)).astype(int)
        for name, piece in zip(shares, np.split(rows, ends[:-1]), strict=True):
            chosen[name].append(piece)
    for name, pieces in chosen.items():
        if times is not None and shares[name] and len(np.unique(raw[np.concatenate(pieces)])) < 2:
            raise BadInput(f"In time order the {name} part holds one class only. Give more records, or no times.")
    whole = Part(frame.reset_index(drop=True), raw.astype(np.int8))
    return Parts(**{name: whole.take(rng.permutation(np.concatenate(rows))) for name, rows in chosen.items()})


def _checked_times(times: NDArray[np.datetime64], n: int) -> NDArray[np.datetime64]:
    found = np.asarray(times)
    if found.shape != (n,):
        raise BadInput(f"There must be one time a record, shape ({n},). Got shape {found.shape}.")
    if np.isnat(found).any():
        raise BadInput(f"{int(np.isnat(found).sum())} of {n} times are missing. Give every record its time, or none.")
    return found


@dataclass(frozen=True)
class Economics:
    """What a decision is worth, in the owner's money and in the attacker's.

    Attributes:
        currency: of all amounts.
        miss: the owner's loss when a harmful record passes.
        block: the owner's loss when a good record is blocked.
        gain: the attacker's gain from one success.
        miss_of, block_of, gain_of: column of the records that the amount is a share of (a loan, a premium): 1 record's
            loss is ``miss`` times its value there. None: the amount is the same for every record.
        unit: money that one unit of the schema's cost is to the attacker; 1 where prices are money already.
        note: on what grounds; shown in reports.
    """

    currency: str = "EUR"
    miss: float = 1.0
    block: float = 1.0
    gain: float = 1.0
    unit: float = 1.0
    note: str = ""
    miss_of: str | None = None
    block_of: str | None = None
    gain_of: str | None = None

    def __post_init__(self) -> None:
        """Refuse amounts below 0."""
        for name in ("miss", "block", "gain", "unit"):
            if not 0 <= getattr(self, name) < np.inf:
                raise BadInput(f"The amount {name!r} must be 0 or more. Got {getattr(self, name)}.")

    def amount(self, name: str, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the miss, block or gain of each of n records (n,); a missing value counts as the mean of the rest."""
        column = getattr(self, f"{name}_of")
        if column is None:
            return np.full(len(frame), float(getattr(self, name)))
        of = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
        known = of[~np.isnan(of)]
        return np.asarray(getattr(self, name) * np.where(np.isnan(of), known.mean() if len(known) else 0.0, of))


@dataclass(frozen=True, eq=False)
class System:
    """A model under audit.

    Attributes:
        name: of the scenario.
        target: the deployed model.
        parts: the data; the attacker never sees ``train``, ``tuning`` or ``victims``.
        economics: what errors cost, where anybody knows.
        data: name, source and hash of the data, for the report.
        harmful: what label 1 means, in words ("spam").
        trainer: how the model is trained again; None where nobody said.
        rewritten: what people made by hand of messages of the data, by the message; known to every attacker.
    """

    name: str
    target: Target
    parts: Parts
    economics: Economics | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    harmful: str = "harmful"
    trainer: Trainer | None = None
    rewritten: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
