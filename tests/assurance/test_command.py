import json
import subprocess
import sys

import pytest


def vauban(*words, cwd):
    code = "import sys; from vauban.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_failures_are_kept_and_replayed_first_with_the_analysts_reason(tmp_path):
    first = vauban("test", "spam", "--model", "naive-bayes", "--budget", "6000", "--out", "t", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    result = json.loads((tmp_path / "t" / "result.json").read_text())
    assert result["tried"][0]["failed"]["n"] > 0
    added = vauban("test", "add", "t", "--owner", "ana", "--reason", "must read as before", cwd=tmp_path)
    assert added.returncode == 0, added.stderr
    again = vauban("test", "spam", "--model", "naive-bayes", "--budget", "3000", cwd=tmp_path)
    assert again.returncode == 1
    assert "must read as before (ana)" in again.stderr
    assert "0 of" in again.stdout.splitlines()[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("test", "nosuch"), "Unknown scenario"),
        (("test", "spam", "--budget", "soon"), "number of questions or a time"),
        (("test", "spam", "--suite", "nowhere.csv"), "does not exist"),
        (("test", "credit", "--expect", "income"), "FEATURE=WORD"),
        (("test", "credit", "--expect", "incom=safer"), "Unknown feature"),
        (("test", "add", "nowhere"), "no run folder"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path, words, said):
    done = vauban(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
