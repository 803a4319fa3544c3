"""What stands for a group of a protected attribute: conditions that it meets far more often than the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vauban.assurance.rules import Rule, find_rules, strongest
from vauban.assurance.statement import exact
from vauban.errors import BadInput
from vauban.metrics.intervals import differs
from vauban.monitors.slices import holm
from vauban.records import Ints, Mask, Records
from vauban.results import Rate
from vauban.schema import TableSchema

ALPHA = 0.01
"""How likely a false alarm may be, a test of a model."""
STANDS = 0.2
"""By what share more of the group than of the rest a condition must hold for."""
FEWEST = 30
"""Records of a group, and beside it, without which it is not looked at."""
KINDS = 12
"""Values of a protected field from which on it is divided at its median."""


@dataclass(frozen=True)
class Group:
    """Who shares a value of a protected attribute: in words, and which of the records they are (n,)."""

    text: str
    members: Mask
    known: Mask


@dataclass(frozen=True)
class Candidate:
    """A group, where something that stands for it may decide, and by how many decisions more against than for it."""

    group: Group
    rule: Rule
    influence: float = 0.0


def groups_of(name: str, schema: TableSchema, frame: pd.DataFrame) -> list[Group]:
    """Return the groups of a protected attribute, those of `FEWEST` records or more.

    It need not be a feature of the model: any column of the raw frame (n, ...) will do. BadInput for too many values.
    """
    if name in schema.names:
        feature = schema.features[schema.index(name)]
        codes = schema.encode(frame)[:, schema.index(name)]
        column = pd.Series(codes)
        if feature.listed:
            column = column.map(dict(enumerate(map(str, feature.values))))
    else:
        column = frame[name].reset_index(drop=True)
    known = column.notna().to_numpy()
    number = pd.api.types.is_numeric_dtype(column)
    if column.nunique() > KINDS and not number:
        raise BadInput(
            f"The protected {name!r} has {column.nunique()} values; at most {KINDS} are possible. Group them."
        )
    if column.nunique() > KINDS:
        middle = float(column.median())
        each = {f"{name} up to {middle:,.6g}": column <= middle, f"{name} over {middle:,.6g}": column > middle}
    else:
        each = {f"{name} = {value}": column == value for value in column.dropna().unique()}
    groups = [Group(text, where.fillna(False).to_numpy(dtype=bool), known) for text, where in sorted(each.items())]
    return [g for g in groups if FEWEST <= g.members.sum() <= known.sum() - FEWEST]


def standing_for(schema: TableSchema, seen: Records, group: Group, one: Ints) -> list[Candidate]:
    """Return the conditions that tell the group from the rest: the best of each feature, and of several together."""
    rows = one[group.known[one]]
    single = [Rule((c,)) for c in strongest(schema, seen[rows], group.members[rows])]
    joint = [r for r in find_rules(schema, seen[rows], group.members[rows], most=2) if len(r.conditions) > 1]
    return [Candidate(group, rule) for rule in (*single, *joint)]


def associated(candidates: list[Candidate], seen: Records, other: Ints) -> list[Candidate]:
    """Return the candidates that hold for the group far more often than for the rest, on records not chosen on."""
    counted = [association(c.group, c.rule, seen, other) for c in candidates]
    sure = holm(np.array([a.p for a in counted]), len(counted))
    return [
        c
        for c, a, p in zip(candidates, counted, sure, strict=True)
        if p < ALPHA and a.group.value - a.others.value >= STANDS
    ]


@dataclass(frozen=True)
class Association:
    """Share of the group, and of the rest, for which a rule holds, and Fisher's test that it is no greater."""

    group: Rate
    others: Rate
    p: float


def association(group: Group, rule: Rule, records: Records, which: Ints) -> Association:
    """Return how a rule is associated with a group, among some of the records (n, d)."""
    rows = which[group.known[which]]
    inside, mine = rule.holds(records[rows]), group.members[rows]
    a, b, n, m = (int(x.sum()) for x in (inside & mine, inside & ~mine, mine, ~mine))
    return Association(exact(a, n), exact(b, m), differs(a, n, b, m))
