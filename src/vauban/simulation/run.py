"""Simulate a system's retraining loop: clean, attacked, and with its gates on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from vauban.catalogue import causative, gate_entry
from vauban.contracts import SCORE
from vauban.errors import BadInput, unknown
from vauban.filters import Filter
from vauban.simulation.hand import Attacker
from vauban.simulation.labelling import POLICIES
from vauban.simulation.loop import Watch, play
from vauban.simulation.outcome import Simulation
from vauban.simulation.retraining import RETRAINING
from vauban.simulation.stage import set_stage
from vauban.system import System
from vauban.threat import Cell, Specificity


def watch_nothing(what: str, done: int, total: int) -> None:
    """Show nothing."""


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
    seed: int = 0,
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
        seed: everything random follows from it.
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
    aim = Cell(cell) if cell in (Cell.CI, Cell.CA) else line.cells[0]
    if cell is not None and (cell not in [c.value for c in line.cells]):
        raise unknown(f"cell of {attack}", cell, [c.value for c in line.cells])
    made = line.make()
    if system.target.schema.modality not in made.modalities:
        works = " and ".join(sorted(made.modalities))
        raise BadInput(f"The attack {attack} works on {works}, and the records are {system.target.schema.modality}.")
    made_gates = [(name, gate_entry(name).make()) for name in gates if name != "none"]
    policy = POLICIES[labels]
    slice_ = None if where is None else Filter(where)
    stage = set_stage(system, rounds, traffic, slice_, aim.harmful, first, chosen, seed)
    again = RETRAINING[retrain]
    attacker = Attacker(attack, made, aim, share, accounts, queries if explore else 0, SCORE)
    _, clean = play(stage, None, policy, (), seed, "clean", watch, aim, again)
    before, attacked = play(stage, attacker, policy, (), seed, "attacked", watch, aim, again)
    films = [clean, attacked]
    if made_gates:
        films.append(play(stage, attacker, policy, made_gates, seed, "defended", watch, aim, again)[1])
        films.append(play(stage, None, policy, made_gates, seed, "gates without attack", watch, aim, again)[1])
    shown = films[2] if made_gates else attacked
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
        tuple(name for name, _ in made_gates),
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
