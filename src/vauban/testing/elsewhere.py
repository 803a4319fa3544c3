"""Play a pickled attack in a process of its own, with other string hashes.

One process serves all checks of a session: starting an interpreter takes longer than most plays.
"""

from __future__ import annotations

import atexit
import json
import os
import pickle
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO

from vauban.testing.check import require, told
from vauban.testing.play import explore, play, portrait
from vauban.testing.worlds import World, world

LONGEST = 120.0
"""Seconds that a play in another process may take."""
_SIZE = struct.Struct("<Q")


def in_another_process(role: str, thing: Any, which: World) -> dict[str, Any]:
    """Return what an attack finds, or an explorer learns, in another interpreter, as JSON values."""
    with told("It must be picklable to travel to another process", pickle.PicklingError, AttributeError, TypeError):
        parcel = pickle.dumps((role, thing, which.name))
    answer = _server().ask(parcel)
    require("found" in answer, f"It fails in another process: {answer.get('problem')}")
    return dict(answer["found"])


@dataclass
class _Server:
    """Another interpreter that plays what it is sent."""

    path: str
    process: subprocess.Popen[bytes]

    @staticmethod
    def start(path: str) -> _Server:
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "12345"}
        command = [sys.executable, "-m", "vauban.testing"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)  # noqa: S603 - our own command
        return _Server(path, process)

    def ask(self, parcel: bytes) -> dict[str, Any]:
        """Return its answer; one that does not come in time, or a process that died, is a problem."""
        assert self.process.stdin is not None  # noqa: S101 - both are pipes
        assert self.process.stdout is not None  # noqa: S101
        bell = threading.Timer(LONGEST, self.process.kill)
        bell.start()
        try:
            _write(self.process.stdin, parcel)
            got = _read(self.process.stdout)
        except OSError:
            got = None
        finally:
            bell.cancel()
        if got is None:
            self.stop()
            return {"problem": f"the process ended, or took longer than {LONGEST:g} seconds"}
        return dict(json.loads(got))

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


_SERVERS: list[_Server] = []


def _server() -> _Server:
    """Return a process that imports what this one can import."""
    path = os.pathsep.join(p for p in sys.path if p)
    if _SERVERS and (_SERVERS[0].path != path or _SERVERS[0].process.poll() is not None):
        _end()
    if not _SERVERS:
        _SERVERS.append(_Server.start(path))
    return _SERVERS[0]


@atexit.register
def _end() -> None:
    while _SERVERS:
        _SERVERS.pop().stop()


def _write(stream: BinaryIO | Any, parcel: bytes) -> None:
    stream.write(_SIZE.pack(len(parcel)) + parcel)
    stream.flush()


def _read(stream: BinaryIO | Any) -> bytes | None:
    head = stream.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    size = _SIZE.unpack(head)[0]
    parcel = stream.read(size)
    return parcel if len(parcel) == size else None


def main() -> None:
    """Play what comes in on standard input, one parcel after the other; write what was found to standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a play prints is no answer
    while (parcel := _read(sys.stdin.buffer)) is not None:
        _write(answers, json.dumps(_answer(parcel)).encode())


def _answer(parcel: bytes) -> dict[str, Any]:
    try:
        role, thing, name = pickle.loads(parcel)  # noqa: S301 - piped by the check that started this process
        which = world(name)
        found = play(thing, which).substance() if role == "attack" else portrait(explore(thing, which)[0], which)
    except Exception as error:  # noqa: BLE001 - whatever it lets out is the answer
        return {"problem": f"{type(error).__name__}: {error}"}
    return {"found": found}
