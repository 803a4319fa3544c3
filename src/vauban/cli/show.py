"""What the terminal shows: progress with an estimate of what is left, and the table of findings."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from vauban.audit.run import Event, Watch
from vauban.results import AuditResult, Finding, Rate, Strongest


@contextmanager
def progress() -> Iterator[Watch]:
    """Show a bar on standard error while an audit runs; lines instead where that is no terminal.

    A Ctrl-C that got lost in between is raised again when the next progress is shown.
    """
    with _interrupts() as interrupted, _shown() as watch:

        def show_or_end(event: Event) -> None:
            if interrupted.is_set():
                raise KeyboardInterrupt
            watch(event)

        yield show_or_end


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Remember a Ctrl-C: numpy clears whatever is raised while it looks up attributes, a KeyboardInterrupt as well."""
    came = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield came  # somebody else handles it
        return

    def remember(_number: int, _frame: FrameType | None) -> None:
        came.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, remember)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _shown() -> Iterator[Watch]:
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<32}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    if not console.is_terminal:
        seen: set[str] = set()

        def line(event: Event) -> None:
            if event.what not in seen:
                seen.add(event.what)
                with suppress(OSError):  # a run is not lost because nobody reads how far it is
                    click.echo(f"{event.what} ({event.done / max(event.total, 1):.0%} of this stage)", err=True)

        yield line
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("preparing", total=None)
        yield lambda event: bar.update(task, description=event.what, completed=event.done, total=event.total)


def show(result: AuditResult, folder: Path) -> None:
    """Print the findings and the verdict on standard output."""
    with _printed() as console:
        _show(result, folder, console)


def _show(result: AuditResult, folder: Path, console: Console) -> None:
    title = f"{result.scenario}: {result.model['name']} on {result.data['name']}"
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("cell", "attack", "asks", "success", "95 % interval", "n", "median cost", "questions"):
        right = heading in ("success", "n", "median cost", "questions")
        shown.add_column(heading, justify="right" if right else "left", no_wrap=heading != "asks")
    for f in result.findings:
        shown.add_row(*map(escape, _cells(f)))
    console.print(shown)
    for best in result.strongest:
        console.print(f"Strongest in {best.cell}: {escape(best.attack)} ({escape(_where(best))}).", highlight=False)
    clean = result.clean
    console.print(
        f"Without attack: false negatives {_rate(clean.fnr)}, false positives {_rate(clean.fpr)}.", highlight=False
    )
    for skipped in result.incomplete:
        console.print(f"Not complete: {skipped.attack} in {skipped.cell}: {escape(skipped.reason)}", highlight=False)
    if result.out_of_scope:
        console.print(f"Out of scope: {len(result.out_of_scope)} (why: see the report).", highlight=False)
    console.print(f"\n[bold]{result.verdict.level.upper()}[/bold]: {escape(result.verdict.headline)}", highlight=False)
    console.print(
        f"Run folder: {escape(str(folder))}\nReport:     {escape(str(folder / 'report.html'))}", highlight=False
    )


@contextmanager
def _printed() -> Iterator[Console]:
    """Print what is written to the console, in one go: rich would exit 1 where the output is closed.

    Where standard output is no terminal, lines are as long as they need to be.
    """
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    with console.capture() as captured:
        yield console
    click.echo(captured.get(), nl=False)


def _cells(f: Finding) -> tuple[str, ...]:
    cost = "never" if math.isinf(f.cost.median) else f"{f.cost.median:.3g} {f.cost.unit}"
    return (
        f.cell + (" targeted" if f.specificity == "targeted" else ""),
        f.attack if f.role == "attack" else f"{f.attack} ({f.role})",
        " ".join(f.grants),
        f"{f.success_rate.value:.1%}",
        f"{f.success_rate.low:.1%} to {f.success_rate.high:.1%}",
        str(f.victims),
        "-" if math.isnan(f.cost.median) else cost,
        "-" if math.isnan(f.queries.median) else f"{f.queries.median:.0f}",
    )


def _where(best: Strongest) -> str:
    if best.tuned_on is None or best.chosen_on != "tuning set":
        return str(best.why)
    return f"chosen on {best.tuned_on.n} records apart"


def _rate(rate: Rate) -> str:
    return f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}, n = {rate.n})"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as its contents: lines are not wrapped where output is piped."""
    plain = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        plain.add_column(heading, overflow="fold")
    for row in rows:
        plain.add_row(*(escape(str(cell)) for cell in row))
    with _printed() as console:
        console.print(plain)
