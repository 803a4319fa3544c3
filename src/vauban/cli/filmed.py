"""What the terminal shows of a simulation."""

from __future__ import annotations

from pathlib import Path

import click

from vauban.cli.show import table
from vauban.results import Rate
from vauban.simulation.outcome import Film, Simulation


def show(result: Simulation, folder: Path) -> None:
    """Print it on standard output: the shown film round by round, then how each film ends."""
    shown = result.film("defended") or result.film("attacked")
    assert shown is not None  # noqa: S101 - a simulation has an attacked film
    click.echo(f"{result.scenario}: {result.attack} ({result.cell}) against {result.model} on {result.data['name']}\n")
    rows = [
        (
            str(r.round),
            str(r.sent or r.altered),
            f"{r.collected_poison} of {r.collected}",
            f"{r.held_poison} + {r.held_clean} clean",
            _share(r.fnr),
            _share(r.fpr),
            _share(r.probe_success),
        )
        for r in shown.rounds
    ]
    table(("round", "sent", "his, collected", "held", "harmful pass", "good do not", "probes get through"), rows)
    if shown.learnt:
        click.echo(f"\nHe asked {shown.rounds[-1].asked} questions and learnt: {'; '.join(shown.learnt[:3])}.")
    click.echo("")
    clean = result.clean
    ends = [("before any of it", _rate(clean.fnr), _rate(clean.fpr), _rate(clean.probe_success), "-", "-")]
    table(
        ("in the end", "harmful pass", "good do not", "probes get through", "his held", "clean held"),
        ends + [(f.name, *_end(f)) for f in result.films],
    )
    click.echo(f"\nRun folder: {folder}")


def _end(film: Film) -> tuple[str, str, str, str, str]:
    last = film.rounds[-1]
    his, held = sum(r.collected_poison for r in film.rounds), sum(r.held_poison for r in film.rounds)
    others = sum(r.collected - r.collected_poison for r in film.rounds)
    lost = sum(r.held_clean for r in film.rounds)
    return (
        _rate(last.fnr),
        _rate(last.fpr),
        _rate(last.probe_success),
        f"{held} of {his}" if his else "-",
        f"{lost} of {others}",
    )


def _share(rate: Rate) -> str:
    return "-" if not rate.n else f"{100 * rate.value:.1f} %"


def _rate(rate: Rate) -> str:
    if not rate.n:
        return "-"
    return f"{100 * rate.value:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f} %, n = {rate.n})"
