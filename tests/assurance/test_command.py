import json
import subprocess
import sys

import pytest

from vauban.cli import main


@pytest.fixture
def vauban(capsys, monkeypatch, tmp_path):
    """Run a command line here, in a folder of its own; return its exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def test_failures_are_kept_and_replayed_first_with_the_analysts_reason(vauban, tmp_path):
    code, _, err = vauban("test", "spam", "--model", "naive-bayes", "--budget", "6000", "--out", "t")
    assert code == 0, err
    result = json.loads((tmp_path / "t" / "result.json").read_text())
    assert result["tried"][0]["failed"]["n"] > 0
    code, _, err = vauban("test", "add", "t", "--owner", "ana", "--reason", "must read as before")
    assert code == 0, err
    code, out, err = vauban("test", "spam", "--model", "naive-bayes", "--budget", "3000")
    assert code == 1
    assert "must read as before (ana)" in err
    assert "0 of" in out.splitlines()[2]


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
def test_bad_input_is_one_clear_error(vauban, tmp_path, words, said):
    code, _, err = vauban(*words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_program_of_its_own_says_the_same(tmp_path):
    command = [sys.executable, "-c", "from vauban.cli import main; main()", "test", "nosuch"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Unknown scenario" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
