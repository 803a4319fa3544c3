"""Measure Vauban beside its rivals and write benchmarks/rivals.json and docs/rivals.md.

    VAUBAN_DATA_DIR=... python -m rivals [--only german:lightgbm] [--environments FOLDER]      (in benchmarks/)

Each rival runs in an environment of its own, which is made where it is missing, and trains the same model again: its
decisions are compared. What rivals reached is kept in rivals.json and not measured twice; ours is measured every time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rivals.compare import page
from rivals.ours import floor, measure

ROOT = Path(__file__).parent.parent
DATA = ("german", "taiwan")
MODELS = ("logistic-regression", "random-forest", "hist-gradient-boosting", "xgboost", "lightgbm")
LIBRARIES = {"art": ["adversarial-robustness-toolbox==1.20.1", "packaging"], "foolbox": ["foolbox==3.3.4"]}
STRONGEST = (("art", "hop-skip-jump-mask", 40), ("foolbox", "hop-skip-jump", 200))
"""Rivals measured on every model: library, attack, victims (the toolbox takes seconds for each)."""
OTHERS = (("art", "hop-skip-jump", 12), ("art", "boundary", 12), ("art", "zoo", 12), ("foolbox", "boundary", 200))
"""Weaker ones, measured on two kinds of model."""
KINDS = ("logistic-regression", "hist-gradient-boosting")


def python_of(library: str, folder: Path) -> Path:
    """Return the interpreter of a rival's environment, made if it is not there."""
    home = folder / library
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        models = ["xgboost-cpu", "lightgbm"]
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "-e", ROOT.parent, *LIBRARIES[library], *models], check=True
        )
    return python


def rival(python: Path, library: str, name: str, data: str, model: str, victims: int) -> dict[str, Any]:
    """Return what a rival reached."""
    words = [python, "-W", "ignore", "-m", "rivals.play", library, name, data, model, "--victims", str(victims)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{library} {name} on {data}, {model} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="DATA:MODEL,...")
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "vauban-rivals")
    parser.add_argument("--skip-ours", action="store_true", help="measure none of ours again")
    parser.add_argument("--skip-rivals", action="store_true", help="measure no rival that is missing")
    asked = parser.parse_args()
    only = [tuple(o.split(":")) for o in asked.only.split(",") if o]
    stored = ROOT / "rivals.json"
    kept: dict[str, Any] = json.loads(stored.read_text()) if stored.exists() else {"rivals": {}, "ours": {}}
    pairs = [(d, m) for m in MODELS for d in DATA if not only or (d, m) in only]

    def keep() -> None:
        stored.write_text(json.dumps(kept, indent=1) + "\n")
        (ROOT.parent / "docs" / "rivals.md").write_text(page(kept))

    for wanted, kinds in ((STRONGEST, MODELS), (OTHERS, KINDS)):
        for data, model in [] if asked.skip_rivals else pairs:
            for library, name, victims in wanted if model in kinds else ():
                key = f"{library} {name} {data} {model}"
                if key not in kept["rivals"]:
                    python = python_of(library, asked.environments)
                    kept["rivals"][key] = rival(python, library, name, data, model, victims)
                    print(key, flush=True)
                    keep()
    for data, model in pairs:
        if f"{data} {model}" not in kept.setdefault("floor", {}):
            kept["floor"][f"{data} {model}"] = floor(data, model)
            print("floor", data, model, flush=True)
            keep()
    for data, model in [] if asked.skip_ours else pairs:
        kept["ours"][f"{data} {model}"] = measure(data, model)
        print("ours", data, model, flush=True)
        keep()


if __name__ == "__main__":
    main()
