"""Plays of the loop as pieces of work: here or in workers, kept as they go, and played once.

A play's file in the run folder holds a line of JSON a round, written as the round ends, and a last line that says how
the play ended. A file with that line is read and its play is not played again; one without (the run was killed) is
played again from its start: all of it follows from the seed, so the rounds come out as they were.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vauban.audit.engines import run_jobs
from vauban.catalogue import gate_entry
from vauban.contracts import Target
from vauban.errors import BadInput, ExitCode, VaubanError
from vauban.records import Mask
from vauban.results import to_json
from vauban.simulation.fits import Effort, Remembering, name_of
from vauban.simulation.hand import Attacker
from vauban.simulation.labelling import POLICIES
from vauban.simulation.loop import Keep, Watch, keep_nothing, play, watch_nothing
from vauban.simulation.outcome import Film, Measured, Round, film_from, measured_from
from vauban.simulation.probed import Probed, judge
from vauban.simulation.retraining import RETRAINING
from vauban.simulation.reviewing import Reviewers
from vauban.simulation.stage import Stage
from vauban.threat import Cell


@dataclass(frozen=True, eq=False)
class Play:
    """One way for the loop to go, complete in itself: it travels to any worker.

    Attributes:
        name: of the film.
        stage: the records.
        attacker: who attacks; None for nobody.
        labels: name of the policy that labels what is collected.
        gates: names, in order.
        seed: everything random follows from it.
        cell: what is measured: CI or CA.
        judged: whether his probes are judged, against ``clean``: the model that came of the same loop without him.
        retrain: name of the way in which the model is trained again.
        reviewers: who looks at records for gates that ask a person.
    """

    name: str
    stage: Stage
    attacker: Attacker | None
    labels: str
    gates: tuple[str, ...]
    seed: int
    cell: Cell
    judged: bool = False
    clean: Target | None = None
    retrain: str = "full"
    reviewers: Reviewers = Reviewers()  # noqa: RUF009 - frozen

    @property
    def file(self) -> str:
        """Name of its file in a run folder."""
        who = "nobody" if self.attacker is None else self.attacker.name
        return "-".join((self.cell.value, who, *(self.gates or ("ungated",)))) + ".jsonl"

    @property
    def title(self) -> str:
        """What is shown while it is played."""
        return self.file.removesuffix(".jsonl").removesuffix("-ungated")

    @property
    def about(self) -> dict[str, Any]:
        """What its file begins with: enough to tell that it is another play's."""
        who = self.attacker
        share, asks = (None, None) if who is None else (who.share, [who.queries, who.accounts])
        about = {"film": self.name, "seed": self.seed, "labels": self.labels, "rounds": len(self.stage.rounds)}
        about |= {"retrain": self.retrain, "reviewers": list(self.reviewers), "probes": len(self.stage.probes)}
        about |= {"asks": asks, "aimed": [int(part.sum()) for part in (self.stage.first_aimed, self.stage.aimed)]}
        return {**about, "records": len(self.stage.first), "share": share, "judged": self.judged}


@dataclass(frozen=True, eq=False)
class Ended:
    """How a play ended: what its file says, and the last model, if it was played just now."""

    first: Measured
    film: Film
    reached: tuple[Mask, ...]
    probed: Probed | None
    effort: Mapping[str, Any] = field(default_factory=dict)
    model: Target | None = None


def kept(one: Play, folder: Path | None) -> Ended | None:
    """Return how a play ended according to its file; None if it has none, or one without an end.

    Raises:
        BadInput: the file is another play's.
    """
    path = None if folder is None else folder / one.file
    if path is None or not path.exists():
        return None
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError:  # torn where the process was killed
        return None
    if not lines or "end" not in lines[-1]:
        return None
    if lines[0] != one.about:
        raise BadInput(f"{path} is not of this run: it began with other settings. Name another folder.")
    end, turns = lines[-1]["end"], lines[1:-1]
    try:
        film = film_from({**end["film"], "rounds": [turn["round"] for turn in turns]})
        probed = None if end["probed"] is None else Probed.read(end["probed"])
        won = tuple(_mask(turn["reached"], len(one.stage.probes)) for turn in turns)
        return Ended(measured_from(end["first"]), film, won, probed, end["effort"])
    except (KeyError, TypeError, IndexError) as error:
        raise BadInput(f"{path} is damaged: {type(error).__name__}: {error}. Delete it and go on.") from error


def play_one(one: Play, folder: Path | None, watch: Watch) -> Ended:
    """Return how a play ends: from its file, or else played now and kept.

    Raises:
        BadInput: the file is another play's.
        ContractViolation: the attack or a gate broke a rule.
        TargetError: a model failed.
    """
    ended = kept(one, folder)
    if ended is not None:
        return ended
    started = time.perf_counter()
    retraining = RETRAINING[one.retrain]
    updating = retraining.trainer(one.stage.trainer)
    trainer = Remembering(updating, name_of(updating), Effort())
    gates = [(name, gate_entry(name).make()) for name in one.gates]
    stage = replace(one.stage, trainer=trainer)
    with _File(folder, one) as file:
        keep: Keep = keep_nothing if folder is None else file.keep
        rules = (POLICIES[one.labels], gates, one.seed, one.name, watch, one.cell, keep, retraining, one.reviewers)
        played = play(stage, one.attacker, *rules)
        probed = None
        if one.judged:
            assert one.clean is not None  # noqa: S101 - whoever plans a judged play gives it the model
            probed = judge(one.stage, played, one.clean, one.cell)
        effort = {**vars(trainer.effort), "seconds": time.perf_counter() - started}
        ended = Ended(played.first, played.film, played.reached, probed, effort, getattr(played.model, "base", None))
        file.end(ended)
    return ended


@dataclass(frozen=True)
class Failed:
    """A play that did not end, and why; a ``defect`` is none of the user's input."""

    problem: str
    defect: bool


def play_all(plays: Sequence[Play], folder: Path | None, jobs: int, watch: Watch) -> Iterator[Ended]:
    """Yield how each play ends, in their order; in so many worker processes, with the same results.

    Raises:
        VaubanError: a play did not end; see `play_one`.
    """
    if jobs > 1 and len(plays) > 1:
        for i, ended in enumerate(run_jobs(partial(_away, folder=folder), plays, jobs), start=1):
            watch(plays[i - 1].title, i, len(plays))
            yield ended
        return
    for i, one in enumerate(plays):
        yield play_one(one, folder, _within(one, i, len(plays), watch))


def try_all(plays: Sequence[Play], folder: Path | None, jobs: int, watch: Watch) -> Iterator[Ended | Failed]:
    """Yield how each play ends or why it does not, in their order: what is wrong with one does not lose the others."""
    if jobs > 1 and len(plays) > 1:
        for i, ended in enumerate(run_jobs(partial(_tried, folder=folder), plays, jobs), start=1):
            watch(plays[i - 1].title, i, len(plays))
            yield ended
        return
    for i, one in enumerate(plays):
        yield _tried(one, folder, _within(one, i, len(plays), watch))


def try_one(one: Play, folder: Path | None, watch: Watch) -> Ended | Failed:
    """Return how a play ends, its last model included, or why it does not."""
    try:
        return play_one(one, folder, watch)
    except VaubanError as error:
        return Failed(str(error), error.exit_code == ExitCode.FAILED)
    except OSError as error:
        return Failed(f"The play cannot be kept: {error}", True)
    except Exception as error:  # noqa: BLE001 - a defect of one attack must not lose what the others found
        return Failed(f"A defect: {type(error).__name__}: {error}", True)


def _within(one: Play, i: int, plays: int, watch: Watch) -> Watch:
    """Return a watch that shows the rounds of the i-th play as parts of all plays."""
    rounds = max(len(one.stage.rounds), 1)
    return lambda what, done, total: watch(one.title, i * rounds + done, plays * rounds)  # noqa: ARG005


def _away(one: Play, folder: Path | None) -> Ended:
    """Play in a worker: who watches is elsewhere, and the model stays here."""
    return replace(play_one(one, folder, watch_nothing), model=None)


def _tried(one: Play, folder: Path | None, watch: Watch = watch_nothing) -> Ended | Failed:
    ended = try_one(one, folder, watch)
    return ended if isinstance(ended, Failed) else replace(ended, model=None)


class _File:
    """The file of a play; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, one: Play) -> None:
        self._file = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / one.file).open("w", encoding="utf-8")
            self._write(one.about)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, turn: Round, reached: Mask) -> None:
        """Write a round."""
        self._write({"round": to_json(turn), "reached": np.flatnonzero(reached).tolist()})

    def end(self, ended: Ended) -> None:
        """Write how it ended."""
        film = {**to_json(ended.film), "rounds": ()}
        probed = None if ended.probed is None else ended.probed.written()
        self._write(
            {"end": {"film": film, "first": to_json(ended.first), "probed": probed, "effort": dict(ended.effort)}}
        )

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()  # to the operating system: a killed process does not lose it


def _mask(at: Sequence[int], n: int) -> Mask:
    mask = np.zeros(n, dtype=bool)
    mask[list(at)] = True
    return mask
