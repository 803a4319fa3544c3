"""The audit: plan what to try, ask, meter and judge, and say what was found.

``vauban.audit(...)`` is the public function of the same name, whichever of the two was imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A module that can be called: Python binds it to the name that the public function has."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return sys.modules["vauban"].__getattr__("audit")(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
