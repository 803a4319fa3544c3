"""What evasions cannot do without: every change is taken back that the model does not need to let the record pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

from vauban.contracts import LABEL, Target
from vauban.records import Mask, Records, messages
from vauban.schema import Schema, TableSchema
from vauban.threat import Decision


def decisive(target: Target, schema: Schema, before: Records, after: Records) -> tuple[str, ...]:
    """Return what records that pass have in common which did not, in words, the most frequent first.

    Args:
        target: the model; asked once for each place of a change, about all records.
        schema: what was changed at what price.
        before: (n, ...) records that it does not pass.
        after: (n, ...) the same, changed, and passed.
    """
    return _fields(target, schema, before, after) if isinstance(schema, TableSchema) else _words(target, before, after)


def _passes(target: Target, records: Records) -> Mask:
    return np.asarray(target.answer(records, LABEL).decisions == Decision.PASS)


def _fields(target: Target, schema: TableSchema, before: Records, after: Records) -> tuple[str, ...]:
    """Take back one feature after the other, the dearest changes first."""
    now = after.copy()
    rows = np.arange(len(now))
    costs = np.zeros(now.shape)
    costs[:, schema.mutable] = schema.costs(before, after)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    for column in np.argsort(np.where(same, np.inf, -costs), axis=1, kind="stable").T:
        less = now.copy()
        less[rows, column] = before[rows, column]
        less, obeys = schema.obeying(before, less)
        taken = obeys & _passes(target, less)
        now[taken] = less[taken]
    changed = ~((before == now) | (np.isnan(before) & np.isnan(now)))
    order = np.argsort(-changed.sum(axis=0), kind="stable")
    return tuple(_said(schema, int(j), now[changed[:, j], j], len(now)) for j in order if changed[:, j].any())


def _said(schema: TableSchema, j: int, values: Records, n: int) -> str:
    feature = schema.features[j]
    if feature.listed:
        often, _ = Counter(values[~np.isnan(values)].astype(int).tolist()).most_common(1)[0]
        count = int((values == often).sum())
        return f"{feature.name} = {feature.values[often]} (in {count} of {n})"
    low, high = np.nanmin(values), np.nanmax(values)
    to = f"{low:,.4g}" if low == high else f"{low:,.4g} to {high:,.4g}"
    return f"{feature.name} = {to} (in {len(values)} of {n})"


def _words(target: Target, before: Records, after: Records) -> tuple[str, ...]:
    """Take back one edit of a word after the other, in the order of the text."""
    edits = [_edits(one.split(), other.split()) for one, other in zip(before, after, strict=True)]
    left = [list(range(len(e))) for e in edits]
    for at in range(max(map(len, edits), default=0)):
        asked = [i for i, e in enumerate(edits) if at < len(e)]
        fewer = [[k for k in left[i] if k != at] for i in asked]
        texts = messages(
            _edited(before[i].split(), [edits[i][k] for k in ks]) for i, ks in zip(asked, fewer, strict=True)
        )
        for i, ks, passes in zip(asked, fewer, _passes(target, texts), strict=True):
            left[i] = ks if passes else left[i]
    words = Counter(word for e, ks in zip(edits, left, strict=True) for word in {w for k in ks for w in _named(e[k])})
    return tuple(f"{word} (in {count} of {len(edits)})" for word, count in words.most_common())


Edit = tuple[int, int, tuple[str, ...]]
"""Words from one place to another (exclusive) of a message, and what stands there instead."""


def _edits(before: Sequence[str], after: Sequence[str]) -> list[Edit]:
    """Return the edits that make one list of words of another, each of one word added, or of one place rewritten."""
    found: list[Edit] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "insert":
            found += [(a, a, (word,)) for word in after[c:d]]
        elif kind != "equal":
            found.append((a, b, tuple(after[c:d])))
    return found


def _edited(words: Sequence[str], edits: Sequence[Edit]) -> str:
    out: list[str] = []
    at = 0
    for start, end, instead in edits:
        out += [*words[at:start], *instead]
        at = end
    return " ".join([*out, *words[at:]])


def _named(edit: Edit) -> list[str]:
    return [f"the word {word!r}" for word in edit[2]] or ["words left out"]
