"""A review that runs every night: what came before counts, and nothing is taken for granted that nobody approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.review.test_verdicts import run
from vauban.datasets import load
from vauban.review import nights
from vauban.review.nights import APPROVED, HELD, WAITS, State, read_state

NIGHTS, EACH, DRIP = 4, 220, 5
ANA, BEN = ("--reviewer", "Ana", "--role", "analyst"), ("--reviewer", "Ben", "--role", "data-scientist")


@pytest.fixture(scope="module")
def mail() -> pd.DataFrame:
    """Messages of four nights; in the last three, five of a campaign each, labelled good: too few to stand out."""
    made = load("generated-spam", rows=NIGHTS * EACH + 300)
    texts, labels = made.frame["text"].to_numpy(dtype=object), made.labels
    rng = np.random.default_rng(0)
    words = sorted({w for t in texts[:200][labels[:200] == 0] for w in t.split()})
    spam = texts[NIGHTS * EACH :][labels[NIGHTS * EACH :] == 1][0]
    parts = []
    for night in range(NIGHTS):
        mine = slice(night * EACH, (night + 1) * EACH)
        part = pd.DataFrame({"text": texts[mine], "label": labels[mine].astype(int), "planted": False})
        if night:
            sent = [f"{spam} {' '.join(rng.choice(words, 4))}" for _ in range(DRIP)]
            part = pd.concat([part, pd.DataFrame({"text": sent, "label": 0, "planted": True})], ignore_index=True)
        parts.append(part.assign(night=night))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "id", [f"r{i}" for i in range(len(table))])
    return table


def reviewed(table: pd.DataFrame, state: Path, budget: int = 40) -> tuple[int, Path]:
    """Review a night's file; return the exit code and the review's folder."""
    path = state.parent / "tonight.csv"
    table.drop(columns=["planted", "night"]).to_csv(path, index=False)
    words = ("--label", "label", "--positive", "1", "--id", "id", "--state", state, "--budget", budget)
    code = run("review", "train", path, *words)
    return code, sorted(p.parent for p in state.glob("*/review.json"))[-1]


def queue(folder: Path) -> list[str]:
    return pd.read_parquet(folder / "queue.parquet")["record"].tolist()


def catches_the_drip(mail: pd.DataFrame, state: Path) -> None:
    """Nobody approves anything; by the fourth night all that the campaign sent so far heads the queue."""
    for night in range(NIGHTS):
        code, folder = reviewed(mail[mail["night"] == night], state)
    sent = set(mail["id"][mail["planted"]])
    assert code == 1, "a campaign of fifteen does not come by chance"
    assert sent <= set(queue(folder)), "what came on earlier nights, and nobody approved, is looked at again"


def test_a_campaign_that_drips_is_seen_as_one(mail: pd.DataFrame, tmp_path: Path) -> None:
    catches_the_drip(mail, tmp_path / "state")


def _approves_itself(stood: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    return lambda folder, given, approved: stood(folder, given, approved=True)


def test_a_state_that_rolls_itself_forward_is_noticed(
    mail: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nights, "_stood", _approves_itself(nights._stood))
    with pytest.raises(AssertionError, match="earlier nights"):
        catches_the_drip(mail, tmp_path / "state")


def standing_of(state: Path) -> dict[str, int]:
    records = read_state(state).records
    assert records is not None
    return dict(zip(records["record"], records["stands"], strict=True))


@pytest.fixture(scope="module")
def approved(mail: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state of one night, in which a campaign was found, and which was approved."""
    state = tmp_path_factory.mktemp("approved") / "state"
    code, folder = reviewed(mail[mail["planted"] | (mail["night"] == 0)], state, budget=30)
    assert code == 1
    assert run("review", "approve", folder, *BEN) == 2, "something stands out, and nobody has looked"
    planted = set(mail["id"][mail["planted"]])
    for i, record in enumerate(queue(folder)):
        if i == 3 * DRIP:
            assert run("review", "approve", folder, *BEN) == 2, "what was looked at last was poison: there is more"
        said = "poison" if record in planted else "correct"
        for who in (ANA, BEN):
            assert run("review", "decide", folder, record, said, *who) == 0
    assert run("review", "approve", folder, *ANA) == 2, "an analyst approves nothing"
    assert run("review", "approve", folder, "--role", "data-scientist") == 2, "nobody is no person"
    assert run("review", "approve", folder, *BEN) == 0
    assert run("review", "approve", folder, *BEN) == 2, "once"
    return state


@pytest.fixture
def state(approved: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(approved, tmp_path / "state"))


def test_only_what_is_new_is_looked_at_and_what_is_like_found_poison_comes_first(
    mail: pd.DataFrame, state: Path
) -> None:
    first = mail[mail["planted"] | (mail["night"] == 0)]
    again = mail[mail["night"] == 1].copy()
    again["id"] = again["id"] + "x"  # the messages of a campaign that was found come once more, under other names
    code, folder = reviewed(pd.concat([first, again]), state)
    assert code == 1
    seen = queue(folder)
    assert set(seen) <= set(again["id"])
    assert set(seen[:DRIP]) == set(again["id"][again["planted"]])
    assert json.loads((folder / "review.json").read_text())["findings"]["known"]
    assert json.loads((folder / "review.json").read_text())["records"] == len(again)


def test_a_night_without_anything_new_is_no_review(mail: pd.DataFrame, state: Path) -> None:
    code, folder = reviewed(mail[mail["planted"] | (mail["night"] == 0)], state)
    assert (code, len(list(state.glob("*/review.json")))) == (0, 1)
    assert folder.parent == state


def test_an_approved_record_that_is_altered_is_new(mail: pd.DataFrame, state: Path) -> None:
    table = mail[mail["planted"] | (mail["night"] == 0)].copy()
    stands = standing_of(state)
    some = [r for r in table["id"] if stands[r] == APPROVED][:2]
    table.loc[table["id"] == some[0], "text"] += " altered"
    table.loc[table["id"] == some[1], "label"] = 1 - table["label"]
    code, folder = reviewed(table, state)
    assert code == 1, "what was approved is not what is there now"
    assert set(queue(folder)) == set(some)
    assert standing_of(state) == {**stands, **dict.fromkeys(some, WAITS)}


def test_poison_that_is_altered_is_known_as_what_it_was(mail: pd.DataFrame, state: Path) -> None:
    table = mail[mail["planted"] | (mail["night"] == 0)].copy()
    sent = table["id"][table["planted"]].tolist()
    table.loc[table["id"].isin(sent), "text"] += " more"
    for _ in range(2):
        code, folder = reviewed(table, state)
        assert code == 1
        assert set(queue(folder)) == set(sent)
        assert "called poison before" in " ".join(json.loads((folder / "review.json").read_text())["findings"]["known"])
        table.loc[table["id"].isin(sent), "text"] += " words"


def test_what_is_held_needs_a_person_every_night(mail: pd.DataFrame, tmp_path: Path) -> None:
    quiet = mail[(mail["night"] < 2) & ~mail["planted"]]
    _, folder = reviewed(quiet[quiet["night"] == 0], tmp_path / "state")
    record = queue(folder)[0]
    assert run("review", "decide", folder, record, "escalate", *ANA) == 0
    assert run("review", "approve", folder, *BEN) == 2
    assert standing_of(tmp_path / "state")[record] == HELD
    code, later = reviewed(quiet, tmp_path / "state")
    assert code == 1
    assert record not in queue(later)
    assert "must decide" in " ".join(json.loads((later / "review.json").read_text())["findings"]["known"])


def test_a_mistake_is_known_with_either_label(mail: pd.DataFrame, tmp_path: Path) -> None:
    quiet = mail[mail["night"] == 0]
    _, folder = reviewed(quiet, tmp_path / "state")
    record = queue(folder)[0]
    assert run("review", "decide", folder, record, "honest-mistake", *BEN) == 0
    for turned in (False, True):
        table = quiet.copy()
        table.loc[table["id"] == record, "label"] = (table["label"] + turned) % 2
        _, last = reviewed(table, tmp_path / "state")
        assert last == folder, "nothing is new"


def test_what_was_approved_cannot_be_changed_unseen(mail: pd.DataFrame, state: Path) -> None:
    folder = next(state.glob("*/review.json")).parent
    records = pd.read_parquet(folder / "records.parquet")
    records.loc[0, "label"] = 1 - records.loc[0, "label"]
    records.to_parquet(folder / "records.parquet", index=False)
    tonight = state.parent / "tonight.csv"
    mail.drop(columns=["planted", "night"]).to_csv(tonight, index=False)
    assert run("review", "train", tonight, "--label", "label", "--id", "id", "--state", state) == 2


def test_the_approved_model_is_that_of_the_last_approval(mail: pd.DataFrame, tmp_path: Path) -> None:
    state, model = tmp_path / "state", tmp_path / "model.skops"
    model.write_bytes(b"not read by whoever approves it")
    _, folder = reviewed(mail[mail["night"] == 0], state)
    for record in queue(folder):
        assert run("review", "decide", folder, record, "correct", *ANA) == 0
    assert run("review", "approve", folder, *BEN, "--model", tmp_path / "none.skops") == 2
    assert run("review", "approve", folder, *BEN, "--model", model) == 0
    found = read_state(state)
    assert isinstance(found, State)
    assert found.model is not None
    assert found.model.read_bytes() == model.read_bytes()
    found.model.write_bytes(b"another")
    tonight = tmp_path / "tonight.csv"
    assert run("review", "train", tonight, "--label", "label", "--id", "id", "--state", state) == 2


def test_bad_input(mail: pd.DataFrame, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = mail[mail["night"] == 1].drop(columns=["planted", "night"])
    path = tmp_path / "mail.csv"
    table.to_csv(path, index=False)
    words = ("review", "train", path, "--label", "label", "--state", state)
    assert run(*words) == 2
    assert "--id" in capsys.readouterr().err
    assert run(*words, "--id", "id", "--since", "2026-01-01") == 2
    assert run(*words, "--id", "id", "--trusted-rows", 10) == 2
    assert run(*words, "--id", "id", "--out", tmp_path / "out") == 2
    assert run("review", "train", "spam", "--state", state) == 2
    pd.concat([table, table.head(1)]).to_csv(path, index=False)
    assert run(*words, "--id", "id") == 2
    assert "name of another" in capsys.readouterr().err
    table.assign(more=1).to_csv(path, index=False)
    assert run(*words, "--id", "id") == 2
    assert "columns" in capsys.readouterr().err
    (tmp_path / "ids.csv").write_text("id\nnobody\n")
    table.to_csv(path, index=False)
    assert run(*words, "--id", "id", "--trusted", tmp_path / "ids.csv") == 2


def test_since_earlier_records_are_what_later_ones_are_seen_beside(mail: pd.DataFrame, tmp_path: Path) -> None:
    path, out = tmp_path / "mail.csv", tmp_path / "out"
    table = mail.assign(day=pd.Timestamp("2026-11-20") + pd.to_timedelta(mail["night"], unit="D"))
    table.drop(columns=["planted", "night"]).to_csv(path, index=False)
    words = ("--label", "label", "--id", "id", "--time", "day", "--since", "2026-11-23", "--budget", 40, "--out", out)
    assert run("review", "train", path, *words) == 1
    late = set(mail["id"][mail["night"] == NIGHTS - 1])
    seen = queue(out)
    assert set(seen) <= late
    assert set(seen[: 2 * DRIP]) >= set(mail["id"][mail["planted"]]) & late, "five tonight, seen as part of fifteen"
    about = json.loads((out / "review.json").read_text())
    assert (about["records"], about["beside"]) == (len(late), len(mail) - len(late))
