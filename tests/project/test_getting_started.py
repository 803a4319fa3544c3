"""The page on getting started, run as it is written."""

import re
import shlex
from pathlib import Path

import pytest

from vauban.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "getting-started.md").read_text(encoding="utf-8")


def test_from_a_table_and_a_model_to_a_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.S):
        exec(block, {})
    commands = re.findall(r"^vauban .*$", PAGE, flags=re.M)
    assert [shlex.split(c)[1] for c in commands] == ["init", "check", "audit", "verify"]
    small = ("--victims 50 --queries 300", "--victims 5 --queries 40 --attack greedy-search")  # the page takes minutes
    assert small[0] in commands[2]
    for command in (c.replace(*small) for c in commands):
        with pytest.raises(SystemExit) as done:
            main(shlex.split(command)[1:])
        assert not done.value.code, command
    assert "EI" in (tmp_path / "first-run" / "report.html").read_text(encoding="utf-8")


def test_the_page_names_every_entry_of_the_file():
    from vauban.project.settings import COLUMN, KNOWN

    entries = {e for name, section in KNOWN.items() if name != "attacker" for e in section} | set(COLUMN)
    known_elsewhere = {"harmful", "note", "change", "up", "down", "cost", "use", "currency"}
    missing = [e for e in entries - known_elsewhere if f"`{e}`" not in PAGE]
    assert not missing
