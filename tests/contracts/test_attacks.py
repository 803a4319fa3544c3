import pytest

from vauban.catalogue import CATALOGUE
from vauban.testing import attack_checks

ATTACKS = [e for e in CATALOGUE.values() if e.role != "explorer"]


@pytest.mark.parametrize(
    ("entry", "check"),
    [(e, c) for e in ATTACKS for c in attack_checks(e.cells)],
    ids=lambda x: getattr(x, "name", None),
)
def test_attack(entry, check):
    check.run(entry.make())
