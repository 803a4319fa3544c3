import pytest

from vauban.catalogue import CATALOGUE
from vauban.testing import explorer_checks

EXPLORERS = [e for e in CATALOGUE.values() if e.role == "explorer"]


@pytest.mark.parametrize(
    ("entry", "check"),
    [(e, c) for e in EXPLORERS for c in explorer_checks()],
    ids=lambda x: getattr(x, "name", None),
)
def test_explorer(entry, check):
    check.run(entry.make())
