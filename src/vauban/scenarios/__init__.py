"""Scenarios: data, schema, threat models, model and economics, put together by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from vauban.errors import unknown
from vauban.filters import Filter
from vauban.scenarios import credit, insurance, loan, spam
from vauban.schema import Price
from vauban.system import System
from vauban.threat import Budget, Cell, Grant, ThreatModel

__all__ = ["SCENARIOS", "Scenario", "scenario"]


@dataclass(frozen=True)
class Scenario:
    """A kind of system that people run, ready to be audited.

    Attributes:
        name: of the scenario.
        title: in words.
        data: names of the data sets it runs on; the first is the default.
        build: (data, model, seed) to the system.
        attacker: who attacks it, by cell.
        prices: what he pays where that differs from the schema, by cell.
        expected: what more of a feature may do to a decision, by data set.
    """

    name: str
    title: str
    data: tuple[str, ...]
    build: Callable[[str, str, int], System]
    attacker: Mapping[Cell, str]
    prices: Mapping[Cell, Mapping[str, Price]]
    expected: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def expectations(self, data: str) -> Mapping[str, str]:
        """Return what is expected of features of one of its data sets: safer, riskier or irrelevant."""
        return self.expected.get(data, {})

    def system(self, data: str | None, model: str, seed: int) -> System:
        """Return the scenario's system on one of its data sets; BadInput if it has no such data set."""
        name = self.data[0] if data is None else data
        if name not in self.data:
            raise unknown(f"data set for {self.name}", name, self.data)
        return self.build(name, model, seed)

    def threats(
        self, cells: Sequence[str], grants: frozenset[Grant], budget: Budget, where: str | None
    ) -> tuple[ThreatModel, ...]:
        """Return the threat models of the named cells; BadInput for cells that are not exploratory."""
        known = [c.value for c in self.attacker]
        for cell in cells:
            if cell not in known:
                raise unknown(f"cell for {self.name}", cell, known)
        aim = None if where is None else Filter(where)
        return tuple(
            ThreatModel(cell, who, grants, budget, where=aim, prices=self.prices.get(cell, {}))
            for cell, who in self.attacker.items()
            if cell in cells
        )


SCENARIOS: Mapping[str, Scenario] = {
    s.name: s
    for s in (
        Scenario("spam", "A filter of messages", spam.DATA, spam.build, spam.ATTACKER, spam.PRICES),
        Scenario(
            "credit",
            "A model of credit risk",
            credit.DATA,
            credit.build,
            credit.ATTACKER,
            credit.PRICES,
            credit.EXPECTED,
        ),
        Scenario(
            "loan",
            "A model that sanctions loans",
            loan.DATA,
            loan.build,
            loan.ATTACKER,
            loan.PRICES,
            loan.EXPECTED,
        ),
        Scenario(
            "insurance",
            "Models of an insurer: cover, claims, tiers of premium",
            insurance.DATA,
            insurance.build,
            insurance.ATTACKER,
            insurance.PRICES,
            insurance.EXPECTED,
        ),
    )
}


def scenario(name: str) -> Scenario:
    """Return a scenario by name; BadInput if there is none."""
    if name not in SCENARIOS:
        raise unknown("scenario", name, SCENARIOS)
    return SCENARIOS[name]
