"""Play a pickled attack in a process of its own, with other string hashes."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from typing import Any

from vauban.testing.check import require, told
from vauban.testing.play import explore, play, portrait
from vauban.testing.worlds import World, world

LONGEST = 120.0
"""Seconds that a play in another process may take."""


def in_another_process(role: str, thing: Any, which: World) -> dict[str, Any]:
    """Return what an attack finds, or an explorer learns, in a fresh interpreter, as JSON values."""
    with told("It must be picklable to travel to another process", pickle.PicklingError, AttributeError, TypeError):
        parcel = pickle.dumps((role, thing, which.name))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONHASHSEED": "12345"}
    ran = subprocess.run(
        [sys.executable, "-m", "vauban.testing"],
        input=parcel,
        capture_output=True,
        env=environment,
        timeout=LONGEST,
        check=False,
    )
    require(ran.returncode == 0, f"It fails in another process: {ran.stderr.decode()[-2000:]}")
    return dict(json.loads(ran.stdout))


def main() -> None:
    """Play what comes in on standard input; write what was found to standard output."""
    role, thing, name = pickle.load(sys.stdin.buffer)  # noqa: S301 - piped by the check that started this process
    which = world(name)
    found = play(thing, which).substance() if role == "attack" else portrait(explore(thing, which)[0], which)
    json.dump(found, sys.stdout)
