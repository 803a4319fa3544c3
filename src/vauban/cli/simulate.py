"""``vauban simulate``: play a retraining loop, clean, attacked and defended."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from vauban.errors import ExitCode


@click.command()
@click.argument("scenario")
@click.option("--data", help="Data set; generated data by default.")
@click.option("--model", default="logistic-regression", show_default=True, help="Kind of model that is trained again.")
@click.option("--attack", required=True, help="Attack on training. See: vauban list attacks.")
@click.option("--cell", help="CI or CA, where the attack can be played for both.")
@click.option("--gate", multiple=True, help="Gate that screens what is collected; may be repeated, in order.")
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1), help="How often it is trained again.")
@click.option("--traffic", type=click.IntRange(1), help="Records a round; all that there are by default.")
@click.option("--share", default=0.01, show_default=True, help="Of what a round collects that is the attacker's.")
@click.option("--labels", default="oracle", show_default=True, help="oracle, feedback, auto-learn or auto-learn-eager.")
@click.option("--explore", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Does he ask first?")
@click.option("--queries", default=1000, show_default=True, type=click.IntRange(0), help="Questions that he may ask.")
@click.option("--accounts", default=5, show_default=True, type=click.IntRange(1), help="Sources that he holds.")
@click.option("--where", help="Filter that makes the attack targeted.")
@click.option("--retrain", default="full", show_default=True, help="full, window, warm or partial.")
@click.option("--chosen", type=click.IntRange(1), help="Single records that he aims at, and knows: these are probed.")
@click.option("--first", type=click.IntRange(1), help="Records that the first model is trained on; 40 % by default.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Everything random follows from it.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder; a new one by default.")
def simulate(scenario: str, out: Path | None, **asked: Any) -> int:
    """Play the retraining loop: what an attacker sends is collected, labelled, screened, and trained on.

    Each round shows what he sent, what the gates held, and how the model does that came of it.
    """
    from vauban.audit.folder import new_folder, prepare
    from vauban.audit.run import Event, environment
    from vauban.catalogue import causative, gate_entry
    from vauban.cli.filmed import show
    from vauban.cli.own import chosen_system
    from vauban.cli.show import progress
    from vauban.reports import html
    from vauban.results import to_json
    from vauban.simulation.run import run_simulation

    chosen = chosen_system({"scenario": scenario}, allow_pickle=False)
    causative(asked["attack"])
    for name in asked["gate"]:
        if name != "none":
            gate_entry(name)
    folder = prepare(out) if out is not None else new_folder(f"simulate-{chosen.name.replace(' ', '-')}")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {k: v for k, v in asked.items() if k not in ("data", "model", "attack", "gate", "explore")}
    with progress() as watch:
        system = chosen.system(asked["data"], asked["model"], asked["seed"])
        result = run_simulation(
            system,
            asked["attack"],
            gates=asked["gate"],
            explore=asked["explore"] == "on",
            watch=lambda what, done, total: watch(Event(what, done, total)),
            command=_command(scenario, asked),
            environment=environment,
            **settings,
        )
    plain = to_json(result)
    text = json.dumps(plain, indent=1, allow_nan=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    (folder / "report.html").write_text(html.render(plain), encoding="utf-8")
    result.frame().to_parquet(folder / "rounds.parquet", index=False)
    show(result, folder)
    return ExitCode.DONE


def _command(scenario: str, asked: dict[str, Any]) -> str:
    default = simulate.make_context("simulate", [scenario, "--attack", "x"], resilient_parsing=True).params
    words = ["vauban", "simulate", scenario]
    for name, value in asked.items():
        if value != default[name]:
            several = value if isinstance(value, tuple) else (value,)
            words += [w for one in several for w in (f"--{name}", str(one))]
    return shlex.join(words)
