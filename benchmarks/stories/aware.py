"""The section of attackers who know a gate: each beside one who does not, with the gate and without, and his cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stories.page import interval, percent, pooled
from stories.told import AWARE, STORIES, Aware
from vauban.metrics.intervals import differs

Row = Mapping[str, Any]
SURE = 0.05
"""Probability of a difference by chance from which on nothing is certain."""
HALF = 0.5
"""Share of his damage that is left behind a gate from which on the gate is said to be got past."""
FILMS = ("clean", "attacked naive", "defended naive", "defended equipped", "attacked aware", "defended aware")


def section(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the section; none where nothing was played."""
    played = {name: [r for r in rows if r["row"] == name] for name in AWARE if any(r["row"] == name for r in rows)}
    if not played:
        return []
    seeds = sorted({r["seed"] for r in rows})
    lines = [
        "## Every gate against somebody who knows it",
        "",
        f"Written by `python -m stories aware`; {len(seeds)} seed{'s' if len(seeds) > 1 else ''} "
        f"({', '.join(map(str, seeds))}). He who knows a gate has read how it works, and sees nothing of what it does "
        "in the loop. What he does was chosen on seed 0, which is not among these. Shares are those of the stories: of "
        "fresh records that get what he wants. His cost is in accounts, and in records that he sends in all rounds. "
        "Equipped is the naive attack with as many: where it does as well, accounts and records are what gets past "
        "the gate, and not how they are made. "
        f"He gets past a gate that leaves at least {100 * HALF:.0f} % of the damage that the story does without "
        f"the gate, if that is more than chance (p below {SURE:g}: Fisher's one-sided exact test against the clean "
        "share). A gate that holds honest records makes his the larger part of what is left, so more than 100 % can "
        "be left to him.",
        "",
        "| gate, story | clean | naive: no gate | naive: gate | equipped: gate | knows it: no gate | "
        "knows it: gate | p | his records held: naive, knows it | accounts | records | "
        "clean ones held where nobody attacks |",
        "|---" * 12 + "|",
    ]
    said, does = [], []
    for name, mine in played.items():
        aware = AWARE[name]
        lines.append(_line(aware, mine))
        said.append(f"- {_verdict(aware, mine)}")
        takes = aware.told("aware")
        does += ["", f"`{aware.gate}`, {STORIES[aware.story].title.lower()}: {aware.does}.", ""]
        does += ["```sh", takes.command(aware.gate), "```"]
    return [*lines, "", *said, *does]


def _of(rows: Sequence[Row], film: str) -> list[Row]:
    return [r for r in rows if r["film"] == film]


def _line(aware: Aware, rows: Sequence[Row]) -> str:
    shares = [interval(pooled(_of(rows, film), "probe_success")) for film in FILMS]
    quiet, p = _of(rows, "quiet"), _chance(rows)
    lost = sum(r["held_clean"] + r["removed_clean"] for r in quiet) / sum(r["collected"] for r in quiet)
    both = [_of(rows, f"defended {who}") for who in ("naive", "aware")]
    held = [
        sum(r["held_poison"] + r["removed_poison"] for r in mine) / sum(r["collected_poison"] for r in mine)
        for mine in both
    ]
    sent = [f"{sum(r['sent'] for r in mine) / len(mine):,.0f}" for mine in both]
    accounts = [str(aware.told(who).settings.get("accounts", DEFAULT)) for who in ("naive", "aware")]
    cells = [f"`{aware.gate}`, {STORIES[aware.story].title.lower()}", *shares, "< 0.001" if p < 0.001 else f"{p:.3f}"]
    cells += [", ".join(percent(x) for x in held), ", ".join(accounts), ", ".join(sent), percent(lost)]
    return f"| {' | '.join(cells)} |"


DEFAULT = 5
"""Accounts of whoever is said nothing else of."""


def _chance(rows: Sequence[Row]) -> float:
    on, off = (pooled(_of(rows, film), "probe_success") for film in ("defended aware", "clean"))
    return differs(round(on.value * on.n), on.n, round(off.value * off.n), off.n)


def left(rows: Sequence[Row], who: str) -> float:
    """Return which share of the damage of the naive attack without a gate is left to him behind it."""
    clean, most, now = (
        pooled(_of(rows, f), "probe_success").value for f in ("clean", "attacked naive", f"defended {who}")
    )
    return (now - clean) / (most - clean) if most > clean else math.nan


def _verdict(aware: Aware, rows: Sequence[Row]) -> str:
    naive, equipped, knows = (100 * left(rows, who) for who in ("naive", "equipped", "aware"))
    name = f"`{aware.gate}`, {STORIES[aware.story].title.lower()}"
    said = f"{naive:.0f} % of the damage is left to him who does not know it, "
    said += f"{equipped:.0f} % with the other's means, {knows:.0f} % to him who does"
    if knows < 100 * HALF or _chance(rows) >= SURE:
        return f"{name}: he **fails**: {said}."
    return f"{name}: he gets past it: {said}" + (
        ", and so does he who does not know it." if naive >= 100 * HALF else "."
    )
