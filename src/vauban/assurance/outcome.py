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
    not_tried: tuple[str, ...]
    questions: int
    command: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All cases that were decided otherwise than expected."""
        return tuple(f for r in self.replayed for f in r.failures)
