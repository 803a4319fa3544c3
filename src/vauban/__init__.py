"""Vauban attacks a classification model before an attacker does, and keeps watch over it afterwards."""

from __future__ import annotations

from typing import Any

__all__ = ["audit", "infer_schema", "log", "report", "verify"]


def __getattr__(name: str) -> Any:
    """Import the public functions when they are first used: ``vauban --help`` needs none of them."""
    if name in __all__:
        from vauban import api

        # Kept: importing api binds the package vauban.audit to the name of the function, which would be found next.
        globals().update({public: getattr(api, public) for public in __all__})
        return globals()[name]
    raise AttributeError(f"module 'vauban' has no attribute {name!r}")
