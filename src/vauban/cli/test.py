"""``vauban test``: random security testing, analysts' suites, and the corpus of kept failures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from vauban.errors import BadInput, ExitCode

CORPUS = "vauban-corpus"


class _Named(click.Group):
    """A group whose first word is a command of it, or else the argument of ``run``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Named)
def test() -> None:
    """Test a model with what nobody thought of, and with what analysts did.

    vauban test SCENARIO [OPTIONS] runs a test (see: vauban test run --help); vauban test add keeps failures.
    """


@test.command("run")
@click.argument("scenario")
@click.option("--data", help="Data set; generated data by default.")
@click.option("--model", default="logistic-regression", show_default=True, help="Kind of model to train and test.")
@click.option(
    "--suite",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Suite (.toml) or table of cases (.csv, .parquet).",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="FEATURE=WORD",
    help="safer, riskier, irrelevant, protected or ground; may be repeated.",
)
@click.option(
    "--corpus", default=CORPUS, show_default=True, type=click.Path(path_type=Path), help="Folder of kept failures."
)
@click.option("--budget", default="100000", show_default=True, help="Questions, or time: 100000, 90s, 2m.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Everything random follows from it.")
@click.option("--fail-over", type=click.FloatRange(0, 1), help="Exit 1 if a property breaks in a greater share.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write the result to.")
def run(scenario: str, corpus: Path, fail_over: float | None, out: Path | None, **asked: Any) -> int:
    """Replay kept failures and suites, then try variations of records that must not change a decision."""
    from vauban.assurance.budget import Purse
    from vauban.assurance.corpus import read_corpus, system_name
    from vauban.assurance.expectations import Expectations
    from vauban.assurance.run import run_test, worst
    from vauban.assurance.suites import read_suite
    from vauban.assurance.written import prepare, write
    from vauban.audit.folder import taken_back
    from vauban.cli.own import chosen_system
    from vauban.cli.show import progress
    from vauban.cli.tested import show
    from vauban.reports.hostile import clipped

    chosen, mine = chosen_system({"scenario": scenario}, allow_pickle=False), _expected(asked["expect"])
    Purse.of(asked["budget"])
    with taken_back(out), progress() as watch:
        if out is not None:
            prepare(out)
        system = chosen.system(asked["data"], asked["model"], asked["seed"])
        schema = system.target.schema
        words = {**chosen.expectations(str(system.data["name"])), **mine}
        suites = [read_suite(path, schema) for path in asked["suite"]]
        name = system_name(system.name, str(system.data["name"]))
        tested = run_test(
            system,
            expectations=Expectations.named(words, schema, system.parts.victims.frame.columns),
            suites=suites,
            kept=read_corpus(corpus, name, schema),
            budget=asked["budget"],
            seed=asked["seed"],
            watch=lambda what, done, total: watch(_event(what, done, total)),
            command=_command(scenario, asked),
        )
    if out is not None:
        write(out, tested)
    show(tested.result, out)
    worst_rate = worst(tested.result)
    over = fail_over is not None and worst_rate is not None and worst_rate.value > fail_over
    if over:
        click.echo(f"vauban: a property breaks in a greater share than {fail_over}", err=True)
    for failure in tested.result.failures:
        said = f": {failure.reason}" if failure.reason else ""
        who = f" ({failure.owner})" if failure.owner else ""
        where = f"{failure.source}, case {failure.row}{f' {failure.name}' if failure.name else ''}"
        text = f"{where}: expected {failure.expected}, got {failure.got}{said}{who}"
        click.echo(f"vauban: {clipped(text, 1000)}", err=True)
    proxies = any(p.kind == "proxy" for p in tested.result.proxies)
    person = bool(tested.result.failures or tested.result.places or proxies)
    return ExitCode.OVER_LIMIT if over or person else ExitCode.DONE


def _event(what: str, done: int, total: int) -> Any:
    from vauban.audit.run import Event

    return Event(what, done, total)


def _expected(words: tuple[str, ...]) -> dict[str, str]:
    out = {}
    for word in words:
        name, sign, expected = word.rpartition("=")
        if not sign or not name:
            raise BadInput(f"An expectation is FEATURE=WORD, as in income=safer. Got {word!r}.")
        out[name.strip()] = expected.strip()
    return out


def _command(scenario: str, asked: dict[str, Any]) -> str:
    words = ["vauban", "test", scenario]
    for name, value in asked.items():
        several = value if isinstance(value, tuple) else () if value is None else (value,)
        words += [w for one in several for w in (f"--{name}", str(one))]
    return shlex.join(words)


@test.command("add")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--corpus", default=CORPUS, show_default=True, type=click.Path(path_type=Path), help="Where to keep them."
)
@click.option("--attack", help="Only successes of this attack, of an audit's run folder.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1), help="Records to keep at most.")
@click.option("--scenario", help="For a table of cases: the scenario that they are of.")
@click.option("--data", help="For a table of cases: the data set.")
@click.option("--expected", type=click.Choice(["pass", "refer", "block"]), help="What the model should have said.")
@click.option("--owner", default="", help="Who says so.")
@click.option("--reason", default="", help="Why.")
@click.option("--severity", default="medium", show_default=True, help="low, medium, high or critical.")
def add(source: Path, corpus: Path, **asked: Any) -> int:
    """Keep failures: of an audit's run folder, of a test's folder, or of a table of cases.

    They are replayed first by every later test of the same scenario and data set.
    """
    from vauban.assurance.written import keep_from

    kept, name = keep_from(source, corpus, asked)
    click.echo(f"{kept} records added to {corpus / f'{name}.csv'}.")
    return ExitCode.DONE
