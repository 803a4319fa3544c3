"""Whether an attack leaves alone what it was handed, and what it hands back is well formed."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass, is_dataclass
from typing import Any, ClassVar

import numpy as np

from vauban.contracts import LABEL, Brief, Cohort, Effect
from vauban.records import Modality
from vauban.schema import TableSchema
from vauban.testing.check import require, told
from vauban.testing.worlds import World
from vauban.threat import Grant


@dataclass(frozen=True)
class Compared:
    """Compares what an attack was handed before and after."""

    attack: Any

    modalities: ClassVar[frozenset[Modality]] = frozenset(Modality)
    wants: ClassVar[frozenset[Grant]] = LABEL

    def scout(self, brief: Brief) -> Any:
        """Scout, and compare."""
        before = _handed(brief, None)
        value = yield from self.attack.scout(brief)
        _unchanged(before, _handed(brief, None))
        return value

    def search(self, cohort: Cohort, intelligence: Any, brief: Brief) -> Any:
        """Search, and compare."""
        before = _handed(brief, cohort)
        generator = self.attack.search(cohort, intelligence, brief)
        value = yield from generator
        _unchanged(before, _handed(brief, cohort))
        return value


def _handed(brief: Brief, cohort: Cohort | None) -> dict[str, Any]:
    held = {"brief.known.records": brief.known.records, "brief.known.labels": brief.known.labels}
    held["brief.known.aimed"] = brief.known.aimed
    if brief.inside is not None:
        held |= {"brief.inside.weights": brief.inside.weights, "brief.inside.missing": brief.inside.missing}
        held |= {f"brief.inside.tables[{j}]": t for j, t in enumerate(brief.inside.tables)}
    if cohort is not None:
        held |= {"cohort.records": cohort.records, "cohort.ids": cohort.ids}
    return {name: None if a is None else np.copy(a).tolist() for name, a in held.items()}


def _unchanged(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, was in before.items():
        require(repr(was) == repr(after[name]), f"It wrote into `{name}`: copy before you write.")


def effects_of(intelligence: Any, which: World) -> None:
    """Raise AssertionError unless intelligence is frozen and picklable, and its effects are well formed."""
    kind = type(intelligence)
    require(is_dataclass(intelligence), f"Intelligence is a frozen dataclass. Got {kind.__name__}.")
    frozen = bool(getattr(kind, "__dataclass_params__").frozen)  # noqa: B009 - no public name for it
    require(frozen, f"Intelligence must not change: declare {kind.__name__} with @dataclass(frozen=True).")
    with told("Intelligence must travel to any worker", pickle.PicklingError, AttributeError, TypeError):
        copy = pickle.loads(pickle.dumps(intelligence))  # noqa: S301 - of our own making
    effects = intelligence.effects
    require(isinstance(effects, tuple), f"Effects are a tuple. Got {type(effects).__name__}.")
    require(len(copy.effects) == len(effects), "Intelligence loses effects on its way to another worker.")
    for effect in effects:
        require(isinstance(effect, Effect), f"Effects are `Effect`s. Got {type(effect).__name__}.")
        require(
            math.isfinite(effect.effect) and effect.effect >= 0, f"An effect is finite and 0 or more. Got {effect}."
        )
        require(
            effect.direction in ("raises", "lowers", "both"),
            f"An effect raises, lowers or does both. Got {effect.direction!r}.",
        )
        if isinstance(which.target.schema, TableSchema):
            require(effect.name in which.target.schema.names, f"An effect names a feature. Got {effect.name!r}.")
            threshold = effect.threshold
            require(threshold is None or math.isfinite(threshold), f"A threshold is finite, or None. Got {effect}.")
    sizes = [e.effect for e in effects]
    require(sizes == sorted(sizes, reverse=True), "Effects come strongest first.")


def value_of(thing: Any, what: str) -> Any:
    """Return the pickled copy of an attack or explorer; AssertionError unless it is a value that travels."""
    kind = type(thing)
    require(is_dataclass(thing), f"{what} is a frozen dataclass. Got {kind.__name__}.")
    frozen = bool(getattr(kind, "__dataclass_params__").frozen)  # noqa: B009 - no public name for it
    require(frozen, f"{what} is a value: declare {kind.__name__} with @dataclass(frozen=True).")
    with told(f"{what} must travel to any worker", pickle.PicklingError, AttributeError, TypeError):
        copy = pickle.loads(pickle.dumps(thing))  # noqa: S301 - of our own making
    require(copy == thing, f"{what} does not come back equal when it is pickled.")
    return copy
