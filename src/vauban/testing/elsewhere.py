"""Play a pickled attack in a process of its own: reads (attack, world name), writes what it found as JSON."""

from __future__ import annotations

import json
import pickle
import sys

from vauban.testing.play import play
from vauban.testing.worlds import world


def main() -> None:
    """Play what comes in on standard input."""
    attack, name = pickle.load(sys.stdin.buffer)  # noqa: S301 - piped by the check that started this process
    json.dump(play(attack, world(name)).substance(), sys.stdout)


if __name__ == "__main__":
    main()
