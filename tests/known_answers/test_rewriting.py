"""Rewriting messages under filters whose optimum is known, and against chance on real ones."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vauban.audit.answers import Oracle
from vauban.audit.judge import Judged
from vauban.audit.plan import brief_for, make_plan
from vauban.audit.runner import scout, search
from vauban.contracts import LABEL, SCORE, Attack, Brief, Known, Scale
from vauban.errors import BadInput
from vauban.exploratory.chaff import Chaff
from vauban.exploratory.character_substitution import CharacterSubstitution
from vauban.exploratory.human_evasions import HumanEvasions
from vauban.exploratory.obfuscation import Obfuscation
from vauban.exploratory.random_edits import RandomEdits
from vauban.exploratory.random_search import RandomSearch
from vauban.exploratory.word_substitution import WordSubstitution
from vauban.metrics.intervals import paired_differs
from vauban.records import Records, messages
from vauban.scenarios import scenario
from vauban.schema import FORBIDDEN, TextSchema
from vauban.system import System
from vauban.tactics.letters import FAMILIES, HOMOGLYPH, ZERO_WIDTH, variants
from vauban.tactics.near_words import NearWords
from vauban.tactics.rewording import editable
from vauban.targets import CallableTarget
from vauban.targets.normalising import Normalised, normalised
from vauban.threat import Budget, Cell

BAD = dict(
    zip(["winner", "prize", "free", "cash", "urgent", "claim", "offer", "bonus"], np.arange(8) * 0.5 + 0.7, strict=True)
)
GOOD = dict(zip(["meeting", "agenda", "project", "report", "lunch", "thanks"], -np.arange(6) * 0.5 - 0.7, strict=True))
PLAIN = ["about", "after", "before", "other", "people", "place", "right", "still", "think", "under", "where", "which"]
BOTH = pytest.mark.parametrize("access", [LABEL, SCORE], ids=["label", "score"])


def planted(*, normal: bool = False, cell: Cell = Cell.EI, schema: TextSchema | None = None) -> CallableTarget:
    """A filter that adds up the weights of the words of a message, each as often as it occurs."""
    weights = {**BAD, **GOOD}
    base = -1.0 if cell is Cell.EI else 1.0  # what is blocked by its words passes without them, and the other way round

    def margin(texts: list[str]) -> list[float]:
        read = [normalised(t) if normal else t for t in texts]
        return [base + sum(weights.get(w, 0.0) for w in text.casefold().split()) for text in read]

    return CallableTarget(margin, schema or TextSchema(), threshold=0.0, scale=Scale.MARGIN)


@lru_cache
def known(n: int = 300) -> Known:
    rng = np.random.default_rng(4)
    sides = (list(GOOD), list(BAD))
    texts = [" ".join([*rng.choice(sides[i % 2], 3), *rng.choice(PLAIN, 4)]) for i in range(n)]
    labels = (np.arange(n) % 2).astype(np.int8)
    return Known(messages(texts), labels, np.ones(n, dtype=bool))


def brief(access: frozenset = LABEL, cell: Cell = Cell.EI, **more: object) -> Brief:
    budget = Budget(600, 600, None, more.pop("cost", None))
    return Brief(cell, more.pop("schema", TextSchema()), access, budget, known(), scale=Scale.MARGIN, **more)


def run(attack: Attack, target: CallableTarget, told: Brief, victims: Records, **how: int) -> Judged:
    oracle = Oracle(target)
    learnt = scout(attack, "it", told, oracle).intelligence
    return search(attack, "it", told, learnt, victims, oracle, seed=(3,), **how)[0]


def victims(cell: Cell = Cell.EI) -> Records:
    rng = np.random.default_rng(9)
    own = list(BAD if cell is Cell.EI else GOOD)
    return messages(
        " ".join(rng.permutation([*rng.choice(own, 2 + i % 4, replace=False), *rng.choice(PLAIN, 3)])) for i in range(6)
    )


def fewest(target: CallableTarget, text: str, cell: Cell) -> float:
    """The fewest words without which the decision turns, by trying every set of them."""
    words = text.split()
    for k in range(len(words) + 1):
        sets = itertools.combinations(range(len(words)), k)
        left = messages([" ".join("xx" if i in out else w for i, w in enumerate(words)) for out in sets])
        if brief(cell=cell).reached(target.answer(left, LABEL).decisions).any():
            return float(k)
    return float("inf")


@pytest.mark.parametrize(("cell", "access"), [(Cell.EI, SCORE), (Cell.EA, LABEL)], ids=["EI-score", "EA-label"])
@pytest.mark.parametrize("attack", [Obfuscation(), CharacterSubstitution()], ids=repr)
def test_the_fewest_words_are_rewritten(attack, cell, access):
    target, texts = planted(cell=cell), victims(cell)
    optimum = [fewest(target, text, cell) for text in texts]
    assert max(optimum) >= 3
    judged = run(attack, target, brief(access, cell), texts)
    assert judged.cost.tolist() == optimum


def test_findings_do_not_depend_on_the_cohort():
    target, texts = planted(), victims()
    together = run(Obfuscation(), target, brief(), texts)
    for size in (1, 7):
        apart = run(Obfuscation(), target, brief(), texts, cohort_size=size)
        assert apart.records.tolist() == together.records.tolist()
        assert apart.used.tolist() == together.used.tolist()


@BOTH
def test_scouting_tells_which_family_the_filter_undoes(access):
    told = brief(access)
    assert scout(Obfuscation(), "it", told, Oracle(planted(normal=True))).intelligence.ways[-1] == "zero-width"
    assert scout(Obfuscation(), "it", told, Oracle(planted())).intelligence.ways[-1] == "spacing"  # it costs twice
    assert not run(Obfuscation("zero-width"), planted(normal=True), told, victims()).success.any()
    assert run(Obfuscation("zero-width"), planted(), told, victims()).success.all()


def test_one_word_said_twice_is_rewritten_twice():
    judged = run(Obfuscation(), planted(), brief(SCORE), messages(["free about free"]))
    assert judged.cost.tolist() == [2.0]


def test_payload_addresses_keywords_and_numbers_are_left_alone():
    text = "urgent prize call 0800 123 456 txt CLAIM to 87121 or see winner.com/free http://cash.example £500 cash now"
    spans = [text[a:b] for a, b in editable(text, TextSchema())]
    assert spans == ["urgent", "prize", "call", "txt", "to", "or", "see", "cash", "now"]
    for family in FAMILIES:
        attack = CharacterSubstitution() if family == "slips" else Obfuscation(family)
        (after,) = run(attack, planted(), brief(SCORE), messages([text])).records
        for kept in ("0800 123 456", "txt CLAIM to 87121", "winner.com/free", "http://cash.example", "£500"):
            assert kept in after


def test_the_cap_on_length_and_that_on_cost_are_kept():
    texts = messages(["winner prize free cash urgent claim"])
    full = TextSchema(longest=len(texts[0]))
    assert not run(Obfuscation("zero-width"), planted(schema=full), brief(schema=full), texts).success.any()
    assert run(Obfuscation("homoglyph"), planted(schema=full), brief(schema=full), texts).success.all()
    best = run(Obfuscation(), planted(), brief(), texts).cost[0]
    assert not run(Obfuscation(), planted(), brief(cost=best - 1), texts).success.any()
    assert run(Obfuscation(), planted(), brief(cost=best), texts).success.all()


def test_who_cannot_change_words_is_told_that_there_is_nothing_to_do():
    only_adds = TextSchema(changed=FORBIDDEN, removed=FORBIDDEN)
    for attack in (Obfuscation(), CharacterSubstitution(), WordSubstitution(), RandomEdits()):
        assert "only add" in attack.inapt(only_adds, known())
        assert attack.inapt(TextSchema(), known()) is None
    assert "by hand" in HumanEvasions.inapt(TextSchema(), known())
    assert HumanEvasions.inapt(TextSchema(), replace(known(), rewritten={"a": ("b",)})) is None


# --- spellings ------------------------------------------------------------------------------------

WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12)
READ_BACK = {look: letter for letter, look in HOMOGLYPH.items()}


@given(WORDS)
def test_spellings_can_be_read_back(word):
    for spelling in variants(word, "homoglyph"):
        assert "".join(READ_BACK.get(c, c) for c in spelling) == word
        assert unicodedata.normalize("NFKC", spelling) == spelling
    assert {s.replace(ZERO_WIDTH, "") for s in variants(word, "zero-width")} <= {word}
    assert {s.replace(" ", "") for s in variants(word, "spacing")} <= {word}
    for spelling in variants(word, "slips"):
        assert (spelling[0], spelling[-1]) == (word[0], word[-1])
        assert abs(len(spelling) - len(word)) <= 1
    for family in FAMILIES:
        found = variants(word, family)
        assert word not in found
        assert len(set(found)) == len(found)
        assert bool(found) <= (len(word) >= 3)


def test_other_words_are_forms_of_the_word_or_say_the_same_in_its_letter_case():
    near = NearWords([("free", "gratis")], ["claims", "claimed", "wine", "freely", "camping"])
    assert near.of("Claim") == ("Claims", "Claimed") or near.of("Claim") == ("Claimed", "Claims")
    assert near.of("FREE") == ("GRATIS",)
    assert near.of("win") == ()


def test_a_replacement_is_the_one_that_the_filter_minds_least():
    alike = (("prize", "claim", "lunch"),)
    judged = run(WordSubstitution(alike=alike), planted(), brief(SCORE), messages(["prize about"]))
    assert judged.records.tolist() == ["lunch about"]


@given(st.text(max_size=30))
def test_normal_form_is_stable_and_free_of_formats(text):
    once = normalised(text)
    assert normalised(text.replace("\u200b", "")) == normalised(text)
    assert not any(unicodedata.category(c) == "Cf" for c in once)
    assert Normalised().fit(None).transform([text]).tolist() == [once]


# --- chance ---------------------------------------------------------------------------------------


def test_random_edits_are_as_many_as_said_and_uniform():
    text = "winner prize free cash"
    oracle, told = Oracle(planted()), brief()
    texts = messages([text] * 400)
    judged, _ = search(RandomEdits("slips", words=2, draws=1), "r", told, None, texts, oracle, seed=(5,))
    assert set(np.unique(judged.cost[judged.success])) <= {2.0}
    assert judged.used.tolist() == [1] * 400
    # 0.7 + 1.2 + 1.7 + 2.2 - 1: two of the four leave at most the margin only if free and cash are both gone
    share = judged.success.mean()
    expected = 1 / 6 + (1.2 + 2.2 >= 4.8) / 6
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / 400) or share == 0


@pytest.mark.parametrize("wrong", [{"words": 0}, {"draws": 0}, {"most": 0}, {"family": "rot13"}])
def test_random_edits_that_are_none_are_refused(wrong):
    with pytest.raises(BadInput, match="Random edits"):
        RandomEdits(**wrong)


def test_families_that_are_none_are_refused():
    with pytest.raises(BadInput, match="families"):
        Obfuscation("rot13")


# --- chaff ----------------------------------------------------------------------------------------


def test_chaff_is_cut_down_to_the_passage_that_matters():
    """A filter that minds but one thing, two words next to one another: that passage, and no more, is quoted."""

    def margin(texts: list[str]) -> list[float]:
        return [1.0 if "urgent claim" in text else -1.0 for text in texts]

    target = CallableTarget(margin, TextSchema(), threshold=0.0, scale=Scale.MARGIN)
    rng = np.random.default_rng(1)
    good = [" ".join(rng.choice(PLAIN, 6)) for _ in range(60)]
    bad = [" ".join([*rng.choice(PLAIN, i % 5), "urgent", "claim", *rng.choice(PLAIN, i % 7)]) for i in range(60)]
    labels = np.repeat([0, 1], 60).astype(np.int8)
    told = replace(brief(cell=Cell.EA), known=Known(messages([*good, *bad]), labels, np.ones(120, dtype=bool)))
    judged = run(Chaff(), target, told, messages(good[:9]))
    assert judged.cost.tolist() == [2.0] * 9
    assert {text.removeprefix(was) for was, text in zip(good, judged.records, strict=False)} == {" urgent claim"}


# --- real messages --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def sms(model: str = "logistic-regression") -> System:
    return scenario("spam").system("sms", model, seed=11)


def on_sms(attack: Attack, cell: Cell, access: frozenset, cost: float) -> np.ndarray:
    system = sms()
    threat = scenario("spam").threats([cell], access, Budget(300, 300, None, cost), None)[0]
    front = make_plan(system, [threat], ["do-nothing"], 60).fronts[0]
    told, oracle = brief_for(front, system.target, "it", 11), Oracle(system.target)
    learnt = scout(attack, "it", told, oracle).intelligence
    return search(attack, "it", told, learnt, front.victims, oracle, seed=(11,))[0].success


@pytest.mark.data
@pytest.mark.parametrize("access", [LABEL], ids=["label"])
@pytest.mark.parametrize(
    ("attack", "chance", "cell"),
    [
        (Obfuscation(), RandomEdits(words=4, draws=1), Cell.EI),
        (CharacterSubstitution(), RandomEdits("slips", words=4, draws=1), Cell.EI),
        (WordSubstitution(), RandomEdits(words=4, draws=1), Cell.EI),
        (Chaff(), RandomSearch(words=4, draws=1), Cell.EA),
    ],
    ids=["obfuscation", "character-substitution", "word-substitution", "chaff"],
)
def test_each_does_more_than_as_many_random_edits_at_the_same_cap(attack, chance, cell, access):
    ours, random = on_sms(attack, cell, access, 4.0), on_sms(chance, cell, access, 4.0)
    assert len(ours) == 60
    assert paired_differs(ours, random) < 0.01


@pytest.mark.data
def test_the_pairs_are_played_on_a_filter_that_has_seen_neither_side():
    system = scenario("spam").system("sms-evasion-pairs", "naive-bayes", seed=0)
    assert len(system.rewritten) == 40
    assert sum(map(len, system.rewritten.values())) >= 56
    trained = set(system.parts.train.frame["text"])
    assert not trained & {t for original, made in system.rewritten.items() for t in (original, *made)}
    assert system.data["removed"]["of those trained on, in the pairs"] >= 1
    threats = scenario("spam").threats(["EI"], LABEL, Budget(20, 0), None)
    plan = make_plan(system, threats, ["human-evasions"], 100)
    (front,) = plan.fronts
    assert set(front.victims) <= set(system.rewritten)
    told, oracle = brief_for(front, system.target, "it", 0), Oracle(system.target)
    judged, _ = search(HumanEvasions(), "it", told, None, front.victims, oracle, seed=(0,))
    assert 0 < judged.success.sum() < len(judged.ids)
    for was, now in zip(front.victims[judged.success], judged.records[judged.success], strict=True):
        assert now in system.rewritten[was]
    elsewhere = make_plan(sms(), threats, ["human-evasions"], 10)
    assert "by hand" in elsewhere.out_of_scope[0].reason


def test_mcnemar_counts_what_differs():
    ours, theirs = np.array([1, 1, 1, 1, 1, 0, 1], dtype=bool), np.array([0, 0, 0, 0, 0, 0, 1], dtype=bool)
    assert paired_differs(ours, theirs) == pytest.approx(1 / 32)
    assert paired_differs(theirs, ours) == 1.0
    assert paired_differs(ours, ours) == 1.0
