"""The HTML page of a simulation: what happened round by round, clean, attacked and defended, in pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from vauban.errors import BadInput
from vauban.reports import charts, phrases
from vauban.reports.vocabulary import AXES

Json = Mapping[str, Any]

_REQUIRED = ("version", "scenario", "data", "model", "attack", "cell", "gate", "labels", "clean", "rounds", "films")
_TITLES: Mapping[str, str] = {
    "clean": "nobody attacks",
    "attacked": "attacked",
    "defended": "attacked, gates on",
    "gates without attack": "gates on, nobody attacks",
}
_TONES = {"attacked": 1, "defended": 0}
_PROBES = {
    "CI": "of the campaign's fresh records pass",
    "CA": "of the good records aimed at do not pass",
}
_EVIDENCE = 6
_ABSENT: Json = {
    "command": None,
    "environment": {},
    "where": None,
    "chosen": None,
    "retrain": "full",
    "limits": (),
    "currency": None,
}
"""What a result may lack."""


def is_film(result: Json) -> bool:
    """Return whether a result is that of a simulation."""
    return result.get("kind") == "simulation"


def render(result: Json, environment: jinja2.Environment) -> str:
    """Return the page of a simulation as one HTML document; BadInput if it lacks what the page shows."""
    missing = [key for key in _REQUIRED if key not in result]
    if missing:
        raise BadInput(f"This is not the whole result of a simulation: it lacks {', '.join(missing)}. Simulate again.")
    if result["cell"] not in _PROBES:
        raise BadInput(f"Unknown cell {result['cell']!r} in the result. Allowed: {', '.join(_PROBES)}.")
    films = [film for film in result["films"] if film["rounds"]]
    if not films:
        raise BadInput("The result holds no round that was played. Simulate again.")
    try:
        return _page(result, films, environment)
    except (jinja2.UndefinedError, KeyError, TypeError) as error:
        raise BadInput(f"The result is damaged, or of another version: {error}. Simulate again.") from error


def _page(result: Json, films: Sequence[Json], environment: jinja2.Environment) -> str:
    return environment.get_template("film.html.jinja").render(
        r={**_ABSENT, **result},
        axis=AXES[result["cell"]],
        outcome=_PROBES[result["cell"]],
        headline=_headline(result, films),
        ends=[_end(film) for film in films],
        drawings=_drawings(result, films),
        shown=_shown(films),
        held=[(turn["round"], line) for turn in _shown(films)["rounds"] for line in turn["evidence"]],
        most_evidence=_EVIDENCE,
    )


def strip(finding: Json) -> list[dict[str, Any]]:
    """Return drawings of an attack on training as an audit played it: clean, attacked, and behind the best gate."""
    played = finding["retraining"]
    clean, attacked, *defended = played["films"]
    best = min(defended, key=lambda film: film["rounds"][-1]["probe_success"]["value"] or 0.0, default=None)
    films = [clean, attacked]
    if best is not None:
        films.append({**best, "name": f"behind {', '.join(best['gates'])}"})
    whole = {"cell": finding["cell"], "clean": played["first"]}
    drawn = _drawings(whole, films, f"{finding['cell']}, {finding['attack']}: ")
    error = "fnr" if finding["cell"] == "CI" else "fpr"
    return [d for d in drawn if d["key"] in ("probe_success", error)]


def _title(film: Json) -> str:
    return _TITLES.get(film["name"], str(film["name"]))


def _shown(films: Sequence[Json]) -> Json:
    named = {film["name"]: film for film in films}
    return named.get("defended") or named.get("attacked") or films[0]


def _headline(result: Json, films: Sequence[Json]) -> str:
    """Return in a sentence what the attack did, and what the gates left of it."""
    named = {film["name"]: film["rounds"][-1] for film in films}
    first = result["clean"]["probe_success"]
    attacked, defended = named.get("attacked"), named.get("defended")
    if attacked is None:
        return "Nobody attacked"

    def said(rate: Json) -> str:
        return phrases.percent(rate["value"], rate["n"])

    if attacked["probe_success"]["value"] is None:
        return f"No record to probe with: {result['attack']} moved nothing that could be measured"
    rounds = phrases.plural(attacked["round"], "round")
    line = f"After {rounds} of {result['attack']}, {said(attacked['probe_success'])} {_PROBES[result['cell']]}"
    line += f"; it was {said(first)} before" if first["value"] is not None else ""
    return line if defended is None else f"{line}. With the gates on it is {said(defended['probe_success'])}"


@dataclass(frozen=True)
class _End:
    """How a film ends: the last round, and what the gates held in all."""

    title: str
    last: Json
    poison: int
    held_poison: int
    others: int
    held_clean: int


def _end(film: Json) -> _End:
    turns = film["rounds"]
    poison = sum(t["collected_poison"] for t in turns)
    return _End(
        _title(film),
        turns[-1],
        poison,
        sum(t["held_poison"] for t in turns),
        sum(t["collected"] for t in turns) - poison,
        sum(t["held_clean"] for t in turns),
    )


def _drawings(result: Json, films: Sequence[Json], of: str = "") -> list[dict[str, Any]]:
    outcome = _PROBES[result["cell"]].removeprefix("of ")
    wanted = (
        ("probe_success", f"What he is after: {outcome}", "share of probes"),
        ("fnr", "Harmful records that pass, of all (false negative rate)", "of harmful records"),
        ("fpr", "Good records that do not pass, of all (false positive rate)", "of good records"),
    )
    made = [_drawing(of, key, caption, _lines(result, films, key), label) for key, caption, label in wanted]
    counts = _counts(_shown(films))
    if counts:
        caption = "His records in the training data, and what the gates held, all rounds so far"
        made.append(_drawing(of, "counts", caption, counts, "records", shares=False))
    return [drawing for drawing in made if drawing is not None]


def _lines(result: Json, films: Sequence[Json], key: str) -> list[charts.Series]:
    start = result["clean"][key]
    lines = []
    for film in films:
        if film["name"] == "gates without attack":
            continue  # its end is in the table; four lines would hide one another
        turns = [(0, start), *((turn["round"], turn[key]) for turn in film["rounds"])]
        points = [(n, rate["value"], rate["low"], rate["high"]) for n, rate in turns if rate["value"] is not None]
        lines.append(charts.Series(_title(film), points, _TONES.get(film["name"], 0 if film["gates"] else None)))
    return lines


def _counts(film: Json) -> list[charts.Series]:
    trained = held = clean = 0
    points: dict[str, list[tuple[float, float]]] = {"his, trained on": [], "his, held": [], "others', held": []}
    for turn in film["rounds"]:
        trained += turn["collected_poison"] - turn["held_poison"]
        held += turn["held_poison"]
        clean += turn["held_clean"]
        for name, count in zip(points, (trained, held, clean), strict=True):
            points[name].append((turn["round"], count))
    if not (trained or held or clean):
        return []
    gated = film["gates"]
    tones = {"his, trained on": 1, "his, held": 0}
    return [charts.Series(n, p, tones.get(n)) for n, p in points.items() if gated or n == "his, trained on"]


def _drawing(
    of: str, key: str, caption: str, lines: Sequence[charts.Series], y_label: str, *, shares: bool = True
) -> dict[str, Any] | None:
    if not any(len(line.points) for line in lines):
        return None
    svg = charts.round_chart(of + caption, lines, y_label, shares=shares)
    ends = [
        f"{line.label}: {phrases.percent(line.points[-1][1]) if shares else phrases.count(int(line.points[-1][1]))}"
        for line in lines
        if len(line.points)
    ]
    return {"key": key, "svg": Markup(svg), "caption": caption, "ends": ends}  # noqa: S704 - built as a tree and escaped there
