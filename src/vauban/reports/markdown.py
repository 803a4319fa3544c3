"""The report as Markdown (GitHub flavour), short enough for a pull request or the summary page of a build."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vauban.reports import digest, hostile, phrases, vocabulary

_TEXT_LENGTH = 400
_SHOWN_EXAMPLES = 2
_SHOWN_WORDS = 8
_SPECIAL = re.compile(r"([\\`*_\[\]|~#$^!])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}


def render(result: Mapping[str, Any]) -> str:
    """Return the report as Markdown. Raises `BadInput` if `result` is not the result of an audit."""
    whole = digest.checked(result)
    parts = [
        *_verdict(whole),
        *_cells(whole),
        *_findings(whole),
        *_worst(whole),
        *_learnt(whole),
        *_limits(whole),
        *_reproduce(whole),
    ]
    return "\n\n".join(parts).replace(phrases.NBSP, " ") + "\n"


def escaped(text: str, length: int = _TEXT_LENGTH) -> str:
    """Return a text on one line that Markdown shows as it is: no markup, HTML, table cell, list, link or mention.

    Invisible characters become their code points, and texts longer than `length` end in an ellipsis.
    """
    line = _SPECIAL.sub(r"\\\1", hostile.clipped(text, length))
    line = "".join(_ENTITIES.get(character, character) for character in line)
    line = re.sub(
        r"(?i)(https?|ftp|mailto|xmpp):|\bwww\.", lambda found: f"{found[0][:-1]}&#{ord(found[0][-1])};", line
    )
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", line)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _verdict(result: Mapping[str, Any]) -> list[str]:
    verdict, clean = result["verdict"], result["clean"]
    parts = [
        f"# {vocabulary.LEVELS[verdict['level']]}: {escaped(verdict['headline'])}",
        *map(escaped, verdict["details"]),
    ]
    if clean["degenerate"]:
        parts.append(f"**The model is degenerate; read nothing below as robustness.** {escaped(clean['degenerate'])}")
    lines = []
    for entry in digest.headlines(result):
        finding, name = entry.finding, entry.axis.violation.capitalize()
        if finding is None:
            lines.append(f"**{name}**: not tried. {'; '.join(map(escaped, entry.reasons))}.")
            continue
        rate, unit = finding["success_rate"], finding["cost"]["unit"]
        asked = phrases.plural(finding["queries"]["median"], "question")
        lines.append(
            f"**{name}**: {phrases.percent(rate['value'], rate['n'])} {entry.axis.happens} ({phrases.interval(rate)}) "
            f"by {escaped(finding['title'])}, at a median cost of {escaped(phrases.cost(finding['cost']['median'], unit))} "
            f"and {asked} (median) for one record.{_money(finding['money'])}"
        )
    lines.append(
        f"**Without an attacker**: {phrases.percent(clean['fnr']['value'], clean['fnr']['n'])} of harmful records pass "
        f"({phrases.interval(clean['fnr'])}); {phrases.percent(clean['fpr']['value'], clean['fpr']['n'])} of legitimate "
        f"records are blocked ({phrases.interval(clean['fpr'])})."
    )
    return [*parts, _bullets(lines)]


def _money(money: Mapping[str, Any] | None) -> str:
    if money is None:
        return ""
    before, after = (
        escaped(phrases.cost(money["loss_per_1000"][when]["value"], money["currency"])) for when in ("before", "after")
    )
    return f" Loss on 1,000 decisions: {after}, against {before} without the attack."


def _cells(result: Mapping[str, Any]) -> list[str]:
    rows = []
    entries = digest.cells(result)
    for both in zip(entries[::2], entries[1::2], strict=True):
        row = [f"{both[0].id}: {both[0].axis.influence} {both[0].axis.violation}"]
        for entry in both:
            if entry.finding is None:
                row.append(f"not tried: {'; '.join(map(escaped, entry.reasons))}")
            else:
                rate = entry.finding["success_rate"]
                shown = f"{phrases.percent(rate['value'], rate['n'])} ({phrases.short_interval(rate)})"
                row.append(f"{shown}, {escaped(entry.finding['title'])}")
        rows.append(row)
    return ["## The eight cells", _table(["", "indiscriminate", "targeted"], rows)]


def _findings(result: Mapping[str, Any]) -> list[str]:
    if not result["findings"]:
        return ["## All findings", "No attack has a result in this run."]
    rows = []
    for finding in digest.ranked(result["findings"]):
        rate, cost, queries = finding["success_rate"], finding["cost"], finding["queries"]
        role = "" if finding["role"] == "attack" else f" ({finding['role']})"
        spread = "" if cost["median"] is None and cost["p10"] is None else (
            f" ({escaped(phrases.cost(cost['p10'], cost['unit']))} to {escaped(phrases.cost(cost['p90'], cost['unit']))})"
        )  # fmt: skip
        rows.append([
            f"{finding['cell']}, {finding['specificity']}",
            f"{escaped(finding['title'])}{role}",
            escaped(", ".join(finding["grants"])) or "nothing",
            f"{phrases.percent(rate['value'], rate['n'])} ({phrases.short_interval(rate)})",
            f"{escaped(phrases.cost(cost['median'], cost['unit']))}{spread}",
            f"{phrases.quantity(queries['median'])} ({phrases.quantity(queries['p90'])})",
            f"{phrases.duration(finding['seconds'])} ({phrases.duration(finding['model_seconds'])})",
            escaped(", ".join(finding["tags"])),
        ])  # fmt: skip
    head = ["Cell", "Attack", "Sees", "Success (95 % interval)", "Cost, median (easiest to hardest tenth)",
            "Questions, median (nine in ten)", "Time (in the model)", "Ids"]  # fmt: skip
    return ["## All findings", _table(head, rows)]


def _worst(result: Mapping[str, Any]) -> list[str]:
    parts = []
    for finding in digest.worst(result["findings"], per_cell=1):
        parts += [
            f"### {escaped(finding['title'])} ({finding['cell']}, {finding['specificity']})",
            escaped(finding["description"], 1000),
        ]
        rows = [
            [
                str(example["victim_id"]),
                escaped(phrases.cost(example["cost"], finding["cost"]["unit"])),
                phrases.quantity(example["queries"]),
                escaped(str(change["field"])),
                escaped(str(change["before"])),
                escaped(str(change["after"])),
            ]
            for example in finding["examples"][:_SHOWN_EXAMPLES]
            for change in example["changes"]
        ]
        if rows:
            parts.append(_table(["Record", "Cost", "Questions", "Field", "Before", "After"], rows))
        if finding["remediation"]:
            parts += ["What to do about it:", _bullets(escaped(line, 1000) for line in finding["remediation"])]
    return ["## The worst in detail", *parts] if parts else []


def _learnt(result: Mapping[str, Any]) -> list[str]:
    lines = []
    for item in result["exploration"]:
        moved = [
            f"{escaped(row.get('name', row.get('word', '')), 40)} ({escaped(row['direction'], 20)})"
            for row in [
                *digest.by_effect(item["features"])[:_SHOWN_WORDS],
                *digest.by_effect(item["words"])[:_SHOWN_WORDS],
            ]
        ]
        last = item["agreement"][-1] if item["agreement"] else None
        agrees = f" agreement {phrases.percent(last['value'], last['n'])} ({phrases.interval(last)})." if last else ""
        where = f", where {escaped(item['where'])}" if item["where"] else ""
        lines.append(
            f"{escaped(item['explorer'])}, {item['specificity']}{where}: {phrases.plural(item['queries'], 'question')};"
            f"{agrees} What moves the decision: {', '.join(moved) or 'nothing found'}."
        )
    return ["## What the attacker learnt", _bullets(lines)] if lines else []


def _limits(result: Mapping[str, Any]) -> list[str]:
    done = result["coverage"]
    summary = (
        f"{phrases.plural(done['planned'], 'attack')} planned: {phrases.count(done['done'])} done, "
        f"{phrases.count(done['out_of_scope'])} out of scope, {phrases.count(done['incomplete'])} incomplete."
    )
    rows = [
        [what, escaped(item["attack"]), item["cell"], escaped(item["reason"])]
        for what, items in (("incomplete", result["incomplete"]), ("out of scope", result["out_of_scope"]))
        for item in items
    ]
    return ["## What was not done", summary, *([_table(["", "Attack", "Cell", "Reason"], rows)] if rows else [])]


def _reproduce(result: Mapping[str, Any]) -> list[str]:
    model, data = result["model"], result["data"]
    versions = ", ".join(
        f"{escaped(name)} {escaped(version)}" for name, version in (result["environment"] or {}).items()
    )
    lines = [
        f"Vauban {escaped(result['version'])}, scenario {escaped(result['scenario'])}, seed {result['seed']}",
        f"Model: {escaped(model['name'])}, SHA-256 {escaped(model['sha256'])}, threshold "
        f"{phrases.quantity(model['threshold'])} on the {escaped(model['scale'])} scale",
        f"Data: {escaped(data['name'])} ({escaped(data['source'])}), {phrases.plural(data['rows'], 'row')}, "
        f"SHA-256 {escaped(data['sha256'])}",
    ]
    if result["command"]:
        lines.insert(0, f"Command: {escaped(result['command'])}")
    if versions:
        lines.append(f"Versions: {versions}")
    return ["## How to reproduce it", _bullets(lines)]
