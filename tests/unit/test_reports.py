import copy
import json
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from vauban.errors import BadInput
from vauban.reports import FORMATS, hostile, phrases
from vauban.reports.digest import cells, headlines, ranked, worst
from vauban.reports.markdown import escaped

FIXTURES = Path(__file__).parents[1] / "fixtures"
NAMES = ("spam", "credit", "degenerate", "retrained")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "{{7*7}}{% include 'x' %}",
    "\u202egnp.exe",
    "fr\u200bee\ufeff\u2066",
    "A" * 5000,
    '=HYPERLINK("http://evil.example")',
    "]]></style><!--",
    "&lt;b&gt; &amp; javascript:alert(1)",
    "| a | `b` | <details open>",
    "\ud800\x00\x1b[31m",
    "$\\frac{1}{0}$ 漢字 \U0001f600",
)


def result(name):
    return json.loads((FIXTURES / f"result_{name}.json").read_text(encoding="utf-8"))


@cache
def page_of(name):
    return FORMATS["html"](result(name))


class Page(HTMLParser):
    """Collects the elements with their attributes, and the text."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.headings = [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_data(self, data):
        self.text.append(data)

    @property
    def shape(self):
        return Counter((tag, *sorted(attributes)) for tag, attributes in self.elements)


# Names that choose a template rather than being shown by one: hostile values are refused, which is tested apart.
CHOICES = {"cell", "specificity", "role", "level", "kind"}


def with_strings(value, change, key=""):
    """Return a copy of a result with every text of the user or the attacker replaced."""
    if isinstance(value, dict):
        return {k: with_strings(v, change, k) for k, v in value.items()}
    if isinstance(value, list):
        return [with_strings(item, change, key) for item in value]
    return change(value) if isinstance(value, str) and key not in CHOICES else value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMATS)
def test_the_same_result_gives_the_same_bytes(name, form):
    first = FORMATS[form](result(name))
    shuffled = json.loads(json.dumps(result(name), sort_keys=True))
    assert FORMATS[form](shuffled) == first
    assert first.endswith("\n")


def test_bytes_do_not_depend_on_the_process_or_the_users_style():
    code = (
        "import sys, json, matplotlib; matplotlib.rcParams['lines.linewidth'] = 9; from vauban.reports import FORMATS;"
        "sys.stdout.buffer.write(FORMATS['html'](json.load(sys.stdin)).encode())"
    )
    page = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(result("spam")).encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert page.stdout.decode() == page_of("spam")


@pytest.mark.parametrize("form", FORMATS)
def test_rendering_changes_nothing_in_the_result(form):
    before = result("spam")
    given_away = copy.deepcopy(before)
    FORMATS[form](given_away)
    assert given_away == before


def test_json_is_canonical_and_loses_nothing():
    text = FORMATS["json"](result("spam"))
    assert text.isascii()
    assert json.loads(text) == result("spam")
    assert FORMATS["json"](json.loads(text)) == text


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_self_contained(name):
    source = page_of(name)
    page = Page(source)
    assert "script" not in {tag for tag, _ in page.elements}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base", "form", "foreignobject"}
        assert not [key for key in attributes if key.startswith("on") or key in {"src", "srcset", "xlink:href"}]
        assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", " ".join(filter(None, attributes.values())))
        if "href" in attributes:
            target = attributes["href"]
            assert target[1:] in ids if target.startswith("#") else (tag == "a" and target.startswith("https://"))
    assert "@import" not in source
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in source


@pytest.mark.parametrize("name", NAMES)
def test_the_page_can_be_read_by_a_machine_that_reads_aloud(name):
    page = Page(page_of(name))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert ("html", {"lang": "en"}) in page.elements
    for tag, attributes in page.elements:
        if tag == "th":
            assert attributes["scope"] in {"row", "col", "rowgroup"}
        if tag == "svg":
            assert attributes.get("aria-label") or attributes["aria-hidden"] == "true"
    tags = Counter(tag for tag, _ in page.elements)
    assert tags["caption"] == tags["table"]
    assert tags["figure"] == tags["figcaption"]


def test_figures_on_the_page_are_those_of_the_strongest_attacks():
    text = " ".join("".join(Page(page_of("spam")).text).split())
    assert (
        "between 93 % and 99.5 %, 95 % interval, n = 120. Greedy words, with scores, the strongest of 3 attacks."
        in text
    )
    assert "between 76 % and 90 %, 95 % interval, n = 120. Bad words, the only attack tried." in text
    assert "EUR 14.2 without the attack; between EUR 112 and EUR 123 under it" in text
    assert "1 planned attack did not finish" in text
    assert "Causative part: not tried in this run" in text


def test_charts_hold_every_curve_with_control_and_baseline():
    page = page_of("spam")
    drawings = re.findall(r'<svg viewBox="0 0 400 250".*?</svg>', page, flags=re.DOTALL)
    assert len(drawings) == 7  # questions and cost in three groups, and one exploration
    for label in ("Good words", "Obfuscated words", "Random words", "Do nothing"):
        assert f">{label}</text>" in drawings[0]
    dashes = re.findall(r"stroke-dasharray: ([\d.,]+)", drawings[0])
    assert len(set(dashes)) == 3  # two attacks beside the solid one, and the grey lines
    assert "#01" not in "".join(drawings)
    assert "LABEL" not in page
    assert "AXIS" not in page


def test_an_attack_that_never_succeeded_is_a_flat_line_and_not_a_missing_one():
    changed = result("spam")
    for finding in changed["findings"]:
        if finding["role"] == "control":
            finding["curves"] = {"queries": [], "cost": []}
    assert FORMATS["html"](changed).count(">Do nothing</text>") == 4


def test_no_cell_vanishes_and_each_empty_one_says_why():
    for name in NAMES:
        entries = cells(result(name))
        assert [(entry.id, entry.specificity[0]) for entry in entries] == [
            (cell, kind) for cell in ("EI", "EA", "CI", "CA") for kind in "it"
        ]
        assert all(bool(entry.finding) != bool(entry.reasons) for entry in entries)


def test_a_reason_that_many_attacks_share_is_said_once():
    shown = result("spam")
    shown["findings"], shown["incomplete"] = [f for f in shown["findings"] if f["cell"] != "EI"], []
    shown["out_of_scope"] = [
        {"attack": f"attack-{i}", "cell": "EI", "reason": "no victim" if i < 5 else "no access"} for i in range(6)
    ]
    assert cells(shown)[0].reasons == ("attack-0, attack-1, attack-2 and 2 more: no victim", "attack-5: no access")


def test_markdown_gives_money_with_its_interval():
    shown = result("credit")
    losses = [f["money"]["loss_per_1000"] for f in shown["findings"] if f["money"]]
    line = next(line for line in FORMATS["markdown"](shown).splitlines() if "Loss on 1,000" in line)
    loss = next(one for one in losses if phrases.cost(one["after"]["value"], "EUR").replace(phrases.NBSP, " ") in line)
    for bound in ("low", "high"):
        assert phrases.cost(loss["after"][bound], "EUR").replace(phrases.NBSP, " ") in line


def test_an_unfinished_cell_gives_the_reason_of_the_unfinished_attack():
    changed = result("spam")
    changed["findings"] = [finding for finding in changed["findings"] if finding["cell"] != "EI"]
    reasons = cells(changed)[0].reasons
    assert any("stopped after 132 of 200" in reason for reason in reasons)
    assert any("structure is not granted" in reason for reason in reasons)


def test_findings_are_ordered_by_cell_then_success_and_controls_are_never_the_headline():
    changed = result("spam")
    control = next(finding for finding in changed["findings"] if finding["role"] == "control")
    control["success_rate"] = {"value": 1.0, "low": 0.97, "high": 1.0, "n": 120}
    ordered = ranked(changed["findings"])
    assert [finding["cell"] for finding in ordered] == ["EI"] * 6 + ["EA"] * 2
    assert ordered[0] is control
    assert headlines(changed)[0].finding["title"] == "Greedy words, with scores"
    assert all(finding["role"] == "attack" for finding in worst(changed))


def test_a_degenerate_model_is_flagged_before_any_figure():
    page = page_of("degenerate")
    assert page.index("The model is degenerate") < page.index("Key figures")
    assert "The model is degenerate" in FORMATS["markdown"](result("degenerate"))
    assert "never" not in "".join(Page(page).text).split("Glossary")[0]  # no victims: not measured, rather than never


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["spam", "credit"])
def test_hostile_texts_are_shown_and_do_nothing(text, name):
    source = FORMATS["html"](with_strings(result(name), lambda _: text))
    source.encode("utf-8")
    page = Page(source)
    page_text = "".join(page.text)
    assert not {tag for tag, _ in page.elements} & {"script", "img", "b", "iframe"}
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    for source in (page_text, *(value or "" for _, attributes in page.elements for value in attributes.values())):
        assert not [c for c in source if hostile._is_invisible(c)]
    if text.isprintable():
        assert text[:100] in page_text
    FORMATS["markdown"](with_strings(result(name), lambda _: text)).encode("utf-8")


def harmless(text):
    """The same text with each character that means something in HTML made a letter of its own: same elements."""
    return re.sub(r"[<>&\"'`={}%#/\\!?$;-]", lambda found: chr(0x4E00 + ord(found[0])), text)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a page takes long to make: a failure is not shrunk
)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(HOSTILE),
            st.text(alphabet="<>\"'&=/ abon{}%\u202e\u200b\n", max_size=40),
            st.text(st.characters(), max_size=30),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["spam", "credit"]),
)
@example(["<", "=", ">"], "spam")
def test_no_text_brings_in_an_element_or_an_attribute(texts, name):
    def using(make):
        turn = iter(range(10**6))
        return with_strings(result(name), lambda _: make(texts[next(turn) % len(texts)]))

    assert Page(FORMATS["html"](using(str))).shape == Page(FORMATS["html"](using(harmless))).shape


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=80)))
def test_markdown_shows_a_text_as_it_is(text):
    shown = escaped(text, 10_000)
    assert "\n" not in shown
    assert not set(shown) & set("<>@")
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_|~\[\]]", shown)
    assert not re.search(r"(?i)https?:|www\.", shown)
    assert not re.match(r"([-+=]|\d+[.)])(\s|$)", shown)
    assert not [c for c in shown if hostile._is_invisible(c)]
    back = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), re.sub(r"\\([\\`*_\[\]|~#$^!=+.)-])", r"\1", shown))
    back = back.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert "&" in text or back == " ".join(hostile.plain(text).split())


def test_a_markdown_table_keeps_its_columns_under_hostile_texts():
    for text in HOSTILE:
        page = FORMATS["markdown"](with_strings(result("credit"), lambda _, text=text: text))
        tables = re.findall(r"(?:^\|.*\n?)+", page, flags=re.MULTILINE)
        assert tables
        for table in tables:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("verdict", "level"), "dire", "Unknown verdict level 'dire'.*critical, high"),
        (("data", "kind"), "images", "Unknown kind of data 'images'.*messages, table"),
        (("findings", 0, "cell"), "XX", "Unknown cell 'XX'.*EI, EA, CI, CA"),
        (("findings", 0, "role"), "<b>", "Unknown role"),
        (("threats", 0, "specificity"), "any", "Unknown specificity 'any'"),
        (("findings", 0, "seconds"), float("inf"), r"result\.findings\[0\]\.seconds is inf"),
        (("clean", "fnr", "value"), float("nan"), r"result\.clean\.fnr\.value is nan"),
    ],
)
@pytest.mark.parametrize("form", FORMATS)
def test_what_no_report_could_show_is_refused(form, path, value, message):
    broken = result("spam")
    *parents, last = path
    place = broken
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(BadInput, match=message):
        FORMATS[form](broken)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_no_result_is_refused(form):
    with pytest.raises(BadInput, match=r"lacks version, scenario.*Give the result\.json"):
        FORMATS[form]({"findings": []})


NBSP = phrases.NBSP


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (phrases.quantity(0.41234), "0.412"),
        (phrases.quantity(41234.0), "41,200"),
        (phrases.quantity(999.6), "1,000"),
        (phrases.quantity(6.0), "6"),
        (phrases.quantity(-0.83), "-0.83"),
        (phrases.quantity(None), "not measured"),
        (phrases.count(5171), "5,171"),
        (phrases.percent(0.8, 120), "80 %"),
        (phrases.percent(0.8042, 5000), "80.4 %"),
        (phrases.percent(0.0, 10), "0 %"),
        (phrases.percent(0.0001, 20_000), "under 0.1 %"),
        (phrases.percent(0.99999, 20_000), "over 99.9 %"),
        (phrases.percent(0.004, 500), "0.4 %"),
        (phrases.percent(1.0, 5000), "100 %"),
        (phrases.plural(1, "question"), "1 question"),
        (phrases.plural(1200, "question"), "1,200 questions"),
        (phrases.plural(0, "question"), "0 questions"),
        (phrases.cost(1.0, "words"), "1 word"),
        (phrases.cost(6.0, "words"), "6 words"),
        (phrases.cost(1234.5, "EUR"), "EUR 1,230"),
        (phrases.cost(None, "words"), "never"),
        (phrases.duration(0.04), "40 ms"),
        (phrases.duration(200.0), "3.33 min"),
        (phrases.duration(9000.0), "2.5 h"),
        (phrases.interval({"value": 0.9, "low": 0.88, "high": 0.97, "n": 120}),
         "between 88 % and 97 %, 95 % interval, n = 120"),
        (phrases.interval({"value": 1.0, "low": None, "high": None, "n": 1}), "n = 1, too few for an interval"),
        (phrases.interval({"value": None, "low": None, "high": None, "n": 0}), "n = 0"),
    ],
)  # fmt: skip
def test_numbers_are_said_as_people_say_them(shown, expected):
    assert shown.replace(NBSP, " ") == expected


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-3, 1e12))
def test_quantities_are_within_half_a_unit_of_the_third_digit(value):
    assert float(phrases.quantity(value).replace(",", "")) == pytest.approx(value, rel=5.001e-3)


def test_differences_name_what_was_removed_and_added_and_leave_out_long_agreement():
    runs = hostile.difference("call now to claim", "call n0w to claim later")
    assert [(run.kind, run.text) for run in runs] == [
        ("same", "call "), ("removed", "now"), ("added", "n0w"), ("same", " to claim"), ("added", " later"),
    ]  # fmt: skip
    long = " ".join(f"w{i}" for i in range(500))
    kept, added = hostile.difference(long, f"{long} bonus")
    assert added.text == " bonus"
    assert kept.text.startswith("w0 w1 ")
    assert kept.tail.endswith(" w499")
    assert len(kept.text.split()) + kept.skipped + len(kept.tail.split()) == 500


@settings(max_examples=60, deadline=None)
@given(st.text("ab \n", max_size=60), st.text("ab \n", max_size=60))
def test_a_difference_holds_both_texts(before, after):
    runs = hostile.difference(before, after)
    assert "".join(run.text for run in runs if run.kind != "added") == before
    assert "".join(run.text for run in runs if run.kind != "removed") == after
