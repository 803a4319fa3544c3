"""Bad input, damaged folders, closed pipes, full disks: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_attacks
import small_systems

from conftest import ASKED, ENVIRONMENT, Vauban, assert_refused
from vauban.errors import ExitCode
from vauban.system import System

SMALL = ("small-table", "--victims", 3, "--queries", 5, "--tune", 2, "--attack", "do-nothing")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["spamm"], ["Unknown scenario 'spamm'", "Did you mean 'spam'?"]),
        ([], ["Name the scenario"]),
        (["spam", "--data", "generated-spm"], ["'generated-spm'", "Did you mean 'generated-spam'?"]),
        (["credit", "--data", "generated-spam"], ["data set for credit", "generated-credit"]),
        (["small-table", "--model", "logistic-regresion"], ["Did you mean 'logistic-regression'?"]),
        ([*SMALL, "--attack", "wandr"], ["Unknown attack 'wandr'", "Did you mean 'wander'?"]),
        ([*SMALL, "--cell", "EJ"], ["'EJ'", "Known: CA, CI, EA, EI"]),
        ([*SMALL, "--cell", "CI"], ["no cell to audit", "attacks that exist for it"]),
        ([*SMALL, "--cell", "EI", "--causative", "long"], ["'long' is not one of"]),
        (["small-table", "--attack", "far-flips"], ["No attack on training can be tried", "it has no trainer"]),
        (["small-table", "--cell", "CA", "--causative", "off"], ["no cell to audit", "--causative off"]),
        ([*SMALL, "--cell", ","], ["no cell to audit"]),
        ([*SMALL, "--grant", "scores"], ["Unknown grant 'scores'", "Did you mean 'score'?"]),
        ([*SMALL, "--grant", ""], ["granted no answer"]),
        ([*SMALL, "--where", "loan_amount > 1e9"], ["selects none of"]),
        ([*SMALL, "--where", "loan_amount >"], ["does not parse"]),
        ([*SMALL, "--where", ""], ["does not parse", "empty"]),
        ([*SMALL, "--where", "loan_amont > 3"], ["'loan_amont'", "loan_amount"]),
        ([*SMALL, "--where", "loan_amount > rich"], ["Give a number"]),
        ([*SMALL, "--victims", "-1"], ["--victims"]),
        ([*SMALL, "--victims", "0"], ["--victims"]),
        ([*SMALL, "--queries", "-5"], ["--queries"]),
        ([*SMALL, "--queries", "many"], ["--queries"]),
        ([*SMALL, "--flagged", "0"], ["--flagged"]),
        ([*SMALL, "--cost", "-0.5"], ["--cost"]),
        ([*SMALL, "--cost", "nan"], ["--cost", "nan is no number"]),
        ([*SMALL, "--seed", "-1"], ["--seed"]),
        ([*SMALL, "--jobs", "0"], ["--jobs"]),
        ([*SMALL, "--fail-over", "1.5"], ["--fail-over"]),
        ([*SMALL, "--fail-over", "nan"], ["--fail-over", "nan is no number"]),
        ([*SMALL, "--nonsense"], ["--nonsense"]),
        (["--resume", "nowhere", "--seed", "3"], ["--jobs and --fail-over at most"]),
        (["--resume", "nowhere"], ["nowhere/run.json does not exist"]),
    ],
    ids=lambda value: " ".join(map(str, value))[:60],
)
def test_what_cannot_be_asked_for(
    arguments: list[Any], expected: list[str], vauban: Vauban, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(vauban("audit", *arguments), *expected)
    assert not list(tmp_path.iterdir()), "a folder was left behind"


@pytest.mark.parametrize("data", ["sms", "german"])
def test_a_public_file_that_is_not_there(
    data: str, vauban: Vauban, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAUBAN_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    scenario = "spam" if data == "sms" else "credit"
    assert_refused(vauban("audit", scenario, "--data", data), f"{data}: no file", "Get it from https://")
    assert not list(tmp_path.iterdir())


def test_other_commands_name_what_they_know(vauban: Vauban, run: Path) -> None:
    assert_refused(vauban("info", "wandr"), "Did you mean 'wander'?")
    assert_refused(vauban("list", "atacks"), "attacks")
    assert_refused(vauban("report", run, "--format", "htm"), "Unknown format 'htm'", "Did you mean 'html'?")
    assert_refused(vauban("reprot"), "No such command 'reprot'")
    for command in ("report", "verify"):
        assert_refused(vauban(command, run / "nothing"), "does not exist", "is no run folder")
        assert_refused(vauban(command, run / "run.json"), "cannot be read")


# --- where to write -------------------------------------------------------------------------------


def test_folders_that_cannot_be_written(vauban: Vauban, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file" / "below", "/proc/run", "/dev/full/run"):
        assert_refused(vauban("audit", *SMALL, "--out", out), "cannot be written", "--out")
    assert_refused(vauban("audit", *SMALL, "--out", tmp_path / "file"), "--out")
    assert (tmp_path / "file").read_text() == "mine"


def test_folders_of_somebody_else(vauban: Vauban, run: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "notes.txt").write_text("mine")
    assert_refused(vauban("audit", *SMALL, "--out", theirs), "not empty and holds no run")
    assert [p.name for p in theirs.iterdir()] == ["notes.txt"]
    before = {p.name: p.stat().st_mtime_ns for p in run.rglob("*")}
    assert_refused(vauban("audit", *SMALL, "--out", run), "holds a run already", "--resume")
    assert {p.name: p.stat().st_mtime_ns for p in run.rglob("*")} == before


def test_input_found_bad_late_leaves_a_folder_that_can_be_used(vauban: Vauban, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert_refused(vauban("audit", *SMALL, "--out", out, "--where", "loan_amount > 1e9"), "selects none")
    code, _, err = vauban("audit", *SMALL, "--out", out)
    assert code == ExitCode.DONE, err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["audit", *SMALL, "--where", "loan_amount > 1e9"], "selects none"),
        (["simulate", "spam", "--attack", "pseudospam", "--share", 0.9], "between 0 and 0.5"),
        (["test", "credit", "--expect", "incme=up"], "Unknown feature 'incme'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@pytest.mark.parametrize("there", [False, True], ids=["a new folder", "an empty one"])
def test_what_is_refused_late_leaves_the_folder_as_it_was(
    arguments: list[Any], expected: str, there: bool, vauban: Vauban, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    if there:
        out.mkdir()
    assert_refused(vauban(*arguments, "--out", out), expected)
    assert out.is_dir() == there
    assert not there or not list(out.iterdir())


def test_report_files_that_cannot_be_written(vauban: Vauban, run: Path) -> None:
    assert_refused(vauban("report", run, "--out", run / "run.json" / "x.html"), "cannot be written", "run.json")
    assert_refused(vauban("report", run, "--out", run), "cannot be written")
    assert_refused(vauban("report", run, "--out", "/dev/full"), "No space left", code=ExitCode.FAILED)


def test_report_files(vauban: Vauban, run: Path, tmp_path: Path) -> None:
    for name in ("html", "json", "markdown"):
        code, out, _ = vauban("report", run, "--format", name)
        assert code == ExitCode.DONE
        assert vauban("report", run, "--format", name, "--out", tmp_path / name) == (ExitCode.DONE, "", "")
        assert (tmp_path / name).read_text() == out
    assert (tmp_path / "html").read_text() == (run / "report.html").read_text()


# --- limits, failures, pipes ----------------------------------------------------------------------


def test_fail_over(vauban: Vauban, run: Path, tmp_path: Path) -> None:
    findings = json.loads((run / "result.json").read_text())["findings"]
    worst = max(f["success_rate"]["value"] for f in findings if f["role"] == "attack")
    assert worst > 0
    assert vauban("audit", "--resume", run, "--fail-over", worst)[0] == ExitCode.DONE
    code, out, err = vauban("audit", "--resume", run, "--fail-over", worst - 0.01)
    assert code == ExitCode.OVER_LIMIT
    assert f"is over the limit of {worst - 0.01}" in err
    assert "Run folder" in out
    # a control's success is no attack's
    code, out, err = vauban("audit", *SMALL, "--fail-over", 0, "--out", tmp_path / "control")
    assert code == ExitCode.OVER_LIMIT, "a control alone says nothing of the model"
    assert "no attack could be tried" in err


class FailsAfter:
    """A model that fails at one of its calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, frame: pd.DataFrame) -> Any:
        self.left -= 1
        if self.left == 0:
            raise ConnectionError("the service is gone")
        return small_systems.scorecard(frame)


def failing(system: System, calls: int) -> System:
    return replace(system, target=replace(system.target, predict=FailsAfter(calls)))


def test_a_model_that_fails_in_the_middle(
    vauban: Vauban, scorecard_system: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def build(calls: int) -> Any:
        return replace(small_systems.TABLE, build=lambda *_: failing(scorecard_system, calls))

    monkeypatch.setitem(small_systems.SCENARIOS, "failing", build(20))
    code, out, err = vauban("audit", "failing", *ASKED, "--out", tmp_path / "run")
    assert code == ExitCode.FAILED
    assert "failed on" in err
    assert "the service is gone" in err
    assert f"Go on with: vauban audit --resume {tmp_path / 'run'}" in err
    assert "Traceback" not in err
    assert "Not complete: " in out
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [i["attack"] for i in result["incomplete"]]
    assert {f["attack"] for f in result["findings"]} >= {"do-nothing"}
    monkeypatch.setitem(small_systems.SCENARIOS, "failing", build(10**9))
    code, _, err = vauban("audit", "--resume", tmp_path / "run")
    assert code == ExitCode.DONE, err


def test_a_model_that_fails_at_once(
    vauban: Vauban, scorecard_system: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = replace(small_systems.TABLE, build=lambda *_: failing(scorecard_system, 1))
    monkeypatch.setitem(small_systems.SCENARIOS, "broken", broken)
    said = vauban("audit", "broken", *SMALL[1:], "--out", tmp_path / "run")
    assert_refused(said, "the service is gone", code=ExitCode.FAILED)


def test_a_defect_of_ours_is_no_verdict(vauban: Vauban, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vauban.reports import FORMATS

    def broken(*_: object) -> str:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("vauban.api.FORMATS", {**FORMATS, "html": broken})
    assert_refused(vauban("report", run), "a defect", "ZeroDivisionError: oh", code=ExitCode.FAILED)


def test_answers_that_cannot_be_kept(
    vauban: Vauban, scorecard_system: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from vauban.audit.answers import LogFile

    append, frames = LogFile.append, iter(range(10**9))

    def full(log: LogFile, *arrays: Any) -> None:
        if next(frames) == 5:
            raise OSError(28, "No space left on device")
        append(log, *arrays)

    fast = replace(small_systems.TABLE, build=lambda *_: scorecard_system)
    monkeypatch.setitem(small_systems.SCENARIOS, "fast", fast)
    monkeypatch.setattr(LogFile, "append", full)
    code, _, err = vauban("audit", "fast", *ASKED, "--out", tmp_path / "run")
    assert code == ExitCode.FAILED
    assert "The answers cannot be kept" in err
    assert "No space left on device" in err
    assert json.loads((tmp_path / "run" / "result.json").read_text())["findings"]


PROGRAM = [sys.executable, "-c", "from vauban.cli import main; main()"]


def piped(run: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command.replace("VAUBAN", '"$1" -c "$3"'), "bash", PROGRAM[0], str(run), PROGRAM[2]],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_closed_pipe(run: Path) -> None:
    (run / "result.json").write_text((run / "result.json").read_text())
    ended = piped(run, 'VAUBAN report "$2" | head -1; echo "${PIPESTATUS[0]}" >&2')
    assert ended.stdout == "<!DOCTYPE html>\n"
    *said, code = ended.stderr.split("\n")[:-1]
    assert int(code) in (ExitCode.DONE, ExitCode.FAILED)  # done, where all of it fits into the pipe
    assert said in ([], ["vauban: the output was closed before all of it was written"])
    # a pipe that nobody ever reads
    ended = piped(run, 'sleep 0 | { exec 3>&1; VAUBAN report "$2" > >(exec true); echo $? >&2; }')
    assert "Traceback" not in ended.stderr


def test_a_pipe_that_is_closed_from_the_start(run: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*PROGRAM, "report", str(run)],
        env=ENVIRONMENT,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=300,
    )
    os.close(writing)
    assert ended.returncode == ExitCode.FAILED
    assert ended.stderr.decode() == "vauban: the output was closed before all of it was written\n"


def test_a_run_whose_progress_nobody_reads(program: Callable[..., Any], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "small_cli.py"), "audit", *map(str, SMALL), "--out", "run"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=writing,
        cwd=tmp_path,
        check=False,
        timeout=300,
    )
    os.close(writing)
    assert ended.returncode == ExitCode.DONE
    assert (tmp_path / "run" / "report.html").exists()


def test_standard_output_on_a_full_disk(run: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, "report", str(run)],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=300,
        )
    assert ended.returncode == ExitCode.FAILED
    assert ended.stderr.decode() == "vauban: No space left on device\n"


def test_the_small_attacks_are_not_the_products() -> None:
    from vauban.catalogue import CATALOGUE

    assert not {e.name for e in small_attacks.SMALL} & set(CATALOGUE)
