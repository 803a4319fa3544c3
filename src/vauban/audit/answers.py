"""Ask the target once about each record, and keep every answer in an append-only log.

A log is what makes a run survive a crash: attacks are deterministic given seed and answers, so a run that is started
again asks the same questions, and what was logged is answered from the log. Frames of a log file::

    b"VLOG" | count: u32 | keys: u64 * n | decisions: i8 * n | scores: f64 * n | crc32 of the arrays: u32

A frame that a crash cut off is dropped, and overwritten by the next one; one that was damaged is dropped alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vauban.audit.varying import occasional
from vauban.contracts import SCORE, Answers, Decisions, Target
from vauban.records import Floats, Ints, Records, fingerprints
from vauban.threat import Grant

_MAGIC = b"VLOG"
_HEAD = struct.Struct("<4sI")
_TAIL = struct.Struct("<I")
_ROW = 8 + 1 + 8

Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Answered:
    """Answers that are known, sorted by key (n,)."""

    keys: Keys
    decisions: Decisions
    scores: Floats

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """Return the position of each key (n,), -1 where it is not known."""
        if not len(self.keys):
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, at, -1)


NOTHING = Answered(np.empty(0, np.uint64), np.empty(0, np.int8), np.empty(0))


def joined(parts: Sequence[tuple[Keys, Decisions, Floats]]) -> Answered:
    """Return answers in any order as one sorted whole; of a key that is there twice, the first."""
    if not parts:
        return NOTHING
    keys, first = np.unique(np.concatenate([p[0] for p in parts]), return_index=True)
    return Answered(keys, np.concatenate([p[1] for p in parts])[first], np.concatenate([p[2] for p in parts])[first])


class Memory:
    """All that was answered so far: a hash table with linear probing, whole batches at a time, never half full.

    A sorted memory took twice as long, a dict four times. Even so it costs as much as a tenth of a fast model's time:
    a memory that hardly ever knows an answer is given up. ``earns`` goes by counts alone, so that it is the same on
    every machine.
    """

    TRIAL = 1 << 17
    """Questions after which it is judged."""
    LEAST = 1 / 16
    """Share of them that it must have known."""

    def __init__(self) -> None:
        self._keys: Keys = np.zeros(1 << 18, dtype=np.uint64)  # 0 marks a free place
        self._at = np.empty(len(self._keys), dtype=np.int64)
        self._decisions: Decisions = np.empty(1 << 17, dtype=np.int8)
        self._scores: Floats = np.empty(1 << 17)
        self._known = 0
        self._asked = 0

    @property
    def earns(self) -> bool:
        """Whether it is on trial still, or has known enough answers to be worth its time."""
        return self._asked < self.TRIAL or self._asked - self._known >= self.LEAST * self._asked

    def admit(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the answer to each key (n,) is or will be, and the rows of keys that are new, each once."""
        keys = np.maximum(keys, 1)
        self._asked += len(keys)
        while 2 * (self._known + len(keys)) > len(self._keys):
            self._grow()
        place, new = self._enter(keys)
        self._at[place[new]] = np.arange(self._known, self._known + len(new))
        return self._at[place], new

    def learn(self, decisions: Decisions, scores: Floats) -> None:
        """Remember the answers to the keys that were new, in their order (k,)."""
        end = self._known + len(decisions)
        self._decisions[self._known : end], self._scores[self._known : end] = decisions, scores
        self._known = end

    def recall(self, at: NDArray[np.int64]) -> tuple[Decisions, Floats]:
        """Return the decisions and scores (n,) that are there."""
        return self._decisions[at], self._scores[at]

    def _enter(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the place of each key (n,), and the rows that took a free one, in order."""
        size = len(self._keys)
        place = (keys >> np.uint64(64 - (size.bit_length() - 1))).astype(np.int64)
        todo, new = np.arange(len(keys)), []
        while len(todo):
            here = place[todo]
            free = self._keys[here] == 0
            if free.any():  # of several that want the same place the last gets it; the others look again
                rows, places = todo[free], here[free]
                self._keys[places], self._at[places] = keys[rows], rows
                new.append(rows[self._at[places] == rows])
            todo = todo[self._keys[here] != keys[todo]]
            place[todo] = (place[todo] + 1) & (size - 1)
        return place, np.sort(np.concatenate(new)) if new else np.empty(0, dtype=np.int64)

    def _grow(self) -> None:
        taken = self._keys != 0
        keys, at = self._keys[taken], self._at[taken]
        self._keys, self._at = np.zeros(4 * len(self._keys), dtype=np.uint64), np.empty(4 * len(self._keys), np.int64)
        place, _ = self._enter(keys)
        self._at[place] = at
        more = 3 * len(self._scores)
        self._decisions = np.concatenate([self._decisions, np.empty(more, dtype=np.int8)])
        self._scores = np.concatenate([self._scores, np.empty(more)])


def _frames(data: bytes) -> tuple[list[tuple[Keys, Decisions, Floats]], int]:
    """Return the whole frames of a log, and where the last of them ends."""
    frames, whole, at = [], 0, 0
    while (at := data.find(_MAGIC, at)) >= 0 and at + _HEAD.size <= len(data):
        n = _HEAD.unpack_from(data, at)[1]
        end = at + _HEAD.size + n * _ROW + _TAIL.size
        body = data[at + _HEAD.size : end - _TAIL.size]
        if end > len(data) or zlib.crc32(body) != _TAIL.unpack_from(data, end - _TAIL.size)[0]:
            at += 1
            continue
        keys = np.frombuffer(body, "<u8", n)
        decisions = np.frombuffer(body, np.int8, n, 8 * n)
        scores = np.frombuffer(body, "<f8", n, 9 * n)
        frames.append((keys.astype(np.uint64), decisions, scores.astype(np.float64)))
        whole = at = end
    return frames, whole


def read_logs(paths: Iterable[Path]) -> Answered:
    """Return all whole answers of log files; of a key that several hold, the first."""
    return joined([frame for path in paths for frame in _frames(path.read_bytes())[0]])


class LogFile:
    """One worker's append-only log; None as a path keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = _frames(path.read_bytes())[1] if path.exists() else 0
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(whole)
            self._file.seek(whole)

    @property
    def kept(self) -> bool:
        """Whether answers are written anywhere."""
        return self._file is not None

    def append(self, keys: Keys, decisions: Decisions, scores: Floats) -> None:
        """Write one frame and hand it to the operating system, so that a killed process does not lose it."""
        if self._file is None:
            return
        body = keys.astype("<u8").tobytes() + decisions.astype(np.int8).tobytes() + scores.astype("<f8").tobytes()
        self._file.write(_HEAD.pack(_MAGIC, len(keys)) + body + _TAIL.pack(zlib.crc32(body)))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True)
class Remembered:
    """A target that is asked through an oracle, which keeps its answers."""

    oracle: Oracle

    def __getattr__(self, name: str) -> Any:
        """Everything else is the target's own."""
        if name.startswith("__") or name == "oracle":
            raise AttributeError(name)
        return getattr(self.oracle.target, name)

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return what the oracle says."""
        return self.oracle.ask(records, want)


class Oracle:
    """Answers questions with at most one scoring a different record: memory first, then the log, then the model.

    A target that answers differently each time is asked each time; its log knows an answer by its occasion.
    ``salt`` keeps the occasions of one piece of work apart from those of another.

    ``model_calls``, ``rows_scored`` and ``model_seconds`` count what the model did for this run, earlier lives
    included: an answer from the log counts as a row scored, but takes no time.
    """

    def __init__(
        self,
        target: Target,
        logged: Answered = NOTHING,
        log: LogFile | None = None,
        *,
        varies: bool | None = None,
        salt: int = 0,
    ) -> None:
        self.target = target
        self.varies = not target.deterministic if varies is None else varies
        self._salt = salt
        self._asked = 0
        self.model_calls = 0
        self.rows_scored = 0
        self.model_seconds = 0.0
        self._logged = logged
        self._log = log or LogFile(None)
        self._memory = Memory()

    def ask(
        self, records: Records, want: frozenset[Grant], occasion: Ints | None = None, *, fresh: bool = False
    ) -> Answers:
        """Return what the target says of records (n, ...); scores are NaN where the target has none.

        Where a target answers differently each time, ``occasion`` (n,) tells questions about the same record apart;
        without it, each question is one of its own. ``fresh`` records are not looked for in memory; see `Ask`.
        """
        if not len(records):
            return Answers(np.empty(0, np.int8), np.empty(0))
        if Grant.GRADIENT in want:  # gradients are not kept: few attacks ask for them, and each is as long as a record
            return self._count(self.target.answer(records, want), len(records))
        fresh = fresh or not self._memory.earns
        if fresh and not self._log.kept and not len(self._logged.keys):
            told = self.target.answer(records, self.target.grants & SCORE)
            return self._count(told, len(records))
        keys = fingerprints(records)
        if self.varies:
            keys = self._occasional(keys, occasion)
        if fresh:
            return Answers(*self._learn(keys, records))
        at, new = self._memory.admit(keys)
        if len(new):
            self._memory.learn(*self._learn(keys[new], records if len(new) == len(records) else records[new]))
        return Answers(*self._memory.recall(at))

    def _occasional(self, keys: Keys, occasion: Ints | None) -> Keys:
        if occasion is None:
            occasion = np.arange(self._asked, self._asked + len(keys)) | (1 << 62)
            self._asked += len(keys)
        return occasional(occasional(keys, occasion), np.full(len(keys), self._salt))

    def _learn(self, keys: Keys, records: Records) -> tuple[Decisions, Floats]:
        """Return answers to different records (k, ...) with these keys, from the log or else from the model."""
        self.model_calls += 1
        self.rows_scored += len(keys)
        logged = self._logged.find(keys)
        old, fresh = logged >= 0, logged < 0
        decisions, scores = np.empty(len(keys), np.int8), np.empty(len(keys))
        decisions[old], scores[old] = self._logged.decisions[logged[old]], self._logged.scores[logged[old]]
        if fresh.any():
            told = self.target.answer(records if fresh.all() else records[fresh], self.target.grants & SCORE)
            self.model_seconds += told.seconds
            decisions[fresh] = told.decisions
            scores[fresh] = np.nan if told.scores is None else told.scores
            self._log.append(keys[fresh], decisions[fresh], scores[fresh])
        return decisions, scores

    def _count(self, answers: Answers, rows: int) -> Answers:
        self.model_calls += 1
        self.rows_scored += rows
        self.model_seconds += answers.seconds
        return answers
