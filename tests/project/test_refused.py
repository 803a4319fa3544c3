"""What is hostile or damaged is refused by a message, no code of it is run, and the exit code is 2."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.project.conftest import applicants
from vauban.cli import main
from vauban.errors import BadInput
from vauban.project import check, init, read_project
from vauban.project.tables import read_table
from vauban.targets import read_model


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as done:
        main(words)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert "defect" not in told.err, told.err
    return int(done.value.code or 0), told.err


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.skops", "model.cbm", "model.ubj", "model.txt"])
def test_a_malicious_pickle_is_not_run(name, table, tmp_path, capsys):
    mark = tmp_path / "ran"
    (tmp_path / name).write_bytes(pickle.dumps(_Evil(mark)))
    out = tmp_path / "v.toml"
    code, told = run(
        capsys, "init", str(table), "--label", "default", "--model", str(tmp_path / name), "--out", str(out)
    )
    assert code == 2, told
    assert not mark.exists()
    assert not out.exists()


def test_a_pickle_is_read_where_it_is_allowed(tmp_path):
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(BadInput, match="runs whatever code"):
        read_model(tmp_path / "m.pkl")
    assert read_model(tmp_path / "m.pkl", allow_pickle=True) == {"a": 1}


def test_a_skops_file_with_a_strange_type_names_it(tmp_path):
    import skops.io

    skops.io.dump({"x": tmp_path}, tmp_path / "m.skops")
    with pytest.raises(BadInput, match=r"not loaded without trust: .*Path"):
        read_model(tmp_path / "m.skops")


def _claiming_four_gigabytes(folder):
    """Write m.skops, whose directory claims 4 GB, as a bomb does that nobody need write out here."""
    path = folder / "m.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("schema.json", "{}")
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(raw)
    return path


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    with pytest.raises(BadInput, match="would unpack to 4 GB"):
        read_model(_claiming_four_gigabytes(tmp_path))


def test_a_parquet_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.parquet"
    pd.DataFrame({"a": np.zeros(3_000_000, dtype=np.int64)}).to_parquet(path, compression="zstd")
    assert path.stat().st_size < 100_000
    monkeypatch.setattr("vauban.project.tables.MOST_BYTES", 20 * 2**20)
    with pytest.raises(BadInput, match="unpacks to"):
        read_table(path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    import gzip

    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000))
    monkeypatch.setattr("vauban.project.tables.MOST_BYTES", 3 * 2**20)
    with pytest.raises(BadInput, match="unpacks to more than"):
        read_table(tmp_path / "bomb.csv.gz")


def test_bombs_are_refused_at_the_command_line(table, tmp_path, monkeypatch, capsys):
    import gzip

    pd.DataFrame({"a": np.zeros(3_000_000), "label": 1}).to_parquet(tmp_path / "bomb.parquet", compression="zstd")
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,label\n" + b"1,2\n" * 1_000_000))
    (tmp_path / "wide.csv").write_bytes(("x," * 999_999 + "x\n1\n").encode())
    _claiming_four_gigabytes(tmp_path)
    monkeypatch.setattr("vauban.project.tables.MOST_BYTES", 3 * 2**20)
    for words in (
        ("init", str(tmp_path / "bomb.parquet"), "--label", "label"),
        ("init", str(tmp_path / "bomb.csv.gz"), "--label", "label"),
        ("init", str(tmp_path / "wide.csv"), "--label", "x"),
        ("init", str(table), "--label", "default", "--model", str(tmp_path / "m.skops")),
        ("review", "train", str(tmp_path / "bomb.parquet"), "--label", "label"),
    ):
        code, told = run(capsys, *words, "--out", str(tmp_path / "out"))
        assert code == 2, words
        assert len(told.strip().splitlines()) <= 3, told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b\n", "holds no record"),
        (b"a,a\n1,2\n", "several columns of the same name: 'a'"),
        (("x," * 999_999 + "x\n1\n").encode(), "columns|longer than"),
        (b"a,b\n1,2,3\n", "cannot be read"),
        ("a,b\nä,1\n".encode("latin-1"), "not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "zero bytes|not UTF-8"),
        (b'a,b\n"1,2\n', "cannot be read"),
    ],
)
def test_csv_files_that_are_none(content, said, tmp_path):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read_table(tmp_path / "x.csv")


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
def test_damaged_tables(name, tmp_path):
    (tmp_path / name).write_bytes(b"PAR1 nonsense")
    with pytest.raises(BadInput, match="cannot be read"):
        read_table(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    [
        "nonsense",
        "[data]\nfile = 3\nlabel = 'x'\n[model]\nfile = 'm.skops'",
        "[data]\nfile = 'a.csv'\n[model]\nfile = 'm.skops'",
        "[data]\nfile = 'a.csv'\nlabel = 'y'\npositive = 1\n[model]\nfile = ['m']",
        "[data]\nfile = 'a.csv'\nlabel = 'y'\npositive = 1\n[model]\nfile = 'm.skops'\nthreshold = true",
        "[data]\nfile = 'a.csv'\nlabel = 'y'\npositive = 1\n[model]\nfile = 'm.skops'\nthreshold = nan",
        "[dta]\n",
        "data = 3",
        "columns = 3\n[data]\nfile = 'a.csv'\nlabel = 'y'\n[model]\nfile = 'm.skops'",
        "[data]\nfile = 'a.csv'\nlabel = 'y'\n[model]\nfile = 'm.skops'\n[columns.a]\nkind = 4",
        "[data]\nfile = 'a.csv'\nlabel = 'y'\n[model]\nfile = 'm.skops'\n[columns]\na = 4",
        "relations = 3\n[data]\nfile = 'a.csv'\nlabel = 'y'\n[model]\nfile = 'm.skops'",
        "[data]\nfile = 'a.csv'\nlabel = 'y'\npositive = 1\n[model]\nfile = 'none.skops'",
        "x = " + "[" * 5000,
    ],
)
@pytest.mark.parametrize("command", ["check", "audit"])
def test_a_toml_with_wrong_types(content, command, tmp_path, capsys):
    pd.DataFrame({"a": range(60), "y": [0, 1] * 30}).to_csv(tmp_path / "a.csv", index=False)
    path = tmp_path / "vauban.toml"
    path.write_text(content)
    words = ["audit", str(path), "--out", str(tmp_path / "run")] if command == "audit" else ["check", str(path)]
    code, _ = run(capsys, *words)
    assert code == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('change = "either"', 'change = "sideways"', "change must be one of"),
        ('kind = "numeric"', 'kind = "real"', "kind must be one of"),
        ("[columns.income]", "[columns.incme]", "Did you mean 'income'"),
        ('label = "default"', 'label = "defualt"', "Did you mean 'default'"),
        ('positive = ["1"]', 'positive = ["bad"]', "never occurs"),
        ('read_as = "percent"', 'read_as = "days"', "values are none"),
        ("# [losses]", '[losses]\nmiss_of = "incme"\n# [losses]', "Did you mean 'income'"),
        ("# [losses]", "[losses]\nmiss = -1\n# [losses]", "must be 0 or more"),
    ],
)
def test_a_wrong_edit_says_what_is_wrong(old, new, said, proposed, capsys):
    text = proposed.path.read_text(encoding="utf-8")
    assert old in text
    edited = proposed.path.with_name("edited.toml")
    edited.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        read_project(edited).system()


# --- tables that are hard, but none of them hostile ---


def _with(**columns) -> pd.DataFrame:
    return applicants().drop(columns=["savings", "rate", "total_due"]).assign(**columns)


HARD = {
    "mixed types": lambda: _with(mixed=pd.Series([1, "two", None, True] * 150, dtype=object).astype(str)),
    "all missing": lambda: _with(gone=np.nan),
    "many missing": lambda: _with(income=np.where(np.arange(600) % 3 == 0, np.nan, np.arange(600))),
    "names of all kinds": lambda: _with(**{"größe 测试 🏦": 1.5 * np.arange(600), "a.b [c]": "x", "": 1}),
    "booleans as text": lambda: _with(told=["True", "False", ""] * 200),
    "labels missing": lambda: _with(default=np.where(np.arange(600) % 7 == 0, np.nan, applicants()["default"])),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_tables_are_handled(name, tmp_path):
    HARD[name]().to_csv(tmp_path / "a.csv", index=False)
    done = init(tmp_path / "a.csv", "default", out=tmp_path / "v.toml")
    assert all(c.well for c in check(read_project(done.path)) if c.what != "it is not degenerate")


def test_five_hundred_columns(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 500)).round(2), columns=[f"c{i}" for i in range(500)])
    frame.assign(y=(frame["c0"] > 0).astype(int)).to_csv(tmp_path / "a.csv", index=False)
    done = init(tmp_path / "a.csv", "y", out=tmp_path / "v.toml")
    assert len(done.guesses) == 500


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"a": [1], "y": [1]}), "At least 20 good records"),
        (pd.DataFrame({"a": range(50), "y": [1] * 50}), "At least 20 good records"),
        (pd.DataFrame({"y": [0, 1] * 30}), "there is no"),
        (pd.DataFrame({"a": range(50), "y": ["no", "yes"] * 25}), "never occurs"),
    ],
)
def test_tables_of_which_nothing_can_be_learnt(frame, said, tmp_path):
    frame.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(BadInput, match=said):
        init(tmp_path / "a.csv", "y", out=tmp_path / "v.toml")
    assert not (tmp_path / "v.toml").exists()


def test_unseen_categories_are_refused_by_name(proposed, table):
    text = proposed.path.read_text(encoding="utf-8").replace('values = ["car", "home", "other"]', 'values = ["car"]')
    edited = proposed.path.with_name("unseen.toml")
    edited.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="does not list: home, other"):
        read_project(edited).system()


def test_settings_may_be_any_json(tmp_path):
    for strange in ({"data": None}, {"model": []}, {"columns": {"a": {"values": 3}}}):
        from vauban.project.settings import settings_of

        with pytest.raises(BadInput):
            settings_of(json.loads(json.dumps(strange)), tmp_path / "v.toml")
