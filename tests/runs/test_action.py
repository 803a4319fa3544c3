"""The GitHub action's own script, run as GitHub runs it, and the snippets of the documentation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="needs the package pyyaml")
ROOT = Path(__file__).parents[2]


def script():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = {step["name"]: step for step in action["runs"]["steps"]}
    assert set(action["inputs"]) == {"what", "options", "fail-over", "out"}
    return steps["Audit"]["run"]


def acted(tmp_path, limit, programs):
    """Run the script with a limit and with what is found as `vauban` in a folder; return what came of it."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "WHAT": "spam",
        "OPTIONS": "--cell EI --attack good-words-passive --victims 10 --queries 100 --model naive-bayes",
        "FAIL_OVER": limit,
        "OUT": "run",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script()], cwd=tmp_path, env=environment, capture_output=True, text=True
    )


def test_the_action_leaves_its_files_and_the_exit_code(tmp_path):
    done = acted(tmp_path, "0.0", Path(sys.executable).parent)
    assert done.returncode == 1, done.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert json.loads((tmp_path / outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert "<failure" in (tmp_path / outputs["junit"]).read_text()
    assert "## The eight cells" in (tmp_path / "summary").read_text()


@pytest.mark.parametrize("limit", ["", "0.5"])
def test_a_limit_is_asked_for_where_one_is_named(tmp_path, limit):
    """A program in the place of ours writes down how it was called."""
    recorder = tmp_path / "bin" / "vauban"
    recorder.parent.mkdir()
    recorder.write_text(
        '#!/bin/sh\nmkdir -p run; touch run/result.json; for w; do echo "$w"; done >> calls; echo >> calls'
    )
    recorder.chmod(0o755)
    done = acted(tmp_path, limit, recorder.parent)
    assert done.returncode == 0, done.stderr
    audit, sarif, junit, markdown = (call.split("\n") for call in (tmp_path / "calls").read_text().split("\n\n")[:-1])
    assert audit[:2] == ["audit", "spam"]
    for call, wanted in ((audit, True), (sarif, False), (junit, True), (markdown, False)):
        named = call[call.index("--fail-over") + 1] if "--fail-over" in call else ""
        assert named == (limit if wanted else "")
        assert "" not in call


def test_a_failed_start_is_no_green_step(tmp_path):
    environment = {**os.environ, "WHAT": "no-such-scenario", "OPTIONS": "", "FAIL_OVER": "", "OUT": "run"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script()], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert not (tmp_path / "run").exists()


def test_the_snippets_of_the_documentation_parse_and_name_real_options():
    text = (ROOT / "docs" / "ci.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
    github, gitlab = (yaml.safe_load(block) for block in blocks)
    step = github["jobs"]["siege"]["steps"][2]
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert set(step["with"]) <= set(action["inputs"])
    from vauban.cli.audit import audit

    known = {option for parameter in audit.params for option in parameter.opts}
    assert {w for w in step["with"]["options"].split() if w.startswith("--")} <= known
    assert gitlab["siege"]["artifacts"]["reports"]["junit"] == "junit.xml"
