"""The same seed gives the same findings: whatever the workers, the cohorts, the budgets and the interruptions."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_systems

from conftest import ASKED, OURS, Vauban
from vauban.audit.folder import prepare, read_json, records_table
from vauban.audit.run import Audit, Event, Settings, run_audit
from vauban.audit.varying import REPEATS
from vauban.cli.show import progress
from vauban.contracts import SCORE
from vauban.errors import BadInput, ExitCode
from vauban.results import Finding, to_json
from vauban.simulation.beside import run_in
from vauban.system import System

pytestmark = pytest.mark.usefixtures("catalogue")

BUDGETS = [(1, None), (5, None), (37, None), (60, 3)]


def substance(audit: Audit) -> dict[str, Any]:
    """All that must be the same."""
    result = audit.result
    return {
        "findings": [f.substance() for f in result.findings],
        "exploration": to_json(result.exploration),
        "verdict": to_json(result.verdict),
        "strongest": without_effort(to_json(result.strongest)),
        "coverage": to_json(result.coverage),
        "exit": audit.exit_code,
    }


def without_effort(strongest: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the tuning set said, not what it took to ask it."""
    for trial in [t for s in strongest for t in (*s["tried"], s["tuned_on"]) if t is not None]:
        for name in Finding.EFFORT & set(trial):
            del trial[name]
    return strongest


def assert_same(one: Audit, other: Audit) -> None:
    assert substance(one) == substance(other)
    pd.testing.assert_frame_equal(records_table(one.successes), records_table(other.successes))


def play(system: System, queries: int = 60, flagged: int | None = None, **settings: Any) -> Audit:
    given = {"victims": 12, "tune": 4, "attacks": OURS, **settings}
    audit = run_audit(system, small_systems.threats(queries, flagged), Settings(**given))
    assert audit.problem is None
    return audit


@pytest.mark.parametrize(("queries", "flagged"), BUDGETS)
@pytest.mark.parametrize("kind", ["scorecard", "text"])
def test_cohorts_of_one_seven_and_all(
    kind: str, queries: int, flagged: int | None, request: pytest.FixtureRequest
) -> None:
    system = request.getfixturevalue(f"{kind}_system")
    whole = play(system, queries, flagged)
    assert_same(play(system, queries, flagged, cohort_size=1), whole)
    assert_same(play(system, queries, flagged, cohort_size=7), whole)
    limits = [f.queries.p90 for f in whole.result.findings]
    assert max(limits) <= queries
    if flagged is not None:
        assert max(f.queries.flagged_median for f in whole.result.findings) <= flagged


def test_cohorts_of_a_fitted_pipeline(table_system: System) -> None:
    assert_same(play(table_system, cohort_size=5), play(table_system))


def test_the_runs_compared_hold_something_to_compare(scorecard_system: System, text_system: System) -> None:
    for system in (scorecard_system, text_system):
        result = play(system).result
        attacks = [f for f in result.findings if f.role == "attack"]
        assert {f.cell for f in attacks if f.successes} == {"EI", "EA"}
        assert result.exploration
    assert substance(play(scorecard_system)) != substance(play(scorecard_system, seed=1))


@pytest.mark.parametrize("kind", ["scorecard", "text"])
def test_the_whole_catalogue_in_cohorts_of_three_and_all(kind: str, request: pytest.FixtureRequest) -> None:
    system = request.getfixturevalue(f"{kind}_system")
    whole = play(system, 30, victims=5, attacks=None)
    assert_same(play(system, 30, victims=5, attacks=None, cohort_size=3), whole)


def test_two_workers(scorecard_system: System) -> None:
    assert_same(play(scorecard_system, 37, 3, jobs=2), play(scorecard_system, 37, 3))


def test_two_workers_on_the_whole_catalogue(text_system: System) -> None:
    one = play(text_system, 30, victims=5, attacks=None)
    assert_same(play(text_system, 30, victims=5, attacks=None, jobs=2), one)


# --- interrupted in this process: what is asked again ---------------------------------------------


class Counted:
    """A model that counts the rows it scores, and is interrupted at one of its calls."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.stop_at: int | None = None

    def __call__(self, frame: pd.DataFrame) -> Any:
        if len(self.sizes) == self.stop_at:
            raise KeyboardInterrupt
        self.sizes.append(len(frame))
        return small_systems.scorecard(frame)


def counted_system(system: System) -> tuple[System, Counted]:
    counted = Counted()
    return replace(system, target=replace(system.target, predict=counted)), counted


def test_a_resumed_run_asks_no_logged_answer_again(scorecard_system: System, tmp_path: Path) -> None:
    system, counted = counted_system(scorecard_system)

    def life(folder: str, stop_at: int | None) -> tuple[Audit | None, list[int]]:
        counted.sizes, counted.stop_at = [], stop_at
        try:
            audit = run_audit(
                system, small_systems.threats(37), Settings(0, 12, OURS[:3], answers=tmp_path / folder, tune=4)
            )
        except KeyboardInterrupt:  # between the attacks, or before them
            audit = None
        return audit, counted.sizes

    whole, sizes = life("whole", None)
    assert whole is not None
    _, again = life("whole", None)
    always = sum(again)  # plans, claims, verdicts and examples are asked of the model in every life, and not logged
    assert always < sum(sizes) / 2
    for stop_at in range(0, len(sizes), max(len(sizes) // 4, 1)):
        first, before = life(f"stopped-{stop_at}", stop_at)
        assert len(before) == stop_at
        if first is not None:
            assert first.exit_code == ExitCode.INCOMPLETE
            assert first.result.incomplete
        last, after = life(f"stopped-{stop_at}", None)
        assert last is not None
        assert_same(last, whole)
        assert sum(before) + sum(after) <= sum(sizes) + always + max(sizes)


def test_a_finished_run_resumed_asks_nothing_for_the_attacks(scorecard_system: System, tmp_path: Path) -> None:
    system, counted = counted_system(scorecard_system)
    settings = Settings(0, 12, ("wander",), answers=tmp_path)
    whole = run_audit(system, small_systems.threats(), settings)
    logs = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    counted.sizes = []
    again = run_audit(system, small_systems.threats(), settings)
    assert_same(again, whole)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == logs
    assert [f.rows_scored for f in again.result.findings] == [f.rows_scored for f in whole.result.findings]
    held_out = len(system.parts.victims)
    assert sum(counted.sizes) == held_out * (1 + 1 + REPEATS) + sum(
        f.successes + len(f.examples) for f in again.result.findings
    )


def test_workers_that_outlive_a_run_read_its_logs_anew(scorecard_system: System, tmp_path: Path) -> None:
    settings = Settings(0, 12, OURS, jobs=2, answers=tmp_path)
    whole = run_audit(scorecard_system, small_systems.threats(), settings)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    again = run_audit(scorecard_system, small_systems.threats(), settings)
    assert_same(again, whole)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == size


def test_an_attack_that_fails_loses_nothing_of_the_others(
    scorecard_system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    import small_attacks

    def failing(*arguments: Any) -> Any:
        raise RuntimeError("broken")
        yield

    whole = play(scorecard_system)
    monkeypatch.setattr(small_attacks.Wander, "search", failing)
    part = run_audit(scorecard_system, small_systems.threats(), Settings(0, 12, OURS))
    assert part.exit_code == ExitCode.FAILED
    assert "RuntimeError: broken" in str(part.problem)
    assert [(s.attack, s.cell) for s in part.result.incomplete] == [("wander", "EI"), ("wander", "EA")]

    def others(findings: Sequence[Finding]) -> list[dict[str, Any]]:
        return [f.substance() for f in findings if f.attack != "wander"]

    assert others(part.result.findings) == others(whole.result.findings)


# --- killed from outside: the command line --------------------------------------------------------


def read(run: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    result = json.loads((run / "result.json").read_text())
    for finding in result["findings"]:
        for name in Finding.EFFORT:
            del finding[name]
    kept = {name: result[name] for name in ("findings", "exploration", "verdict", "clean", "coverage", "threats")}
    kept["strongest"] = without_effort(result["strongest"])
    return kept, pd.read_parquet(run / "records.parquet")


def assert_same_run(run: Path, whole: Path) -> None:
    (one, records), (other, expected) = read(run), read(whole)
    assert one == other
    pd.testing.assert_frame_equal(records, expected)
    assert not list(run.glob("*.part"))


def killed(process: Any) -> None:
    process.wait(300)
    assert process.returncode == -signal.SIGKILL, process.communicate()


def test_killed_and_resumed(finished_run: Path, program: Callable[..., Any], vauban: Vauban, tmp_path: Path) -> None:
    run = tmp_path / "run"
    start: tuple[object, ...] = ("audit", "small-table", *ASKED, "--out", run)
    for death in ("log:1", "torn:9", "replace:records.parquet", "replace:result.json"):
        killed(program(*start, KILL_AT=death))
        start = ("audit", "--resume", run)
    code, _, err = vauban(*start)
    assert code == ExitCode.DONE, err
    assert_same_run(run, finished_run)


def test_killed_before_the_run_began(finished_run: Path, program: Callable[..., Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    killed(program("audit", "small-table", *ASKED, "--out", run, KILL_AT="replace:run.json"))
    with pytest.raises(BadInput, match=r"run\.json does not exist"):
        read_json(run / "run.json")
    with pytest.raises(BadInput, match="not empty and holds no run"):
        prepare(run)


def logged(run: Path) -> int:
    return sum(path.stat().st_size for path in (run / "answers").glob("*.log"))


def await_logs(run: Path, size: int, process: Any) -> None:
    end = time.monotonic() + 300
    while logged(run) < size:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)


def test_killed_from_outside_twice_with_two_workers(
    finished_run: Path, program: Callable[..., Any], vauban: Vauban, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    first = program("audit", "small-table", *ASKED, "--jobs", 2, "--out", run)
    await_logs(run, 500, first)
    os.killpg(first.pid, signal.SIGKILL)
    second = program("audit", "--resume", run, "--jobs", 2)
    await_logs(run, logged(run) + 1500, second)
    os.killpg(second.pid, signal.SIGKILL)
    code, _, err = vauban("audit", "--resume", run)
    assert code == ExitCode.DONE, err
    assert_same_run(run, finished_run)


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_by_the_user(
    jobs: int, finished_run: Path, program: Callable[..., Any], vauban: Vauban, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = program("audit", "small-table", *ASKED, "--jobs", jobs, "--out", run, SLOW="0.1")
    await_logs(run, 3000, process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == ExitCode.INCOMPLETE, err
    assert f"Go on with: vauban audit --resume {run}" in err
    assert "Traceback" not in err
    result = json.loads((run / "result.json").read_text())
    assert result["incomplete"]
    assert result["coverage"]["incomplete"] == len(result["incomplete"])
    assert (run / "report.html").exists()
    code, _, err = vauban("audit", "--resume", run)
    assert code == ExitCode.DONE, err
    assert_same_run(run, finished_run)


def test_an_interrupt_that_got_lost_is_raised_again() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts us may have set it to be ignored
    try:
        with progress() as watch:
            watch(Event("first", 0, 2))
            with suppress(KeyboardInterrupt):  # as numpy does, when it comes while it looks up an attribute
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10)
            with pytest.raises(KeyboardInterrupt):
                watch(Event("second", 1, 2))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_interrupted_before_the_first_question(program: Callable[..., Any], tmp_path: Path) -> None:
    process = program("audit", "small-table", "--out", tmp_path / "run", INTERRUPT="training")
    _, err = process.communicate(timeout=300)
    assert process.returncode == ExitCode.INCOMPLETE, err
    assert err.strip() == "vauban: interrupted. Nothing was asked yet: run the same command again."


def test_another_system_is_no_resumption(table_system: System, text_system: System, tmp_path: Path) -> None:
    threats, settings = small_systems.threats(5), Settings(0, 4, ("do-nothing",))
    run_in(tmp_path / "run", {}, table_system, threats, settings, print)
    with pytest.raises(BadInput, match="data are not those"):
        run_in(tmp_path / "run", {}, text_system, threats, settings, print, resumed=True)
    moved = replace(table_system, target=replace(table_system.target, threshold=0.9))
    with pytest.raises(BadInput, match="does not answer as"):
        run_in(tmp_path / "run", {}, moved, threats, settings, print, resumed=True)
    records = table_system.target.schema.encode(table_system.parts.victims.frame)
    assert (moved.target.answer(records, SCORE).decisions != table_system.target.answer(records, SCORE).decisions).any()
    assert np.isfinite(records).any()
