from dataclasses import replace

import pytest

from vauban.catalogue import CATALOGUE
from vauban.testing import attack_checks

ATTACKS = [e for e in CATALOGUE.values() if e.role != "explorer"]

# What an attack promises it promises with few trees too; with all of them it is tried in known_answers/test_surrogate.
SMALLER = {"surrogate": {"trees": 12}, "transfer": {"trees": 12}}


@pytest.mark.parametrize(
    ("entry", "check"),
    [(e, c) for e in ATTACKS for c in attack_checks(e.cells)],
    ids=lambda x: getattr(x, "name", None),
)
def test_attack(entry, check):
    check.run(replace(entry.make(), **SMALLER.get(entry.name, {})))
