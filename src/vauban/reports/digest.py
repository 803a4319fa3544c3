"""What a report says, chosen from a result: the strongest attacks, the eight cells, the findings worth a page.

Nothing is formatted here; HTML and Markdown draw on the same choices and so cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vauban.errors import BadInput
from vauban.reports.vocabulary import AXES, KINDS, LEVELS, ROLES, SPECIFICITIES, Axis

Json = Mapping[str, Any]

_REQUIRED = (
    "version", "scenario", "seed", "model", "data", "clean", "threats", "findings", "exploration", "out_of_scope",
    "incomplete", "coverage", "verdict",
)  # fmt: skip
_OPTIONAL = ("command", "started", "environment")


def checked(result: Json) -> dict[str, Any]:
    """Return `result` with its optional keys present (None). Raises `BadInput` for what no report could show whole."""
    missing = [key for key in _REQUIRED if key not in result]
    if missing:
        raise BadInput(
            f"This is not the result of an audit: it lacks {', '.join(missing)}. "
            f"Needed: {', '.join(_REQUIRED)}. Give the result.json that an audit wrote."
        )
    _known("verdict level", [result["verdict"]["level"]], LEVELS)
    _known("kind of data", [result["data"]["kind"]], KINDS)
    placed = [*result["threats"], *result["findings"], *result["out_of_scope"], *result["incomplete"]]
    chosen = result.get("strongest") or ()
    _known("cell", [item["cell"] for item in [*placed, *chosen]], AXES)
    aimed = [*result["threats"], *result["findings"], *result["exploration"], *chosen]
    _known("specificity", [item["specificity"] for item in aimed], SPECIFICITIES)
    _known("role of a finding", [finding["role"] for finding in result["findings"]], ROLES)
    for path, number in _numbers(result, "result"):
        if not math.isfinite(number):
            raise BadInput(f"{path} is {number}; JSON has no such number. Allowed: a finite number, or null for never.")
    return {**dict.fromkeys(_OPTIONAL), **result}


def _known(what: str, got: Iterable[Any], allowed: Iterable[str]) -> None:
    names = list(allowed)
    strange = sorted({str(name) for name in got} - set(names))
    if strange:
        raise BadInput(
            f"Unknown {what} {', '.join(map(repr, strange))} in the result. Allowed: {', '.join(names)}. "
            "Make the report with the version of Vauban that made the result."
        )


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _numbers(item, f"{path}[{i}]")


def _strength(finding: Json) -> tuple[float, float, float]:
    success = finding["success_rate"]["value"]
    cost, asked = finding["cost"]["median"], finding["queries"]["median"]
    return (
        -1.0 if success is None else success,
        -math.inf if cost is None else -cost,
        -math.inf if asked is None else -asked,
    )


def strongest(result: Json, cell: str, specificity: str | None = None) -> Json | None:
    """Return the finding of a cell's strongest attack: the one that was chosen before the victims, if the result says.

    Otherwise that with the highest success on the victims, then the lowest median cost, then the fewest questions.
    """
    mine = [f for f in _here(result["findings"], cell, specificity) if f["role"] == "attack"]
    chosen = {item["finding"] for item in _here(result.get("strongest") or (), cell, specificity)}
    return max([f for f in mine if f["id"] in chosen] or mine, key=_strength, default=None)


def apart(result: Json, finding: Json | None) -> int | None:
    """Return on how many records, apart from the victims, a finding's attack was chosen as the strongest, if it was."""
    for item in result.get("strongest") or ():
        named = (item["finding"], item["cell"], item["specificity"])
        if finding is not None and named == (finding["id"], finding["cell"], finding["specificity"]):
            tuned = item["tuned_on"] if item["chosen_on"] == "tuning set" else None
            return None if tuned is None else int(tuned["n"])
    return None


def _here(items: Iterable[Json], cell: str, specificity: str | None) -> list[Json]:
    return [item for item in items if item["cell"] == cell and specificity in (None, item["specificity"])]


def ranked(findings: Sequence[Json]) -> list[Json]:
    """Return all findings by cell, then specificity, then success, the worst for the owner first."""
    order = {cell: i for i, cell in enumerate(AXES)}

    def place(finding: Json) -> tuple[int, int, tuple[float, ...]]:
        strength = tuple(-part for part in _strength(finding))
        return order[finding["cell"]], SPECIFICITIES.index(finding["specificity"]), strength

    return sorted(findings, key=place)


@dataclass(frozen=True)
class Cell:
    """One of the eight cells: its strongest attack and where it was chosen, or the reasons why there is none."""

    id: str
    specificity: str
    axis: Axis
    finding: Json | None
    attacks: int
    reasons: tuple[str, ...]
    apart: int | None


def cells(result: Json) -> list[Cell]:
    """Return the eight cells, influence x violation x specificity; none is ever left out."""
    return [_cell(result, cell, specificity) for cell in AXES for specificity in SPECIFICITIES]


def _by_reason(absent: Sequence[Json]) -> list[str]:
    """Return each reason once, with the attacks that it holds for; three at most are named."""
    held: dict[str, list[str]] = {}
    for item in absent:
        held.setdefault(item["reason"], []).append(item["attack"])
    return [
        f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason}"
        for reason, names in held.items()
    ]


def _cell(result: Json, cell: str, specificity: str) -> Cell:
    def here(items: Iterable[Json]) -> list[Json]:
        return _here(items, cell, specificity)

    attacks = [finding for finding in here(result["findings"]) if finding["role"] == "attack"]
    reasons: list[str] = []
    if not attacks:
        planned = bool(here(result["threats"]))
        # Where no attacker of the cell is planned at all, what is out of scope says why.
        causative = AXES[cell].influence == "causative" and all(t["cell"] != cell for t in result["threats"])
        absent = [item for item in [*result["incomplete"], *result["out_of_scope"]] if item["cell"] == cell]
        if absent and (planned or causative):
            reasons = _by_reason(absent)
        elif here(result["findings"]):
            reasons = ["only controls and baselines were run"]
        elif planned:
            reasons = ["an attacker of this kind was planned, but none of his attacks has a result"]
        elif causative:  # an older result, without reasons of its own
            reasons = ["this run only asks the deployed model; it retrains nothing"]
        else:
            reasons = ["no attacker of this kind is in the threat model of this run"]
    best = strongest(result, cell, specificity)
    return Cell(cell, specificity, AXES[cell], best, len(attacks), tuple(reasons), apart(result, best))


@dataclass(frozen=True)
class Headline:
    """The figures of one violation: its strongest attack, indiscriminate where one is, and how many were tried.

    ``apart`` is on how many records, apart from the victims, it was chosen; None: on the victims.
    """

    cell: str
    axis: Axis
    finding: Json | None
    attacks: int
    reasons: tuple[str, ...]
    apart: int | None

    @property
    def rank(self) -> str:
        """Of how many it is the strongest, and where that was seen."""
        if self.attacks < 2:
            return "the only attack tried"
        where = "" if self.apart is None else f", chosen on {self.apart} records apart"
        return f"the strongest of {self.attacks} attacks{where}"


def headlines(result: Json) -> list[Headline]:
    """Return the figures that come first: integrity, then availability, of the exploratory attacks."""
    both = cells(result)
    chosen = []
    for cell in ("EI", "EA"):
        mine = [entry for entry in both if entry.id == cell]
        first = next((entry for entry in mine if entry.finding is not None), mine[0])
        chosen.append(Headline(cell, first.axis, first.finding, first.attacks, first.reasons, first.apart))
    return chosen


def retrained(result: Json) -> list[Json]:
    """Return the findings of attacks on training, by cell and strength."""
    return [finding for finding in ranked(result["findings"]) if finding.get("retraining")]


def campaigns(result: Json) -> list[Json]:
    """Return the strongest attack on training of each cell that has one, integrity first."""
    best = (strongest(result, cell) for cell in ("CI", "CA"))
    return [finding for finding in best if finding is not None and finding["success_rate"]["value"] is not None]


def gated(finding: Json) -> tuple[str, Json] | None:
    """Return the gate that leaves least of an attack on training, and what it leaves; None where none was tried."""
    behind = [
        (gate, rate)
        for gate, rate in finding["retraining"]["probe_success"].items()
        if gate not in ("clean", "attacked") and rate["value"] is not None
    ]
    return min(behind, key=lambda one: (one[1]["value"], one[0]), default=None)


@dataclass(frozen=True)
class Group:
    """The findings of one cell and specificity, in order of strength."""

    cell: str
    specificity: str
    axis: Axis
    findings: tuple[Json, ...]


def groups(findings: Sequence[Json]) -> list[Group]:
    """Return the findings by cell and specificity, leaving out cells without any."""
    ordered = ranked(findings)
    out = []
    for cell, axis in AXES.items():
        for specificity in SPECIFICITIES:
            mine = tuple(f for f in ordered if f["cell"] == cell and f["specificity"] == specificity)
            if mine:
                out.append(Group(cell, specificity, axis, mine))
    return out


def worst(result: Json, per_cell: int = 2) -> list[Json]:
    """Return the attacks worth showing record by record: the strongest of each cell that succeeded at all."""
    shown = []
    for group in groups(result["findings"]):
        best = strongest(result, group.cell, group.specificity)
        won = [f for f in group.findings if f["role"] == "attack" and f["successes"] > 0]
        shown += [*(f for f in won if f is best), *(f for f in won if f is not best)][:per_cell]
    return shown


def explored(result: Json) -> Json | None:
    """Return the exploration that ends with the highest agreement with the model, then of most questions, if any."""

    def final(item: Json) -> tuple[float, int]:
        value = item["agreement"][-1]["value"] if item["agreement"] else None
        return -1.0 if value is None else value, item["queries"]

    return max(result["exploration"], key=final, default=None)


def by_effect(rows: Iterable[Json]) -> list[Json]:
    """Return features or words with the largest effect on the decision first; those without a measure come last."""
    return sorted(rows, key=lambda row: -math.inf if row["effect"] is None else row["effect"], reverse=True)


def tags(result: Json) -> list[str]:
    """Return every public id that a finding or an exploration carries, once, in alphabetical order."""
    return sorted({tag for item in [*result["findings"], *result["exploration"]] for tag in item["tags"]})
