"""Judge a campaign by its fresh records: what the poisoned model passes that the cleanly trained one does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vauban.audit.findings import changes
from vauban.contracts import SCORE, Target
from vauban.records import Ints, Mask, Records
from vauban.results import Change, Example, to_json
from vauban.simulation.loop import Played
from vauban.simulation.measuring import reached
from vauban.simulation.stage import Stage
from vauban.threat import Cell

EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Probed:
    """What became of m fresh probes, dressed as the campaign would send them.

    Attributes:
        probes: m.
        before: which the cleanly trained model decides as the attacker wants already; these are no victims of his.
        won: which of the others the last model decides so, asked twice, in different batches, and that can be made
            within the schema.
        possible: which the schema allows at all.
        examples: some of those won, for a reader.
    """

    probes: int
    before: Ints
    won: Ints
    possible: Mask
    examples: tuple[Example, ...]

    @property
    def victims(self) -> Mask:
        """Which probes the cleanly trained model decides rightly (m,)."""
        mask = np.ones(self.probes, dtype=bool)
        mask[self.before] = False
        return mask

    def written(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "probes": self.probes,
            "before": self.before.tolist(),
            "won": self.won.tolist(),
            "impossible": np.flatnonzero(~self.possible).tolist(),
            "examples": to_json(self.examples),
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Probed:
        """Return what was written; KeyError or TypeError if it is none."""
        possible = np.ones(stored["probes"], dtype=bool)
        possible[stored["impossible"]] = False
        examples = tuple(
            Example(**{**e, "changes": tuple(Change(**c) for c in e["changes"])}) for e in stored["examples"]
        )
        before, won = (np.array(stored[name], dtype=np.int64) for name in ("before", "won"))
        return cls(stored["probes"], before, won, possible, examples)


def judge(stage: Stage, played: Played, clean: Target, cell: Cell) -> Probed:
    """Return what became of the probes of a play.

    Args:
        stage: of the play.
        played: what came of it.
        clean: the model that came of the same loop without the attacker.
        cell: what he is after.
    """
    plain, dressed = stage.probes, played.dressed
    before = reached(clean, dressed, cell)
    possible = np.isfinite(np.asarray(stage.schema.cost(plain, dressed), dtype=np.float64))
    won = np.flatnonzero(played.reached[-1] & ~before & possible) if len(played.reached) else np.empty(0, np.int64)
    # A success is what the model says of it again: batches of another shape move the last bits of some models.
    won = won[reached(played.model, dressed[won], cell)]
    return Probed(len(plain), np.flatnonzero(before), won, possible, _examples(stage, played, clean, won))


def _examples(stage: Stage, played: Played, clean: Target, won: Ints) -> tuple[Example, ...]:
    picked = won[np.unique(np.linspace(0, max(len(won) - 1, 0), EXAMPLES).astype(int))] if len(won) else won
    dressed = played.dressed[picked]
    if not len(picked):
        return ()
    old, new = (model.answer(dressed, model.grants & SCORE).scores for model in (clean, played.model))
    cost = stage.schema.cost(stage.probes[picked], dressed)
    return tuple(
        Example(
            victim_id=int(stage.probe_ids[i]),
            cost=float(cost[k]),
            queries=0,
            score_before=None if old is None else float(old[k]),
            score_after=None if new is None else float(new[k]),
            changes=_changes(stage, stage.probes[i : i + 1], dressed[k : k + 1]),
        )
        for k, i in enumerate(picked)
    )


def _changes(stage: Stage, plain: Records, dressed: Records) -> tuple[Change, ...]:
    """Return the fields that his dressing changed; of a message its text in any case: that is the record."""
    changed = changes(stage.schema, plain, dressed)
    if changed or plain.ndim > 1:
        return changed
    return (Change(stage.schema.columns[0], str(plain[0]), str(dressed[0])),)
