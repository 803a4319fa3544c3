"""What every batch gate promises, as checks that anybody can run on a gate of his own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vauban.contracts import SCORE, Batch, BatchGate, GateContext, Labelled, Screening
from vauban.testing.check import Check, require
from vauban.testing.field import Field, fields, gate_case
from vauban.testing.handed import value_of
from vauban.testing.once import once
from vauban.testing.randomness import only_own_randomness
from vauban.threat import Cell

MOST_HELD = 0.15
"""Share of a small honest batch that a gate may hold; what it holds of real ones is measured, not promised."""


def gate_checks() -> tuple[Check[BatchGate], ...]:
    """Return the checks that every batch gate must pass, each on small planted tables and messages."""

    def on(check: Callable[[BatchGate, Field], None]) -> Callable[[BatchGate], None]:
        def run(gate: BatchGate) -> None:
            for field in fields():
                if field.cell is Cell.CI and field.labels:
                    check(gate, field)

        return run

    checks = [
        ("says of each record whether to train on it", _shapes),
        ("says why, if it holds any", _reasons),
        ("lets an honest batch through", _honest),
        ("same seed, same screening", _again),
        ("uses only its own random stream", _own_stream),
        ("leaves alone what it was handed", _untouched),
        ("travels to another worker", _travels),
    ]
    return tuple(Check(name, on(check)) for name, check in checks)


def _screened(gate: BatchGate, batch: Batch, context: GateContext) -> Screening:
    told = gate.screen(batch, context)
    require(isinstance(told, Screening), f"A gate returns a Screening. Got {type(told).__name__}.")
    require(
        told.train.shape == (len(batch.data),) and told.train.dtype == np.bool_,
        f"A gate says of each of {len(batch.data)} records whether to train on it: (n,) of bool. "
        f"Got {told.train.shape} of {told.train.dtype}.",
    )
    require(
        told.remove is None or (told.remove.shape == (len(context.stored),) and told.remove.dtype == np.bool_),
        f"A gate says of each of {len(context.stored)} stored records whether it is to go (`remove`), or nothing.",
    )
    return told


def _flipped(field: Field) -> Labelled:
    rows = field.rounds[1]
    return Labelled(rows.records, np.where(np.arange(len(rows)) % 2, rows.labels, 1 - rows.labels).astype(np.int8))


def _told(gate: BatchGate, field: Field) -> Screening:
    """Return what a gate says of a batch with flipped labels: see `once`."""
    return once(gate, field.name, make=lambda: _screened(gate, *gate_case(field, _flipped(field))))


def _shapes(gate: BatchGate, field: Field) -> None:
    rows = field.rounds[1]
    for part in (rows, rows.take(np.arange(1)), rows.take(np.arange(0)), rows.take(rows.labels == 1)):
        _screened(gate, *gate_case(field, part))
    _told(gate, field)
    many = Labelled(np.repeat(rows.records[:1], 30, axis=0), np.zeros(30, dtype=np.int8))
    _screened(gate, *gate_case(field, many, ("one account",)))


def _reasons(gate: BatchGate, field: Field) -> None:
    told = _told(gate, field)
    lines = [line for line in told.evidence if isinstance(line, str) and line.strip()]
    require(len(lines) == len(told.evidence), f"Evidence is lines of text. Got {told.evidence!r}.")
    idle = bool(told.train.all()) and (told.remove is None or not told.remove.any())
    require(idle or bool(lines), "It holds or removes records and does not say why: `evidence`.")


def _honest(gate: BatchGate, field: Field) -> None:
    rows = field.rounds[1]
    sources = tuple(f"sender {i}" for i in range(len(rows)))
    held = float((~_screened(gate, *gate_case(field, rows, sources)).train).mean())
    require(held <= MOST_HELD, f"It holds {held:.0%} of an honest batch of {len(rows)} records.")


def _again(gate: BatchGate, field: Field) -> None:
    one, two = _told(gate, field), _screened(gate, *gate_case(field, _flipped(field)))
    require(bool((one.train == two.train).all()), "It screens the same batch otherwise with the same seed.")
    require(one.evidence == two.evidence, "It says something else of the same batch with the same seed.")


def _own_stream(gate: BatchGate, field: Field) -> None:
    one = _told(gate, field)
    with only_own_randomness(61):
        two = _screened(gate, *gate_case(field, _flipped(field)))
    require(bool((one.train == two.train).all()), "It screens otherwise when the global random state differs.")


def _untouched(gate: BatchGate, field: Field) -> None:
    batch, context = gate_case(field, _flipped(field))

    def state() -> str:
        told = context.approved.answer(context.trusted.records, SCORE).scores
        data = (batch.data, context.stored, context.trusted)
        held = [(d.records.tolist(), d.labels.tolist()) for d in data]
        return repr((held, batch.sources.tolist(), None if told is None else told.tolist()))

    before = state()
    _screened(gate, batch, context)
    require(before == state(), "It wrote into what it was handed, or changed the approved model.")


def _travels(gate: BatchGate, field: Field) -> None:
    copy = value_of(gate, "A gate")
    one, two = _told(gate, field), _screened(copy, *gate_case(field, _flipped(field)))
    require(bool((one.train == two.train).all()), "It screens otherwise after it was pickled.")
