"""Choose records of the data: those in a slice, one of each cluster of near-duplicates, those apart to tune on."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vauban.contracts import LABEL, Decisions
from vauban.errors import BadInput
from vauban.records import Ints, Mask, Records, fingerprints, messages
from vauban.system import Part, System
from vauban.threat import Decision, ThreatModel

_DIGIT = re.compile(r"\d")


def aimed_at(threat: ThreatModel, part: Part, what: str) -> Mask:
    """Return which records of a part the attacker aims at (n,); BadInput if his filter selects none."""
    if threat.where is None:
        return np.ones(len(part), dtype=bool)
    aimed = threat.where.mask(part.frame)
    if not aimed.any():
        raise BadInput(f"The filter {threat.where.text!r} selects none of {len(part)} records of the {what}. Widen it.")
    return aimed


def first_of_each(keys: NDArray[np.uint64]) -> Ints:
    """Return the positions of the first of every key, in order."""
    return np.sort(np.unique(keys, return_index=True)[1])


def kinds(records: Records) -> NDArray[np.uint64]:
    """Return a key per record (n,) that near-duplicates share.

    Messages are the same when they differ in case, digits and white space only; records of a table when equal.
    """
    if records.ndim == 1:
        records = messages(_DIGIT.sub("0", " ".join(t.casefold().split())) for t in records)
    return fingerprints(records)


def decided_rightly(threat: ThreatModel, part: Part, decisions: Decisions) -> Mask:
    """Return which records of a part are of the class that the attacker works on, and decided rightly (n,)."""
    wanted = part.labels == (1 if threat.cell.harmful else 0)
    return np.asarray(wanted & (decisions == (Decision.BLOCK if threat.cell.harmful else Decision.PASS)))


def tuning_sets(system: System, threats: Sequence[ThreatModel], most: int) -> tuple[Records, ...]:
    """Return for each threat the records (n, ...) that attacks are compared on before any victim, ``most`` at most.

    They are of the tuning part, in the attacker's slice, decided rightly, one of every cluster of near-duplicates. None
    has a near-duplicate in the training data, among what the attacker knows, or in the part that victims are of.
    """
    parts, schema = system.parts, system.target.schema
    records = schema.encode(parts.tuning.frame)
    if not len(records):
        return tuple(records for _ in threats)
    decisions = system.target.answer(records, LABEL).decisions
    keys = kinds(records)
    elsewhere = [kinds(schema.encode(part.frame)) for part in (parts.train, parts.known, parts.victims) if len(part)]
    apart = ~np.isin(keys, np.concatenate(elsewhere)) if elsewhere else np.ones(len(keys), dtype=bool)
    sets = []
    for threat in threats:
        aimed = np.ones(len(keys), dtype=bool) if threat.where is None else threat.where.mask(parts.tuning.frame)
        rows = np.flatnonzero(apart & aimed & decided_rightly(threat, parts.tuning, decisions))
        sets.append(records[rows[first_of_each(keys[rows])][:most]])
    return tuple(sets)
