"""What lies in the store keeps its id, and nobody alters what is not there."""

import numpy as np
import pytest

from vauban.contracts import Labelled, Tamper
from vauban.errors import ContractViolation
from vauban.tactics.stored import Stored


def five():
    data = Labelled(np.arange(10.0).reshape(5, 2), np.array([0, 1, 0, 1, 0], dtype=np.int8))
    return Stored.of(data, np.array([True, False, False, True, True]))


def test_ids_stay_when_others_are_deleted():
    left = five().tampered(Tamper(np.array([1, 2]), delete=True))
    assert left.ids.tolist() == [0, 3, 4]
    assert left.aimed.tolist() == [True, True, True]
    more = left.plus(left.data.take(np.array([0])), np.array([False]), np.array([True]))
    assert more.ids.tolist() == [0, 3, 4, 5]
    changed = more.tampered(Tamper(np.array([5, 3]), labels=np.array([1, 0], dtype=np.int8)))
    assert changed.data.labels.tolist() == [0, 0, 0, 1]
    assert changed.truth.tolist() == [0, 1, 0, 0]
    assert changed.poison.tolist() == [False, True, False, True]


def test_records_are_replaced_where_their_ids_are_and_the_old_data_stay():
    before = five()
    after = before.tampered(Tamper(np.array([4, 0]), records=np.array([[8.5, 9.5], [0.5, 1.5]])))
    assert after.data.records[[0, 4]].tolist() == [[0.5, 1.5], [8.5, 9.5]]
    assert before.data.records[0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Tamper(np.array([7]), labels=np.array([1], dtype=np.int8)), "only 5 were stored"),
        (Tamper(np.array([1]), delete=True, labels=np.array([1], dtype=np.int8)), "not both"),
        (Tamper(np.array([1])), "not neither"),
        (Tamper(np.array([1, 3]), delete=True), "one class is gone"),
        (Tamper(np.array([1, 3]), labels=np.array([1], dtype=np.int8)), "names 1 new values"),
    ],
)
def test_what_nobody_can_do_is_refused(change, said):
    with pytest.raises(ContractViolation, match=said):
        five().tampered(change)


def test_what_is_gone_is_passed_over():
    left = five().without(np.array([False, True, False, False, False]))
    assert left.ids.tolist() == [0, 2, 3, 4]
    turned = left.tampered(Tamper(np.array([1, 2]), labels=np.array([0, 1], dtype=np.int8)))
    assert turned.ids.tolist() == left.ids.tolist()
    assert turned.data.labels.tolist() == [0, 1, 1, 0]
    assert turned.poison.tolist() == [False, True, False, False]
    assert len(left.tampered(Tamper(np.array([1]), delete=True))) == 4
