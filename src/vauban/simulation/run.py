"""Simulate a system's retraining loop: clean, attacked, and with its gates on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from vauban.catalogue import causative, gate_entry
from vauban.contracts import SCORE
from vauban.errors import BadInput, unknown
from vauban.filters import Filter
from vauban.simulation.hand import Attacker
from vauban.simulation.labelling import POLICIES
from vauban.simulation.loop import Watch, watch_nothing
from vauban.simulation.outcome import Simulation
from vauban.simulation.plays import Play, play_all
from vauban.simulation.retraining import RETRAINING
from vauban.simulation.reviewing import Reviewers
from vauban.simulation.stage import set_stage
from vauban.system import System
from vauban.threat import Cell, Specificity


def run_simulation(
    system: System,
    attack: str,
    *,
    gates: Sequence[str] = (),
    rounds: int = 20,
    traffic: int | None = None,
    share: float = 0.01,
    labels: str = "oracle",
    explore: bool = True,
    queries: int = 1000,
    accounts: int = 5,
    where: str | None = None,
    chosen: int | None = None,
    retrain: str = "full",
    cell: str | None = None,
    first: int | None = None,
    held: int | None = None,
    reviewers: Reviewers = Reviewers(),  # noqa: B008 - frozen
    seed: int = 0,
    jobs: int = 1,
    folder: Path | None = None,
    watch: Watch = watch_nothing,
    command: str | None = None,
    environment: Callable[[], dict[str, str]] = dict,
) -> Simulation:
    """Play the loop without an attack, with it, and with it under the gates (and the gates without it).

    Args:
        system: with a trainer.
        attack: name of a causative attack.
        gates: names, in order.
        rounds: how often the model is trained again.
        traffic: records a round; all that there are by default.
        share: of what a round collects that is the attacker's, or of the stored data that he alters.
        labels: who labels what was collected, see `vauban.simulation.labelling.POLICIES`.
        explore: whether he asks the deployed model first.
        queries: questions that he may ask.
        accounts: sources that he holds.
        where: filter that makes the attack targeted.
        retrain: how the model is trained again, see `vauban.simulation.retraining.RETRAINING`.
        chosen: single records that he aims at, and knows; drawn from those of his kind, in the slice.
        cell: CI or CA, where the attack can be played for both; the attack's first by default.
        first: records that the first model is trained on; 40 % of the training data by default.
        held: records kept apart to measure and probe on, at most; all of them by default.
        reviewers: who looks at records for the gate ``review``, how many a round in vain, and how often he errs.
        seed: everything random follows from it.
        jobs: worker processes; the result does not depend on it.
        folder: where plays are kept, so that one that has ended is not played again; None keeps none.
        watch: is told what is going on.
        command: the command line, for the report.
        environment: returns the versions that matter.

    Raises:
        BadInput: something given cannot be used.
    """
    line = causative(attack)
    if labels not in POLICIES:
        raise unknown("labelling", labels, POLICIES)
    if retrain not in RETRAINING:
        raise unknown("way of retraining", retrain, RETRAINING)
    if not 0 < share < 0.5:
        raise BadInput(f"The attacker's share lies between 0 and 0.5. Got {share}.")
    if reviewers.looks < 0 or not all(0 <= r <= 1 for r in reviewers[1:]):
        raise BadInput(f"A reviewer looks at 0 or more records, and errs with a share from 0 to 1. Got {reviewers}.")
    aim = Cell(cell) if cell in (Cell.CI, Cell.CA) else line.cells[0]
    if cell is not None and (cell not in [c.value for c in line.cells]):
        raise unknown(f"cell of {attack}", cell, [c.value for c in line.cells])
    made = line.make()
    if system.target.schema.modality not in made.modalities:
        works = " and ".join(sorted(made.modalities))
        raise BadInput(f"The attack {attack} works on {works}, and the records are {system.target.schema.modality}.")
    gated = tuple(name for name in gates if name != "none")
    for name in gated:
        gate_entry(name)
    slice_ = None if where is None else Filter(where)
    stage = set_stage(system, rounds, traffic, slice_, aim.harmful, first, chosen, seed, held)
    attacker = Attacker(attack, made, aim, share, accounts, queries if explore else 0, SCORE)
    clean = Play("clean", stage, None, labels, (), seed, aim, retrain=retrain, reviewers=reviewers)
    plays = [clean, replace(clean, name="attacked", attacker=attacker)]
    if gated:
        plays.append(replace(clean, name="defended", attacker=attacker, gates=gated))
        plays.append(replace(clean, name="gates without attack", gates=gated))
    ended = list(play_all(plays, folder, jobs, watch))
    films, before = [one.film for one in ended], ended[1].first
    shown = films[2] if gated else films[1]
    return Simulation(
        version("vauban"),
        "simulation",
        system.name,
        dict(system.data),
        system.target.name,
        attack,
        aim.value,
        (Specificity.INDISCRIMINATE if where is None and chosen is None else Specificity.TARGETED).value,
        where,
        gated,
        labels,
        explore,
        share,
        seed,
        before,
        shown.rounds,
        tuple(films),
        None if system.economics is None else system.economics.currency,
        (),
        command,
        environment(),
        chosen,
        retrain,
    )
