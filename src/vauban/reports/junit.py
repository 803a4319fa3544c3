"""The report as JUnit XML: one test case an attack and cell, as Jenkins, GitLab and Azure read it.

With a limit, an attack fails whose success rate is over it. Without, nothing fails: figures stand in the output, and
nobody has said what is too much. What did not finish is an error, what is out of scope is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as Xml

from vauban.reports import digest, hostile, phrases, vocabulary

_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What no XML 1.0 document may hold (section 2.2)."""


def render(result: Mapping[str, Any], limit: float | None = None) -> str:
    """Return the report as JUnit XML.

    Args:
        result: a parsed ``result.json``.
        limit: success rate over which an attack fails; None fails none.

    Raises:
        BadInput: `result` is not the result of an audit.
    """
    whole = digest.checked(result)
    name = f"vauban.{whole['scenario']}.{whole['data']['name']}"
    suite = Xml.Element("testsuite", name=_clean(name))
    for finding in digest.ranked(whole["findings"]):
        case = _case(suite, name, finding, finding["seconds"])
        if not finding["victims"]:
            Xml.SubElement(case, "skipped", message="no record could be attacked")
            continue
        rate, axis = finding["success_rate"], vocabulary.AXES[finding["cell"]]
        figures = f"{phrases.percent(rate['value'], rate['n'])} {axis.happens} ({phrases.interval(rate)})"
        if finding["role"] not in ("control", "baseline") and limit is not None and (rate["value"] or 0) > limit:
            message = f"success rate {rate['value']:.3f} is over the limit of {limit:g}"
            Xml.SubElement(case, "failure", message=message, type="over-limit").text = _clean(figures)
        Xml.SubElement(case, "system-out").text = _clean(
            f"{figures}; cost {phrases.spent(finding, 'median')} (median); {', '.join(finding['tags'])}"
        )
    for item in whole["incomplete"]:
        Xml.SubElement(_case(suite, name, item), "error", message=_clean(item["reason"]), type="incomplete")
    for item in whole["out_of_scope"]:
        Xml.SubElement(_case(suite, name, item), "skipped", message=_clean(item["reason"]))
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f".//{tag}"))))
    suite.set("time", f"{sum(f['seconds'] for f in whole['findings']):.3f}")
    root = Xml.Element("testsuites", dict(suite.attrib))
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _case(suite: Xml.Element, name: str, item: Mapping[str, Any], seconds: float = 0.0) -> Xml.Element:
    aim = " targeted" if item.get("specificity") == "targeted" else ""
    label = _clean(f"{item['attack']} ({item['cell']}{aim})")
    return Xml.SubElement(suite, "testcase", classname=_clean(name), name=label, time=f"{seconds:.3f}")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", hostile.clipped(text.replace(phrases.NBSP, " "), 2000))
