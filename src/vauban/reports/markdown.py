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
        *_training(whole),
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
    line = re.sub(r"(?i)((?:https?|ftp|mailto|xmpp)(?=:)|www(?=\.))([:.])", _unlinked, line)
    return re.sub(r"^(?:([-+=])|(\d+)([.)])(?=\s|$))", _no_list, line)


def _unlinked(found: re.Match[str]) -> str:
    return f"{found[1]}&#{ord(found[2])};"


def _no_list(found: re.Match[str]) -> str:
    return f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}"


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
            lines.append(f"**{name}**: not tried ({'; '.join(map(escaped, entry.reasons))}).")
            continue
        rate = finding["success_rate"]
        if rate["value"] is None:
            lines.append(f"**{name}**: {phrases.interval(rate)}; no record could be attacked.")
            continue
        asked = phrases.plural(finding["queries"]["median"], "question")
        share = f"{phrases.percent(rate['value'], rate['n'])} {entry.axis.happens} ({phrases.interval(rate)})"
        lines.append(
            f"**{name}**: {share} by {escaped(finding['title'])}, {entry.rank}, "
            f"at a median cost of {escaped(phrases.spent(finding, 'median'))} "
            f"and {asked} (median) for one record.{_money(finding['money'])}"
        )
    fnr, fpr = (f"{phrases.percent(clean[rate]['value'], clean[rate]['n'])}" for rate in ("fnr", "fpr"))
    lines.append(
        f"**Without an attacker**: {fnr} of harmful records pass ({phrases.interval(clean['fnr'])}); "
        f"{fpr} of legitimate records are blocked ({phrases.interval(clean['fpr'])})."
    )
    return [*parts, _bullets(lines)]


def _money(money: Mapping[str, Any] | None) -> str:
    if money is None:
        return ""
    before, after = (_range(money["loss_per_1000"][when], money["currency"]) for when in ("before", "after"))
    return f" Loss on 1,000 decisions: {after}, against {before} without the attack."


def _range(loss: Mapping[str, Any], currency: str) -> str:
    said = {bound: escaped(phrases.cost(loss[bound], currency)) for bound in ("value", "low", "high")}
    if loss["low"] is None or loss["high"] is None:
        return said["value"]
    return f"{said['value']} (between {said['low']} and {said['high']})"


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
    attackers = [
        f"{threat['cell']}, {threat['specificity']}: {escaped(threat['attacker'])}; sees "
        f"{escaped(', '.join(threat['grants'])) or 'nothing'}, knows {escaped(threat['knows'])}"
        for threat in result["threats"]
    ]
    table = _table(["", "indiscriminate", "targeted"], rows)
    return ["## The eight cells", table, *([_bullets(attackers)] if attackers else [])]


def _findings(result: Mapping[str, Any]) -> list[str]:
    if not result["findings"]:
        return ["## All findings", "No attack has a result in this run."]
    rows = []
    for finding in digest.ranked(result["findings"]):
        rate, queries = finding["success_rate"], finding["queries"]
        role = "" if finding["role"] == "attack" else f" ({finding['role']})"
        easy, median, hard = (escaped(phrases.spent(finding, which)) for which in ("p10", "median", "p90"))
        row = [
            f"{finding['cell']}, {finding['specificity']}",
            f"{escaped(finding['title'])}{role}",
            escaped(", ".join(finding["grants"])) or "nothing",
            f"{phrases.percent(rate['value'], rate['n'])} ({phrases.short_interval(rate)})",
            median if easy == hard == median else f"{median} ({easy} to {hard})",
            f"{phrases.quantity(queries['median'])} ({phrases.quantity(queries['p90'])})",
            f"{phrases.duration(finding['seconds'])} ({phrases.duration(finding['model_seconds'])})",
            escaped(", ".join(finding["tags"])),
        ]
        rows.append(row)
    head = ["Cell", "Attack", "Sees", "Success (95 % interval)", "Cost, median (easiest to hardest tenth)",
            "Questions, median (nine in ten)", "Time (in the model)", "Ids"]  # fmt: skip
    return ["## All findings", _table(head, rows)]


def _training(result: Mapping[str, Any]) -> list[str]:
    rows = []
    for finding in digest.retrained(result):
        played, gate = finding["retraining"], digest.gated(finding)
        before, attacked = (_share(played["probe_success"][name]) for name in ("clean", "attacked"))
        behind = "not tried" if gate is None else f"{_share(gate[1])}, {escaped(gate[0])}"
        moved = "; ".join(
            f"{name} {phrases.percent(played[key]['clean']['value'], played[key]['clean']['n'])} to "
            f"{phrases.percent(played[key]['attacked']['value'], played[key]['attacked']['n'])}"
            for key, name in (("fnr", "harmful pass"), ("fpr", "good do not"))
        )
        role = "" if finding["role"] == "attack" else f" ({finding['role']})"
        share = f"{phrases.percent(played['share'])}, {phrases.plural(played['rounds'], 'round')}"
        rows.append([f"{finding['cell']}: {escaped(finding['title'])}{role}", share, before, attacked, behind, moved])
    if not rows:
        return []
    head = ["Attack", "His share", "Probes, cleanly retrained", "Attacked", "Behind a gate", "All other records"]
    return ["## Through the training data", _table(head, rows)]


def _share(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "not measured"
    return f"{phrases.percent(rate['value'], rate['n'])} ({phrases.short_interval(rate)})"


def _worst(result: Mapping[str, Any]) -> list[str]:
    parts = []
    for finding in digest.worst(result):
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
            f"{escaped(row[name], 40)} ({escaped(row['direction'], 20)})"
            for name, rows in (("name", item["features"]), ("word", item["words"]))
            for row in digest.by_effect(rows)[:_SHOWN_WORDS]
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
    versions = [
        f"{escaped(name)} {escaped(version)}" for name, version in sorted((result["environment"] or {}).items())
    ]
    size = phrases.plural(data["rows"], "row")
    threshold = f"{phrases.quantity(model['threshold'])} on the {escaped(model['scale'])} scale"
    lines = [
        f"Vauban {escaped(result['version'])}, scenario {escaped(result['scenario'])}, seed {result['seed']}",
        f"Model: {escaped(model['name'])}, SHA-256 {escaped(model['sha256'])}, threshold {threshold}",
        f"Data: {escaped(data['name'])} ({escaped(data['source'])}), {size}, SHA-256 {escaped(data['sha256'])}",
    ]
    if data.get("relations"):
        names = "; ".join(escaped(relation["name"]) for relation in data["relations"])
        lines.append(f"Every changed record obeys: {names}")
    if result["command"]:
        lines.insert(0, f"Command: {escaped(result['command'])}")
    if versions:
        lines.append(f"Versions: {', '.join(versions)}")
    return ["## How to reproduce it", _bullets(lines)]
