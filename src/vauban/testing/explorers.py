"""What every explorer promises, as checks that anybody can run on an explorer of his own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vauban.contracts import Explorer, Picture
from vauban.testing.check import Check, require
from vauban.testing.elsewhere import in_another_process
from vauban.testing.handed import Compared, effects_of, value_of
from vauban.testing.play import explore, explore_once, portrait, rules
from vauban.testing.randomness import only_own_randomness
from vauban.testing.settings import few, settings
from vauban.testing.worlds import World
from vauban.threat import Budget, Decision, Grant


def explorer_checks() -> tuple[Check[Explorer], ...]:
    """Return the checks that every explorer must pass; each explores small planted worlds, as attacks' checks do."""

    def on(check: Callable[[Explorer, World], None], *, all_worlds: bool = False) -> Callable[[Explorer], None]:
        def run(explorer: Explorer) -> None:
            fitting = list(settings(explorer))
            require(bool(fitting), f"No world grants what it wants: {', '.join(sorted(explorer.wants))}.")
            for which in fitting if all_worlds else few(fitting):
                check(explorer, which)

        return run

    everywhere = [
        ("returns a picture in every world", _picture),
        ("asks only what it was granted", _granted),
        ("decides any batch", _decides),
    ]
    somewhere = [
        ("same seed, same picture", _again),
        ("same picture in another process", _elsewhere),
        ("stops at the budget", _budget),
        ("returns when the budget is spent at any question", _spent),
        ("leaves alone what it was handed", _untouched),
        ("uses only its own random stream", _own_stream),
        ("explores with no data to start from", _ignorant),
        ("explores an empty slice", _empty_slice),
        ("travels to another worker", _travels),
    ]
    made = [Check(name, on(check, all_worlds=True)) for name, check in everywhere]
    return tuple(made + [Check(name, on(check)) for name, check in somewhere])


def _picture(explorer: Explorer, which: World) -> None:
    picture, _ = explore_once(explorer, which)
    require(isinstance(picture, Picture), f"An explorer returns effects and decide(). Got {type(picture).__name__}.")
    effects_of(picture, which)


def _granted(explorer: Explorer, which: World) -> None:
    _, notes = explore_once(explorer, which)
    for asked in notes.scouting:
        require(asked.want <= which.grants, f"It asked for {sorted(asked.want)}, granted are {sorted(which.grants)}.")
        require(Grant.LABEL in asked.want, f"Every question wants the label. Got {sorted(asked.want)}.")


def _decides(explorer: Explorer, which: World) -> None:
    picture, _ = explore_once(explorer, which)
    records = which.victims
    with rules(which):
        decisions = np.asarray(picture.decide(records))
        require(decisions.shape == (len(records),), f"One decision a record. Got shape {decisions.shape}.")
        allowed = {int(d) for d in Decision if d is not Decision.UNANSWERED}
        require(set(decisions.tolist()) <= allowed, f"Decisions are {sorted(allowed)}. Got {set(decisions.tolist())}.")
        alone = [int(np.asarray(picture.decide(records[i : i + 1]))[0]) for i in range(len(records))]
        require(alone == decisions.tolist(), f"It decides alone {alone}, and in a batch {decisions.tolist()}.")
        require(np.asarray(picture.decide(records[:0])).shape == (0,), "An empty batch has no decisions.")


def _same(one: object, two: object, how: str) -> None:
    require(one == two, f"The picture is another {how}: {two}, and was {one}.")


def _again(explorer: Explorer, which: World) -> None:
    one, two = (portrait(play(explorer, which)[0], which) for play in (explore_once, explore))
    _same(one, two, "when explored again with the same seed")


def _elsewhere(explorer: Explorer, which: World) -> None:
    here = portrait(explore_once(explorer, which)[0], which)
    _same(here, in_another_process("explorer", explorer, which), "in another process")


def _budget(explorer: Explorer, which: World) -> None:
    for most in (0, 1, 7, 23):
        picture, notes = explore(explorer, which, which.brief(Budget(queries=0, scouting=most)))
        used = sum(int(a.outcome.answered.sum()) for a in notes.scouting if a.outcome is not None)
        require(used <= most, f"It asked {used} questions; the budget is {most}.")
        effects_of(picture, which)
        portrait(picture, which)


def _spent(explorer: Explorer, which: World) -> None:
    rounds = len(explore_once(explorer, which)[1].scouting)
    for moment in sorted({*range(min(rounds, 6)), *np.linspace(0, rounds, 4).astype(int).tolist()}):
        picture, _ = explore(explorer, which, spent_at=moment)
        effects_of(picture, which)


def _untouched(explorer: Explorer, which: World) -> None:
    explore(Compared(explorer), which)


def _own_stream(explorer: Explorer, which: World) -> None:
    one = portrait(explore_once(explorer, which)[0], which)
    with only_own_randomness(61):
        two = portrait(explore(explorer, which)[0], which)
    _same(one, two, "when the global random state differs")


def _ignorant(explorer: Explorer, which: World) -> None:
    portrait(explore(explorer, which, which.ignorant())[0], which)
    brief = which.brief()
    portrait(explore(explorer, which, replace(brief, known=replace(brief.known, labels=None)))[0], which)


def _empty_slice(explorer: Explorer, which: World) -> None:
    brief = which.brief()
    aimed_at_nothing = replace(brief.known, aimed=np.zeros(len(brief.known.records), dtype=bool))
    portrait(explore(explorer, which, replace(brief, known=aimed_at_nothing))[0], which)


def _travels(explorer: Explorer, which: World) -> None:
    copy = value_of(explorer, "An explorer")
    one, two = portrait(explore_once(explorer, which)[0], which), portrait(explore(copy, which)[0], which)
    _same(one, two, "after the explorer was pickled")
