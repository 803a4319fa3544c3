"""Verdicts in a database: they are only ever added, and each carries the hash of the one before.

Plain SQL that other databases know too; only `open_store` knows that it is SQLite. Every verdict is a transaction of
its own, written through to the disk before it counts: a process that is killed loses none.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from vauban.errors import BadInput

VERDICTS = ("poison", "honest-mistake", "correct", "unsure", "escalate")
ROLES = ("analyst", "data-scientist")
_VERSION = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS about (version INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS verdict (
        number INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        record TEXT NOT NULL,
        verdict TEXT NOT NULL,
        reviewer TEXT NOT NULL,
        role TEXT NOT NULL,
        note TEXT NOT NULL,
        reason TEXT NOT NULL,
        family TEXT NOT NULL,
        undoes INTEGER,
        before TEXT NOT NULL,
        hash TEXT NOT NULL
    )""",
)


@dataclass(frozen=True)
class Verdict:
    """One person's word on one record.

    Attributes:
        number: 1, 2, 3, ... in the order in which they were given.
        at: when, UTC, ISO 8601.
        record: which.
        verdict: one of `VERDICTS`; ``undo`` takes back the one that ``undoes`` names.
        reviewer, role: who; one of `ROLES`.
        note: why, in his words.
        reason: the queue that the record came from.
        family: where it was given for a whole family, its name; else empty.
        before, hash: of the verdict before, and of this one with it.
    """

    number: int
    at: str
    record: str
    verdict: str
    reviewer: str
    role: str
    note: str = ""
    reason: str = ""
    family: str = ""
    undoes: int | None = None
    before: str = ""
    hash: str = ""

    def sealed(self, before: str) -> Verdict:
        """Return it with the hash of the one before, and its own."""
        fields = {**asdict(self), "before": before}
        del fields["hash"]
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        return Verdict(**fields, hash=digest)


class Store:
    """The verdicts of one review."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def verdicts(self) -> list[Verdict]:
        """Return all verdicts in order; BadInput where one was changed, or is missing."""
        rows = self._connection.execute(
            "SELECT number, at, record, verdict, reviewer, role, note, reason, family, undoes, before, hash "
            "FROM verdict ORDER BY number"
        )
        found = [Verdict(*row) for row in rows]
        broken = first_broken(found)
        if broken is not None:
            raise BadInput(
                f"{self._path}: verdict {broken} is not what was written, or one before it is gone. Restore the file."
            )
        return found

    def add(self, given: Sequence[Verdict]) -> None:
        """Add verdicts, all or none; their numbers and hashes are set here.

        Raises:
            BadInput: one is none of those allowed, its reviewer has no name, or his role is unknown.
        """
        for verdict in given:
            check(verdict)
        with self._connection:  # one transaction: numbers and hashes follow the last one that is there
            self._connection.execute("BEGIN IMMEDIATE")
            last = self._connection.execute("SELECT number, hash FROM verdict ORDER BY number DESC LIMIT 1").fetchone()
            number, before = (0, "") if last is None else last
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            for verdict in given:
                number += 1
                fields = {**asdict(verdict), "number": number, "at": verdict.at or now}
                sealed = Verdict(**fields).sealed(before)
                before = sealed.hash
                values = list(asdict(sealed).values())
                self._connection.execute(f"INSERT INTO verdict VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608


def check(verdict: Verdict) -> None:
    """Raise BadInput unless a verdict is one."""
    if verdict.verdict not in (*VERDICTS, "undo"):
        raise BadInput(f"A verdict is one of {', '.join(VERDICTS)}. Got {verdict.verdict!r}.")
    if verdict.role not in ROLES:
        raise BadInput(f"A reviewer is one of {', '.join(ROLES)}. Got {verdict.role!r}.")
    if not verdict.reviewer.strip():
        raise BadInput("Say who gives the verdict: --reviewer NAME.")


def first_broken(verdicts: Sequence[Verdict]) -> int | None:
    """Return the number of the first verdict that the chain of hashes does not lead to; None where all hold."""
    before = ""
    for i, verdict in enumerate(verdicts, start=1):
        if verdict.number != i or verdict.before != before or verdict.sealed(before).hash != verdict.hash:
            return i
        before = verdict.hash
    return None


@contextmanager
def open_store(path: Path) -> Iterator[Store]:
    """Open the verdicts in a file, which is made where there is none; BadInput if it is something else."""
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            for table in _TABLES:
                connection.execute(table)
            version = connection.execute("SELECT version FROM about").fetchone()
            if version is None:
                connection.execute("INSERT INTO about VALUES (?)", (_VERSION,))
            elif version[0] != _VERSION:
                raise BadInput(
                    f"{path} was written by another version of Vauban ({version[0]}; this one reads {_VERSION})."
                )
            yield Store(connection, path)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise BadInput(f"{path} cannot be used: {error}. Give it time, or restore it from a copy.") from error
