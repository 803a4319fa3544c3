"""What a test may spend: a number of questions, or time."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from vauban.errors import BadInput

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass
class Purse:
    """Questions asked, and whether more may be. The same questions make the same test; time does not.

    Attributes:
        questions: most that may be asked; None is no limit.
        seconds: most time from now; None is no limit.
        asked: how many were.
    """

    questions: int | None = 100_000
    seconds: float | None = None
    asked: int = 0
    _started: float = field(default_factory=time.monotonic)

    @staticmethod
    def of(text: str) -> Purse:
        """Return what ``20000``, ``90s``, ``2m`` or ``1h`` allow; BadInput for anything else."""
        found = re.fullmatch(r"(\d+)([smh]?)", text.strip())
        if found is None or int(found[1]) == 0:
            raise BadInput(f"A budget is a number of questions or a time: 20000, 90s, 2m, 1h. Got {text!r}.")
        if found[2]:
            return Purse(None, int(found[1]) * _UNITS[found[2]])
        return Purse(int(found[1]))

    def share(self, parts: int) -> Purse:
        """Return a purse with one of so many equal parts of what is left."""
        left = None if self.questions is None else max(self.questions - self.asked, 0) // parts
        time_left = (
            None if self.seconds is None else max(self.seconds - (time.monotonic() - self._started), 0.0) / parts
        )
        return Purse(left, time_left)

    def allows(self, n: int) -> bool:
        """Whether n more questions may be asked."""
        if self.questions is not None and self.asked + n > self.questions:
            return False
        return self.seconds is None or time.monotonic() - self._started < self.seconds
