"""What a security test found: frozen values, whose names are those of its ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vauban.assurance.suites import Failure
from vauban.results import Rate


@dataclass(frozen=True)
class Weakness:
    """Where failures are: a rule in words, counted on draws that it was not found on.

    Attributes:
        rule: in words.
        failing: share of draws in it that fail, of those that could: a record that is blocked cannot be decided worse.
        covers: share of all failures that lie in it.
    """

    rule: str
    failing: Rate
    covers: Rate


@dataclass(frozen=True)
class Tried:
    """One property on one population of records.

    Attributes:
        name, meaning: of the property, and what must hold.
        population: ``held-out records`` or ``anywhere in the schema``.
        failed: share of variations that break it, with the exact interval valid wherever the trying stopped.
        complete: False where the budget ended before the first look.
        weaknesses: where failures are.
        examples: some failures: the raw record before and after.
    """

    name: str
    meaning: str
    population: str
    failed: Rate
    complete: bool
    weaknesses: tuple[Weakness, ...] = ()
    examples: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...] = ()

    @property
    def statement(self) -> str:
        """What may be said of it."""
        if not self.failed.n:
            return "not tried: the budget ended, or no record has such a variation"
        return f"with 95 % confidence at most {100 * self.failed.high:.2g} % of such variations break it"


@dataclass(frozen=True)
class Place:
    """A region in which harmful records pass, in words; see `vauban.assurance.pockets.Region`."""

    kind: str
    rule: str
    passes: Rate
    harmful: Rate
    elsewhere: Rate
    p: float


@dataclass(frozen=True)
class Proxy:
    """A condition that stands for a group and decides against it; see `vauban.assurance.proxies`.

    Attributes:
        kind: ``proxy`` (a finding), ``ground`` (an analyst declared it one) or ``outcome`` (labels do not show that it
            is without merit).
        group: in words.
        rule: where it decides, in words.
        stand_in: the part of the rule that stands for the group.
        held, held_by_others: share of the group, and of the rest, for which the stand-in holds.
        refused: share that is refused of records in the rule that pass once their stand-in alone is changed.
        worse: share of the decisions that the change moves which it makes better: the stand-in made them worse.
        lost, lost_by_others: share of the group, and of the rest, that is refused only because of it.
        harmful: share that is harmful of records refused only because of it.
        narrowly: the same of those that the model decides most narrowly elsewhere.
        stands, decides, merit: of the exact tests that it stands for the group no more than for others, decides as
            often for as against, and refuses records harmful no less often than the narrow ones; corrected.
    """

    kind: str
    group: str
    rule: str
    stand_in: str
    held: Rate
    held_by_others: Rate
    refused: Rate
    worse: Rate
    lost: Rate
    lost_by_others: Rate
    harmful: Rate
    narrowly: Rate
    stands: float
    decides: float
    merit: float


@dataclass(frozen=True)
class Replayed:
    """A suite, or the corpus: how many cases, and those decided otherwise than expected."""

    source: str
    cases: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class TestResult:
    """All that a test found.

    Attributes:
        replayed: the corpus first, then the suites.
        tried: properties.
        places: weak regions.
        proxies: what stands for a protected attribute and decides.
        not_tried: what was not, with the reason.
        questions: asked of the model.
    """

    __test__ = False  # not a class of tests, whatever its name begins with

    version: str
    scenario: str
    model: str
    data: Mapping[str, Any]
    seed: int
    budget: str
    replayed: tuple[Replayed, ...]
    tried: tuple[Tried, ...]
    places: tuple[Place, ...]
    proxies: tuple[Proxy, ...]
    not_tried: tuple[str, ...]
    questions: int
    command: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All cases that were decided otherwise than expected."""
        return tuple(f for r in self.replayed for f in r.failures)
