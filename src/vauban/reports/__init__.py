"""Reports of an audit: pure functions from a parsed `result.json` to the text of one file.

`FORMATS` maps the name of a format to its `render(result) -> str`. No render function reads a file, a clock or the
network: the same result gives the same bytes. Each raises `BadInput` when the mapping is not a result of an audit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from vauban.reports import html, json, junit, markdown, sarif

Render = Callable[[Mapping[str, Any]], str]

FORMATS: Mapping[str, Render] = MappingProxyType(
    {
        "html": html.render,
        "json": json.render,
        "markdown": markdown.render,
        "sarif": sarif.render,
        "junit": junit.render,
    }
)

__all__ = ["FORMATS", "Render"]
