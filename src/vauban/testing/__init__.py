"""The public contract suite: run it on your own attacks, explorers and targets.

::

    @pytest.mark.parametrize("check", attack_checks(), ids=str)
    def test_my_attack(check):
        check.run(MyAttack())
"""

from vauban.testing.attacks import attack_checks
from vauban.testing.causative import causative_checks
from vauban.testing.check import Check
from vauban.testing.explorers import explorer_checks
from vauban.testing.gates import gate_checks
from vauban.testing.targets import target_checks

__all__ = ["Check", "attack_checks", "causative_checks", "explorer_checks", "gate_checks", "target_checks"]
