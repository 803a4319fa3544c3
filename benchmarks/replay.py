"""How long a corpus of 10,000 kept records takes to replay: reading, judging, and the model apart.

python benchmarks/replay.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from vauban.assurance.corpus import keep, read_corpus
from vauban.assurance.suites import replay
from vauban.contracts import SCORE
from vauban.scenarios import scenario
from vauban.targets import CallableTarget

CASES = 10_000


def main() -> None:
    for name, data, model in (
        ("credit", "generated-credit", "hist-gradient-boosting"),
        ("spam", "generated-spam", "logistic-regression"),
    ):
        system = scenario(name).system(data, model, 0)
        schema, base = system.target.schema, system.target
        whole = pd.concat([getattr(system.parts, p).frame for p in ("victims", "known", "tuning", "train")])
        frame = whole.iloc[np.arange(CASES) % len(whole)].reset_index(drop=True)
        if name == "credit":
            frame = frame.assign(income_monthly=500 + 10 * (np.arange(CASES) % 1450))
        else:
            frame = frame.assign(text=[f"{text} {i}" for i, text in enumerate(frame["text"])])
        calls: list[float] = []

        def ask(given, base=base, schema=schema, calls=calls):
            started = time.perf_counter()
            records = schema.encode(given if isinstance(given, pd.DataFrame) else pd.DataFrame({"text": given}))
            scores = base.answer(records, SCORE).scores
            calls.append(time.perf_counter() - started)
            return scores

        target = CallableTarget(ask, schema, base.threshold)
        with tempfile.TemporaryDirectory() as folder:
            keep(Path(folder), "kept", schema, frame, {"expected": "pass"}, "here")
            started = time.perf_counter()
            cases = read_corpus(Path(folder), "kept", schema)
            assert cases is not None
            _, failures = replay(target, [cases])
            seconds = time.perf_counter() - started
        print(
            f"{name}: {len(cases)} cases, {len(failures)} fail, {len(calls)} model call, "
            f"{seconds - sum(calls):.2f} s beside the model, {sum(calls):.2f} s in it"
        )


if __name__ == "__main__":
    main()
