"""The command line with the small attacks and systems, and a SIGKILL where $KILL_AT says: run as a program.

log:N          after the Nth frame of answers is written
torn:N         in the middle of the Nth frame
play:N         after the Nth line of a play is written, in whichever play
half:N         in the middle of that line
replace:NAME   just before the file NAME is put in place

INTERRUPT=training sends a SIGINT while the model is trained, INTERRUPT=play:N after the Nth line of a play.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import small_attacks
import small_systems

from vauban.audit.answers import LogFile
from vauban.cli import main
from vauban.simulation import plays


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(kind: str, where: str) -> None:
    append, replace = LogFile.append, Path.replace
    frames = 0

    def killing_append(log: LogFile, *arrays: Any) -> None:
        nonlocal frames
        frames += 1
        append(log, *arrays)
        if frames != int(where):
            return
        if kind == "torn":
            log._file.truncate(log._file.tell() - 5)
        die()

    def killing_replace(path: Path, target: Path) -> Path:
        if target.name == where:
            die()
        return replace(path, target)

    if kind == "replace":
        Path.replace = killing_replace
    else:
        LogFile.append = killing_append


def arm_plays(half: bool, where: int, act: Callable[[], None]) -> None:
    write, lines = plays._File._write, 0

    def counting_write(file: Any, line: Any) -> None:
        nonlocal lines
        lines += 1
        write(file, line)
        if lines == where:
            if half:
                file._file.truncate(file._file.tell() - 20)
            act()

    plays._File._write = counting_write


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupted(*arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


if __name__ == "__main__":
    # Who starts us in the background may have set Ctrl-C to be ignored, which children inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    small_attacks.install()
    small_systems.install()
    told = os.environ.get("INTERRUPT", "")
    if told.startswith("play:"):
        arm_plays(False, int(told.split(":")[1]), interrupt)
    elif told:
        small_systems.SCENARIOS["small-table"] = replace(small_systems.TABLE, build=interrupted)
    kind, _, place = os.environ.get("KILL_AT", "").partition(":")
    if kind in ("play", "half"):
        arm_plays(kind == "half", int(place), die)
    elif kind:
        arm(*os.environ["KILL_AT"].split(":"))
    main()
