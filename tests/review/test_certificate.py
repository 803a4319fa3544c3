"""How many poisoned rows a decision survives: by hand, by brute force on a small case, and by poisoning for real."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from tests.review.planted import of_applicants, of_messages
from vauban.cli import main
from vauban.contracts import Labelled
from vauban.errors import BadInput
from vauban.records import messages
from vauban.review.certificate import Certificate, certify, survived


@pytest.mark.parametrize("parts", [5, 6])
def test_votes_that_may_turn_by_brute_force(parts):
    for votes in range(parts + 1):
        ballot = np.arange(parts) < votes
        decided = 2 * votes >= parts

        def turns(count, ballot=ballot, decided=decided):
            for which in combinations(range(parts), count):
                other = ballot.copy()
                other[list(which)] = ~other[list(which)]
                if (2 * other.sum() >= parts) != decided:
                    return True
            return False

        most = max(r for r in range(parts + 1) if not any(turns(k) for k in range(r + 1)))
        assert survived(np.array([votes]), parts)[0] == most


@pytest.mark.parametrize("made", [of_messages, of_applicants])
def test_what_is_certified_holds_when_rows_are_poisoned(made):
    dossier, _ = made()
    told = certify(dossier, 15)
    assert told.surviving(0).value > 0.6
    assert told.surviving(3).value > 0.2
    rng = np.random.default_rng(0)
    safe = told.survives >= 3
    for _ in range(3):  # three rows of the worst kind that is at hand: labels of any records turned
        labels = dossier.labels.copy()
        turned = rng.choice(len(labels), 3, replace=False)
        labels[turned] = 1 - labels[turned]
        after = certify(replace(dossier, labels=labels), 15)
        assert (after.harmful[safe] == told.harmful[safe]).all()


def test_a_row_with_new_words_reaches_one_model_alone():
    dossier, _ = of_messages()
    told = certify(dossier, 15)
    strange = messages([" ".join(f"zq{i}" for i in range(200))])
    records = np.concatenate([dossier.records, strange])
    after = certify(replace(dossier, records=records, labels=np.append(dossier.labels, np.int8(0))), 15)
    safe = told.survives >= 1
    assert (after.harmful[safe] == told.harmful[safe]).all()


def test_shares_fall_with_the_rows():
    told = Certificate(9, np.array([True, True, False]), np.array([4, 0, 2]), np.array([1, 0, 0], dtype=np.int8))
    assert [told.surviving(r).value for r in (0, 1, 3, 5)] == pytest.approx([2 / 3, 2 / 3, 1 / 3, 0])


def test_it_needs_verified_records_and_rows_enough():
    dossier, _ = of_messages()
    with pytest.raises(BadInput, match="verified"):
        certify(replace(dossier, trusted=None), 10)
    with pytest.raises(BadInput, match="2 to 45 parts"):
        certify(dossier, 46)
    one = Labelled(dossier.trusted.records[:1], dossier.trusted.labels[:1])
    assert len(certify(replace(dossier, trusted=one), 5).survives) == 1


def test_the_command_says_it_and_writes_each_record(tmp_path, capsys):
    out = tmp_path / "certificate.csv"
    words = ["review", "certificate", "spam", "--trusted-rows", "100", "--parts", "20"]
    for more, code in ((["--out", str(out)], 0), (["--parts", "1"], 2), (["--out", str(tmp_path / "no" / "c.csv")], 2)):
        with pytest.raises(SystemExit) as done:
            main([*words, *more])
        assert done.value.code == code
    told = capsys.readouterr()
    assert "vote on 100 verified records" in told.out
    assert "Traceback" not in told.err
    assert len(out.read_text().splitlines()) == 101
