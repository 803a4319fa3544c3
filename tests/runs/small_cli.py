"""The command line with the small attacks and systems, and a SIGKILL where $KILL_AT says: run as a program.

log:N          after the Nth frame of answers is written
torn:N         in the middle of the Nth frame
replace:NAME   just before the file NAME is put in place

INTERRUPT=training sends a SIGINT while the model is trained.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import small_attacks
import small_systems

from vauban.audit.answers import LogFile
from vauban.cli import main


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


def interrupted(*arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


if __name__ == "__main__":
    # Who starts us in the background may have set Ctrl-C to be ignored, which children inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    small_attacks.install()
    small_systems.install()
    if "INTERRUPT" in os.environ:
        small_systems.SCENARIOS["small-table"] = replace(small_systems.TABLE, build=interrupted)
    if "KILL_AT" in os.environ:
        arm(*os.environ["KILL_AT"].split(":"))
    main()
