"""The canonical JSON of a result: sorted keys, two spaces, ASCII only, one line break at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vauban.reports.digest import checked


def render(result: Mapping[str, Any]) -> str:
    """Return `result` as canonical JSON.

    ASCII escapes keep what attackers wrote (direction overrides, invisible characters) harmless in a terminal.
    Raises `BadInput` if `result` is not the result of an audit, or holds NaN or an infinity (JSON has neither).
    """
    return json.dumps(checked(result), sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
