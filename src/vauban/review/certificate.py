"""How many poisoned rows a decision survives, whatever is in them: a vote of models that each saw a part of the data.

Levine and Feizi, "Deep partition aggregation: provable defenses against general poisoning attacks" (ICLR 2021),
sections 3.1 and 3.2. A row lies in the part that its own content names, so that a row that is added, removed or
labelled otherwise reaches one model and no other; each model makes its own features, of its own part alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vauban.errors import BadInput
from vauban.metrics.intervals import wilson
from vauban.monitors.dossier import Dossier
from vauban.monitors.learning import learnt
from vauban.monitors.view import View
from vauban.records import Ints, Mask, fingerprints
from vauban.results import Rate

LEAST = 20
"""Rows that a part must have to be worth a model."""


@dataclass(frozen=True, eq=False)
class Certificate:
    """What a vote of models says of n verified records.

    Attributes:
        parts: models that vote; each saw the rows of one part.
        harmful: (n,) whether the vote calls it harmful; a draw does.
        survives: (n,) rows that may be added, removed or labelled otherwise before it can be another; a row whose
            content is changed counts twice, for it leaves one part and enters another.
        labels: (n,) what was verified.
    """

    parts: int
    harmful: Mask
    survives: Ints
    labels: NDArray[np.int8]

    @property
    def right(self) -> Mask:
        """Whether the vote agrees with what was verified (n,)."""
        return np.asarray(self.harmful == (self.labels == 1))

    def surviving(self, rows: int) -> Rate:
        """Return the share of records that are decided rightly, and still would be with so many poisoned rows."""
        return wilson(int((self.right & (self.survives >= rows)).sum()), len(self.labels))


def certify(dossier: Dossier, parts: int) -> Certificate:
    """Return the certificate of the verified records of a dossier.

    Args:
        dossier: training data, with verified records beside them.
        parts: how many models; more survive more rows, and each knows less.

    Raises:
        BadInput: there are no verified records, or too few rows for so many parts.
    """
    trusted = dossier.trusted
    if trusted is None or not len(trusted):
        raise BadInput("A certificate is of verified records: name them with --trusted, or --trusted-rows.")
    most = len(dossier) // LEAST
    if not 1 < parts <= most:
        raise BadInput(f"{len(dossier)} rows make 2 to {most} parts of {LEAST} rows or more. Got {parts}.")
    votes = np.stack(list(_votes(dossier, parts))).sum(axis=0)
    return Certificate(parts, votes * 2 >= parts, survived(votes, parts), trusted.labels)


def survived(votes: Ints, parts: int) -> Ints:
    """Return how many of the votes can turn before the decision does (n,); ``votes`` (n,) are those for harmful."""
    ahead = np.abs(2 * votes - parts)
    # Harmful holds when it is level; good has to stay ahead.
    return np.asarray(np.where(2 * votes >= parts, ahead // 2, (ahead - 1) // 2))


def _votes(dossier: Dossier, parts: int) -> Iterator[Mask]:
    """Yield what the model of each part calls harmful of the verified records (n,)."""
    assert dossier.trusted is not None  # noqa: S101 - certify() says so
    key = fingerprints(dossier.records)
    part = (key % np.uint64(parts)).astype(np.int64)
    for which in range(parts):
        rows = np.flatnonzero(part == which)
        rows = rows[np.argsort(key[rows], kind="stable")]
        mine = dossier.labels[rows]
        if len(np.unique(mine)) < 2:
            yield np.full(len(dossier.trusted), bool(len(mine)) and bool(mine[0]))
            continue
        view = View.of(dossier.records[rows], dossier.schema)
        kind = "linear" if view.dense is None else "boosted"
        harm = learnt(view, mine, np.arange(len(rows)), view.same(dossier.trusted.records), kind=kind, seed=which)
        yield harm >= 0.5
