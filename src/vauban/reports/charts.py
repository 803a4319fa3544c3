"""Charts as inline SVG: drawn by matplotlib, recoloured with the variables of the page, labelled by ourselves.

Matplotlib never sees a text of the result. It draws numbers and short marks, which are replaced in the finished tree,
so a text can neither be read as mathematics nor miss a glyph, and it is escaped where it is written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np

from vauban.reports.hostile import clipped, fitted, plain
from vauban.reports.phrases import percent, quantity

_WIDTH, _HEIGHT, _FONT = 400.0, 250.0, 11.0
_LEFT, _RIGHT = 0.12, 0.66  # shares of the width; what is right of them belongs to the labels of the lines
_LABEL_EMS = 0.31 * _WIDTH / _FONT
_DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (8, 2, 2, 2)), (0, (4, 1, 1, 1, 1, 1)), (0, (1, 2)))
# Marks that stand for the variables of the page; matplotlib needs numbers for colours.
_INK, _MUTED, _LINE, _BAND = "#010101", "#010102", "#010103", "#010104"
_SERIES = tuple(f"#0101{i:02x}" for i in range(0x11, 0x17))
_VARIABLES = {_INK: "ink", _MUTED: "muted", _LINE: "line", _BAND: "accent"} | {
    colour: f"series-{i}" for i, colour in enumerate(_SERIES, 1)
}
_STYLE = {
    "svg.fonttype": "none",
    "font.size": _FONT,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.unicode_minus": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "text.color": _INK,
    "text.parse_math": False,
    "xtick.color": _LINE,
    "xtick.labelcolor": _MUTED,
    "ytick.color": _LINE,
    "ytick.labelcolor": _MUTED,
    "ytick.left": False,
}


@dataclass(frozen=True)
class Line:
    """A step curve: points (x, share) with x ascending. Lines that are no attack are drawn thin and grey."""

    label: str
    points: Sequence[Sequence[float]]
    attack: bool = True


def step_chart(title: str, lines: Sequence[Line], x_label: str, y_label: str) -> str:
    """Return share of records against what was spent, one labelled step line for each of `lines`, as an SVG element."""
    drawn = [line for line in lines if len(line.points)]
    curves = [np.asarray(line.points, dtype=float) for line in drawn]
    texts = {"AXIS X": fitted(x_label, 20), "AXIS Y": fitted(y_label, 20)}
    with _axes() as (figure, axes):
        highest = max((float(curve[-1, 0]) for curve in curves), default=1.0)
        lowest = min((float(curve[curve[:, 0] > 0, 0].min(initial=np.inf)) for curve in curves), default=np.inf)
        _x_axis(axes, lowest, highest)
        right = axes.get_xlim()[1]
        ends = []
        series = 0
        for line, curve in zip(drawn, curves, strict=True):
            colour = _SERIES[series % len(_SERIES)] if line.attack else _MUTED
            dash = _DASHES[series % len(_DASHES)] if line.attack else (0, (1, 1.6))
            series += line.attack
            x, y = np.append(curve[:, 0], right), np.append(curve[:, 1], curve[-1, 1])
            width = 1.9 if line.attack else 1.3
            axes.step(x, y, where="post", color=colour, linestyle=dash, linewidth=width, clip_on=False)
            ends.append((float(y[-1]), colour))
        for i, (at, (end, colour)) in enumerate(zip(_spread([end for end, _ in ends]), ends, strict=True)):
            texts[f"LABEL {i}"] = fitted(drawn[i].label, _LABEL_EMS)
            to_label = {"transform": axes.get_yaxis_transform(), "clip_on": False, "color": colour}
            axes.plot([1.0, 1.035], [end, at], linewidth=0.8, **to_label)
            axes.text(1.05, at, f"LABEL {i}", va="center", transform=axes.get_yaxis_transform(), color=colour)
        return _svg(figure, title, texts)


def agreement_chart(title: str, points: Sequence[Mapping[str, Any]]) -> str:
    """Return agreement with the model against questions asked, with its interval as a band, as an SVG element.

    A point at no question is drawn across as the baseline: what the attacker knew before he asked.
    """
    known = [point for point in points if point["value"] is not None]
    texts = {"AXIS X": "questions asked", "AXIS Y": "agreement with the model"}
    with _axes() as (figure, axes):
        x = np.array([point["queries"] for point in known], dtype=float)
        y = np.array([point["value"] for point in known], dtype=float)
        low, high = (
            np.array([point["value"] if point[end] is None else point[end] for point in known], dtype=float)
            for end in ("low", "high")
        )
        _x_axis(axes, np.inf, float(x.max(initial=1.0)))
        axes.fill_between(x, low, high, color=_BAND, alpha=0.16, linewidth=0)
        axes.plot(x, y, color=_SERIES[0], linewidth=1.9, marker="o", markersize=3.4, clip_on=False)
        labels = [("with questions", float(y[-1]), _SERIES[0])] if len(known) else []
        if len(known) and known[0]["queries"] == 0:
            axes.axhline(y[0], color=_MUTED, linestyle=(0, (1, 1.6)), linewidth=1.3)
            labels.append(("without asking", float(y[0]), _MUTED))
        for i, (at, (text, _, colour)) in enumerate(zip(_spread([end for _, end, _ in labels]), labels, strict=True)):
            texts[f"LABEL {i}"] = text
            axes.text(1.05, at, f"LABEL {i}", va="center", transform=axes.get_yaxis_transform(), color=colour)
        return _svg(figure, title, texts)


@dataclass(frozen=True)
class Series:
    """A line over rounds: points (round, value) or (round, value, low, high).

    ``tone`` is the place of its colour and dash, so that the same play looks the same in all drawings; None is thin and
    grey: what happens without an attack.
    """

    label: str
    points: Sequence[Sequence[float]]
    tone: int | None = None


def round_chart(title: str, series: Sequence[Series], y_label: str, *, shares: bool = True) -> str:
    """Return values round by round, one labelled line for each of `series` with its interval as a band, as an SVG.

    The axis ends at the next of 5, 10, 20, 50 and 100 % above all intervals, so that a rise of small shares is seen;
    with ``shares`` false the values are counts.
    """
    drawn = [line for line in series if len(line.points)]
    curves = [np.asarray(line.points, dtype=float) for line in drawn]
    highest = max((float(curve[:, 1:].max()) for curve in curves), default=1.0)
    top = next((t for t in (0.05, 0.1, 0.2, 0.5) if highest <= t), 1.0) if shares else max(highest, 1.0)
    texts = {"AXIS X": "round", "AXIS Y": fitted(y_label, 28)}
    with _axes() as (figure, axes):
        axes.set_ylim(0, top)
        ticks = [top * i / 4 for i in range(5)] if shares else _whole(top)
        names = [f"{100 * t:.3g}" if shares else quantity(t) for t in ticks]
        axes.set_yticks(ticks, labels=[*names[:-1], f"{names[-1]}\u00a0%" if shares else names[-1]])
        _x_axis(axes, np.inf, max((float(curve[-1, 0]) for curve in curves), default=1.0))
        ends = []
        for line, curve in zip(drawn, curves, strict=True):
            colour = _MUTED if line.tone is None else _SERIES[line.tone % len(_SERIES)]
            dash = (0, (1, 1.6)) if line.tone is None else _DASHES[line.tone % len(_DASHES)]
            if curve.shape[1] == 4:
                axes.fill_between(curve[:, 0], curve[:, 2], curve[:, 3], color=colour, alpha=0.12, linewidth=0)
            width = 1.3 if line.tone is None else 1.9
            axes.plot(curve[:, 0], curve[:, 1], color=colour, linestyle=dash, linewidth=width, clip_on=False)
            ends.append((float(curve[-1, 1]) / top, colour))
        for i, (at, (end, colour)) in enumerate(zip(_spread([end for end, _ in ends]), ends, strict=True)):
            texts[f"LABEL {i}"] = fitted(drawn[i].label, _LABEL_EMS)
            to_label = {"transform": axes.transAxes, "clip_on": False, "color": colour}
            axes.plot([1.0, 1.035], [end, at], linewidth=0.8, **to_label)
            axes.text(1.05, at, f"LABEL {i}", va="center", transform=axes.transAxes, color=colour)
        return _svg(figure, title, texts)


@contextmanager
def _axes() -> Iterator[tuple[Any, Any]]:
    import matplotlib.style  # drawing is the only use of a slow import
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", _STYLE], after_reset=True):
        figure = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72), dpi=72)
        axes = figure.add_axes((_LEFT, 0.17, _RIGHT - _LEFT, 0.70))
        axes.set_axisbelow(True)
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=[f"{y}" for y in ("0", "25", "50", "75", "100\u00a0%")])
        axes.grid(axis="y")
        axes.text(-_LEFT / (_RIGHT - _LEFT), 1.10, "AXIS Y", transform=axes.transAxes, color=_MUTED)
        axes.set_xlabel("AXIS X", loc="right", labelpad=3)
        yield figure, axes


def _x_axis(axes: Any, lowest: float, highest: float) -> None:
    """Set limits and ticks: from 0 in even steps, or in powers of ten where the curve would cling to the left."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    highest = highest or 1.0
    if highest / lowest >= 40:
        floor = 10.0 ** np.floor(np.log10(lowest))
        axes.set_xscale("symlog", linthresh=floor, linscale=0.3)
        steps = np.arange(0, np.floor(np.log10(highest / floor)) + 1)
        within = np.array([1.0]) if highest / floor > 100 else np.array([1.0, 2.0, 5.0])
        ticks = np.outer(floor * 10.0**steps, within).ravel()
        axes.xaxis.set_major_locator(FixedLocator([0.0, *ticks[ticks <= highest]]))
        axes.xaxis.set_minor_locator(FixedLocator([]))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=highest >= 4))
    axes.set_xlim(0, highest)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))


def _whole(top: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    return [float(t) for t in MaxNLocator(4, integer=True).tick_values(0, top) if 0 <= t <= top]


def _spread(ends: Sequence[float]) -> list[float]:
    """Return heights for labels, as near to `ends` as the height of a line of text allows."""
    gap = 1.25 * _FONT / (0.70 * _HEIGHT)
    order = sorted(range(len(ends)), key=lambda i: (ends[i], -i))
    at: list[float] = []
    for i in order:
        at.append(max(ends[i], at[-1] + gap) if at else ends[i])
    over = max(0.0, at[-1] - 1.0) if at else 0.0
    ceiling = np.inf
    for place in reversed(range(len(at))):
        at[place] = min(at[place], ceiling, 1.0 if over else np.inf)
        ceiling = at[place] - gap
    heights = dict(zip(order, at, strict=True))
    return [heights[i] for i in range(len(ends))]


def _svg(figure: Any, title: str, texts: Mapping[str, str]) -> str:
    from io import StringIO

    import matplotlib

    title = plain(title)
    buffer = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "vauban"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    content = repr((title, sorted(texts.items()), buffer.getvalue()))
    name = "c" + hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    root = ElementTree.fromstring(buffer.getvalue())  # noqa: S314 - drawn a line above, from numbers and marks alone
    return ElementTree.tostring(_finished(root, name, title, texts), encoding="unicode")


def _finished(root: ElementTree.Element, name: str, title: str, texts: Mapping[str, str]) -> ElementTree.Element:
    """Make a standalone drawing part of a page: no namespaces, page colours, unique ids, a title, our own texts."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}style", "}metadata")):
                parent.remove(child)
    used = {found for element in root.iter() for value in element.attrib.values() for found in _references(value)}
    for element in root.iter():
        element.tag = element.tag.partition("}")[2]
        element.attrib = {
            key.rpartition("}")[2]: _adapted(value, name)
            for key, value in element.attrib.items()
            if key != "id" or value in used
        }
        if "id" in element.attrib:
            element.set("id", f"{name}-{element.attrib['id']}")
        element.text = texts.get(element.text or "", element.text)
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": "chart", "role": "img", "aria-label": title}
    heading = ElementTree.Element("title")
    heading.text = title
    root.insert(0, heading)
    return root


def _references(value: str) -> list[str]:
    return re.findall(r"url\(#([^)]+)\)", value) + re.findall(r"^#([A-Za-z]\w*)$", value)


def _adapted(value: str, name: str) -> str:
    """Return an attribute with its references made unique to this drawing, or its colours made those of the page."""
    if _references(value):
        return re.sub(r"#(?=[A-Za-z])", f"#{name}-", value)
    value = re.sub(r"font-family:[^;]*;\s*", "", value)
    value = re.sub(r"font:[^;]*;\s*", f"font-size: {_FONT:g}px; ", value)
    return re.sub(r"#[0-9a-f]{6}", lambda found: f"var(--{_VARIABLES[found[0]]})", value)


def describe(line: Line) -> str:
    """Return in words where a line ends, for those who cannot see the chart."""
    return f"{clipped(line.label, 60)}: {percent(line.points[-1][1])}" if len(line.points) else ""
