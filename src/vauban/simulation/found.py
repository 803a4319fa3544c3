"""Turn plays into a finding, in the same terms as those of attacks that only ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vauban.audit.findings import summary_of
from vauban.catalogue import Entry
from vauban.metrics.intervals import quantile, wilson
from vauban.records import Floats
from vauban.results import Cost, Finding, Queries, Rate, Retraining, to_json
from vauban.simulation.lengths import LABELS, LENGTHS, Asked
from vauban.simulation.outcome import Film
from vauban.simulation.plays import Ended
from vauban.simulation.probed import Probed
from vauban.simulation.stage import Stage
from vauban.threat import Cell, Grant

_REVIEW = (
    "Have a sample of what is collected labelled by people who owe the senders nothing, and look at it before "
    "training: vauban review."
)
_CANDIDATE = (
    "Let no retrained model replace the deployed one unasked: compare both on records that nobody outside reaches: "
    "vauban gate."
)
REMEDIES = {
    Cell.CI: (
        "Do not learn a record as good on the word of the account that it comes from, nor because it was delivered: "
        "weigh labels by who gives them, and cap what one source can add.",
        _REVIEW,
        _CANDIDATE,
    ),
    Cell.CA: (
        "Do not let what was blocked teach the model which ordinary words and values are harmful, unless somebody has "
        "read it: cap what one source, and one round, can add.",
        _REVIEW,
        _CANDIDATE,
    ),
}


def strongest_first(ended: Sequence[tuple[Entry, Ended]]) -> list[Entry]:
    """Return the attacks that succeeded at all, by the share of their victims, the most first."""

    def share(one: tuple[Entry, Ended]) -> float:
        probed = _probed(one[1])
        return len(probed.won) / max(int(probed.victims.sum()), 1)

    return [line for line, e in sorted(ended, key=share, reverse=True) if len(_probed(e).won)]


def finding_of(
    stage: Stage, cell: Cell, line: Entry, clean: Ended, ended: Mapping[str, Ended], asked: Asked
) -> Finding:
    """Return the finding of an attack.

    Args:
        stage: of the plays.
        cell: CI or CA.
        line: the attack.
        clean: the play without him.
        ended: the play ``attacked``, and one behind each gate that was tried, by its name.
        asked: what the audit was asked for.
    """
    attacked = ended["attacked"]
    probed, film = _probed(attacked), attacked.film
    victims = probed.victims
    n, won = int(victims.sum()), len(probed.won)
    wants = line.make().wants
    spent = np.cumsum([t.sent + t.altered for t in film.rounds])
    cost = _cost(attacked, probed, spent)
    asked_for = film.rounds[-1].asked
    targeted = asked.where is not None
    grants = (wants & {Grant.SEND, Grant.TAMPER}) | (asked.grants & {Grant.LABEL, Grant.SCORE} if asked_for else set())
    reach = [float((got & victims & probed.possible).sum()) / max(n, 1) for got in attacked.reached]
    plays = [attacked, *(e for name, e in ended.items() if name != "attacked")]
    effort = {
        key: sum(e.effort[key] for e in plays) for key in ("model_calls", "rows_scored", "seconds", "model_seconds")
    }
    return Finding(
        id=f"{cell.value}-{'targeted-' if targeted else ''}{line.name}",
        cell=cell.value,
        specificity="targeted" if targeted else "indiscriminate",
        attack=line.name,
        role=line.role,
        title=line.name.replace("-", " ").capitalize(),
        description=summary_of(line),
        grants=tuple(sorted(grants)),
        victims=n,
        successes=won,
        success_rate=wilson(won, n),
        cost=Cost(
            "records altered" if Grant.TAMPER in wants else "records sent",
            *(quantile(cost, q) for q in (0.5, 0.1, 0.9)),
        ),
        queries=Queries(float(asked_for), float(asked_for), float("nan"), asked.queries),
        tags=line.tags_in(cell),
        curves={"queries": (), "cost": tuple((float(x), y) for x, y in zip(spent, reach, strict=True))},
        money=None,
        examples=tuple(replace(e, cost=float(spent[-1]), queries=asked_for) for e in probed.examples),
        remediation=REMEDIES[cell],
        retraining=_retraining(stage, clean, ended, asked),
        **effort,
    )


def _probed(ended: Ended) -> Probed:
    assert ended.probed is not None  # noqa: S101 - an attacker's play is judged
    return ended.probed


def _cost(attacked: Ended, probed: Probed, spent: Any) -> Floats:
    """Return what he had sent when each victim's probe first passed for good (n,); infinity where it never did."""
    reached = np.array(attacked.reached)
    # The rounds from the end on in which it passes, without a gap.
    held = np.cumprod(reached[::-1], axis=0).sum(axis=0)
    cost = np.full(probed.probes, np.inf)
    cost[probed.won] = np.asarray(spent, dtype=np.float64)[len(reached) - held[probed.won]]
    return np.asarray(cost[probed.victims])


def _retraining(stage: Stage, clean: Ended, ended: Mapping[str, Ended], asked: Asked) -> Retraining:
    attacked, film = ended["attacked"], ended["attacked"].film
    probed, last = _probed(attacked), {"clean": clean.film.rounds[-1]}
    last |= {name: e.film.rounds[-1] for name, e in ended.items()}
    # Of the clean play the probes are plain: what counts is what its last model says of the dressed ones.
    success: dict[str, Rate] = {"clean": wilson(len(probed.before), probed.probes)}
    success |= {name: e.film.rounds[-1].probe_success for name, e in ended.items()}
    return Retraining(
        rounds=len(film.rounds),
        share=LENGTHS[asked.length].share,
        labels=LABELS,
        trained=len(stage.first) + sum(t.collected for t in clean.film.rounds),
        sent=sum(t.sent for t in film.rounds),
        altered=sum(t.altered for t in film.rounds),
        asked=film.rounds[-1].asked,
        probes=probed.probes,
        probe_success=success,
        fnr={name: turn.fnr for name, turn in last.items()},
        fpr={name: turn.fpr for name, turn in last.items()},
        error={name: turn.error for name, turn in last.items()},
        loss={name: turn.loss for name, turn in last.items()},
        held={name: _held(e.film) for name, e in ended.items() if e.film.gates},
        learnt=film.learnt,
        first=to_json(attacked.first),
        films=tuple(to_json(f) for f in (clean.film, *(e.film for e in ended.values()))),
    )


def _held(film: Film) -> dict[str, int]:
    his, all_of = sum(t.collected_poison for t in film.rounds), sum(t.collected for t in film.rounds)
    return {
        "his": sum(t.held_poison for t in film.rounds),
        "of_his": his,
        "others": sum(t.held_clean for t in film.rounds),
        "of_others": all_of - his,
    }
