"""What an attack costs in the user's money, with intervals from the records themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.audit.fronts import Front
from vauban.audit.judge import Judged
from vauban.audit.selection import aimed_at, kinds
from vauban.metrics.intervals import LEVEL, wilson
from vauban.records import Floats, Mask
from vauban.results import Money
from vauban.schema import TableSchema
from vauban.system import Economics, System
from vauban.threat import Decision

DRAWS = 2000


@dataclass(frozen=True)
class _Population:
    """Records of one class in the slice: cluster (n,) of near-duplicates, and the loss if each is decided wrongly."""

    cluster: NDArray[np.uint64]
    loss: Floats
    wrong: Mask
    open: Mask
    """(n,) decided rightly: what an attack can turn."""


def money(system: System, front: Front, judged: Judged, worth: Economics) -> Money:
    """Return the expected loss per 1,000 decisions in the slice that the attacker aims at, before and after.

    Intervals are of the Bayesian bootstrap (Rubin 1981) over clusters of near-duplicates; to each rate it adds half a
    record that is decided wrongly and half a one that is not (Jeffreys), so that none is certain because nothing was
    seen. With the same amount for every record each rate is then drawn from Beta(k + 1/2, n - k + 1/2).
    """
    cell = front.threat.cell
    share, n, before, shares = _before(system, front, worth)
    after = _changed(system, front, judged)
    name = "miss" if cell.harmful else "block"
    turned = np.where(judged.success, worth.amount(name, after), 0.0)
    hit = _mean(np.random.default_rng(1), kinds(front.victims), turned, judged.success)
    weight = (share if cell.harmful else 1 - share) * 1000
    extra = weight * shares * hit
    gains = worth.amount("gain", after)
    pays = int((judged.cost * worth.unit < gains).sum())
    return Money(
        worth.currency,
        wilson(pays, len(judged.ids)),
        {"before": _spread(before), "after": _spread(before + extra)},
        _note(system, front, worth, share, n),
    )


@lru_cache(maxsize=8)
def _before(system: System, front: Front, worth: Economics) -> tuple[float, int, Floats, Floats]:
    """Return what is the same for every attack on a front.

    The share of harmful records in the slice and how many it holds; the loss per 1,000 decisions (1 + DRAWS,): as it
    is, then drawn; and, likewise, the share of records of the attacked class that are decided rightly.
    """
    cell = front.threat.cell
    part = system.parts.victims
    aimed = aimed_at(front.threat, part, "held-out data")
    part, decisions = part.take(aimed), front.decisions[aimed]
    harmful = part.labels == 1
    share = float(harmful.mean())
    clusters = front.kinds[aimed]
    misses = worth.amount("miss", part.frame)
    blocks = worth.amount("block", part.frame)
    bad = _Population(
        clusters[harmful],
        misses[harmful],
        (decisions == Decision.PASS)[harmful],
        (decisions == Decision.BLOCK)[harmful],
    )
    good = _Population(
        clusters[~harmful],
        blocks[~harmful],
        (decisions == Decision.BLOCK)[~harmful],
        (decisions == Decision.PASS)[~harmful],
    )
    rng = np.random.default_rng(0)
    before = _drawn(rng, bad, good, share)
    attacked = bad if cell.harmful else good
    shares = _mean(rng, attacked.cluster, attacked.open.astype(np.float64), attacked.open)
    return share, len(part), before, shares


def _drawn(rng: np.random.Generator, bad: _Population, good: _Population, share: float) -> Floats:
    """Return the loss per 1,000 decisions (1 + DRAWS,): as it is, then drawn."""
    missed = _mean(rng, bad.cluster, bad.loss * bad.wrong, bad.wrong)
    blocked = _mean(rng, good.cluster, good.loss * good.wrong, good.wrong)
    return 1000 * (share * missed + (1 - share) * blocked)


def _mean(rng: np.random.Generator, clusters: NDArray[np.uint64], values: Floats, events: Mask) -> Floats:
    """Return the mean of values (n,) that are 0 but where there was an event: (1 + DRAWS,), as it is, then drawn.

    Half an event more counts what events count on the average; where there was none, what the greatest value is.
    """
    if not len(values):
        return np.zeros(1 + DRAWS)
    _, cluster = np.unique(clusters, return_inverse=True)
    sums, sizes = np.bincount(cluster, weights=values), np.bincount(cluster).astype(np.float64)
    typical = float(values[events].mean()) if events.any() else float(np.abs(values).max(initial=0.0))
    out = np.empty(1 + DRAWS)
    out[0] = values.mean()
    for start in range(0, DRAWS, 200):  # a few draws at a time: the weights of all would fill the memory
        weights = rng.standard_exponential((200, len(sums)))
        half = rng.standard_gamma(0.5, (200, 2))
        out[1 + start : 201 + start] = (weights @ sums + half[:, 0] * typical) / (weights @ sizes + half.sum(axis=1))
    return out


def _changed(system: System, front: Front, judged: Judged) -> pd.DataFrame:
    """Return the victims' raw records as the attack left them, for amounts: a thief asks for more than he had."""
    frame = system.parts.victims.frame.loc[front.ids].reset_index(drop=True)
    if not isinstance(front.schema, TableSchema) or not judged.success.any():
        return frame
    now = front.schema.decode(judged.records[judged.success])
    rows = np.flatnonzero(judged.success)
    for name in now.columns:
        if pd.api.types.is_numeric_dtype(frame[name]):
            column = frame[name].to_numpy(dtype=np.float64, na_value=np.nan).copy()
            column[rows] = now[name].to_numpy(dtype=np.float64, na_value=np.nan)
            frame[name] = column
    return frame


def _spread(values: Floats) -> dict[str, float]:
    low, high = np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": float(values[0]), "low": float(min(low, values[0])), "high": float(max(high, values[0]))}


def _note(system: System, front: Front, worth: Economics, share: float, n: int) -> str:
    def said(name: str) -> str:
        of = getattr(worth, f"{name}_of")
        amount = getattr(worth, name)
        return f"{amount:g} {worth.currency}" if of is None else f"{amount:g} times its {of} in {worth.currency}"

    where = "" if front.threat.where is None else f" where {front.threat.where.text}"
    return (
        f"Expected loss per 1,000 decisions{where} (n = {n}), of which {100 * share:.3g} % are {system.harmful}, "
        f"if every such attacker did this. A miss costs {said('miss')}, a wrong block {said('block')}; "
        f"a success is worth {said('gain')} to the attacker, a cost of 1 ({front.schema.unit}) is {worth.unit:g} "
        f"{worth.currency} to him. Intervals: bootstrap over records, near-duplicates as one. {worth.note}"
    ).strip()
