"""Texts written by attackers, made safe to look at.

Escaping stops a text from becoming markup. It does not stop a direction override from turning a line round, or a
zero-width character from hiding in a word, so these are shown by their code points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from markupsafe import Markup, escape

# Characters without ink that the general category calls letters or marks.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(point) for block in (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for point in block
}
# Controls, formats (bidi, zero width, tags), surrogates, private, unassigned, line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Widths in ems of the kinds of characters, for texts that are drawn.
_EMS = {"narrow": 0.4, "wide": 1.0, "letter": 0.635, "capital": 0.85, "square": 1.1}
_SHAPES = {"narrow": "fijlrt.,:;'|!()[]/ -\u00a0", "wide": "mwMW@%"}
_CLIP = 600
_HEAD = 240
_CONTEXT = 12
_DIFF_LIMIT = 20_000


def _is_invisible(character: str) -> bool:
    return character not in "\n\t" and (unicodedata.category(character) in _INVISIBLE or character in _BLANK)


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    start = 0
    for i, character in enumerate(text):
        if _is_invisible(character):
            if start < i:
                yield False, text[start:i]
            yield True, character
            start = i + 1
    if start < len(text):
        yield False, text[start:]


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def plain(text: str) -> str:
    """Return `text` with every invisible character replaced by its code point in angle brackets: ⟨U+200B⟩."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"⟨{_code(piece)}⟩" if hidden else piece for hidden, piece in _pieces(text.replace("\r\n", "\n")))


def clipped(text: str, length: int) -> str:
    """Return `plain(text)` on one line, cut with an ellipsis to `length` characters."""
    line = " ".join(plain(text[: 4 * length]).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def fitted(text: str, ems: float) -> str:
    """Return `plain(text)` on one line, cut to a width in ems where nothing wraps, as in a drawing.

    Widths are those of a wide sans serif (DejaVu Sans), so that the system's own font takes no more room.
    """
    line = clipped(text, int(ems / min(_EMS.values())))
    used, kept = 0.0, ""
    for character in line:
        used += _em(character)
        if used > ems:
            return kept[:-1] + "…"
        kept += character
    return line


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return _EMS["square"]
    kinds = (name for name, members in _SHAPES.items() if character in members)
    return _EMS[next(kinds, "capital" if character.isupper() or not character.isascii() else "letter")]


def marked(text: str) -> Markup:
    """Return `text` escaped for HTML text content (not for attributes), invisible characters as `span.ctl`."""
    out = Markup("")
    for hidden, piece in _pieces(text.replace("\r\n", "\n")):
        out += Markup('<span class="ctl">{}</span>').format(_code(piece)) if hidden else escape(piece)
    return out


def record(text: str) -> Markup:
    """Return a text of a record as HTML: isolated in direction, and closed in a `details` where it is very long."""
    if len(text) <= _CLIP:
        return Markup('<bdi class="rec">{}</bdi>').format(marked(text))
    return Markup(
        '<details class="long"><summary><bdi class="rec">{}…</bdi> <span class="more">all {:,} characters</span>'
        '</summary><bdi class="rec">{}</bdi></details>'
    ).format(marked(text[:_HEAD]), len(text), marked(text))


@dataclass(frozen=True)
class Run:
    """Neighbouring words of a difference that share one fate. `skipped` counts the words left out of the middle."""

    kind: Literal["same", "removed", "added"]
    text: str
    skipped: int = 0
    tail: str = ""


def difference(before: str, after: str) -> list[Run]:
    """Return what was removed, added and kept between two texts, by words; long kept runs lose their middle.

    Texts are compared in their first 20,000 characters, which bounds the time an attacker's text can take.
    """
    old, new = (re.findall(r"\s+|\S+", text[:_DIFF_LIMIT]) for text in (before, after))
    runs: list[Run] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=max(len(old), len(new)) > 4000).get_opcodes():
        if tag == "equal":
            runs.append(_kept(old[i:j]))
            continue
        if i < j:
            runs.append(Run("removed", "".join(old[i:j])))
        if k < m:
            runs.append(Run("added", "".join(new[k:m])))
    return runs


def _kept(words: list[str]) -> Run:
    if len(words) <= 10 * _CONTEXT:
        return Run("same", "".join(words))
    middle = words[2 * _CONTEXT : -2 * _CONTEXT]
    skipped = sum(1 for word in middle if not word.isspace())
    return Run("same", "".join(words[: 2 * _CONTEXT]), skipped, "".join(words[-2 * _CONTEXT :]))
