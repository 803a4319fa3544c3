"""What campaigns share: the same kind of records sent round after round, spread over the accounts that he holds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import numpy as np

from vauban.contracts import Brief, Claim, Move, Send
from vauban.errors import BudgetSpent
from vauban.records import Records


def every_round(
    brief: Brief, make: Callable[[int], Records], label: int, why: str
) -> Generator[Move, Any, tuple[Claim, ...]]:
    """Send what ``make`` returns of at most so many records, until the last round is over.

    Args:
        brief: with the campaign.
        make: returns records (m, ...) for a count, m of 0 up to it.
        label: what whoever labels them will say.
        why: he will say it.
    """
    campaign = brief.campaign
    if campaign is None:
        return ()
    with suppress(BudgetSpent):
        while True:
            records = make(campaign.sends)
            sources = [campaign.sources[i % len(campaign.sources)] for i in range(len(records))]
            yield Send(records, sources, np.full(len(records), label, dtype=np.int8), why)
    return ()


def owned(brief: Brief, label: int) -> Records:
    """Return the records of a class that he knows: in the slice that he aims at, if he knows of any there."""
    known = brief.known
    if known.labels is None:
        return known.records
    mine = known.labels == label
    aimed = mine & known.aimed
    return np.asarray(known.records[aimed if aimed.any() else mine])


def drawn(records: Records, count: int, rng: np.random.Generator) -> Records:
    """Return ``count`` of the records, drawn with replacement; none of none."""
    return records[rng.integers(len(records), size=count)] if len(records) and count else records[:0]
