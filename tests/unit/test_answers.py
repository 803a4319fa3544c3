"""A record is scored once; a log survives whatever cuts or damages it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vauban.audit.answers import LogFile, Oracle, read_logs
from vauban.contracts import LABEL, SCORE, Scale
from vauban.records import messages
from vauban.schema import Feature, Kind, Price, TableSchema, TextSchema
from vauban.targets import CallableTarget
from vauban.threat import Decision

SCHEMA = TableSchema(tuple(Feature(n, Kind.NUMERIC, -9, 9, price=Price(1, 1)) for n in "ab"))


class Counting:
    """A model that remembers the batches it was given."""

    def __init__(self) -> None:
        self.batches: list[pd.DataFrame] = []

    def __call__(self, frame: pd.DataFrame) -> Any:
        self.batches.append(frame)
        return (frame["a"].fillna(3) + frame["b"].fillna(5)).to_numpy() / 10

    @property
    def rows(self) -> int:
        return sum(map(len, self.batches))


def oracle(model: Counting, **given: Any) -> Oracle:
    return Oracle(CallableTarget(model, SCHEMA), **given)


def test_a_record_is_scored_once() -> None:
    model = Counting()
    it = oracle(model)
    rng = np.random.default_rng(0)
    records = rng.integers(0, 4, (300, 2)).astype(float)
    records[::7, 0] = np.nan
    different = len(np.unique(np.nan_to_num(records, nan=-1), axis=0))
    for part in np.array_split(records, 11):
        told = it.ask(part, SCORE)
        expected = (np.nan_to_num(part[:, 0], nan=3) + part[:, 1]) / 10
        assert told.scores.tolist() == pytest.approx(expected.tolist())
        assert ((told.decisions == Decision.BLOCK) == (np.round(expected, 12) >= 0.5)).all()
    assert model.rows == different == it.rows_scored
    calls = len(model.batches)
    it.ask(records, LABEL)
    assert len(model.batches) == calls == it.model_calls
    asked = pd.concat(model.batches)
    assert not asked.duplicated().any()


def test_zero_and_minus_zero_are_one_record() -> None:
    model = Counting()
    oracle(model).ask(np.array([[0.0, 1.0], [-0.0, 1.0]]), LABEL)
    assert model.rows == 1


def test_nothing_asked_asks_nothing() -> None:
    model = Counting()
    told = oracle(model).ask(np.empty((0, 2)), SCORE)
    assert len(told.decisions) == len(told.scores) == 0
    assert not model.batches


def test_messages_that_differ_in_anything_are_different() -> None:
    seen: list[str] = []

    def model(texts: list[str]) -> Any:
        seen.extend(texts)
        return [0.1] * len(texts)

    texts = ["a", "A", "a ", "a", "", "á"]
    Oracle(CallableTarget(model, TextSchema())).ask(messages(texts), LABEL)
    assert sorted(seen) == sorted(set(texts))


def test_a_model_without_scores() -> None:
    target = CallableTarget(lambda frame: frame["a"] > 0, SCHEMA, scale=Scale.LABEL)
    told = Oracle(target).ask(np.array([[1.0, 0.0], [-1.0, 0.0]]), LABEL)
    assert told.decisions.tolist() == [Decision.BLOCK, Decision.PASS]


def test_a_model_that_varies_is_asked_on_every_occasion(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    target = CallableTarget(lambda frame: rng.random(len(frame)), SCHEMA, deterministic=False)
    log, same, when = LogFile(tmp_path / "a.log"), np.zeros((6, 2)), np.array([1, 2, 3, 4, 5, 1])
    it = Oracle(target, log=log)
    told = it.ask(same, SCORE, when).scores
    assert told is not None
    assert len(set(told.tolist())) == 5
    assert told[5] == told[0]  # the same occasion
    log.close()
    again = Oracle(target, read_logs([tmp_path / "a.log"])).ask(same, SCORE, when).scores
    assert again is not None
    assert again.tolist() == told.tolist()
    other = Oracle(target, read_logs([tmp_path / "a.log"]), salt=7).ask(same, SCORE, when).scores
    assert other is not None
    assert not set(other.tolist()) & set(told.tolist())


# --- the log --------------------------------------------------------------------------------------


def frame(start: int, n: int) -> tuple[Any, Any, Any]:
    keys = np.arange(start, start + n, dtype=np.uint64) * np.uint64(2**60 // 997)
    return keys, np.full(n, Decision.BLOCK, np.int8), np.arange(start, start + n) / 7


FRAMES = [frame(0, 3), frame(3, 1), frame(4, 5), frame(9, 2)]


def written(path: Path) -> list[int]:
    """Write the frames and return where each ends."""
    log, ends = LogFile(path), []
    for one in FRAMES:
        log.append(*one)
        ends.append(path.stat().st_size)
    log.close()
    return ends


def held(path: Path) -> list[int]:
    """Which of the eleven answers a log holds, each checked."""
    told = read_logs([path])
    keys = np.concatenate([f[0] for f in FRAMES])
    at = told.find(keys)
    here = np.flatnonzero(at >= 0)
    assert told.scores[at[here]].tolist() == (here / 7).tolist()
    assert (told.decisions[at[here]] == Decision.BLOCK).all()
    return here.tolist()


def test_what_is_logged_is_found(tmp_path: Path) -> None:
    written(tmp_path / "a.log")
    assert held(tmp_path / "a.log") == list(range(11))
    assert read_logs([tmp_path / "a.log"]).find(np.array([5], np.uint64)).tolist() == [-1]
    assert read_logs([]).find(np.array([5, 6], np.uint64)).tolist() == [-1, -1]
    assert read_logs([tmp_path / "a.log", tmp_path / "a.log"]).keys.shape == (11,)


def test_a_log_cut_off_anywhere_keeps_the_frames_before_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    ends = written(path)
    data = path.read_bytes()
    first = [0, *np.cumsum([len(f[0]) for f in FRAMES]).tolist()]
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends)
        assert held(path) == list(range(first[whole])), cut
        log = LogFile(path)
        log.append(*FRAMES[-1])
        log.close()
        assert held(path) == sorted({*range(first[whole]), 9, 10}), cut
        assert path.stat().st_size == [0, *ends][whole] + ends[-1] - ends[-2]


def test_a_damaged_byte_drops_its_frame_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    ends = written(path)
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x5A
        path.write_bytes(bytes(damaged))
        broken = sum(end <= at for end in ends)
        start = sum(len(f[0]) for f in FRAMES[:broken])
        gone = range(start, start + len(FRAMES[broken][0]))
        assert held(path) == [i for i in range(11) if i not in gone], at


def test_rubbish_is_no_log(tmp_path: Path) -> None:
    for rubbish in (b"", b"VLOG", b"VLOG" * 50, bytes(1000), np.random.default_rng(0).bytes(5000)):
        (tmp_path / "a.log").write_bytes(rubbish)
        assert held(tmp_path / "a.log") == []
        log = LogFile(tmp_path / "a.log")
        log.append(*FRAMES[0])
        log.close()
        assert held(tmp_path / "a.log") == [0, 1, 2]


def test_a_frame_is_with_the_system_before_the_next_question(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "deep" / "a.log")
    log.append(*FRAMES[0])
    assert held(tmp_path / "deep" / "a.log") == [0, 1, 2]
    log.close()


def test_a_second_life_asks_nothing_again(tmp_path: Path) -> None:
    records = np.random.default_rng(0).normal(size=(50, 2))
    first, second = Counting(), Counting()
    log = LogFile(tmp_path / "a.log")
    told = oracle(first, log=log).ask(records[:30], SCORE)
    log.close()
    log = LogFile(tmp_path / "b.log")
    it = oracle(second, logged=read_logs([tmp_path / "a.log"]), log=log)
    again = it.ask(records, SCORE)
    log.close()
    assert (again.scores[:30] == told.scores).all()
    assert second.rows == 20
    assert it.rows_scored == 50  # the run's, whichever life asked
    assert len(read_logs(sorted(tmp_path.glob("*.log"))).keys) == 50
