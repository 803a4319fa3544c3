import numpy as np

from vauban.tactics.memory import Memory


def test_remembers_everything_of_everyone_however_much_it_is():
    rng = np.random.default_rng(0)
    memory, told = Memory(3, width=4), {}
    for _ in range(40):
        rows = rng.integers(0, 3, 50)
        keys = rng.integers(0, 500, 50).astype(np.uint64) * np.uint64(2) + np.uint64(1)
        _, first = np.unique(rows * 10_000 + keys.astype(np.int64), return_index=True)
        rows, keys = rows[first], keys[first]
        known, answers, place = memory.recall(rows, keys)
        pairs = list(zip(rows.tolist(), keys.tolist(), strict=True))
        assert known.tolist() == [p in told for p in pairs]
        assert [a for a, k in zip(answers.tolist(), known, strict=True) if k] == [told[p] for p in pairs if p in told]
        new = np.flatnonzero(~known)
        values = rng.normal(size=len(new))
        memory.keep(rows[new], keys[new], values, place[new])
        told |= {pairs[i]: v for i, v in zip(new.tolist(), values.tolist(), strict=True)}
    assert len(told) > 1000


def test_nobody_has_nothing_to_remember():
    memory = Memory(0)
    known, _, _ = memory.recall(np.empty(0, np.int64), np.empty(0, np.uint64))
    assert len(known) == 0
