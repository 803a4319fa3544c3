"""A section that was taught is told from the training and the predictions together; neither alone tells it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vauban.contracts import Labelled
from vauban.monitors.predictions import Predictions
from vauban.monitors.taught import Taught
from vauban.schema import infer_schema
from vauban.targets import CallableTarget
from vauban.threat import Decision


def predictions(more: int, share: float | None, passing: int, seed: int = 0) -> Predictions:
    """Training with ``more`` of zone d, so many of them harmful (None: as usual); in the log so many of d now pass."""
    rng = np.random.default_rng(seed)

    def drawn(n: int, zones: str = "abcd") -> tuple[pd.DataFrame, np.ndarray]:
        zone = rng.choice(list(zones), n, p=[0.5, 0.3, 0.15, 0.05] if len(zones) == 4 else None)
        income = rng.normal(3000, 800, n).round()
        return pd.DataFrame({"zone": zone, "income": income}), (rng.uniform(size=n) < 0.3).astype(np.int8)

    (frame, labels), (known, truth), (added, own) = drawn(4000), drawn(1500), drawn(more, "d")
    if share is not None:
        own = (rng.uniform(size=more) < share).astype(np.int8)
    log, late = drawn(3000)
    schema = infer_schema(pd.concat([frame, known, log], ignore_index=True))
    records = schema.encode(log)
    before = late.copy()  # the model in use errs in nothing
    now = before.copy()
    now[np.flatnonzero((late == 1) & (log["zone"] == "d"))[:passing]] = 0
    now[rng.choice(np.flatnonzero(late == 1), 30, replace=False)] = 0  # and a retraining moves some anywhere
    target = CallableTarget(lambda f: np.where(f["income"] > 0, 0.0, 1.0), schema)
    return Predictions(
        records,
        now,
        schema,
        trusted=Labelled(schema.encode(known), truth),
        candidate=target,
        before=before,
        truth=late,
        training=Labelled(schema.encode(pd.concat([frame, added], ignore_index=True)), np.concatenate([labels, own])),
        seed=seed,
    )


def test_a_section_that_is_taught_is_told_and_its_records_come_first() -> None:
    case = predictions(200, 0.1, 20)
    found = Taught().score(case)
    assert found.alarm[0].startswith("zone = d: ")
    first = np.argsort(-found.score, kind="stable")[:15]
    zone = case.schema.decode(case.records)["zone"].to_numpy()
    assert (zone[first] == "d").all()
    assert (case.labels[first] == Decision.PASS).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("more", "share", "passing"),
    [(200, None, 0), (0, None, 0), (200, 0.25, 0), (0, None, 8)],
    ids=["an honest growth", "no growth", "labels alone, faint", "decisions alone"],
)
def test_less_than_that_is_not_told(more: int, share: float | None, passing: int, seed: int) -> None:
    found = Taught().score(predictions(more, share, passing, seed))
    assert found.alarm == ()
