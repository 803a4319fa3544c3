"""Attacks on training beside those that ask: the same findings for any number of workers, and after kill and resume."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_systems

from conftest import Vauban, assert_refused
from vauban.api import report
from vauban.cli import main
from vauban.errors import BadInput, ExitCode
from vauban.reports import FORMATS, digest
from vauban.results import Finding, to_json
from vauban.scenarios import SCENARIOS
from vauban.simulation import plays
from vauban.simulation.campaigns import run_campaigns
from vauban.simulation.lengths import Asked
from vauban.system import System
from vauban.threat import Cell, Grant

TRIED = ("pseudospam", "random-flips")
ON_TRAINING = ("--queries", "60", *(word for name in TRIED for word in ("--attack", name)))
BOTH = ("--victims", "6", "--tune", "4", *ON_TRAINING, "--attack", "do-nothing")
CELLS = (Cell.CI, Cell.CA)


@pytest.fixture(scope="session")
def mail() -> System:
    return small_systems.mail_system()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an audit of both influences that nobody interrupted; never written into."""
    folder = tmp_path_factory.mktemp("both") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCENARIOS, "small-mail", small_systems.MAIL)
        with pytest.raises(SystemExit) as ended:
            main(["audit", "small-mail", *BOTH, "--out", str(folder)])
    assert ended.value.code == ExitCode.DONE
    return folder


def found(run: Path) -> dict[str, Any]:
    """Return all of a result that must be the same however it came about."""
    result: dict[str, Any] = json.loads((run / "result.json").read_text())
    for finding in result["findings"]:
        for name in Finding.EFFORT:
            del finding[name]
    return {k: v for k, v in result.items() if k not in ("started", "command", "model")}


def named(run: Path, name: str) -> dict[str, Any]:
    return next(f for f in found(run)["findings"] if f["id"] == name)


def test_one_result_holds_both_influences(whole: Path) -> None:
    ids = [f["id"] for f in found(whole)["findings"]]
    causative = ["CI-random-flips", "CI-pseudospam", "CA-random-flips"]
    assert sorted(ids) == sorted(["EI-do-nothing", "EA-do-nothing", *causative])
    assert {t["cell"] for t in found(whole)["threats"]} == {"EI", "EA", "CI", "CA"}
    skipped = {(s["attack"], s["cell"]): s["reason"] for s in found(whole)["out_of_scope"]}
    assert skipped["pseudospam", "CA"] == "it exists for CI only"
    coverage = found(whole)["coverage"]
    assert coverage["planned"] == coverage["done"] + coverage["out_of_scope"] == len(ids) + len(skipped)


def test_a_finding_of_training_has_the_names_of_any_other_and_its_own(whole: Path) -> None:
    asking, training = named(whole, "EI-do-nothing"), named(whole, "CI-pseudospam")
    assert set(asking) == set(training)
    assert asking["retraining"] is None
    played = training["retraining"]
    assert training["success_rate"]["n"] == training["victims"] <= played["probes"]
    assert training["cost"]["unit"] == "records sent"
    assert training["cost"]["median"] <= played["sent"]
    assert set(played["probe_success"]) == {"clean", "attacked", "stand-out"}
    assert [len(film["rounds"]) for film in played["films"]] == [3, 3, 3]
    # Victims are the probes that the cleanly trained model decides rightly: the rest are his without any campaign.
    clean = played["probe_success"]["clean"]
    assert round(clean["value"] * clean["n"]) == played["probes"] - training["victims"]


def test_the_campaign_wins_and_the_control_does_not(whole: Path) -> None:
    won, control = named(whole, "CI-pseudospam"), named(whole, "CI-random-flips")
    assert won["success_rate"]["low"] > control["success_rate"]["high"]
    assert control["role"] == "control"
    assert won["successes"] > 0
    assert won["examples"][0]["score_before"] >= 0.5 > won["examples"][0]["score_after"]


def test_two_workers_find_the_same(mail: System, whole: Path) -> None:
    grants = frozenset({Grant.LABEL, Grant.SCORE})
    two = run_campaigns(mail, Asked(CELLS, attacks=TRIED, queries=60, grants=grants, jobs=2))
    one = [f for f in found(whole)["findings"] if f["retraining"]]
    assert [f.substance() for f in two.findings] == one
    assert to_json(two.threats) == [t for t in found(whole)["threats"] if t["cell"] in ("CI", "CA")]


def test_what_is_kept_is_not_played_again(mail: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked((Cell.CI,), attacks=("random-flips", "backdoor"), queries=0, folder=tmp_path)
    first = run_campaigns(mail, asked)
    assert first.findings

    def refuse(*_: object) -> None:
        raise AssertionError("played again")

    monkeypatch.setattr(plays, "play", refuse)
    assert [f.substance() for f in run_campaigns(mail, asked).findings] == [f.substance() for f in first.findings]
    # Without its last line a play has not ended: it would be played again.
    ended = next(tmp_path.glob("CI-backdoor-ungated.jsonl"))
    ended.write_text("".join(ended.read_text().splitlines(keepends=True)[:-1]))
    again = run_campaigns(mail, asked)
    assert "played again" in str(again.problem)
    assert {s.attack for s in again.incomplete} == {"random-flips", "backdoor"}


def test_plays_of_another_run_are_refused(mail: System, tmp_path: Path) -> None:
    asked = Asked((Cell.CI,), attacks=("random-flips",), folder=tmp_path)
    run_campaigns(mail, asked)
    with pytest.raises(BadInput, match="is not of this run"):
        run_campaigns(mail, Asked((Cell.CI,), attacks=("random-flips",), folder=tmp_path, seed=1))


def killed(process: Any) -> None:
    process.wait(300)
    assert process.returncode == -signal.SIGKILL, process.communicate()


def test_killed_interrupted_and_resumed(
    whole: Path, program: Callable[..., Any], vauban: Vauban, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    killed(program("audit", "small-mail", *BOTH, "--out", run, KILL_AT="half:8"))
    process = program("audit", "--resume", run, INTERRUPT="play:8")
    _, err = process.communicate(timeout=300)
    assert process.returncode == ExitCode.INCOMPLETE, err
    assert f"Go on with: vauban audit --resume {run}" in err
    assert "Traceback" not in err
    reasons = {(s["attack"], s["cell"]): s["reason"] for s in found(run)["incomplete"]}
    assert reasons["pseudospam", "CI"] == "interrupted before it finished"
    assert {f["id"] for f in found(run)["findings"]} >= {"EI-do-nothing", "EA-do-nothing"}
    code, _, err = vauban("audit", "--resume", run)
    assert code == ExitCode.DONE, err
    assert found(run) == found(whole)


SIMULATED = (
    "simulate",
    "small-mail",
    "--attack",
    "backdoor",
    "--rounds",
    "2",
    "--labels",
    "feedback",
    "--share",
    "0.1",
)


def test_a_simulation_is_resumed(program: Callable[..., Any], vauban: Vauban, tmp_path: Path) -> None:
    there, run = tmp_path / "there", tmp_path / "run"
    code, _, err = vauban(*SIMULATED, "--out", there, "--jobs", 2)
    assert code == ExitCode.DONE, err
    killed(program(*SIMULATED, "--out", run, KILL_AT="play:6"))
    stopped = program("simulate", "--resume", run, INTERRUPT="play:2")
    _, err = stopped.communicate(timeout=300)
    assert stopped.returncode == ExitCode.INCOMPLETE
    assert f"vauban: interrupted. Go on with: vauban simulate --resume {run}" in err
    code, _, err = vauban("simulate", "--resume", run)
    assert code == ExitCode.DONE, err
    assert json.loads((run / "result.json").read_text()) == json.loads((there / "result.json").read_text())
    assert_refused(vauban("audit", "--resume", run), "simulate --resume")
    assert_refused(vauban("simulate", "--resume", run, "--rounds", 3), "give --jobs at most")
    assert_refused(vauban(*SIMULATED, "--out", run), "holds a run already")


def test_a_simulation_of_other_data_is_not_resumed(vauban: Vauban, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert vauban(*SIMULATED, "--out", run)[0] == ExitCode.DONE
    about = json.loads((run / "run.json").read_text())
    about["request"]["seed"] = 1
    (run / "run.json").write_text(json.dumps(about))
    assert_refused(vauban("simulate", "--resume", run), "data are not those")


def test_an_audit_is_not_resumed_as_a_simulation(whole: Path, vauban: Vauban) -> None:
    assert_refused(vauban("simulate", "--resume", whole), "holds no simulation", "vauban audit --resume")


def test_verify_says_what_it_does_not_score(whole: Path, vauban: Vauban) -> None:
    code, out, _ = vauban("verify", whole)
    assert code == ExitCode.DONE
    won = sum(f["successes"] for f in found(whole)["findings"] if f["retraining"])
    assert f"{won} successes of attacks on training are not scored" in out


def test_off_plays_nothing_and_says_so(vauban: Vauban, tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = ("small-mail", "--victims", 4, "--queries", 10, "--attack", "do-nothing")
    assert vauban("audit", *asked, "--causative", "off", "--out", run)[0] == ExitCode.DONE
    assert not (run / "plays").exists()
    assert {s["cell"] for s in found(run)["out_of_scope"] if s["attack"] == "all causative attacks"} == {"CI", "CA"}


def test_a_system_without_a_trainer_is_out_of_scope(vauban: Vauban, tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = ("small-text", "--victims", 4, "--queries", 10, "--attack", "do-nothing", "--attack", "backdoor")
    assert vauban("audit", *asked, "--out", run)[0] == ExitCode.DONE
    reasons = {s["cell"]: s["reason"] for s in found(run)["out_of_scope"] if s["attack"] == "all causative attacks"}
    assert all("it has no trainer" in reasons[cell] for cell in ("CI", "CA"))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_of_both(form: str, whole: Path) -> None:
    text = report(whole, form)
    assert "seudospam" in text
    assert report(whole, form) == text


def test_the_page_has_its_numbers_in_the_picture(whole: Path) -> None:
    page = report(whole, "html")
    finding = named(whole, "CI-pseudospam")
    assert "Through the training data" in page
    assert f"{finding['retraining']['sent']} his records, 3\xa0rounds" in page
    assert "not tried in this run" not in page
    assert page.count("<svg") > 6


@pytest.mark.parametrize("form", FORMATS)
def test_what_could_not_be_measured_is_no_number(form: str, whole: Path) -> None:
    result = json.loads((whole / "result.json").read_text())
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    finding = next(f for f in result["findings"] if f["id"] == "CI-pseudospam")
    finding |= {"victims": 0, "successes": 0, "success_rate": nothing, "examples": []}
    finding["cost"] |= {"median": None, "p10": None, "p90": None}
    finding["retraining"]["probe_success"] = {"clean": nothing, "attacked": nothing}
    text = FORMATS[form](result)
    assert "seudospam" in text
    assert "nan" not in text.lower().split()


def test_a_cell_at_which_nobody_aims_does_not_borrow_the_reasons_of_another(whole: Path) -> None:
    result = json.loads((whole / "result.json").read_text())
    cells = {(c.id, c.specificity): c for c in digest.cells(result)}
    assert cells["CI", "indiscriminate"].finding is not None
    assert cells["CI", "targeted"].reasons == ("no attacker of this kind is in the threat model of this run",)
