"""Results: plain frozen values, the only thing that stages share. Their field names are those of ``result.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Rate:
    """A share of n with its 95 % interval; all None-like (NaN) where n is 0."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Clean:
    """How the model does when nobody attacks it: false-negative and false-positive rate at its threshold."""

    fnr: Rate
    fpr: Rate
    degenerate: str | None = None


@dataclass(frozen=True)
class Cost:
    """What success cost the attacker, over all victims: one never evaded costs infinity (null in JSON)."""

    unit: str
    median: float
    p10: float
    p90: float


@dataclass(frozen=True)
class Queries:
    """Questions asked for a victim, over all victims; how many of them were answered BLOCK; the limit."""

    median: float
    p90: float
    flagged_median: float
    limit: int


@dataclass(frozen=True)
class Money:
    """What the attack means in the user's money, and how that was computed."""

    currency: str
    gain_exceeds_cost: Rate
    loss_per_1000: Mapping[str, Mapping[str, float]]
    note: str


@dataclass(frozen=True)
class Change:
    """One field of a record before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Example:
    """One success, for a reader."""

    victim_id: int
    cost: float
    queries: int
    score_before: float | None
    score_after: float | None
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Confirmation:
    """How successes were confirmed on a model that answers differently each time.

    ``questions`` are the audit's own, not the attacker's: ``each`` about a candidate, ``candidates`` of a victim at
    most. ``flips`` is how often the confirmed records flip, over all answers.
    """

    candidates: int
    each: int
    questions: int
    flips: Rate


@dataclass(frozen=True)
class Retraining:
    """What an attack on training moved, over the rounds of a retraining loop.

    Figures are of the last model that was trained ``clean`` (without him), ``attacked``, and behind each gate that was
    tried, by its name.

    Attributes:
        rounds: how often the model was trained again.
        share: of what a round collects that is the attacker's, or of the stored data that he alters.
        labels: who labels what is collected.
        trained: records that the last clean model was trained on.
        sent, altered: records of his, in all.
        asked: questions that he asked.
        probes: fresh records of the kind that he wants decided otherwise.
        probe_success: share of them, dressed as his campaign would be, that are decided so.
        fnr, fpr, error, loss: on records that nobody reaches; see `vauban.simulation.outcome.Measured`.
        held: what each gate held of his records (``his`` of ``of_his``) and of all others.
        learnt: what he learnt by asking, strongest first.
        first: how the model did before any round.
        films: the rounds in full; see `vauban.simulation.outcome.Film`.
    """

    rounds: int
    share: float
    labels: str
    trained: int
    sent: int
    altered: int
    asked: int
    probes: int
    probe_success: Mapping[str, Rate]
    fnr: Mapping[str, Rate]
    fpr: Mapping[str, Rate]
    error: Mapping[str, Rate]
    loss: Mapping[str, Rate | None]
    held: Mapping[str, Mapping[str, int]]
    learnt: tuple[str, ...]
    first: Mapping[str, Any]
    films: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Trial:
    """What an attack reached on the n records of a tuning set: successes, median cost and questions over all of them.

    ``limit`` is how many questions it had for a record. ``rows_scored`` and ``seconds`` say what that took.
    """

    attack: str
    settings: Mapping[str, Any]
    n: int
    successes: int
    success_rate: Rate
    cost: float
    queries: float
    limit: int
    rows_scored: int
    seconds: float


@dataclass(frozen=True)
class Strongest:
    """The strongest attack of a cell, and where it was chosen.

    Attributes:
        cell, specificity: of the attacker.
        attack, finding: its name, and the id of its finding: figures on the victims.
        grants: what it asked for.
        settings: with which it was played.
        chosen_on: ``tuning set``, or ``victims``, which flatters the best of several.
        why: why it was not chosen on a tuning set, or why not the one that was best there; None elsewhere.
        tuned_on: what it reached on the tuning set; None without one.
        tried: what every attack reached there, with each of its settings, the strongest first.
    """

    cell: str
    specificity: str
    attack: str
    finding: str
    grants: tuple[str, ...]
    settings: Mapping[str, Any]
    chosen_on: str
    why: str | None
    tuned_on: Trial | None
    tried: tuple[Trial, ...]


@dataclass(frozen=True)
class Finding:
    """One attack in one cell against one model: what it reached, at what cost.

    ``settings`` are what it was constructed with. ``members`` are those of a cascade, in their order.
    """

    id: str
    cell: str
    specificity: str
    attack: str
    role: str
    title: str
    description: str
    grants: tuple[str, ...]
    victims: int
    successes: int
    success_rate: Rate
    cost: Cost
    queries: Queries
    model_calls: int
    rows_scored: int
    seconds: float
    model_seconds: float
    tags: tuple[str, ...]
    curves: Mapping[str, Sequence[tuple[float, float]]]
    money: Money | None
    examples: tuple[Example, ...]
    remediation: tuple[str, ...]
    bounds: Mapping[str, Any] | None = None
    confirmation: Confirmation | None = None
    retraining: Retraining | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    members: tuple[Mapping[str, Any], ...] = ()

    EFFORT = frozenset({"model_calls", "rows_scored", "seconds", "model_seconds"})
    """Fields that say how the figures were reached, not what they are: they may differ between engines."""

    def substance(self) -> dict[str, Any]:
        """Return all that must be the same for the same seed, whatever engine, cohort or interruption."""
        return {k: v for k, v in to_json(self).items() if k not in self.EFFORT}


@dataclass(frozen=True)
class Agreement(Rate):
    """How often a picture decides as the model does on fresh records, after so many questions."""

    queries: int = 0


@dataclass(frozen=True)
class Exploration:
    """What an attacker learnt of the model, apart from any victim, and what it cost him in questions."""

    id: str
    explorer: str
    specificity: str
    where: str | None
    grants: tuple[str, ...]
    queries: int
    agreement: tuple[Agreement, ...]
    features: tuple[Mapping[str, Any], ...]
    words: tuple[Mapping[str, Any], ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Skipped:
    """A cell that was not tried, or did not finish, with the reason. A cell never vanishes from a report."""

    attack: str
    cell: str
    reason: str


@dataclass(frozen=True)
class Coverage:
    """How many attack x cell pairs were planned, and what became of them."""

    planned: int
    done: int
    out_of_scope: int
    incomplete: int


@dataclass(frozen=True)
class Verdict:
    """What to tell the board."""

    level: str
    headline: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class AuditResult:
    """All that an audit found; ``to_json`` of it is ``result.json``."""

    version: str
    scenario: str
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    seed: int
    clean: Clean
    threats: tuple[Mapping[str, Any], ...]
    findings: tuple[Finding, ...]
    exploration: tuple[Exploration, ...]
    out_of_scope: tuple[Skipped, ...]
    incomplete: tuple[Skipped, ...]
    coverage: Coverage
    verdict: Verdict
    command: str | None = None
    started: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    strongest: tuple[Strongest, ...] = ()


def to_json(value: Any) -> Any:
    """Return a value made of dicts, lists, strings, finite numbers and None; infinities and NaN become None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, Mapping):
        return {str(to_json(k)): to_json(v) for k, v in value.items()}
    if isinstance(value, np.generic):
        return to_json(value.item())
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return [to_json(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return str(value)
