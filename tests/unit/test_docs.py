"""Documentation is tested, not remembered."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from vauban.catalogue import CATALOGUE
from vauban.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.S)


def test_every_attack_is_documented() -> None:
    page = (ROOT / "docs" / "attacks.md").read_text()
    assert [name for name in CATALOGUE if f"`{name}`" not in page] == []


def test_every_name_in_the_table_of_attacks_exists() -> None:
    page = (ROOT / "docs" / "attacks.md").read_text()
    assert [name for name in re.findall(r"^\| `([\w-]+)`", page, flags=re.M) if name not in CATALOGUE] == []


def test_every_option_that_the_readme_names_exists() -> None:
    known = {o for command in cli.commands.values() for p in command.params for o in p.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z-]+", (ROOT / "README.md").read_text()))
    assert named - known == set()


@pytest.mark.parametrize("page", [p for p in PAGES if p.name in ("extending.md", "schema.md")], ids=lambda p: p.name)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a module of its own: what it defines must be importable, to travel to another process.
    name = f"page_{page.stem}"
    (tmp_path / f"{name}.py").write_text("\n\n".join(blocks(page)))
    monkeypatch.syspath_prepend(tmp_path)
    assert vars(import_module(name))


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert broken == []
