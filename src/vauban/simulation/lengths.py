"""How much of a retraining loop an audit plays, and what it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vauban.catalogue import CASCADE, CATALOGUE, CAUSATIVE, GATES
from vauban.contracts import SCORE
from vauban.errors import BadInput, unknown
from vauban.threat import Cell, Grant

ACCOUNTS = 5
"""Sources that he holds."""
LABELS = "feedback"
"""Who labels: users, and the attacker's accounts what he sends. It is what most services learn from."""


@dataclass(frozen=True)
class Length:
    """How much is played.

    Attributes:
        rounds: how often the model is trained again.
        share: of what a round collects that is the attacker's, or of the stored data that he alters.
        gates: tried one at a time, against the strongest attacks of a cell.
        defended: so many attacks of a cell are played against the gates.
        variants: whether all attacks are played: those that differ from another one in their settings alone too, and
            the ``slow`` ones, which think longer than all others together. Who names them gets them.
        trained: most records trained on, first and later; None is all.
        held: most held-out records that models are measured and probed on; None is all.
    """

    rounds: int
    share: float
    gates: tuple[str, ...]
    defended: int
    variants: bool
    trained: int | None
    held: int | None
    slow: tuple[str, ...] = ()


LENGTHS: Mapping[str, Length] = {
    "short": Length(3, 0.03, ("stand-out",), 1, False, 3000, 1500, ("greedy-flips", "targeted-flips", "deletion")),
    "full": Length(8, 0.03, tuple(GATES), 3, True, None, None),
}
"""By name. What the short one takes is bounded by its caps, whatever the size of the data; the full one's is not."""


@dataclass(frozen=True)
class Asked:
    """What the causative part of an audit is asked for.

    Attributes:
        cells: of CI and CA.
        length: short or full, see `LENGTHS`.
        attacks: names of those to try; None is all of the catalogue.
        queries: questions that he may ask before his campaign.
        grants: answers that he gets.
        where: filter that makes the attacks targeted.
        seed: everything random follows from it.
        jobs: worker processes; the findings do not depend on it.
        folder: where plays are kept, so that none is played twice; None keeps none.
    """

    cells: tuple[Cell, ...]
    length: str = "short"
    attacks: tuple[str, ...] | None = None
    queries: int = 1000
    grants: frozenset[Grant] = SCORE
    where: str | None = None
    seed: int = 0
    jobs: int = 1
    folder: Path | None = None


OFF = "off"
"""In place of a length: attacks on training are not played."""


def influences(
    cells: Iterable[str], attacks: Collection[str], length: str
) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """Return the cells to attack by asking and those to attack through training.

    Attacks that are named choose the influence: who names one that asks wants no training, and the other way round.

    Args:
        cells: of EI, EA, CI, CA.
        attacks: names of attacks; none is all.
        length: of the causative part, see `LENGTHS`; ``off`` plays none.

    Raises:
        BadInput: a cell, an attack or a length is unknown, or no cell is left.
    """
    named = tuple(dict.fromkeys(cells))
    for cell in named:
        if cell not in list(Cell):
            raise unknown("cell", cell, list(Cell))
    if length not in (OFF, *LENGTHS):
        raise unknown("length of the causative part", length, [OFF, *LENGTHS])
    asking = {*CATALOGUE, CASCADE.name}
    for name in attacks:
        if name not in asking and name not in CAUSATIVE:
            raise unknown("attack", name, [*asking, *CAUSATIVE])
    asks = not attacks or any(n in asking for n in attacks)
    trains = length != OFF and (not attacks or any(n in CAUSATIVE for n in attacks))
    ask = tuple(Cell(c) for c in named if asks and c in (Cell.EI, Cell.EA))
    train = tuple(Cell(c) for c in named if trains and c in (Cell.CI, Cell.CA))
    if not ask and not train:
        raise BadInput(
            "There is no cell to audit. Name at least one of EI, EA, CI, CA, attacks that exist for it, and no "
            '--causative off (causative="off" in Python) with CI and CA alone.'
        )
    return ask, train
