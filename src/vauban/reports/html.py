"""The HTML report: one file without scripts or outside parts, for a board and for an engineer, on screen and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from vauban.reports import charts, digest, film, hostile, phrases, vocabulary

_SHOWN_EXAMPLES = 3
_SHOWN_FEATURES = 12


def render(result: Mapping[str, Any]) -> str:
    """Return the report of an audit or a simulation as one HTML document; `BadInput` if `result` is neither's."""
    if film.is_film(result):
        return film.render(result, _environment())
    whole = digest.checked(result)
    ordered = digest.ranked(whole["findings"])
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            r=whole,
            headlines=digest.headlines(whole),
            cells=digest.cells(whole),
            flow=_flow(whole),
            groups=digest.groups(ordered),
            anchors={id(finding): f"finding-{i}" for i, finding in enumerate(ordered, 1)},
            charts=_finding_charts(ordered),
            worst=digest.worst({**whole, "findings": ordered}),
            campaigns=digest.campaigns(whole),
            retrained=digest.retrained(whole),
            strips=[(finding, film.strip(finding)) for finding in digest.campaigns(whole)],
            learnt=[_learnt(item, i) for i, item in enumerate(whole["exploration"], 1)],
            tags=[(tag, vocabulary.TAG_NAMES.get(tag), vocabulary.tag_source(tag)) for tag in digest.tags(whole)],
            glossary=vocabulary.GLOSSARY,
            levels=vocabulary.LEVELS,
            shown_examples=_SHOWN_EXAMPLES,
            shown_features=_SHOWN_FEATURES,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vauban.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(identify=id, gated=digest.gated)
    environment.filters.update(
        count=phrases.count,
        quantity=phrases.quantity,
        plural=phrases.plural,
        percent=phrases.percent,
        interval=phrases.interval,
        range=phrases.short_interval,
        cost=phrases.cost,
        spent=phrases.spent,
        duration=phrases.duration,
        listing=phrases.listing,
        record=hostile.record,
        clipped=hostile.clipped,
        fitted=hostile.fitted,
        difference=_difference,
    )
    return environment


def _visible(value: object) -> object:
    """Show invisible characters in whatever a template prints; Markup has been through `hostile` already."""
    return hostile.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _difference(before: object, after: object) -> list[hostile.Run]:
    return hostile.difference(str(before), str(after))


@dataclass(frozen=True)
class _Chart:
    """A drawing with its caption; `ends` says in words where each line ends."""

    group: tuple[str, str]
    caption: str
    svg: Markup
    ends: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Learnt:
    """An exploration, its chart if there is anything to draw, and what moves the decision, the largest effect first."""

    item: Mapping[str, Any]
    chart: _Chart | None
    features: Sequence[Mapping[str, Any]]
    words: Sequence[Mapping[str, Any]]
    largest_feature: float
    largest_word: float


def _finding_charts(ordered: Sequence[Mapping[str, Any]]) -> list[_Chart]:
    drawn = []
    for group in digest.groups(ordered):
        if any(finding.get("retraining") for finding in group.findings):
            continue  # what an attack on training spends is drawn round by round
        place = f"{group.cell}, {group.specificity}"
        drawn.append(_success(group, group.findings, "queries", "questions for one record", f"{place}: questions"))
        for unit in sorted({finding["cost"]["unit"] for finding in group.findings}):
            priced = tuple(finding for finding in group.findings if finding["cost"]["unit"] == unit)
            drawn.append(_success(group, priced, "cost", f"cost in {unit}", f"{place}: cost in {unit}"))
    return [chart for chart in drawn if chart is not None]


def _success(
    group: digest.Group, findings: Sequence[Mapping[str, Any]], curve: str, x_label: str, title: str
) -> _Chart | None:
    titles = [finding["title"] for finding in findings]
    lines = [
        charts.Line(
            finding["title"] + (f" ({', '.join(finding['grants'])})" if titles.count(finding["title"]) > 1 else ""),
            # A curve without a point is that of an attack that never succeeded: flat, and it belongs in the picture.
            finding["curves"][curve] or [[0, 0.0]],
            attack=finding["role"] == "attack",
        )
        for finding in findings
        if finding["victims"]
    ]
    if not lines:
        return None
    against = "questions asked" if curve == "queries" else hostile.clipped(x_label, 60)
    outcome = group.axis.outcome.capitalize()
    svg = charts.step_chart(f"{outcome} against {against}. {title}", lines, x_label, group.axis.outcome)
    caption = f"{outcome}, against {against}"
    return _Chart((group.cell, group.specificity), caption, Markup(svg), tuple(map(charts.describe, lines)))  # noqa: S704 - built as a tree and escaped by its serialiser


def _agreement(item: Mapping[str, Any], number: int) -> _Chart | None:
    if not any(point["value"] is not None for point in item["agreement"]):
        return None
    title = f"Agreement of the attacker's picture with the model against questions asked, exploration {number}"
    caption = "Agreement with the model against questions asked; the band is the 95 % interval"
    svg = charts.agreement_chart(title, item["agreement"])
    return _Chart(("", item["specificity"]), caption, Markup(svg))  # noqa: S704 - as above


def _learnt(item: Mapping[str, Any], number: int) -> _Learnt:
    features, words = digest.by_effect(item["features"]), digest.by_effect(item["words"])
    largest = [max((row["effect"] or 0.0 for row in rows), default=0.0) for rows in (features, words)]
    return _Learnt(item, _agreement(item, number), features, words, *largest)


@dataclass(frozen=True)
class _Box:
    """A station of the picture: a title, a figure in large type and the lines under it."""

    title: str
    figure: str
    lines: tuple[str, ...]
    tried: bool = True


def _flow(result: Mapping[str, Any]) -> dict[str, _Box]:
    """Return the stations of the picture of the threat model, with the numbers of this audit on them."""
    best = digest.explored(result)
    threats = result["threats"]
    # Sending and tampering are moves, not answers.
    grants = sorted({grant for threat in threats for grant in threat["grants"]} - {"send", "tamper"})
    explore = _Box(
        "Explore",
        phrases.plural(best["queries"], "question") if best else "not tried",
        (f"answers granted: {', '.join(grants)}" if grants else "no answers granted", "to the deployed model"),
        best is not None,
    )
    boxes = {"explore": explore, "learnt": _learnt_box(best)}
    for entry in digest.headlines(result):
        name, finding = entry.axis.violation, entry.finding
        if finding is None:
            boxes[name] = _Box(name.capitalize(), "not tried", ("in this run",), tried=False)
            continue
        if finding["success_rate"]["value"] is None:
            boxes[name] = _Box(name.capitalize(), "not measured", ("no record could be attacked",), tried=False)
            continue
        rate = finding["success_rate"]
        spent = f"median {phrases.spent(finding, 'median')}"
        asked_for = f"{phrases.plural(finding['queries']['median'], 'question')} each"
        words = entry.axis.happens.split()
        middle = words.index("can")
        boxes[name] = _Box(
            name.capitalize(),
            phrases.percent(rate["value"], rate["n"]),
            (" ".join(words[:middle]), " ".join(words[middle:]), f"{spent}, {asked_for}"),
        )
    boxes["causative"], steps = _causative_box(digest.campaigns(result))
    boxes |= steps
    return boxes


_UNTRIED = {
    "send": ("Send at intervals", "or alter the stored data"),
    "data": ("Training data", "collects what he sent"),
    "retrain": ("Retrain", "on what was collected"),
    "deploy": ("Deploy", "the campaign begins"),
}


def _causative_box(campaigns: Sequence[Mapping[str, Any]]) -> tuple[_Box, dict[str, _Box]]:
    """Return what attacks on training reached, and the four steps by which the strongest of them did."""
    if not campaigns:
        steps = {name: _Box(title, "", (line,), tried=False) for name, (title, line) in _UNTRIED.items()}
        return _Box("Causative part", "not tried in this run", (), tried=False), steps
    reached = ", ".join(
        f"{vocabulary.AXES[finding['cell']].violation} "
        f"{phrases.percent(finding['success_rate']['value'], finding['success_rate']['n'])}"
        for finding in campaigns
    )
    best = max(campaigns, key=lambda finding: finding["success_rate"]["value"])
    played, axis = best["retraining"], vocabulary.AXES[best["cell"]]
    share = phrases.percent(best["success_rate"]["value"], best["success_rate"]["n"])
    rounds = phrases.plural(played["rounds"], "round")
    sent = played["sent"] or played["altered"]
    what = "his records" if played["sent"] else "records altered"
    told = {
        "send": f"{phrases.count(sent)} {what}, {rounds}",
        "data": f"{phrases.percent(played['share'])} of a round are his",
        "retrain": f"{phrases.plural(played['rounds'], 'time')}, {phrases.plural(played['trained'], 'record')}",
        "deploy": f"{share} of fresh ones {'pass' if axis.violation == 'integrity' else 'blocked'}",
    }
    steps = {name: _Box(_UNTRIED[name][0], "", (line,)) for name, line in told.items()}
    return _Box("Causative part", f"{reached} after retraining", ()), steps


def _learnt_box(best: Mapping[str, Any] | None) -> _Box:
    if best is None:
        return _Box("What was learnt", "nothing", ("no exploration in this run",), tried=False)
    last = best["agreement"][-1] if best["agreement"] else None
    kind, rows, name = ("word", best["words"], "word") if best["words"] else ("feature", best["features"], "name")
    names = ", ".join(hostile.clipped(row[name], 12) for row in digest.by_effect(rows)[:3])
    decisive = f"decisive: {names}" if names else ""
    if last is None:
        return _Box("What was learnt", phrases.plural(len(rows), kind), ("that move the decision", decisive))
    return _Box("What was learnt", phrases.percent(last["value"], last["n"]), ("agreement with the model", decisive))
