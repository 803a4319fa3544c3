"""How long a review of many predictions takes, and how much memory: the whole command, reading and writing included.

    VAUBAN_DATA_DIR=... python benchmarks/million.py [ROWS]

Records are Taiwan's, drawn with replacement, each amount a little moved; two boosted models of 150 trees, labels, a
thousand sources, and the candidate's training data.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

from vauban.datasets import load

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000


def drawn(frame: pd.DataFrame, labels: np.ndarray, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return records like those, with their labels and who sent them."""
    which = rng.integers(len(frame), size=rows)
    made = frame.iloc[which].reset_index(drop=True)
    amounts = [c for c in made if made[c].nunique() > 100]
    made[amounts] = (made[amounts] * rng.uniform(0.9, 1.1, size=(rows, len(amounts)))).round()
    return made.assign(broker=rng.integers(1000, size=rows).astype(str), outcome=labels[which])


def main() -> None:
    """Make the files, run the command, and say what it took."""
    data, rng = load("taiwan"), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, seed in (("old", 0), ("new", 1)):
            train = drawn(data.frame, data.labels, 20_000, np.random.default_rng(seed))
            model = HistGradientBoostingClassifier(max_iter=150, random_state=seed)
            model.fit(train.drop(columns=["broker", "outcome"]), train["outcome"])
            skops.io.dump(model, folder / f"{name}.skops")
        train.drop(columns="broker").to_parquet(folder / "training.parquet")
        drawn(data.frame, data.labels, ROWS, rng).to_parquet(folder / "log.parquet")
        words = ["review", "predictions", "log.parquet", "--model", "new.skops", "--reference", "old.skops"]
        words += ["--label", "outcome", "--source", "broker", "--training", "training.parquet", "--out", "out"]
        started = time.perf_counter()
        done = subprocess.run([Path(sys.executable).parent / "vauban", *words], cwd=folder, env=os.environ, check=False)
        took, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024**2
    print(f"{ROWS:,} predictions: exit code {done.returncode}, {took:.0f} s, {cpu:.0f} s of CPU, {memory:.1f} GB")


if __name__ == "__main__":
    main()
