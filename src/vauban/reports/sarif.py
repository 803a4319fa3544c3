"""The report as SARIF 2.1.0 (OASIS), for code-scanning pages: one rule an attack and cell, one result each.

What was not tried is there too: ``notApplicable`` for what is out of scope, ``open`` for what did not finish. An attack
that never succeeded is a ``pass``.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from vauban.reports import digest, hostile, phrases, vocabulary

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SEVERITY = ((0.5, "error", "9.0"), (0.2, "error", "7.0"), (0.05, "warning", "5.0"), (0.0, "note", "2.0"))
"""Level and score of a finding: the first whose share the success reaches, by the lower end of its interval."""


def render(result: Mapping[str, Any]) -> str:
    """Return the report as SARIF. Raises `BadInput` if `result` is not the result of an audit."""
    whole = digest.checked(result)
    tried = [f for f in digest.ranked(whole["findings"]) if f["role"] not in ("control", "baseline")]
    missing = [(item, "notApplicable") for item in whole["out_of_scope"]]
    missing += [(item, "open") for item in whole["incomplete"]]
    rules = [_rule(f"{f['cell']}-{f['attack']}", f["title"], f["description"], f) for f in _first_of_each(tried)]
    named = {rule["id"] for rule in rules}
    for item, _ in missing:
        if (name := f"{item['cell']}-{item['attack']}") not in named:
            named.add(name)
            rules.append(_rule(name, item["attack"].replace("-", " ").capitalize(), "", None))
    run = {
        "tool": {"driver": {"name": "Vauban", "version": str(whole["version"]), "rules": rules}},
        "invocations": [{"executionSuccessful": not whole["incomplete"]}],
        "results": [*(_found(whole, f) for f in tried), *(_missing(whole, i, kind) for i, kind in missing)],
        "automationDetails": {"id": f"vauban/{whole['scenario']}/{whole['data']['name']}/"},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, sort_keys=True) + "\n"


def _first_of_each(findings: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({f"{f['cell']}-{f['attack']}": f for f in reversed(findings)}.values())[::-1]


def _rule(name: str, title: str, description: str, finding: Mapping[str, Any] | None) -> dict[str, Any]:
    axis = vocabulary.AXES[name[:2]]
    about = f"{axis.influence.capitalize()} attack on {axis.violation}: {axis.gloss}."
    rule: dict[str, Any] = {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": _plain(f"{title} ({name[:2]})")},
        "fullDescription": {"text": _plain(f"{about} {description}".strip())},
    }
    if finding is not None:
        level, severity = _severity(finding)
        rule["defaultConfiguration"] = {"level": level}
        rule["properties"] = {"tags": ["security", *finding["tags"]], "security-severity": severity}
        rule["help"] = {"text": _plain("\n".join(finding["remediation"]) or about)}
        source = next((s for tag in finding["tags"] if (s := vocabulary.tag_source(tag)) is not None), None)
        if source is not None:
            rule["helpUri"] = source[1]
    return rule


def _severity(finding: Mapping[str, Any]) -> tuple[str, str]:
    low = finding["success_rate"]["low"] or 0.0
    return next((level, score) for share, level, score in SEVERITY if low >= share)


def _found(result: Mapping[str, Any], finding: Mapping[str, Any]) -> dict[str, Any]:
    rate, axis = finding["success_rate"], vocabulary.AXES[finding["cell"]]
    won = finding["successes"] > 0
    text = "No record could be attacked."
    if finding["victims"]:
        text = (
            f"{phrases.percent(rate['value'], rate['n'])} {axis.happens} ({phrases.interval(rate)}), "
            f"at a median cost of {phrases.spent(finding, 'median')}."
        )
    return {
        **_placed(result, finding, finding["specificity"]),
        "kind": "fail" if won else "pass" if finding["victims"] else "notApplicable",
        "level": _severity(finding)[0] if won else "none",
        "message": {"text": _plain(text)},
        "properties": {"success": rate, "specificity": finding["specificity"], "victims": finding["victims"]},
    }


def _missing(result: Mapping[str, Any], item: Mapping[str, Any], kind: str) -> dict[str, Any]:
    what = "Out of scope" if kind == "notApplicable" else "Did not finish"
    return {
        **_placed(result, item, ""),
        "kind": kind,
        "level": "none",
        "message": {"text": _plain(f"{what}: {item['reason']}.")},
    }


def _placed(result: Mapping[str, Any], item: Mapping[str, Any], specificity: str) -> dict[str, Any]:
    """Return rule, place and fingerprint: of what a finding is about, not of what it measured, so that it is stable."""
    name = f"{item['cell']}-{item['attack']}"
    about = [result["scenario"], result["data"]["name"], name, specificity]
    where = {"physicalLocation": {"artifactLocation": {"uri": _place(result)}, "region": {"startLine": 1}}}
    mark = sha256("\n".join(map(str, about)).encode("utf-8", "surrogatepass")).hexdigest()
    return {"ruleId": name, "locations": [where], "partialFingerprints": {"vauban/v1": mark}}


def _place(result: Mapping[str, Any]) -> str:
    """Return the file that a reader can open: the configuration that was audited, where there is one."""
    try:
        words = shlex.split(result["command"] or "")
    except ValueError:
        words = []
    named = (w.removeprefix("./") for w in words if w.endswith(".toml") and not w.startswith("/"))
    return quote(next(named, "result.json"), errors="surrogatepass")


def _plain(text: str) -> str:
    return hostile.clipped(text.replace(phrases.NBSP, " "), 2000)
