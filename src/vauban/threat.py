"""The threat model: who attacks, what for, what he can ask, do and pay. The cells follow from it.

Influence, specificity and violation are those of Barreno, Nelson, Joseph and Tygar, "The security of machine learning"
(Machine Learning 81, 2010, section 3); goals, capabilities and knowledge are named as in NIST AI 100-2e2025, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from vauban.errors import BadInput
from vauban.filters import Filter
from vauban.schema import Price


class Decision(IntEnum):
    """What the deployed model does with a record. ``UNANSWERED`` stands where a question was not answered."""

    UNANSWERED = -1
    PASS = 0
    REFER = 1
    BLOCK = 2


class Influence(StrEnum):
    """Whether the attacker only asks the deployed model, or reaches what it is trained on."""

    EXPLORATORY = "exploratory"
    CAUSATIVE = "causative"


class Violation(StrEnum):
    """Whether harmful records are to pass (false negatives) or good ones to be blocked (false positives)."""

    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


class Specificity(StrEnum):
    """Whether the attacker aims at a slice of the records, or any will do."""

    TARGETED = "targeted"
    INDISCRIMINATE = "indiscriminate"


class Cell(StrEnum):
    """Influence x violation; with specificity, one of the eight cells."""

    EI = "EI"
    EA = "EA"
    CI = "CI"
    CA = "CA"

    @property
    def influence(self) -> Influence:
        """The cell's influence."""
        return Influence.EXPLORATORY if self.value[0] == "E" else Influence.CAUSATIVE

    @property
    def violation(self) -> Violation:
        """The cell's violation."""
        return Violation.INTEGRITY if self.value[1] == "I" else Violation.AVAILABILITY

    @property
    def goal(self) -> Decision:
        """The decision that the attacker is after."""
        return Decision.PASS if self.violation is Violation.INTEGRITY else Decision.BLOCK

    @property
    def harmful(self) -> bool:
        """Whether his victims, the records that he works on, are harmful ones."""
        return self.violation is Violation.INTEGRITY


class Grant(StrEnum):
    """An answer or a move that the threat model grants. A set, not a ladder: trees have structure, but no gradient."""

    LABEL = "label"
    SCORE = "score"
    GRADIENT = "gradient"
    STRUCTURE = "structure"
    SEND = "send"
    TAMPER = "tamper"


class Knows(StrEnum):
    """What data the attacker has before he asks anything."""

    NOTHING = "nothing"
    LOOKALIKES = "public look-alikes"
    OWN = "his own records"
    TRAINING = "the training set"


@dataclass(frozen=True)
class Budget:
    """What the attacker can spend.

    Attributes:
        queries: questions a victim.
        scouting: questions before any victim, in all.
        flagged: of a victim's questions, how many may be answered BLOCK before he is stopped; None is no limit.
        cost: most that a changed record may cost, in the schema's unit; None is no limit.
    """

    queries: int = 1000
    scouting: int = 1000
    flagged: int | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        """Refuse negative budgets."""
        for name in ("queries", "scouting", "flagged", "cost"):
            value = getattr(self, name)
            if value is not None and not value >= 0:  # NaN is refused as well
                raise BadInput(f"The budget's {name} must be 0 or more. Got {value}.")


@dataclass(frozen=True)
class ThreatModel:
    """One attacker against one system.

    Attributes:
        cell: influence and violation.
        attacker: who he is, in a sentence for the report.
        grants: the answers and moves that he gets.
        budget: see `Budget`.
        knows: the data that he starts with.
        where: the slice that he aims at; None makes the attack indiscriminate.
        prices: overlay of the schema's prices: what *he* can change at what price.
    """

    cell: Cell
    attacker: str = "an attacker"
    grants: frozenset[Grant] = frozenset({Grant.LABEL, Grant.SCORE})
    budget: Budget = field(default_factory=Budget)
    knows: Knows = Knows.LOOKALIKES
    where: Filter | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)

    @property
    def specificity(self) -> Specificity:
        """Targeted if there is a slice."""
        return Specificity.INDISCRIMINATE if self.where is None else Specificity.TARGETED
