"""What every attack promises, as checks that anybody can run on an attack of his own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vauban.contracts import Attack, Bound, Candidate, Membership, Substitute
from vauban.records import Floats
from vauban.schema import FORBIDDEN, TableSchema
from vauban.testing.check import Check, require
from vauban.testing.elsewhere import in_another_process
from vauban.testing.handed import Compared, effects_of, value_of
from vauban.testing.play import Asked, Played, play, play_once
from vauban.testing.randomness import only_own_randomness
from vauban.testing.settings import CELLS, few, settings
from vauban.testing.worlds import World
from vauban.threat import Budget, Cell, Decision, Grant

SOME = (0, 2, 3, 8, 11)
"""Victims, not all: their ids are no positions."""


def attack_checks(cells: Sequence[Cell] = CELLS) -> tuple[Check[Attack], ...]:
    """Return the checks that every attack must pass in these exploratory cells.

    Each plays the attack in small planted worlds under the audit's own runner: mixed tables with a linear and with a
    stepped, non-monotone model, a table small enough to list, and messages under a bag of words and under one of parts
    of words; with the least and with the most answers granted that the attack can use.
    """

    def on(check: Callable[[Attack, World], None], *, all_worlds: bool = False) -> Callable[[Attack], None]:
        def run(attack: Attack) -> None:
            fitting = list(settings(attack, cells))
            require(
                bool(fitting),
                f"No world grants what it wants: {', '.join(sorted(attack.wants))} for {', '.join(attack.modalities)}. "
                "Attacks must declare `modalities` and `wants` (the least that they need).",
            )
            for which in fitting if all_worlds else few(fitting):
                check(attack, which)

        return run

    everywhere = [
        ("returns its claims in every world", _returns),
        ("asks only what it was granted", _granted),
        ("asks on behalf of its own victims", _owners),
        ("asks only possible records", _possible),
        ("wastes no question", _frugal),
        ("claims are well formed and about its own victims", _claims),
        ("claims no false bound", _bounds),
        ("intelligence is frozen, picklable and well formed", _intelligence),
    ]
    somewhere = [
        ("same findings alone, in cohorts of 1 and 7, and all together", _cohorts),
        ("same seed, same findings", _again),
        ("same findings in another process", _elsewhere),
        ("same findings while something else attacks", _company),
        ("accepts a cohort of nobody", _nobody),
        ("stops at the budget", _budget),
        ("stops at the flagged budget", _flagged),
        ("asks nothing that he cannot pay", _means),
        ("returns when the budget is spent at any question", _spent),
        ("leaves alone what it was handed", _untouched),
        ("uses only its own random stream", _own_stream),
        ("survives a victim at the goal already", _there),
        ("plays on with no data to start from", _ignorant),
        ("travels to another worker", _travels),
    ]
    made = [Check(name, on(check, all_worlds=True)) for name, check in everywhere]
    made += [Check(name, on(check)) for name, check in somewhere]
    if set(cells) >= set(CELLS):
        made.append(Check("works for both violations, or for neither", _both))
    return tuple(made)


# --- rules of the game ----------------------------------------------------------------------------


def _rows(asked: Asked) -> Iterator[tuple[int, int]]:
    """Yield row and owner of each answered row of a question."""
    if asked.outcome is not None and asked.owner is not None:
        for i in np.flatnonzero(asked.outcome.answered).tolist():
            yield i, int(asked.owner[i])


def _priced(asked: Asked, which: World) -> Floats:
    """Return what each row costs its owner (n,)."""
    assert asked.owner is not None  # noqa: S101 - the runner refuses questions without owner
    return which.target.schema.cost(which.victims[asked.owner], asked.records)


def _returns(attack: Attack, which: World) -> None:
    play_once(attack, which)


def _granted(attack: Attack, which: World) -> None:
    notes = play_once(attack, which).notes
    for asked in (*notes.scouting, *notes.search):
        require(asked.want <= which.grants, f"It asked for {sorted(asked.want)}, granted are {sorted(which.grants)}.")
        require(Grant.LABEL in asked.want, f"Every question wants the label. Got {sorted(asked.want)}.")


def _owners(attack: Attack, which: World) -> None:
    for asked in play_once(attack, which, SOME).notes.search:
        require(
            asked.owner is not None and asked.owner.shape == (len(asked.records),),
            "A question in search names an owner for every row.",
        )
        strange = set(np.asarray(asked.owner).tolist()) - set(SOME)
        require(
            not strange, f"It asked for {sorted(strange)}; its victims' ids are {list(SOME)} (ids are no positions)."
        )


def _possible(attack: Attack, which: World) -> None:
    schema = which.target.schema
    for asked in play_once(attack, which).notes.search:
        cost = _priced(asked, which)
        for i in np.flatnonzero(~(cost < FORBIDDEN)).tolist():
            victim = int(np.asarray(asked.owner)[i])
            before, after = which.victims[victim], asked.records[i]
            changed = f"from {before!r} to {after!r}"
            if isinstance(schema, TableSchema):
                changed = ", ".join(
                    f"{f.name} from {before[j]} to {after[j]}"
                    for j, f in enumerate(schema.features)
                    if before[j] != after[j] and not (np.isnan(before[j]) and np.isnan(after[j]))
                )
                broken = schema.rules.broken(before[None], after[None])[0]
                changed += "".join(f" (against: {n})" for n, b in zip(schema.rules.names, broken, strict=True) if b)
            raise AssertionError(
                f"It asked what he cannot make of victim {victim}: {changed}. "
                "Pass records through `brief.schema.repair` before asking."
            )


def _frugal(attack: Attack, which: World) -> None:
    seen: set[tuple[int, bytes]] = set()
    best = np.full(len(which.victims), FORBIDDEN)
    for asked in play_once(attack, which).notes.search:
        if asked.outcome is None:
            continue
        cost, goal = _priced(asked, which), which.brief().reached(asked.outcome.decisions)
        before = best.copy()
        for i, victim in _rows(asked):
            record = asked.records[i]
            key = (victim, record.tobytes() if isinstance(record, np.ndarray) else str(record).encode())
            require(key not in seen, f"It asked the same of victim {victim} twice: {record!r}.")
            seen.add(key)
            require(
                cost[i] < before[victim],
                f"It asked a record of victim {victim} for {cost[i]:.6g}; he already had a success for "
                f"{before[victim]:.6g}: that cannot help.",
            )
            if goal[i]:
                best[victim] = min(best[victim], cost[i])


def _claims(attack: Attack, which: World) -> None:
    for claim in play_once(attack, which, SOME).notes.claims:
        require(
            isinstance(claim, (Candidate, Bound, Substitute, Membership)),
            f"A claim is a Candidate, Bound, Substitute or Membership. Got {type(claim).__name__}.",
        )
        if isinstance(claim, (Candidate, Bound)):
            require(
                claim.victim in SOME, f"It claims something of victim {claim.victim}; its victims are {list(SOME)}."
            )
        if isinstance(claim, Candidate):
            cost = which.target.schema.cost(which.victims[[claim.victim]], _batch(claim.record, which))[0]
            require(cost < FORBIDDEN, f"It claims a record that he cannot make of victim {claim.victim}.")


def _batch(record: Any, which: World) -> Any:
    out = np.empty((1, *which.victims.shape[1:]), dtype=which.victims.dtype)
    out[0] = record
    return out


def _bounds(attack: Attack, which: World) -> None:
    played = play_once(attack, which)
    claimed = [c for c in played.notes.claims if isinstance(c, Bound)]
    for claim in claimed:
        require(not math.isnan(claim.cost), f"It claims the bound NaN for victim {claim.victim}.")
        true = which.optimum[claim.victim] if which.listable else played.judged.cost[claim.victim]
        require(
            claim.cost <= true * (1 + 1e-9) + 1e-9,
            f"It claims that victim {claim.victim} costs at least {claim.cost:.9g}; a flip costs {true:.9g}.",
        )


def _intelligence(attack: Attack, which: World) -> None:
    played = play_once(attack, which)
    effects_of(played.intelligence, which)


# --- independence ---------------------------------------------------------------------------------


def _same(expected: Played, got: Played, how: str) -> None:
    want, have = expected.substance(), got.substance()
    for victim, found in have.items():
        require(
            found == want[victim],
            f"Victim {victim} fares otherwise {how}: (cost, record, questions, flagged) are {found}, "
            f"were {want[victim]}. "
            "Decide for each victim from its own data, `cohort.rng(i)` and the intelligence alone.",
        )


def _cohorts(attack: Attack, which: World) -> None:
    together = play_once(attack, which)
    for size in (1, 7):
        _same(together, play(attack, which, cohort_size=size, after=together), f"in cohorts of {size}")
    for victim in (0, 5, len(which.victims) - 1):
        _same(together, play(attack, which, ids=[victim], after=together), "alone")


def _again(attack: Attack, which: World) -> None:
    _same(play_once(attack, which), play(attack, which), "when played again with the same seed")


def _elsewhere(attack: Attack, which: World) -> None:
    here = {str(v): list(found) for v, found in play_once(attack, which).substance().items()}
    there = in_another_process("attack", attack, which)
    require(here == there, f"It finds in another process {there}, and here {here}. Do not go by hash() or set order.")


def _company(attack: Attack, which: World) -> None:
    alone = play_once(attack, which)
    elsewhere = [w for w in settings(attack) if w.modality is which.modality and w.target.name != which.target.name]
    others = iter((elsewhere or [which])[:2] * 2)

    def disturb() -> None:
        other = next(others, None)
        if other is not None:
            play(attack, other, ids=[3, 1])

    _same(alone, play(attack, which, between=disturb), "while the same attack runs elsewhere in between")


def _nobody(attack: Attack, which: World) -> None:
    played = play(attack, which, ids=[], after=play_once(attack, which))
    require(not played.notes.claims, "It claims something though it has no victims.")
    asked = sum(len(a.records) for a in played.notes.search)
    require(asked == 0, f"It asked {asked} questions for nobody.")


def _own_stream(attack: Attack, which: World) -> None:
    with only_own_randomness(61):
        elsewhere = play(attack, which)
    _same(play_once(attack, which), elsewhere, "when the global random state differs")


# --- budgets --------------------------------------------------------------------------------------


def _budget(attack: Attack, which: World) -> None:
    for most in (0, 1, 7, 23):
        notes = play(attack, which, brief=which.brief(Budget(queries=most, scouting=most))).notes
        used = np.zeros(len(which.victims), dtype=np.int64)
        for asked in notes.search:
            for _, victim in _rows(asked):
                used[victim] += 1
        scouting = sum(int(a.outcome.answered.sum()) for a in notes.scouting if a.outcome is not None)
        require(int(used.max()) <= most, f"It asked {used.max()} questions for one victim; the budget is {most}.")
        require(scouting <= most, f"It asked {scouting} questions in scouting; the budget is {most}.")


def _flagged(attack: Attack, which: World) -> None:
    for most in (0, 1, 3):
        notes = play(attack, which, brief=which.brief(Budget(queries=40, scouting=20, flagged=most))).notes
        flagged = np.zeros(len(which.victims), dtype=np.int64)
        for asked in notes.search:
            for i, victim in _rows(asked):
                assert asked.outcome is not None  # noqa: S101 - _rows yields answered ones only
                flagged[victim] += asked.outcome.decisions[i] == Decision.BLOCK
        require(int(flagged.max()) <= most, f"A victim was flagged {flagged.max()} times; the budget is {most}.")


def _means(attack: Attack, which: World) -> None:
    for most in (0.0, 1.5):
        played = play(attack, which, brief=which.brief(Budget(queries=30, scouting=20, cost=most)))
        for asked in played.notes.search:
            cost = _priced(asked, which)
            require(
                bool((cost <= most).all()),
                f"It asked a record for {cost.max(initial=0.0):.6g}; he can pay {most:g} (`brief.budget.cost`).",
            )


def _spent(attack: Attack, which: World) -> None:
    ids, whole = [0, 7, 8], play_once(attack, which)
    full, scouting = play(attack, which, ids=ids, after=whole).notes, len(whole.notes.scouting)
    most = max(len(full.search), scouting)
    moments = {*range(min(most, 12)), *np.unique(np.geomspace(1, max(most, 1), 8).astype(int)).tolist()}
    for moment in sorted(moments):
        play(attack, which, ids=ids, spent_at=moment, after=whole if moment >= scouting else None)


# --- what it is handed, and where it goes ---------------------------------------------------------


def _untouched(attack: Attack, which: World) -> None:
    play(Compared(attack), which)


def _there(attack: Attack, which: World) -> None:
    last = len(which.victims) - 1
    for ids in ([last], [0, last]):
        play(attack, which, ids=ids, after=play_once(attack, which))


def _ignorant(attack: Attack, which: World) -> None:
    play(attack, which, brief=which.ignorant())
    brief = which.brief()
    play(attack, which, brief=replace(brief, known=replace(brief.known, labels=None)))


def _travels(attack: Attack, which: World) -> None:
    copy = value_of(attack, "An attack")
    _same(play_once(attack, which), play(copy, which), "after the attack was pickled")


def _both(attack: Attack) -> None:
    found = {}
    for cell in CELLS:
        won = [(play_once(attack, w).judged.success & w.wrong_side).sum() for w in settings(attack, (cell,))]
        found[cell] = int(sum(won))
    require(
        all(found.values()) or not any(found.values()),
        f"It evades {found[Cell.EI]} victims for integrity and {found[Cell.EA]} for availability. "
        "Go by `brief.reached` and `brief.progress`, which know the goal.",
    )
