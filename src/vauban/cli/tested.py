"""What the terminal shows of a test."""

from __future__ import annotations

from pathlib import Path

import click

from vauban.assurance.outcome import Proxy, TestResult
from vauban.cli.show import table
from vauban.reports.hostile import clipped
from vauban.results import Rate


def show(result: TestResult, out: Path | None) -> None:
    """Print it on standard output."""
    click.echo(f"{result.scenario}: {result.model} on {result.data['name']}, {result.questions:,} questions\n")
    for replayed in result.replayed:
        wrong = len(replayed.failures)
        click.echo(f"{clipped(replayed.source, 200)}: {replayed.cases - wrong} of {replayed.cases} cases as expected")
    if result.tried:
        rows = [(t.name, t.population, _share(t.failed), t.statement) for t in result.tried]
        table(("property", "tried on", "breaks", "statement"), rows)
    for tried in result.tried:
        for weak in tried.weaknesses:
            click.echo(f"  {tried.name}: {weak.rule}: {_share(weak.failing)} break it")
    for place in result.places:
        text = (
            f"\nWEAK REGION ({place.kind}): {place.rule}: {_share(place.passes)} of firmly blocked records pass in it"
        )
        if place.harmful.n:
            text += (
                f". Of real records that pass only because of it, {_share(place.harmful)} are harmful; "
                f"of others that pass as narrowly, {_share(place.elsewhere)}"
            )
        click.echo(text + ".")
    for proxy in result.proxies:
        click.echo(f"\n{_said(proxy)}")
    for reason in result.not_tried:
        click.echo(f"Not tried: {reason}.")
    if out is not None:
        click.echo(f"Folder: {out}")


def _said(proxy: Proxy) -> str:
    what = {
        "proxy": "PROXY",
        "ground": "Declared ground",
        "outcome": "Stands for a group, but labels do not show that it is without merit",
    }[proxy.kind]
    return (
        f"{what}: {clipped(proxy.rule, 500)}. {clipped(proxy.stand_in, 300)} holds for {_share(proxy.held)} of "
        f"{clipped(proxy.group, 200)} and {_share(proxy.held_by_others)} of the rest. The model refuses "
        f"{_share(proxy.refused)} of those there whom it passes with another value of this alone: "
        f"{_share(proxy.lost)} of the group, {_share(proxy.lost_by_others)} of the rest. Of whom it so refuses "
        f"{_share(proxy.harmful)} are harmful; of those that it decides most narrowly, {_share(proxy.narrowly)}."
    )


def _share(rate: Rate) -> str:
    if not rate.n:
        return "-"
    return f"{100 * rate.value:.2g} % ({100 * rate.low:.2g} to {100 * rate.high:.2g} %, n = {rate.n})"
