"""How an audit is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vauban.errors import BadInput


@dataclass(frozen=True)
class Settings:
    """How an audit is run.

    Attributes:
        seed: everything random follows from it.
        victims: most victims a threat.
        attacks: names of those to try; None is all of the catalogue.
        jobs: worker processes.
        cohort_size: victims that one search works on; None is all. Makes no difference to what is found.
        answers: folder of the answer logs; None keeps none.
        tune: most records a threat on which attacks are compared before any victim; 0 compares none.
    """

    seed: int = 0
    victims: int = 200
    attacks: tuple[str, ...] | None = None
    jobs: int = 1
    cohort_size: int | None = None
    answers: Path | None = None
    tune: int = 20

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        for name, least in (("seed", 0), ("victims", 1), ("jobs", 1), ("cohort_size", 1), ("tune", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise BadInput(f"The number {name} must be {least} or more. Got {value}.")
