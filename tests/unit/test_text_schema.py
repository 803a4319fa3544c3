"""What an attacker pays for words, and what he may not touch."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vauban.errors import BadInput
from vauban.records import messages
from vauban.schema import FORBIDDEN, Price, TextSchema, from_stored, to_stored

words = st.lists(st.sampled_from(["free", "cash", "lunch", "the", "a"]), max_size=6)
prices = st.one_of(st.just(FORBIDDEN), st.sampled_from([0.5, 1.0, 2.0, 7.25]))
schemas = st.builds(TextSchema, added=prices, removed=prices, changed=prices, payload=st.just(()))


def cost(schema, before, after):
    return float(schema.cost(messages([before]), messages([after]))[0])


def slow_cost(schema, before, after):
    """The cheapest edit of words, by the textbook's table."""
    table = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i in range(1, len(before) + 1):
        table[i][0] = i * schema.removed
    for j in range(1, len(after) + 1):
        table[0][j] = j * schema.added
    for i in range(1, len(before) + 1):
        for j in range(1, len(after) + 1):
            table[i][j] = min(
                table[i - 1][j] + schema.removed,
                table[i][j - 1] + schema.added,
                table[i - 1][j - 1] + (0.0 if before[i - 1] == after[j - 1] else schema.changed),
            )
    return table[-1][-1]


@settings(deadline=None)
@given(schemas, words, words)
def test_cost_is_the_cheapest_edit_of_words(schema, before, after):
    got = cost(schema, " ".join(before), " ".join(after))
    if before == after:
        assert got == 0
    else:
        assert got == pytest.approx(slow_cost(schema, before, after))


@settings(deadline=None)
@given(schemas, st.text(" \tab", max_size=8), st.text(" \tab", max_size=8))
def test_cost_is_never_negative_and_zero_only_for_no_change(schema, before, after):
    got = cost(schema, before, after)
    assert got >= 0
    assert (got == 0) == (before == after)


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 40))
def test_any_text_is_priced_and_repaired(before, after, longest):
    schema = TextSchema(longest=longest)
    repaired = schema.repair(messages([before]), messages([after]))[0]
    assert cost(schema, before, repaired) < FORBIDDEN
    assert repaired in (before, after)
    assert len(repaired) <= max(longest, len(before))


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("n", [1, 3])
def test_words_added_at_an_end_cost_as_many_words(side, n):
    new = " ".join(["lunch"] * n)
    text = f"{new} win cash" if side == "before" else f"win cash {new}"
    assert cost(TextSchema(added=2.0), "win cash", text) == 2.0 * n


def test_words_added_to_an_empty_message_cost_as_many_words():
    for after in ("free", "free ", " free", "free cash "):
        assert cost(TextSchema(), "", after) == len(after.split())


def test_white_space_is_a_change():
    schema = TextSchema(added=FORBIDDEN, changed=2.0)
    for after in ("win cash ", " win cash", "win  cash"):
        assert cost(schema, "win cash", after) == 2.0
    assert cost(TextSchema(changed=FORBIDDEN), "win cash", "win cash ") == FORBIDDEN


def test_glued_words_are_no_addition():
    assert cost(TextSchema(added=1.0, changed=5.0, removed=9.0), "win", "winner") == 5.0


def test_a_message_may_grow_to_the_longest_and_no_further():
    schema = TextSchema(longest=10)
    assert cost(schema, "win", "win a b c ") < FORBIDDEN
    assert cost(schema, "win", "win a b c d") == FORBIDDEN
    assert schema.room(messages(["win", "x" * 30])).tolist() == [7, 0]


def test_a_message_that_is_too_long_may_change_but_not_grow():
    schema = TextSchema(longest=5)
    assert cost(schema, "win some cash", "win much cash") == 1.0
    assert cost(schema, "win some cash", "win some cash now") == FORBIDDEN


@pytest.mark.parametrize(
    ("before", "after", "survives"),
    [
        ("see http://x.example/a now", "look http://x.example/a", True),
        ("see http://x.example/a now", "see http://x.example/b now", False),
        ("call 0800 123 456", "ring 0800 123 456", True),
        ("call 0800 123 456", "call 0800 123 457", False),
        ("win £1,000 now", "get £1,000 now", True),
        ("win £1,000 now", "win £2,000 now", False),
        ("WIN WWW.X.EXAMPLE", "win www.x.example", True),
        ("win 50 gbp", "win 60 gbp", False),
    ],
)
def test_payload_survives_or_the_message_is_none(before, after, survives):
    assert (cost(TextSchema(), before, after) < FORBIDDEN) == survives


@pytest.mark.parametrize("text", ["", "  ", "…", "İstanbul £5", "\ud800", "a\x00b", "👍 " * 50])
def test_strange_texts_are_priced(text):
    assert cost(TextSchema(), text, text + " word") == 1.0
    assert cost(TextSchema(), text, text) == 0.0


def test_characters_are_priced_on_top():
    assert cost(TextSchema(character=0.1), "win cash", "win c4sh") == pytest.approx(1.1)
    assert cost(TextSchema(character=0.1), "win", "win ab") == pytest.approx(1.3)


def test_prices_below_a_thousandth_are_kept():
    schema = TextSchema(added=0.0001, removed=0.0002, changed=0.0001)
    assert cost(schema, "win cash now", "lose cash now soon") == pytest.approx(0.0002)


def test_prices_in_money_of_any_size_are_possible():
    schema = TextSchema(added=2e9, removed=1e9, changed=3e9)
    assert cost(schema, "win cash now", "lose cash now soon") == pytest.approx(5e9)


def test_prices_overlay():
    rival = TextSchema().priced({"text": Price(up=3.0)})
    assert cost(rival, "win", "win a") == 3.0
    assert cost(rival, "win a", "win") == FORBIDDEN
    with pytest.raises(BadInput, match="text"):
        TextSchema().priced({"subject": Price()})


@pytest.mark.parametrize("wrong", [{"added": -1.0}, {"changed": float("nan")}, {"longest": -1}, {"payload": ("(",)}])
def test_contradictions_are_refused(wrong):
    with pytest.raises(BadInput):
        TextSchema(**wrong)


def test_encoding_undoes_decoding():
    schema = TextSchema(column="body")
    records = messages(["one", "", "two words"])
    assert schema.encode(schema.decode(records)).tolist() == records.tolist()


@pytest.mark.parametrize("cell", [None, 3, np.nan])
def test_cells_that_are_no_text_are_refused(cell):
    with pytest.raises(BadInput, match="texts only"):
        TextSchema().encode(pd.DataFrame({"text": pd.Series(["a", cell], dtype=object)}))


@given(schemas)
def test_a_schema_survives_being_stored(schema):
    assert from_stored(to_stored(schema)) == schema
