"""From the queue to clean data: two people, four eyes; nothing is lost, and nothing can be changed unseen."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.cli import main
from vauban.datasets import load
from vauban.errors import BadInput
from vauban.review import deciding
from vauban.review.folder import Folder, defused, read
from vauban.review.standing import agreement, counted, left, standing, taken_back
from vauban.store.repository import Verdict, open_store

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(w) for w in words])
    return int(done.value.code or 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = load("generated-spam", rows=900)
    texts, labels = made.frame["text"].to_numpy(dtype=object), made.labels.copy()
    campaign = [f"{texts[labels == 1][0]} =cmd|calc {i}" for i in range(14)]
    table = pd.DataFrame({"text": [*texts, *campaign], "label": [*map(int, labels), *([0] * 14)]})
    table.insert(0, "id", [f"r{i}" for i in range(len(table))])
    path = tmp_path_factory.mktemp("data") / "mail.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def reviewed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("review") / "run"
    words = ("review", "train", data, "--label", "label", "--positive", "1", "--id", "id", "--trusted-rows", 250)
    assert run(*words, "--budget", 40, "--out", out) in (0, 1)
    return out


@pytest.fixture(scope="module")
def folder(reviewed: Path) -> Folder:
    return read(reviewed)


@pytest.fixture
def review(reviewed: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(reviewed, tmp_path / "run"))


def test_the_folder_holds_what_it_should(review: Path) -> None:
    queue = pd.read_parquet(review / "queue.parquet")
    assert queue["place"].tolist() == list(range(1, 41))
    assert queue["record"].is_unique
    assert set(queue["band"]) <= {"very likely", "likely", "possible", "random"}
    shown = pd.read_csv(review / "queue.csv", dtype=str, keep_default_na=False)
    assert shown["record"].tolist() == queue["record"].tolist()
    assert (shown[["verdict", "reviewer", "role", "note"]] == "").all(axis=None)
    about = json.loads((review / "review.json").read_text())
    assert about["records"] == 664
    assert about["trusted"] == 250
    assert {s["attack"] for s in about["not_looked_for"]} >= {"approved", "segment", "source", "batch"}


def test_no_cell_of_the_csv_is_a_formula() -> None:
    wild = pd.DataFrame({"text": ["=1+1", "+x", "-y", "@z", "\tq", "plain"], "=name": ["a"] * 6})
    out = defused(wild)
    assert not any(str(v).startswith(("=", "+", "-", "@", "\t")) for v in out.to_numpy().ravel())
    assert not any(c.startswith("=") for c in out.columns)


def test_two_people_in_two_roles_disagree_and_four_eyes_delete(review: Path, tmp_path: Path, capsys) -> None:
    table = pd.read_csv(review / "queue.csv", dtype=str, keep_default_na=False)
    names = table["record"].tolist()
    one, two = table.copy(), table.copy()
    one["verdict"] = ["poison"] * 6 + ["correct"] * 10 + [""] * 24
    one["reviewer"], one["role"] = "Ada", "analyst"
    two["verdict"] = ["poison"] * 4 + ["correct"] * 6 + ["honest mistake"] * 2 + [""] * 28
    two["reviewer"], two["role"] = "Ben", "data-scientist"
    one.to_csv(tmp_path / "one.csv", index=False)
    two.to_csv(tmp_path / "two.csv", index=False)
    assert run("review", "decide", review, "--csv", tmp_path / "one.csv") == 0
    with open_store(review / "verdicts.sqlite") as store:
        alone = standing(store.verdicts())
    assert all(alone[n].state == "held" for n in names[:6])  # one person deletes nothing
    assert run("review", "decide", review, "--csv", tmp_path / "two.csv") == 0
    with open_store(review / "verdicts.sqlite") as store:
        both = store.verdicts()
    stands = standing(both)
    assert [stands[n].state for n in names[:4]] == ["poison"] * 4
    assert [stands[n].state for n in names[4:6]] == ["held"] * 2
    assert "disagree" in stands[names[4]].why
    kappa = agreement(both)[0]
    assert (kappa.one, kappa.other, kappa.n) == ("Ada", "Ben", 12)
    seen = np.array([[1, 1]] * 4 + [[1, 0]] * 2 + [[0, 0]] * 6)
    same, p = (seen[:, 0] == seen[:, 1]).mean(), seen.mean(axis=0)
    chance = p[0] * p[1] + (1 - p[0]) * (1 - p[1])
    assert kappa.kappa == pytest.approx((same - chance) / (1 - chance))
    capsys.readouterr()
    assert run("review", "status", review, "--json") == 1  # something is held: a person is needed
    told = json.loads(capsys.readouterr().out)
    assert told["states"] == {"poison": 4, "mistake": 0, "correct": 8, "held": 4}
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    assert run("review", "export", review, "--out", tmp_path / "out", "--key", tmp_path / "key") == 0
    clean = pd.read_parquet(tmp_path / "out" / "clean.parquet")
    held = pd.read_parquet(tmp_path / "out" / "held.parquet")
    poison = pd.read_parquet(tmp_path / "out" / "poison.parquet")
    assert set(poison["record"]) == set(names[:4])
    assert len(held) == 4
    assert len(clean) + len(held) + len(poison) == 664
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert {(v["reviewer"], v["role"]) for v in log} == {("Ada", "analyst"), ("Ben", "data-scientist")}
    assert all(v["at"] and v["hash"] for v in log)
    assert json.loads((tmp_path / "out" / "log.seal.json").read_text())["signed"] is True


def test_undo_stays_in_the_log_and_counts_no_longer(review: Path) -> None:
    names = read(review).records["record"].tolist()
    assert run("review", "decide", review, names[0], "poison", "--reviewer", "Ada", "--role", "analyst") == 0
    assert run("review", "undo", review, "--reviewer", "Ada") == 0
    with open_store(review / "verdicts.sqlite") as store:
        given_ = store.verdicts()
    assert [v.verdict for v in given_] == ["poison", "undo"]
    assert counted(given_) == {}
    assert run("review", "undo", review, "--reviewer", "Ada") == 2


def test_a_family_needs_a_spot_check(review: Path) -> None:
    folder = read(review)
    size = folder.signals.groupby("kin")["kin"].transform("size")
    kin = folder.records["record"][size == size.max()].tolist()
    assert len(kin) >= 10
    words = ("--reviewer", "Ada", "--role", "analyst")
    assert run("review", "decide", review, kin[0], "poison", *words, "--family") == 2
    for record in kin[:3]:
        assert run("review", "decide", review, record, "poison", *words) == 0
    assert run("review", "decide", review, kin[3], "poison", *words, "--family") == 0
    with open_store(review / "verdicts.sqlite") as store:
        assert set(counted(store.verdicts())) == set(kin)


def test_what_comes_next_learns_from_verdicts(review: Path) -> None:
    folder = read(review)
    first = folder.ranking([]).next()
    with open_store(folder.verdicts) as store:
        look = folder.line(first.row, first.reason)
        store.add([deciding.of_record(folder, look["record"], "correct", "Ada", "analyst", "", first.reason)])
        again = folder.ranking(store.verdicts())
        assert again.next().row != first.row
        assert folder.ranking(store.verdicts()).next() == again.next()  # the same for the same verdicts


def test_a_changed_verdict_is_noticed(review: Path) -> None:
    names = read(review).records["record"].tolist()
    words = ("--reviewer", "Ada", "--role", "analyst")
    for record in names[:3]:
        assert run("review", "decide", review, record, "poison", *words) == 0
    database = sqlite3.connect(review / "verdicts.sqlite")
    database.execute("UPDATE verdict SET verdict = 'correct' WHERE number = 2")
    database.commit()
    database.close()
    assert run("review", "status", review) == 2
    database = sqlite3.connect(review / "verdicts.sqlite")
    database.execute("DELETE FROM verdict WHERE number = 2")
    database.commit()
    database.close()
    assert run("review", "export", review, "--out", review / "out") == 2


KILLED = """
import sys
from pathlib import Path
from vauban.review.folder import read
from vauban.store.repository import Verdict, open_store
folder = read(Path(sys.argv[1]))
with open_store(folder.verdicts) as store:
    for record in folder.records["record"]:
        store.add([Verdict(0, "", record, "poison", "Ada", "analyst")])
        print(record, flush=True)
"""


def test_killed_in_the_middle_no_verdict_is_lost(review: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(review)], stdout=subprocess.PIPE, env=ENVIRONMENT)
    assert process.stdout is not None
    for _ in range(25):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0].decode().split()
    time.sleep(0.1)
    with open_store(review / "verdicts.sqlite") as store:
        kept = store.verdicts()
    assert len(kept) >= 25 + len(rest)
    assert kept[0].record == read(review).records["record"][0]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("record,verdict\nnobody,poison\n", "no record 'nobody'"),
        ("record,verdict,reviewer,role\nr300,maybe,Ada,analyst\n", "'maybe' is no verdict"),
        ("record,verdict,reviewer,role\nr300,poison,,analyst\n", "nobody is named"),
        ("record,verdict,reviewer,role\nr300,poison,Ada,boss\n", "'boss' is no role"),
        ("id\n1\n", "no column record"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_table_of_verdicts_is_refused_whole(review: Path, tmp_path: Path, capsys, table: str, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(table)
    assert run("review", "decide", review, "--csv", path) == 2
    assert said in capsys.readouterr().err
    with open_store(review / "verdicts.sqlite") as store:
        assert store.verdicts() == []


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12), st.text(max_size=6), st.text(max_size=6)), max_size=8)
)
def test_no_table_of_verdicts_breaks_the_reader(folder: Folder, rows: list[tuple[str, str, str, str]]) -> None:
    path = folder.path.parent / "wild.csv"
    wild = pd.DataFrame(rows, columns=["record", "verdict", "reviewer", "role"])
    path.write_bytes(wild.to_csv(index=False).encode("utf-8", "surrogatepass"))
    try:
        found = deciding.of_table(folder, path, None, None)
    except BadInput:
        return
    assert all(v.verdict in ("poison", "honest-mistake", "correct", "unsure", "escalate") for v in found)


def test_how_much_is_left_is_bounded() -> None:
    drawn = [Verdict(i, "", f"r{i}", "correct", "Ada", "analyst", reason="random") for i in range(1, 60)]
    rest = left(drawn, "random")
    assert (rest.hits, rest.n) == (0, 59)
    assert rest.high == pytest.approx(1 - 0.05 ** (1 / 59))  # the exact form of "3 / n"


def test_bad_input(tmp_path: Path, data: Path) -> None:
    assert run("review", "train", data) == 2
    assert run("review", "train", data, "--label", "nope") == 2
    assert run("review", "train", data, "--label", "label", "--positive", "9") == 2
    assert run("review", "train", tmp_path / "none.csv", "--label", "label") == 2
    assert run("review", "train", data, "--label", "label", "--since", "2020-01-01") == 2
    assert run("review", "status", tmp_path) == 2
    assert run("review", "train", "spam", "--label", "label") == 2


@pytest.mark.parametrize("option", ["--label", "--positive", "--text", "--source", "--time", "--id"])
def test_what_a_toml_or_a_scenario_says_itself_is_refused(option: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "vauban.toml").touch()
    for data in (tmp_path / "vauban.toml", "spam"):
        assert run("review", "train", data, option, "x", "--out", tmp_path / "r") == 2
        assert f"{option} is for a file of records" in capsys.readouterr().err


def test_compare_tells_what_changed(data: Path, tmp_path: Path, capsys) -> None:
    table = pd.read_csv(data)
    changed = pd.concat(
        [table.iloc[200:], table.iloc[-1:].assign(text="zz qq ww ee rr tt yy uu")] + [table.iloc[-1:]] * 0
    )
    changed.loc[changed.index[:90], "label"] = 1
    changed.to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert run("review", "compare", data, tmp_path / "new.csv", "--label", "label", "--id", "id") == 0
    told = capsys.readouterr().out
    assert "914 records before, 715 now" in told
    assert "have another label than before" in told


def test_a_scenario_is_reviewed(tmp_path: Path) -> None:
    assert run("review", "train", "credit", "--trusted-rows", 200, "--budget", 20, "--out", tmp_path / "r") in (0, 1)
    assert len(pd.read_csv(tmp_path / "r" / "queue.csv")) == 20


def test_what_was_taken_back_counts_for_nothing(review: Path, folder: Folder) -> None:
    first = folder.records["record"].iloc[0]
    fresh = folder.ranking([]).next()
    assert run("review", "decide", review, first, "poison", "--reviewer", "ana", "--role", "analyst") == 0
    assert run("review", "undo", review, "--reviewer", "ana") == 0
    with open_store(review / "verdicts.sqlite") as store:
        given = store.verdicts()
        assert [v.verdict for v in given] == ["poison", "undo"]
        with pytest.raises(BadInput, match="to take back"):
            taken_back(given, "ana", None)
    order = folder.ranking(given)
    assert order.next() == fresh
    assert not order._poison
