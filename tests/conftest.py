"""What needs data or a browser is skipped with the reason where there is none, and fails where CI requires it."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

REQUIRED = {name.strip() for name in os.environ.get("VAUBAN_REQUIRE", "").split(",") if name.strip()}


def _missing_data() -> str | None:
    folder = os.environ.get("VAUBAN_DATA_DIR")
    if not folder:
        return "needs the public data sets: set VAUBAN_DATA_DIR"
    return None if Path(folder).is_dir() else f"VAUBAN_DATA_DIR={folder} is no folder"


def _missing_browser() -> str | None:
    if shutil.which("chromium") is None:
        return "needs chromium on the PATH"
    return None if importlib.util.find_spec("playwright") else "needs the package playwright"


MISSING = {"data": _missing_data(), "browser": _missing_browser()}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run here."""
    for item in items:
        for name, reason in MISSING.items():
            if reason is not None and item.get_closest_marker(name):
                if name in REQUIRED:
                    pytest.exit(f"VAUBAN_REQUIRE names {name!r}, but it {reason}", returncode=4)
                item.add_marker(pytest.mark.skip(reason=reason))
