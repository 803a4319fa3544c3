"""What the verdicts come to: which records are poison, which are held, what is left to do, and how far people agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import beta

from vauban.errors import BadInput
from vauban.store.repository import Verdict


@dataclass(frozen=True)
class Standing:
    """Where a record stands.

    Attributes:
        state: ``poison`` (two people say so, one of them a data scientist), ``mistake`` (its label is to be turned),
            ``correct``, or ``held``: somebody must decide.
        why: in words, where it is held.
        by: the verdicts that count, one a person, his last.
    """

    state: str
    why: str
    by: tuple[Verdict, ...]


def standing(verdicts: Sequence[Verdict]) -> dict[str, Standing]:
    """Return where each record stands on which there is a verdict.

    Deleting needs four eyes: `poison` from two different people, one of them a data scientist, and nobody against it.
    Turning a label needs a data scientist, or two people. A record that one person calls correct stays.
    """
    return {record: _stands(by) for record, by in counted(verdicts).items()}


def counted(verdicts: Sequence[Verdict]) -> dict[str, tuple[Verdict, ...]]:
    """Return the verdicts on each record that count: of every person the last that was not taken back."""
    found: dict[str, dict[str, Verdict]] = {}
    for verdict in in_force(verdicts):
        found.setdefault(verdict.record, {})[verdict.reviewer] = verdict
    return {record: tuple(by.values()) for record, by in found.items()}


def in_force(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that were not taken back, in their order."""
    undone = {v.undoes for v in verdicts if v.verdict == "undo"}
    return [v for v in verdicts if v.verdict != "undo" and v.number not in undone]


def taken_back(verdicts: Sequence[Verdict], reviewer: str | None, role: str | None, note: str = "") -> Verdict:
    """Return the verdict that takes back a person's last one; BadInput where there is none."""
    mine = [v for v in in_force(verdicts) if v.reviewer == reviewer]
    if not mine:
        raise BadInput(f"There is no verdict of {reviewer!r} to take back.")
    last = mine[-1]
    return Verdict(0, "", last.record, "undo", last.reviewer, role or last.role, note, undoes=last.number)


def _stands(by: tuple[Verdict, ...]) -> Standing:
    said = {v.verdict for v in by}
    scientist = any(v.role == "data-scientist" for v in by)
    if said & {"unsure", "escalate"}:
        return Standing("held", "somebody is unsure, or wants another to look", by)
    if len(said) > 1:
        return Standing("held", f"they disagree: {', '.join(sorted(said))}", by)
    if said == {"poison"}:
        if len(by) >= 2 and scientist:
            return Standing("poison", "", by)
        who = "a data scientist" if len(by) >= 2 or not scientist else "a second person"
        return Standing("held", f"deleting needs {who} to say so too", by)
    if said == {"honest-mistake"} and (scientist or len(by) >= 2):
        return Standing("mistake", "", by)
    if said == {"honest-mistake"}:
        return Standing("held", "turning a label needs a data scientist, or a second person", by)
    return Standing("correct", "", by)


@dataclass(frozen=True)
class Left:
    """How much is left among what nobody looked at, by the records that were drawn by lot.

    ``hits`` of ``n`` were poison; with 95 % confidence at most the share ``high`` of what is left is.
    """

    hits: int
    n: int
    high: float


def left(verdicts: Sequence[Verdict], drawn: str) -> Left:
    """Return the exact upper bound (Clopper and Pearson 1934) from verdicts on records drawn by lot."""
    by = {r: v for r, v in counted(verdicts).items() if any(x.reason == drawn for x in v)}
    n = len(by)
    hits = sum(any(v.verdict == "poison" for v in each) for each in by.values())
    return Left(hits, n, float(beta.ppf(0.95, hits + 1, n - hits)) if n > hits else 1.0)


@dataclass(frozen=True)
class Agreement:
    """How far two people agree beyond chance (Cohen 1960) on whether records are poison; NaN where n is 0."""

    one: str
    other: str
    n: int
    kappa: float


def agreement(verdicts: Sequence[Verdict]) -> tuple[Agreement, ...]:
    """Return the agreement of every two people who looked at the same records."""
    pairs: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    for by in counted(verdicts).values():
        for i, one in enumerate(by):
            for other in by[i + 1 :]:
                first, second = sorted((one, other), key=lambda v: v.reviewer)
                both = (first.verdict == "poison", second.verdict == "poison")
                pairs.setdefault((first.reviewer, second.reviewer), []).append(both)
    return tuple(Agreement(a, b, len(seen), _kappa(seen)) for (a, b), seen in sorted(pairs.items()))


def _kappa(seen: Sequence[tuple[bool, bool]]) -> float:
    n = len(seen)
    same = sum(a == b for a, b in seen) / n
    first, second = sum(a for a, _ in seen) / n, sum(b for _, b in seen) / n
    chance = first * second + (1 - first) * (1 - second)
    return 1.0 if chance == 1 else (same - chance) / (1 - chance)


def by_reason(verdicts: Sequence[Verdict]) -> Mapping[str, tuple[int, int]]:
    """Return for each queue how many records of it were found to be poison, and how many were looked at."""
    found: dict[str, tuple[int, int]] = {}
    for by in counted(verdicts).values():
        reason = by[0].reason or "named by hand"
        hits, n = found.get(reason, (0, 0))
        found[reason] = (hits + any(v.verdict == "poison" for v in by), n + 1)
    return found
