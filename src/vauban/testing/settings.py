"""Which worlds an attack or explorer plays in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vauban.contracts import Attack, Explorer
from vauban.testing.worlds import World, worlds
from vauban.threat import Cell

CELLS = (Cell.EI, Cell.EA)


def settings(attack: Attack | Explorer, cells: Sequence[Cell] = CELLS) -> Iterator[World]:
    """Yield the worlds that an attack can play: of each, with the least and with the most that can be granted."""
    fit = [w for w in worlds() if w.modality in attack.modalities and attack.wants <= w.grants and w.cell in cells]
    if hasattr(attack, "unfit"):
        fit = [w for w in fit if attack.unfit(w.target.schema) is None]
    for name, cell in dict.fromkeys((w.target.name, w.cell) for w in fit):
        same = sorted((w for w in fit if (w.target.name, w.cell) == (name, cell)), key=lambda w: len(w.grants))
        yield same[0]
        if len(same) > 1:
            yield same[-1]


def few(fitting: Sequence[World]) -> list[World]:
    """Return one world of each modality and cell, with the least granted in one and the most in the other."""
    chosen: dict[tuple[str, Cell], World] = {}
    for w in fitting:
        key = (w.modality, w.cell)
        if key not in chosen or (w.cell is Cell.EA and w.target.name == chosen[key].target.name):
            chosen[key] = w
    return list(chosen.values())
