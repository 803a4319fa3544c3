"""Documentation is tested, not remembered."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click
import pytest

from vauban.catalogue import CATALOGUE, CAUSATIVE, DETECTORS, GATES, PREDICTIONS
from vauban.cli import cli
from vauban.contracts import LABEL
from vauban.records import messages
from vauban.simulation.retraining import RETRAINING
from vauban.testing import attack_checks
from vauban.threat import Decision

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.S)


def test_every_attack_is_documented() -> None:
    page = (ROOT / "docs" / "attacks.md").read_text()
    assert [name for name in CATALOGUE if f"`{name}`" not in page] == []


def test_every_detector_is_documented() -> None:
    page = (ROOT / "docs" / "review.md").read_text()
    assert [name for name in DETECTORS if f"`{name}`" not in page] == []


def test_every_attack_on_training_gate_and_way_of_retraining_is_documented() -> None:
    page = (ROOT / "docs" / "simulation.md").read_text()
    assert [name for name in (*CAUSATIVE, *GATES, *RETRAINING) if f"`{name}`" not in page] == []


def test_every_gate_was_tried_against_somebody_who_knows_it() -> None:
    page = (ROOT / "docs" / "stories.md").read_text()
    part = page.partition("## Every gate against somebody who knows it")[2].partition("\n## ")[0]
    tried = re.findall(r"^\| `([\w-]+)`, ", part, flags=re.M)
    assert [gate for gate in GATES if gate not in tried] == []


def test_every_detector_of_predictions_is_documented() -> None:
    page = (ROOT / "docs" / "predictions.md").read_text()
    assert re.findall(r"^\| `([\w-]+)`", page, flags=re.M) == list(PREDICTIONS)


def test_every_name_in_the_table_of_attacks_exists() -> None:
    page = (ROOT / "docs" / "attacks.md").read_text()
    assert [name for name in re.findall(r"^\| `([\w-]+)`", page, flags=re.M) if name not in CATALOGUE] == []


def test_every_option_that_the_readme_names_exists() -> None:
    groups = [c.commands.values() for c in cli.commands.values() if isinstance(c, click.Group)]
    commands = [*cli.commands.values(), *(c for group in groups for c in group)]
    known = {o for command in commands for p in command.params for o in p.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z-]+", (ROOT / "README.md").read_text()))
    assert named - known == set()


def imported(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the code of a page as a module of its own, which other processes can import too."""
    name = f"page_{page.stem}"
    (folder / f"{name}.py").write_text("\n\n".join(blocks(page)))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]))
    return import_module(name)


def test_the_code_on_schemas_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(ROOT / "docs" / "schema.md", tmp_path, monkeypatch)
    assert page.schema.names[0] == "age"
    assert [r.name for r in page.loan.relations][:2] == ["instalment", "burden"]


def test_the_attack_that_is_shown_plays_by_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = imported(ROOT / "docs" / "extending.md", tmp_path, monkeypatch)
    for check in attack_checks():
        page.test_one_good_record(check)
    assert page.target.answer(messages(["a prize"]), LABEL).decisions.tolist() == [Decision.BLOCK]


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert broken == []
