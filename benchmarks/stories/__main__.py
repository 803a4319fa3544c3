"""Play the stories of attacks on training; write stories.json and docs/stories.md.

    VAUBAN_DATA_DIR=... python -m stories [--story loan,credit] [--seeds 3] [--gates review]      (in benchmarks/)

Each story is played clean, attacked (explored and not), behind each gate, and behind each gate with nobody attacking. A
row in stories.json is not played again; the plays that all gates share are kept while a story is played.

    python -m stories aware [--seeds 5]

plays each gate against somebody who does not know it and somebody who does; rows go to stories-aware.json. What he who
knows it does was chosen on seed 0, so seeds from 1 are played.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stories.aware import section
from stories.page import page
from stories.told import AWARE, STORIES, Aware, Story
from vauban.catalogue import GATES
from vauban.results import Rate, to_json
from vauban.scenarios import scenario
from vauban.simulation.outcome import Film, Simulation
from vauban.simulation.reviewing import Reviewers
from vauban.simulation.run import run_simulation
from vauban.system import System
from vauban.threat import Cell

ROOT = Path(__file__).parent.parent
FILMS = {"defended": "defended", "gates without attack": "quiet"}


def figures(film: Film) -> dict[str, Any]:
    """Return what is kept of a film: how its last model does, its rounds, and what became of the records."""
    turns, last = film.rounds, film.rounds[-1]
    rates = ("probe_success", "slice_error", "fnr", "fpr", "error", "loss")
    counts = (
        "sent",
        "collected",
        "collected_poison",
        "held_poison",
        "held_clean",
        "removed_poison",
        "removed_clean",
        "reviewed",
    )
    return {
        **{name: _plain(getattr(last, name)) for name in rates},
        **{name: sum(getattr(t, name) for t in turns) for name in counts},
        "asked": last.asked,
        "learnt": list(film.learnt[:3]),
        "rounds": [[t.probe_success.value, t.fnr.value, t.fpr.value, t.error.value] for t in turns],
    }


def _plain(rate: Rate | None) -> Any:
    return None if rate is None else to_json(rate)


def play(name: str, story: Story, seed: int, gates: list[str], done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each play that is not done: its story, seed, film, gate, and figures."""
    wanted = [("clean", None), ("attacked", None), ("unexplored", None)]
    wanted += [(film, gate) for gate in gates for film in FILMS.values()]
    left = [(film, gate) for film, gate in wanted if (name, seed, film, gate) not in done]
    if not left:
        return
    system = scenario(story.scenario).system(story.data, story.model, seed)
    with tempfile.TemporaryDirectory() as kept:
        for explore in (True, False):
            films = ("clean", "attacked") if explore else ("unexplored",)
            if any((film, None) in left for film in films):
                yield from _rows(name, story, seed, system, None, explore, Path(kept) / str(explore), left)
        for gate in gates:
            if any(g == gate for _, g in left):
                yield from _rows(name, story, seed, system, gate, True, Path(kept) / "True", left)


def play_aware(name: str, aware: Aware, seed: int, done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each film: clean, the gate with nobody, and each attacker without the gate and behind it."""
    if (name, seed) in done:
        return
    story = STORIES[aware.story]
    system = scenario(story.scenario).system(story.data, story.model, seed)
    with tempfile.TemporaryDirectory() as kept:
        for who in ("naive", "equipped", "aware"):
            folder = Path(kept) / who
            folder.mkdir()
            for nobody in Path(kept).glob("naive/*-nobody-*"):  # without an attacker it is the same play
                if who != "naive":
                    shutil.copy(nobody, folder / nobody.name)
            told = _simulated(aware.told(who), seed, system, aware.gate, True, folder)
            for film in told.films:
                kind = {"clean": "clean", "gates without attack": "quiet"}.get(film.name, f"{film.name} {who}")
                if who == "naive" or who in kind:
                    yield {"row": name, "seed": seed, "film": kind, **figures(film)}


def _simulated(story: Story, seed: int, system: System, gate: str | None, explore: bool, folder: Path) -> Simulation:
    settings = {k: v for k, v in story.settings.items() if k not in ("where", "labels", "reviews")}
    return run_simulation(
        system,
        story.attack,
        gates=() if gate is None else (gate,),
        where=story.settings.get("where"),
        labels=story.settings["labels"],
        explore=explore,
        seed=seed,
        reviewers=Reviewers(story.settings.get("reviews", Reviewers().looks)),
        folder=folder,
        **settings,
    )


def _rows(
    name: str,
    story: Story,
    seed: int,
    system: System,
    gate: str | None,
    explore: bool,
    kept: Path,
    left: list[tuple[str, str | None]],
) -> Iterator[dict[str, Any]]:
    started = time.process_time()
    told = _simulated(story, seed, system, gate, explore, kept)
    worth = system.economics
    price = worth.miss if told.cell == Cell.CI else worth.block
    seconds = round(time.process_time() - started, 1)
    for film in told.films:
        kind = FILMS.get(film.name, film.name) if explore else {"attacked": "unexplored"}.get(film.name, "")
        of = gate if kind in FILMS.values() else None
        if (kind, of) in left:
            left.remove((kind, of))
            yield {
                "story": name,
                "seed": seed,
                "film": kind,
                "gate": of,
                "seconds": seconds,
                "currency": told.currency,
                "price": price,
                **figures(film),
            }


def main() -> None:
    """Play and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("stories", "aware"), default="stories")
    parser.add_argument("--story", default=",".join(STORIES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--gates", default=",".join(GATES), help="names, or nothing for none")
    asked = parser.parse_args()
    rows, tried = _kept("stories"), _kept("stories-aware")
    if asked.what == "aware":
        for seed in range(1, asked.seeds + 1):
            for name, aware in AWARE.items():
                done = {(r["row"], r["seed"]) for r in tried}
                tried += [_shown(row, name) for row in play_aware(name, aware, seed, done)]
                _keep("stories-aware", tried)
    else:
        for seed in range(asked.seeds):
            for name in asked.story.split(","):
                done = {(r["story"], r["seed"], r["film"], r["gate"]) for r in rows}
                for row in play(name, STORIES[name], seed, [g for g in asked.gates.split(",") if g], done):
                    rows.append(_shown(row, name))
                    _keep("stories", rows)
    (ROOT.parent / "docs" / "stories.md").write_text(page(rows, section(tried)), encoding="utf-8")


def _kept(name: str) -> list[dict[str, Any]]:
    path = ROOT / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else []


def _keep(name: str, rows: list[dict[str, Any]]) -> None:
    (ROOT / f"{name}.json").write_text(json.dumps(rows).replace("}, {", "},\n{") + "\n")


def _shown(row: dict[str, Any], name: str) -> dict[str, Any]:
    won, about = row["probe_success"], (row["film"], row.get("gate") or "")
    print(name, row["seed"], *about, f"{won['value']:.3f} of {won['n']}", row.get("seconds", ""), flush=True)
    return row


if __name__ == "__main__":
    main()
