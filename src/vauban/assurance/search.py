"""Searches of the space that need the decisions on all known records: proxies of what is protected, weak regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vauban.assurance.budget import Purse
from vauban.assurance.expectations import Expectations, Expected
from vauban.assurance.outcome import Place, Proxy
from vauban.assurance.pockets import LEAST, find_regions
from vauban.assurance.proxies import LEAST as PROXIES
from vauban.assurance.proxies import Known, find_proxies
from vauban.assurance.stand_ins import FEWEST, groups_of
from vauban.contracts import LABEL, SCORE, Target, seed_for
from vauban.records import Floats, Mask, Records
from vauban.schema import TableSchema
from vauban.system import Part, System
from vauban.threat import Decision

UNLIMITED = 30_000
"""Questions about proxies where time alone is limited."""


def search_regions(
    system: System, expected: Expectations, purse: Purse, seed: int, watch: Callable[[str, int, int], None], at: int
) -> tuple[tuple[Place, ...], tuple[Proxy, ...], list[str]]:
    """Look for proxies, then for weak regions: both need the decisions on all records whose labels are known."""
    target, schema, protected = system.target, system.target.schema, expected.which(Expected.PROTECTED)
    if not isinstance(schema, TableSchema):
        return (), (), ["weak regions: they are looked for in tables only"]
    labelled = _labelled(system)
    records = schema.encode(labelled.frame)
    needed = f"{len(records):,} are needed for the records whose labels are known, and"
    rest = "too little time" if purse.questions is None else f"{max(purse.questions - purse.asked, 0):,} questions"
    least = PROXIES if protected else LEAST
    if not purse.allows(len(records) + least):
        missed = ["weak regions", *(["proxies of what is protected"] if protected else [])]
        return (), (), [f"{what}: {rest} left; {needed} {least:,} to search" for what in missed]
    told = target.answer(records, target.grants & SCORE)
    purse.asked += len(records)
    labels = labelled.labels.astype(np.int64)
    not_tried: list[str] = []
    proxies: tuple[Proxy, ...] = ()
    if protected and told.scores is None:
        not_tried.append("proxies of what is protected: the model gives no scores, by which narrow decisions are known")
    elif protected:
        watch("proxies", at, at + 1)
        known = Known(records, labels, told.decisions == Decision.PASS, np.asarray(told.scores))
        groups = [g for name in protected for g in groups_of(name, schema, labelled.frame)]
        if not groups:
            not_tried.append(f"proxies of {', '.join(protected)}: there are no two groups of {FEWEST} records")
        rng = np.random.default_rng(seed_for(seed, "test", "proxies"))
        asking = _Asking(target, purse).scored
        grounds = expected.which(Expected.GROUND, Expected.SAFER, Expected.RISKIER)
        left = purse.share(2).questions
        proxies = find_proxies(
            schema, asking, known, groups, protected, grounds, max(UNLIMITED if left is None else left, PROXIES), rng
        )
    if not purse.allows(LEAST):
        rest = "too little time" if purse.questions is None else f"{purse.questions - purse.asked:,} questions"
        return (), proxies, [*not_tried, f"weak regions: {rest} left; {LEAST:,} are needed to search"]
    watch("weak regions", at, at + 1)
    hardest = records[blocked := (told.decisions == Decision.BLOCK) & (labels == 1)]
    if told.scores is not None:
        order = np.argsort(-told.scores[blocked], kind="stable")
        hardest = hardest[order[: max(int(len(order) * 0.5), 20)]]
    if len(hardest) < 10:
        return (), proxies, [*not_tried, f"weak regions: {len(hardest)} harmful records are blocked; 10 are needed"]
    rng = np.random.default_rng(seed_for(seed, "test", "regions"))
    passing = told.decisions == Decision.PASS
    budget = 100_000 if purse.questions is None else purse.questions - purse.asked
    found = find_regions(schema, _Asking(target, purse).passes, records, labels, passing, hardest, budget, rng)
    places = tuple(Place(r.kind, r.rule.text(schema), r.passes, r.harmful, r.elsewhere, r.p) for r in found)
    return places, proxies, not_tried


@dataclass(frozen=True)
class _Asking:
    """Asks which records pass, and with what score, and counts the questions."""

    target: Target
    purse: Purse

    def passes(self, asked: Records) -> Mask:
        self.purse.asked += len(asked)
        return np.asarray(self.target.answer(asked, LABEL).decisions == Decision.PASS)

    def scored(self, asked: Records) -> tuple[Mask, Floats]:
        self.purse.asked += len(asked)
        told = self.target.answer(asked, SCORE)
        return np.asarray(told.decisions == Decision.PASS), np.asarray(told.scores)


def _labelled(system: System) -> Part:
    """Return all records whose labels are known: the held-out ones first."""
    parts = [getattr(system.parts, name) for name in ("victims", "known", "tuning", "train")]
    return Part(pd.concat([p.frame for p in parts], ignore_index=True), np.concatenate([p.labels for p in parts]))
