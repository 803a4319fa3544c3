"""The public contract suite: run it on your own attacks, explorers and targets.

::

    @pytest.mark.parametrize("check", attack_checks(), ids=str)
    def test_my_attack(check):
        check.run(MyAttack())
"""

from vauban.testing.attacks import attack_checks
from vauban.testing.check import Check

__all__ = ["Check", "attack_checks"]
