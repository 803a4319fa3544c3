"""A check: one behaviour that a contract promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Check(Generic[T]):
    """A behaviour by name; ``run`` raises AssertionError, with what was seen and what to do, where it is not shown."""

    name: str
    run: Callable[[T], None]

    def __str__(self) -> str:
        """Return the name, for test ids."""
        return self.name


def require(holds: bool, message: str) -> None:
    """Raise AssertionError with the message unless it holds."""
    if not holds:
        raise AssertionError(message)


@contextmanager
def told(message: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn errors into an AssertionError that says what they mean."""
    try:
        yield
    except errors as error:
        raise AssertionError(f"{message} ({type(error).__name__}: {error})") from error
