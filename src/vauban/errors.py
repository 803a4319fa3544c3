"""What can go wrong, and the exit code that says so.

    VaubanError                 anything we raise on purpose
    ├── BadInput                unknown name, wrong file, filter that does not parse        exit 2
    ├── Incomplete              a planned cell did not finish                               exit 3
    ├── TargetError             the model under test failed or broke its contract           exit 4
    ├── ContractViolation       an attack broke the rules of the game: a defect of ours     exit 4
    └── BudgetSpent             thrown into an attack, never out of the runner

Every message says what was got, what is allowed and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class ExitCode:
    """The exit codes of every command."""

    DONE = 0
    OVER_LIMIT = 1
    BAD_INPUT = 2
    INCOMPLETE = 3
    FAILED = 4


class VaubanError(Exception):
    """Anything raised on purpose; its message is for the user and is shown without a traceback."""

    exit_code: ClassVar[int] = ExitCode.FAILED


class BadInput(VaubanError):
    """What the user gave cannot be used."""

    exit_code = ExitCode.BAD_INPUT


class Incomplete(VaubanError):
    """A planned cell did not finish; what was done is kept."""

    exit_code = ExitCode.INCOMPLETE


class TargetError(VaubanError):
    """The model under test failed, or its answers break the contract of a target."""


class ContractViolation(VaubanError):
    """An attack asked for what it was not granted, or handed in what is no move, record or claim."""


class BudgetSpent(VaubanError):
    """No victim of the cohort can be asked about any more. Catch it in the attack and return what you have."""


def unknown(what: str, got: str, allowed: Iterable[str]) -> BadInput:
    """Return the error for a name that is none of those allowed, with the nearest one suggested."""
    names = sorted(map(str, allowed))
    near = get_close_matches(got, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return BadInput(f"Unknown {what} {got!r}.{hint} Known: {', '.join(names) or 'none'}.")
