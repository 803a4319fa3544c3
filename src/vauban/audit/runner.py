"""Run searches: merge what live ones ask into one question, meter it, judge what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from vauban.audit.answers import Oracle
from vauban.audit.judge import Judge, Judged
from vauban.audit.meter import FUTILE, Meter, ScoutMeter, check_ask
from vauban.audit.varying import Shortlist
from vauban.contracts import Ask, Attack, Brief, Claim, Cohort, Explorer, Outcome
from vauban.errors import BudgetSpent, ContractViolation
from vauban.records import Ints, Records, frozen, those
from vauban.threat import Grant

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called with questions asked so far and the most that can be asked."""


def ignore_progress(done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Scouted:
    """What scouting brought: intelligence, questions, how many were answered BLOCK, and what was asked for."""

    intelligence: Any
    queries: int
    flagged: int
    wants: frozenset[Grant]
    seconds: float


def scout(attack: Explorer, name: str, brief: Brief, oracle: Oracle) -> Scouted:
    """Run an attack's or explorer's scouting within the brief's budget."""
    started = time.perf_counter()
    meter = ScoutMeter(name, brief.budget)
    wants: set[Grant] = set()
    player = _Player(attack.scout(brief), name)
    player.start()
    while player.ask is not None:
        ask = check_ask(player.ask, name, oracle.target, brief.grants)
        wants |= ask.want
        if meter.spent:
            player.spend()
            continue
        admitted = meter.admit(ask)
        rows = ask.records[admitted]
        answers = oracle.ask(rows, ask.want, (1 << 61) | np.arange(meter.used, meter.used + len(rows)))
        player.send(meter.settle(ask, admitted, answers))
    return Scouted(player.value, meter.used, meter.flagged, frozenset(wants), time.perf_counter() - started)


@dataclass(frozen=True)
class Turn:
    """One attack on the victims, alone or as part of a cascade.

    Attributes:
        attack, name: what is run, and its name in the catalogue.
        brief: under which threat.
        intelligence: what its scouting brought.
        seed: key of the victims' random streams.
    """

    attack: Attack
    name: str
    brief: Brief
    intelligence: Any
    seed: tuple[int, ...]


def search(
    attack: Attack,
    name: str,
    brief: Brief,
    intelligence: Any,
    victims: Records,
    oracle: Oracle,
    *,
    seed: tuple[int, ...],
    ids: Ints | None = None,
    cohort_size: int | None = None,
    progress: Progress = ignore_progress,
) -> tuple[Judged, frozenset[Grant]]:
    """Run an attack's search for victims: a cascade of this attack alone. See `search_in_turn`."""
    alone = (Turn(attack, name, brief, intelligence, seed),)
    return search_in_turn(alone, victims, oracle, ids=ids, cohort_size=cohort_size, progress=progress)


def search_in_turn(
    turns: Sequence[Turn],
    victims: Records,
    oracle: Oracle,
    *,
    ids: Ints | None = None,
    cohort_size: int | None = None,
    progress: Progress = ignore_progress,
) -> tuple[Judged, frozenset[Grant]]:
    """Run the searches of one attack after the other: victims that were not evaded go on to the next.

    Each victim has one budget, the first attack's: a victim that has spent it goes on to nobody.

    Args:
        turns: the attacks, in order; one at least.
        victims: all victims' records (N, ...).
        oracle: answers questions.
        ids: the victims to search for; all by default.
        cohort_size: victims a generator; all by default. Live generators are asked together.
        progress: see `Progress`.

    Returns:
        What was reached for the victims searched for, and the answers that were asked for.
    """
    ids = np.arange(len(victims)) if ids is None else ids
    victims = frozen(victims)
    size = max(1, len(ids) if cohort_size is None else cohort_size)
    kept = Shortlist(victims) if oracle.varies else None
    name, brief = turns[0].name, turns[0].brief
    judge = Judge(name, brief.cell, brief.schema, victims, brief.budget.cost, kept)
    meter = Meter(name, ids, len(victims), brief.budget)
    wants: set[Grant] = set()
    for at, turn in enumerate(turns):
        left = ids if not at else ids[~judge.evaded[ids] & (meter.remaining[ids] > 0)]
        if at and not len(left):
            break
        judge.turn(turn.name, at)
        meter.turn(turn.name, left)
        groups = [left[i : i + size] for i in range(0, len(left), size)] or [left]
        wants |= _play(turn, groups, victims, judge, meter, oracle, progress)
    judged = judge.verdict(oracle.target, meter.used, meter.flagged, oracle.ask)
    return _only(judged, ids), frozenset(wants)


def _play(
    turn: Turn,
    groups: Sequence[Ints],
    victims: Records,
    judge: Judge,
    meter: Meter,
    oracle: Oracle,
    progress: Progress,
) -> set[Grant]:
    """Run one attack's searches, one a group of victims, to their ends; return the answers that were asked for."""
    name, brief = turn.name, turn.brief
    wants: set[Grant] = set()
    live: list[tuple[_Player, Ints]] = []
    for group in groups:
        cohort = Cohort(frozen(victims[group]), group, turn.seed)
        player = _Player(turn.attack.search(cohort, turn.intelligence, brief), name)
        player.start()
        live.append((player, group))
    live = _go_on(live, judge, oracle)
    while live:
        for player, group in live:
            player.spent = not meter.remaining[group].any()
            if player.spent:
                player.spend()
        asking = [(p, check_ask(p.ask, name, oracle.target, brief.grants)) for p, _ in live if p.ask is not None]
        wants |= {w for _, ask in asking for w in ask.want}
        _ask_together([(p, ask) for p, ask in asking if not p.spent], meter, judge, oracle)
        progress(int(meter.used.sum()), meter.most)
        live = _go_on(live, judge, oracle)
    return wants


def _go_on(live: list[tuple[_Player, Ints]], judge: Judge, oracle: Oracle) -> list[tuple[_Player, Ints]]:
    """Return the players that go on; hear the claims of those that have returned."""
    for player, group in live:
        if player.ask is None:
            judge.hear(_claims(player.value, player.name), group, oracle.target)
    return [(player, group) for player, group in live if player.ask is not None]


def _claims(value: Any, name: str) -> Sequence[Claim]:
    if not isinstance(value, (list, tuple)):
        raise ContractViolation(f"Attack {name!r} must return a sequence of claims. Got {type(value).__name__}.")
    return value


def _ask_together(asking: list[tuple[_Player, Ask]], meter: Meter, judge: Judge, oracle: Oracle) -> None:
    admitted = [meter.admit(ask) for _, ask in asking]
    for want in sorted({ask.want for _, ask in asking}, key=sorted):
        mine = [i for i, (_, ask) in enumerate(asking) if ask.want == want]
        batch = [those(asking[i][1].records, admitted[i][0]) for i in mine]
        when = [those(np.asarray(asking[i][1].owner) << 32 | admitted[i][1], admitted[i][0]) for i in mine]
        together = [x[0] if len(mine) == 1 else np.concatenate(x) for x in (batch, when)]
        told = oracle.ask(together[0], want, together[1], fresh=all(asking[i][1].fresh for i in mine))
        start = 0
        for i, rows in zip(mine, batch, strict=True):
            player, ask = asking[i]
            part = slice(start, start + len(rows))
            start += len(rows)
            fits, ordinal = admitted[i]
            outcome = meter.settle(ask, fits, _part(told, part))
            judge.see(np.asarray(ask.owner), ask.records, outcome.decisions, ordinal)
            player.send(outcome)


def _part(told: Any, part: slice) -> Any:
    return type(told)(
        told.decisions[part],
        None if told.scores is None else told.scores[part],
        None if told.gradients is None else told.gradients[part],
    )


def _only(judged: Judged, ids: Ints) -> Judged:
    return Judged(**{name: getattr(judged, name)[ids] for name in Judged.__dataclass_fields__})


class _Player:
    """A running generator: its question, or what it returned; stopped if it does not stop itself."""

    def __init__(self, generator: Generator[Ask, Outcome, T], name: str) -> None:
        self.name = name
        self.ask: Ask | None = None
        self.value: Any = None
        self.spent = False
        self._generator = generator
        self._futile = 0
        self._warned = 0

    def start(self) -> None:
        self._advance(lambda: next(self._generator))

    def send(self, outcome: Outcome) -> None:
        self._futile = 0 if outcome.answered.any() else self._futile + 1
        if self._futile >= FUTILE:
            self.spend()
        else:
            self._advance(lambda: self._generator.send(outcome))

    def spend(self) -> None:
        """Tell the attack that nobody can be asked about; ContractViolation if it goes on asking."""
        self._warned += 1
        if self._warned > 2:
            self._generator.close()
            raise ContractViolation(f"Attack {self.name!r} goes on asking after it was told that its budget is spent.")
        self._advance(lambda: self._generator.throw(BudgetSpent("Nobody can be asked about any more.")))

    def _advance(self, step: Callable[[], Ask]) -> None:
        try:
            self.ask = step()
        except StopIteration as stop:
            self.ask, self.value = None, stop.value
        except BudgetSpent as error:
            raise ContractViolation(f"Attack {self.name!r} must catch BudgetSpent and return what it has.") from error
