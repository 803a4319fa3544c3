"""What a simulation shows: frozen values, whose names are those of its ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from vauban.results import Rate


@dataclass(frozen=True)
class Measured:
    """How a deployed model does: on trusted records, in the slice aimed at, on fresh probes, in money.

    ``fnr`` is the share of harmful records that pass, ``fpr`` of good ones that do not (referred ones included).
    ``probe_success`` is the share of fresh harmful records, dressed as the campaign would dress them, that get the
    decision the attacker wants; ``plain_success`` the same undressed. ``error`` and ``loss`` (money per 1,000
    decisions) weigh the classes as they occur in the data.
    """

    fnr: Rate
    fpr: Rate
    slice_error: Rate
    probe_success: Rate
    plain_success: Rate
    error: Rate
    loss: Rate | None


@dataclass(frozen=True)
class Round:
    """A round of the loop: what was sent and collected, what the gates held, and the model that came of it.

    ``reviewed`` is how many records a person looked at; ``removed_poison`` and ``removed_clean`` say what was taken out
    of the stored data because of it.
    """

    round: int
    fnr: Rate
    fpr: Rate
    slice_error: Rate
    probe_success: Rate
    plain_success: Rate
    error: Rate
    loss: Rate | None
    sent: int
    asked: int
    altered: int
    collected: int
    collected_poison: int
    held_poison: int
    held_clean: int
    deployed: bool
    reviewed: int
    removed_poison: int
    removed_clean: int
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Film:
    """One way the loop went: clean, attacked, or defended."""

    name: str
    attack: str
    gates: tuple[str, ...]
    rounds: tuple[Round, ...]
    learnt: tuple[str, ...] = ()


def measured_from(stored: Mapping[str, Any]) -> Measured:
    """Return what ``to_json`` of `Measured` came from; KeyError or TypeError if it is none."""
    return Measured(**{f.name: _rate_from(stored[f.name]) for f in fields(Measured)})


def film_from(stored: Mapping[str, Any]) -> Film:
    """Return what ``to_json`` of a `Film` came from; KeyError or TypeError if it is none."""
    rates = {f.name for f in fields(Measured)}
    turns = []
    for turn in stored["rounds"]:
        values = {name: _rate_from(value) if name in rates else value for name, value in turn.items()}
        turns.append(Round(**{**values, "evidence": tuple(turn["evidence"])}))
    return Film(stored["name"], stored["attack"], tuple(stored["gates"]), tuple(turns), tuple(stored["learnt"]))


def _rate_from(stored: Mapping[str, Any] | None) -> Any:
    """Return a rate; where its JSON says null there was NaN."""
    if stored is None:
        return None
    value, low, high = (float("nan") if stored[k] is None else stored[k] for k in ("value", "low", "high"))
    return Rate(value, low, high, stored["n"])


@dataclass(frozen=True)
class Simulation:
    """All of a simulation; ``to_json`` of it is ``result.json``.

    ``rounds`` are those of the attacked film, or of the defended one where there are gates; ``clean`` is the model
    before anything was sent. ``films`` holds all of them in full. ``chosen`` single records are aimed at, if any.
    """

    version: str
    kind: str
    scenario: str
    data: Mapping[str, Any]
    model: str
    attack: str
    cell: str
    specificity: str
    where: str | None
    gate: tuple[str, ...]
    labels: str
    explore: bool
    share: float
    seed: int
    clean: Measured
    rounds: tuple[Round, ...]
    films: tuple[Film, ...]
    currency: str | None
    limits: tuple[str, ...] = ()
    command: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    chosen: int | None = None
    retrain: str = "full"

    def frame(self) -> pd.DataFrame:
        """Return a tidy frame: a row a film and round, rates with their ends as columns."""
        rows: list[dict[str, Any]] = []
        for film in self.films:
            for turn in film.rounds:
                row: dict[str, Any] = {"film": film.name}
                for name, value in vars(turn).items():
                    if isinstance(value, Rate):
                        row |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
                    elif not isinstance(value, Sequence):
                        row[name] = value
                rows.append(row)
        return pd.DataFrame(rows)

    def film(self, name: str) -> Film | None:
        """Return a film by name: clean, attacked or defended."""
        return next((f for f in self.films if f.name == name), None)
