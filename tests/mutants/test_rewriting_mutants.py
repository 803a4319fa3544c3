"""Broken rewriters: what they make is no success, and the public checks find them out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest

from vauban.audit.answers import Oracle
from vauban.audit.runner import search
from vauban.contracts import LABEL, Ask, Brief, Known, NothingLearnt, Scale, no_scouting
from vauban.errors import BudgetSpent
from vauban.records import Modality, messages
from vauban.schema import TextSchema
from vauban.targets import CallableTarget
from vauban.testing import attack_checks
from vauban.threat import Budget, Cell

POSSIBLE = next(c for c in attack_checks() if c.name == "asks only possible records")
NOBODY = Known(messages([]), np.empty(0, dtype=np.int8), np.empty(0, dtype=bool))


@dataclass(frozen=True)
class Rewriter:
    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    def scout(self, brief):
        return no_scouting(NothingLearnt())

    def made(self, text):
        raise NotImplementedError

    def search(self, cohort, intelligence, brief):
        if len(cohort):
            with suppress(BudgetSpent):
                yield Ask(messages(self.made(text) for text in cohort.records), cohort.ids)
        return ()


class DestroysPayload(Rewriter):
    def made(self, text):
        return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text) + " x"  # full-width digits


class SplitsThePayload(Rewriter):
    def made(self, text):
        return text.replace("0800 123", "0800\u200b 123") + " x"


class Outgrows(Rewriter):
    def made(self, text):
        return "\u200b".join(text) * 3


class Sound(Rewriter):
    def made(self, text):
        return text.replace("prize", "рrize") + " x"


TARGET = CallableTarget(lambda texts: [-1.0] * len(texts), TextSchema(longest=80), threshold=0.0, scale=Scale.MARGIN)


def successes(attack: Rewriter) -> int:
    told = Brief(Cell.EI, TextSchema(longest=80), LABEL, Budget(9, 0), NOBODY)
    victims = messages(["prize now call 0800 123456"])
    return int(search(attack, "it", told, NothingLearnt(), victims, Oracle(TARGET), seed=(0,))[0].success.sum())


@pytest.mark.parametrize("mutant", [DestroysPayload, SplitsThePayload, Outgrows])
def test_what_a_broken_rewriter_makes_is_no_success(mutant):
    assert successes(mutant()) == 0
    with pytest.raises(AssertionError, match="cannot make"):
        POSSIBLE.run(mutant())


def test_the_same_without_the_defect_is_one():
    assert successes(Sound()) == 1
    POSSIBLE.run(Sound())
