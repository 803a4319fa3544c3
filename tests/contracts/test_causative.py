import pytest

from vauban.catalogue import CAUSATIVE, GATES
from vauban.testing import causative_checks, gate_checks


@pytest.mark.parametrize(
    ("entry", "check"),
    [(e, c) for e in CAUSATIVE.values() for c in causative_checks(e.cells)],
    ids=lambda x: getattr(x, "name", None),
)
def test_attack_on_training(entry, check):
    check.run(entry.make())


@pytest.mark.parametrize(
    ("entry", "check"),
    [(e, c) for e in GATES.values() for c in gate_checks()],
    ids=lambda x: getattr(x, "name", None),
)
def test_gate(entry, check):
    check.run(entry.make())
