"""The page of what was measured: a row for each fault and data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vauban.assurance.statement import exact


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return docs/retrained-measured.md."""
    return ""
