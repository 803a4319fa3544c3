"""The stage: which records are trained on at first, arrive later, are trusted, are probes, are known to him."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.contracts import Known, Labelled, Trainer, seed_for
from vauban.errors import BadInput
from vauban.filters import Filter
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import Schema
from vauban.system import Part, System

FIRST = 0.4
"""Share of the training data that the first model is trained on; the rest arrives in rounds."""
LEAST = 30
"""Records that a round must have to say anything."""


@dataclass(frozen=True)
class Stage:
    """All disjoint.

    Attributes:
        first: what the first model is trained on; ``first_aimed`` (n,) says which lie in the slice.
        rounds: what arrives, round by round, and ``rounds_aimed`` which of it lies in the slice.
        trusted: what models are measured on; ``aimed`` (n,) says which lie in the slice.
        quiz: verified records that gates may look at.
        probes: fresh records of the kind that the attacker wants decided otherwise, in the slice.
        known: what the attacker starts with.
        amounts: what each trusted record costs if it is harmful and passes, and if it is good and does not, (n,) each.
        prevalence: share of harmful records in what the model decides.
        probe_ids: rows of the probes in the data (m,).
    """

    schema: Schema
    trainer: Trainer
    first: Labelled
    first_aimed: Mask
    rounds: tuple[Labelled, ...]
    rounds_aimed: tuple[Mask, ...]
    trusted: Labelled
    aimed: Mask
    quiz: Labelled
    probes: Records
    known: Known
    amounts: tuple[Floats, Floats] | None
    prevalence: float
    probe_ids: Ints


def set_stage(
    system: System,
    rounds: int,
    traffic: int | None,
    where: Filter | None,
    harmful: bool,
    most: int | None = None,
    chosen: int | None = None,
    seed: int = 0,
    held: int | None = None,
) -> Stage:
    """Return the stage of a system.

    The training part is played in its own order, which is that of time where the data know it.

    Args:
        system: with a trainer.
        rounds: how many.
        traffic: records a round; as many as there are by default.
        where: the slice that the attacker aims at.
        harmful: whether his records are harmful ones.
        most: records of the first training set; `FIRST` of the training data by default.
        chosen: single records that the attacker aims at, and knows: the probes are these.
        seed: of the draw of those.
        held: records kept apart to measure, probe and verify on, at most; all of them by default.

    Raises:
        BadInput: there is no trainer, or there is not enough data.
    """
    if system.trainer is None:
        raise BadInput(
            f"Nobody said how the model of {system.name!r} is trained again: it has no trainer. A vauban.toml "
            "says so in [retrain]."
        )
    if rounds < 1:
        raise BadInput(f"There must be at least one round. Got {rounds}.")
    schema, train = system.target.schema, labelled(system.target.schema, system.parts.train)
    start = int(len(train) * FIRST) if most is None else most
    each = (len(train) - start) // rounds if traffic is None else traffic
    if each < LEAST or start + rounds * each > len(train):
        raise BadInput(
            f"{rounds} rounds of {each} records after a first {start} do not fit into {len(train)} training records, "
            f"or are under {LEAST} a round. Ask for fewer rounds (--rounds) or less traffic (--traffic)."
        )
    cuts = [np.arange(start + i * each, start + (i + 1) * each) for i in range(rounds)]
    in_slice = _selected(where, system.parts.train)
    apart = evenly(system.parts.victims, held)
    aimed = _selected(where, apart)
    kind = apart.labels == int(harmful)
    # Every second record of his kind is a probe; one of four of all others is in the gates' quiz.
    order = np.arange(len(apart))
    of_kind = np.cumsum(kind) * kind
    probe = kind & (of_kind % 2 == 0)
    quiz = ~probe & (order % 4 == 0)
    trusted = ~probe & ~quiz
    known = system.parts.known
    if where is not None and not (probe & aimed).any():
        raise BadInput(f"The filter {where.text!r} selects no record to probe with. Widen it.")
    whole = labelled(schema, apart)
    probes = np.flatnonzero(probe & aimed)
    if chosen is not None:
        if not 0 < chosen <= len(probes):
            raise BadInput(f"There are {len(probes)} records to choose from. Got {chosen}; ask for 1 to {len(probes)}.")
        probes = np.random.default_rng(seed_for(seed, "chosen")).permutation(probes)[:chosen]
    single = None if chosen is None else whole.records[probes]
    worth = system.economics
    amounts = None
    if worth is not None:
        amounts = worth.amount("miss", apart.frame)[trusted], worth.amount("block", apart.frame)[trusted]
    return Stage(
        schema,
        system.trainer,
        train.take(np.arange(start)),
        in_slice[:start],
        tuple(train.take(cut) for cut in cuts),
        tuple(in_slice[cut] for cut in cuts),
        whole.take(trusted),
        aimed[trusted],
        whole.take(quiz),
        whole.records[probes],
        Known(schema.encode(known.frame), known.labels, _selected(where, known), chosen=single),
        amounts,
        float(apart.labels.mean()),
        np.asarray(apart.frame.index.to_numpy()[probe & aimed], dtype=np.int64),
    )


def evenly(part: Part, most: int | None) -> Part:
    """Return at most so many records of a part, evenly spread, in their order."""
    if most is None or len(part) <= most:
        return part
    return part.take(np.linspace(0, len(part) - 1, most).round().astype(np.int64))


def _selected(where: Filter | None, part: Part) -> Mask:
    """Return which records of a part the slice holds (n,); all, where there is none."""
    return np.ones(len(part), dtype=bool) if where is None else where.mask(part.frame)


def labelled(schema: Schema, part: Part) -> Labelled:
    """Return a part of the data encoded."""
    return Labelled(schema.encode(part.frame), part.labels)
