"""Small attacks in the catalogue, small systems to run them on, and the command line as a program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import small_attacks
import small_systems

from vauban.catalogue import CATALOGUE
from vauban.cli import main
from vauban.errors import ExitCode
from vauban.scenarios import SCENARIOS
from vauban.system import System

OURS = ("do-nothing", "wander", "march", "babble", "look")
ASKED = ("--victims", "12", "--queries", "60", "--tune", "4", *(word for name in OURS for word in ("--attack", name)))
HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small attacks beside those of the product."""
    for entry in small_attacks.SMALL:
        monkeypatch.setitem(CATALOGUE, entry.name, entry)


@pytest.fixture
def scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small scenarios beside those of the product."""
    for scenario in (small_systems.TABLE, small_systems.TEXT, small_systems.MAIL):
        monkeypatch.setitem(SCENARIOS, scenario.name, scenario)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nobody interrupted; never written into."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        for entry in small_attacks.SMALL:
            patch.setitem(CATALOGUE, entry.name, entry)
        patch.setitem(SCENARIOS, "small-table", small_systems.TABLE)
        with pytest.raises(SystemExit) as ended:
            main(["audit", "small-table", *ASKED, "--out", str(folder)])
    assert ended.value.code == ExitCode.DONE
    return folder


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be damaged."""
    return Path(shutil.copytree(finished_run, tmp_path / "copied"))


Vauban = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def vauban(capsys: pytest.CaptureFixture[str], catalogue: None, scenarios: None) -> Vauban:
    """Run a command line here; return its exit code, what it printed, and what it said on standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.fixture(scope="session")
def table_system() -> System:
    return small_systems.table_system()


@pytest.fixture(scope="session")
def scorecard_system() -> System:
    return small_systems.scorecard_system()


@pytest.fixture(scope="session")
def text_system() -> System:
    return small_systems.text_system()


Program = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """Start ``vauban`` with the small attacks and systems, in a process group of its own; stop what is left of it."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "small_cli.py"), *map(str, arguments)],
            env={**ENVIRONMENT, **environment},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.communicate()


def assert_refused(said: tuple[int, str, str], *expected: str, code: int = ExitCode.BAD_INPUT) -> None:
    """One clear line, or click's usage and one line; never a traceback."""
    got, _, err = said
    assert got == code, err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line and "% of this stage)" not in line]
    assert lines, "nothing was said"
    if lines[0].startswith("Usage:"):
        lines = [line for line in lines if line.startswith("Error: ")]
    else:
        assert lines[0].startswith("vauban: ")
    assert len(lines) == 1, err
    for part in expected:
        assert part in lines[0]
