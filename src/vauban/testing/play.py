"""Play an attack in a planted world under the audit's own runner, and write down every question and its answers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from vauban.audit.answers import Oracle
from vauban.audit.judge import Judged
from vauban.audit.runner import scout, search
from vauban.contracts import LABEL, Ask, Attack, Brief, Claim, Cohort, Explorer, Outcome
from vauban.errors import BudgetSpent, VaubanError
from vauban.records import Ints, Modality, Records
from vauban.testing.once import once
from vauban.testing.worlds import World
from vauban.threat import Grant

MOST_MOVES = 5000
"""Questions a play, after which an attack is held to go on for ever: no budget of the suite needs more."""
MOST_SECONDS = 60.0
"""Time a play, after which an attack is held to go on for ever."""
COHORT_SEED = (7, 2)


@dataclass(frozen=True)
class Asked:
    """One question as it was put, and what came of it; ``outcome`` is None where BudgetSpent came."""

    records: Records
    owner: Ints | None
    want: frozenset[Grant]
    outcome: Outcome | None


@dataclass
class Notes:
    """What was seen of an attack: its questions in scouting and in search, its claims."""

    scouting: list[Asked] = field(default_factory=list)
    search: list[Asked] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


@dataclass(frozen=True)
class Watched:
    """An attack under watch: asks what the attack asks, and takes notes.

    Attributes:
        attack: what is watched.
        notes: taken.
        spent_at: the question (counted over scouting and search apart) at which BudgetSpent is thrown; None never.
        between: called before each question is put: what else may happen to run in the same process.
    """

    attack: Any
    notes: Notes
    spent_at: int | None = None
    between: Callable[[], None] | None = None

    modalities: ClassVar[frozenset[Modality]] = frozenset(Modality)
    wants: ClassVar[frozenset[Grant]] = LABEL

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Any]:
        """Scout as the attack does."""
        return (yield from self._watch(self.attack.scout(brief), self.notes.scouting))

    def search(self, cohort: Cohort, intelligence: Any, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Search as the attack does."""
        claims: Sequence[Claim] = yield from self._watch(
            self.attack.search(cohort, intelligence, brief), self.notes.search
        )
        if isinstance(claims, (list, tuple)):
            self.notes.claims.extend(claims)
        return claims

    def _watch(self, generator: Generator[Ask, Outcome, Any], trail: list[Asked]) -> Generator[Ask, Outcome, Any]:
        try:
            ask = next(generator)
            while True:
                if len(trail) >= MOST_MOVES:
                    raise AssertionError(f"It goes on for ever: {MOST_MOVES} questions, and it has not returned.")
                if self.between is not None:
                    self.between()
                try:
                    if self.spent_at is not None and len(trail) >= self.spent_at:
                        raise BudgetSpent("Nobody can be asked about any more.")
                    copy = _copy(ask)
                    outcome = yield ask
                except BudgetSpent as spent:
                    trail.append(_copy(ask))
                    if self.spent_at is not None and len(trail) > self.spent_at + 2:
                        raise AssertionError(
                            f"It goes on asking after BudgetSpent was thrown at question {self.spent_at}: "
                            "catch it and return what you have."
                        ) from spent
                    ask = generator.throw(spent)
                else:
                    trail.append(Asked(copy.records, copy.owner, copy.want, _copied(outcome)))
                    ask = generator.send(outcome)
        except StopIteration as stop:
            return stop.value


def _copy(ask: Any) -> Asked:
    if not isinstance(ask, Ask):
        raise AssertionError(f"It must yield Ask. Got {type(ask).__name__}.")
    return Asked(np.copy(ask.records), None if ask.owner is None else np.copy(ask.owner), frozenset(ask.want), None)


def _copied(outcome: Outcome) -> Outcome:
    arrays = (getattr(outcome, name) for name in Outcome.__dataclass_fields__)
    return Outcome(*(None if a is None else np.copy(a) for a in arrays))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Played:
    """What a play came to."""

    notes: Notes
    intelligence: Any
    judged: Judged

    def substance(self) -> dict[int, tuple[str, str, int, int]]:
        """Return what must not depend on cohort, process or company: victim to cost, record, questions, flagged.

        Costs are in hexadecimal, so that no digit is lost.
        """
        j = self.judged
        records = j.records.tolist()
        return {
            int(v): (float(j.cost[i]).hex(), repr(records[i]), int(j.used[i]), int(j.flagged[i]))
            for i, v in enumerate(j.ids)
        }


def play(
    attack: Attack,
    world: World,
    *,
    brief: Brief | None = None,
    ids: Sequence[int] | None = None,
    cohort_size: int | None = None,
    spent_at: int | None = None,
    between: Callable[[], None] | None = None,
    after: Played | None = None,
) -> Played:
    """Scout and search for victims of a world; AssertionError where the attack breaks the rules or never returns.

    ``after`` a play of the same brief, it searches with what that one's scouting brought, as an audit does for every
    cohort: the scouting is not repeated.
    """
    brief = brief or world.brief()
    notes = Notes()
    watched = Watched(attack, notes, spent_at, between)
    who = np.arange(len(world.victims)) if ids is None else np.array(ids, dtype=np.int64)
    with rules(world):
        oracle = Oracle(world.target)
        intelligence = scout(watched, "the attack", brief, oracle).intelligence if after is None else after.intelligence
        judged, _ = search(
            watched,
            "the attack",
            brief,
            intelligence,
            world.victims,
            oracle,
            seed=COHORT_SEED,
            ids=who,
            cohort_size=cohort_size,
        )
    return Played(notes, intelligence, judged)


def play_once(attack: Attack, world: World, ids: tuple[int, ...] = ()) -> Played:
    """Return a play for all victims, or for some after the scouting of that one: see `once`."""

    def played() -> Played:
        return play(attack, world, ids=ids, after=play_once(attack, world)) if ids else play(attack, world)

    return once(attack, world.name, ids, make=played)


def explore(
    explorer: Explorer, world: World, brief: Brief | None = None, spent_at: int | None = None
) -> tuple[Any, Notes]:
    """Scout a world; return what was learnt, and the questions. AssertionError as for `play`."""
    notes = Notes()
    with rules(world):
        scouted = scout(
            Watched(explorer, notes, spent_at), "the explorer", brief or world.brief(), Oracle(world.target)
        )
    return scouted.intelligence, notes


def explore_once(explorer: Explorer, world: World) -> tuple[Any, Notes]:
    """Return what an explorer learns, and its questions: see `once`."""
    return once(explorer, "explores", world.name, make=lambda: explore(explorer, world))


def portrait(picture: Any, world: World) -> dict[str, Any]:
    """Return a picture as JSON values: its effects, and what it decides of the victims."""
    return {
        "effects": [repr(e) for e in picture.effects],
        "decisions": np.asarray(picture.decide(world.victims)).tolist(),
    }


@contextmanager
def rules(world: World) -> Iterator[None]:
    """Turn whatever an attack lets out into an AssertionError that names the world; end what goes on for ever."""
    with _deadline(world):
        try:
            yield
        except AssertionError as error:
            error.add_note(f"In the world {world.name!r}.")
            raise
        except VaubanError as error:
            raise AssertionError(f"In the world {world.name!r}: {error}") from error
        except Exception as error:
            raise AssertionError(f"In the world {world.name!r} it fails: {type(error).__name__}: {error}.") from error


@contextmanager
def _deadline(world: World) -> Iterator[None]:
    """End a play that takes too long, in the main thread of a system that has timers; elsewhere there is no limit."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise AssertionError(f"It goes on for ever: {MOST_SECONDS:g} s in the world {world.name!r}.")

    before = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS, 1.0)  # rings again for an attack that swallows it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)
