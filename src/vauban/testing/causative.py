"""What every attack on training promises, as checks that anybody can run on an attack of his own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vauban.contracts import CausativeAttack, Known, Tamper
from vauban.records import frozen
from vauban.testing.campaigns import Campaigned, campaigned, dressed
from vauban.testing.check import Check, require
from vauban.testing.field import Field, fields
from vauban.testing.handed import effects_of, value_of
from vauban.testing.randomness import only_own_randomness
from vauban.threat import Cell, Grant, Knows

CELLS = (Cell.CI, Cell.CA)


def causative_checks(cells: tuple[Cell, ...] = CELLS) -> tuple[Check[CausativeAttack], ...]:
    """Return the checks that every attack on training must pass in these cells.

    Each plays it over a few rounds in small planted worlds, tables and messages, whose model is trained again on what
    it sends. Every play checks every move: records that can exist, sent from accounts that are his, no more of them
    than were granted, labelled for a reason; no question and no change that was not granted.
    """

    def on(
        check: Callable[[CausativeAttack, Field], None], *, all_fields: bool = False
    ) -> Callable[[CausativeAttack], None]:
        def run(attack: CausativeAttack) -> None:
            fitting = [f for f in fields() if f.modality in attack.modalities and f.cell in cells]
            require(
                bool(fitting),
                f"No field fits {', '.join(attack.modalities)} in {', '.join(cells)}. Attacks declare `modalities`.",
            )
            kinds = {f.modality: f for f in fitting}
            for field in fitting if all_fields else kinds.values():
                check(attack, field)

        return run

    somewhere = [
        ("does something", _acts),
        ("intelligence is frozen, picklable and well formed", _intelligence),
        ("same seed, same campaign", _again),
        ("another seed is allowed another campaign", _seeds),
        ("uses only its own random stream", _own_stream),
        ("plays on without a question", _silent),
        ("plays on when it may send nothing", _nothing),
        ("ends after one round", _short),
        ("returns when it is over at any move", _spent),
        ("plays on with no data to start from", _ignorant),
        ("plays on with an empty slice, and with known records of one class", _narrow),
        ("leaves alone what it was handed", _untouched),
        ("dresses records as possible ones that still do harm", dressed),
        ("dresses the same record alike alone and among others", _alone),
        ("travels to another worker", _travels),
    ]
    everywhere = Check("keeps the rules in every field", on(_plays, all_fields=True))
    return (everywhere, *(Check(name, on(check)) for name, check in somewhere))


def _plays(attack: CausativeAttack, field: Field) -> None:
    campaigned(attack, field)


def _acts(attack: CausativeAttack, field: Field) -> None:
    played = campaigned(attack, field)
    altered = any(isinstance(move, Tamper) for move in played.moves)
    require(altered or any(len(send.records) for send in played.sent), "It sent nothing and altered nothing.")


def _intelligence(attack: CausativeAttack, field: Field) -> None:
    effects_of(campaigned(attack, field).intelligence, field.world)


def _same(one: Campaigned, two: Campaigned, how: str) -> None:
    for i, (a, b) in enumerate(zip(one.substance(), two.substance(), strict=False)):
        require(a == b, f"Move {i} is another {how}: {b[:300]}, and was {a[:300]}.")
    require(len(one.moves) == len(two.moves), f"It made {len(two.moves)} moves {how}, and {len(one.moves)} before.")


def _again(attack: CausativeAttack, field: Field) -> None:
    _same(campaigned(attack, field), campaigned(attack, field), "when played again with the same seed")


def _seeds(attack: CausativeAttack, field: Field) -> None:
    campaigned(attack, field, replace(field.brief(attack.wants), seed=(11, 5)))


def _own_stream(attack: CausativeAttack, field: Field) -> None:
    with only_own_randomness(1):
        one = campaigned(attack, field)
    with only_own_randomness(2):
        two = campaigned(attack, field)
    _same(one, two, "when the global random state differs")


def _silent(attack: CausativeAttack, field: Field) -> None:
    played = campaigned(attack, field, field.brief(attack.wants, queries=0))
    require(played.asked == 0, f"It asked {played.asked} questions; the budget is 0.")
    for queries in (1, 7):
        asked = campaigned(attack, field, field.brief(attack.wants, queries=queries)).asked
        require(asked <= queries, f"It asked {asked} questions; the budget is {queries}.")


def _nothing(attack: CausativeAttack, field: Field) -> None:
    played = campaigned(attack, field, field.brief(attack.wants, sends=0))
    require(not sum(len(s.records) for s in played.sent), "It sent records, though it may send none.")


def _short(attack: CausativeAttack, field: Field) -> None:
    campaigned(attack, field, field.brief(attack.wants, rounds=1))


def _spent(attack: CausativeAttack, field: Field) -> None:
    moves = len(campaigned(attack, field).moves)
    for moment in sorted({0, 1, 2, moves // 2, max(moves - 1, 0)}):
        campaigned(attack, field, spent_at=moment)


def _ignorant(attack: CausativeAttack, field: Field) -> None:
    brief = field.brief(attack.wants)
    nothing = Known(frozen(brief.known.records[:0]), None, np.empty(0, dtype=bool))
    campaigned(attack, field, replace(brief, known=nothing, knows=Knows.NOTHING))
    campaigned(attack, field, replace(brief, known=replace(brief.known, labels=None)))


def _narrow(attack: CausativeAttack, field: Field) -> None:
    brief = field.brief(attack.wants)
    known = brief.known
    campaigned(attack, field, replace(brief, known=replace(known, aimed=np.zeros(len(known.records), dtype=bool))))
    assert known.labels is not None  # noqa: S101 - a field's are known
    if Grant.TAMPER in attack.wants:
        return  # what he knows is what is stored, and nobody trains on one class
    for label in (0, 1):
        these = known.labels == label
        part = Known(frozen(known.records[these]), frozen(known.labels[these]), frozen(known.aimed[these]))
        campaigned(attack, field, replace(brief, known=part))


def _untouched(attack: CausativeAttack, field: Field) -> None:
    brief = field.brief(attack.wants)
    victims = np.array(field.world.victims)
    before = [np.copy(a).tolist() for a in (brief.known.records, brief.known.aimed, victims)]
    intelligence = campaigned(attack, field, brief).intelligence
    attack.dress(victims, intelligence, brief)
    after = [np.copy(a).tolist() for a in (brief.known.records, brief.known.aimed, victims)]
    require(repr(before) == repr(after), "It wrote into what it was handed: copy before you write.")


def _alone(attack: CausativeAttack, field: Field) -> None:
    brief = field.brief(attack.wants)
    intelligence = campaigned(attack, field, brief).intelligence
    victims = field.world.victims
    together = attack.dress(victims, intelligence, brief)
    alone = np.concatenate([attack.dress(victims[i : i + 1], intelligence, brief) for i in range(len(victims))])
    require(repr(together.tolist()) == repr(alone.tolist()), "It dresses a record otherwise when it is alone.")


def _travels(attack: CausativeAttack, field: Field) -> None:
    copy = value_of(attack, "An attack")
    _same(campaigned(attack, field), campaigned(copy, field), "after the attack was pickled")
