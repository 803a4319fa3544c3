"""The page of the stories: each in words and figures, then every gate against every story, then what exploring adds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stories.told import STORIES, Story
from vauban.catalogue import GATES
from vauban.metrics.intervals import combined, differs, wilson
from vauban.results import Rate

Row = Mapping[str, Any]

SURE = 0.05
"""Probability of a difference by chance from which on nothing is certain."""
ENOUGH, COST = 0.9, 0.01
"""Share of the damage that a gate is to undo, and most clean records that it may hold where nobody attacks."""


def page(rows: Sequence[Row], aware: Sequence[str]) -> str:
    """Return docs/stories.md, with the section of attackers who know a gate among the others."""
    told = {name: _Told(name, story, rows) for name, story in STORIES.items() if any(r["story"] == name for r in rows)}
    lines = [
        "# Five stories of attacks on training",
        "",
        "Written by `python -m stories` in `benchmarks/`; do not edit. Each story is one simulation on real data: "
        "played clean, attacked, behind each gate, and behind each gate with nobody attacking; "
        "[simulation.md](simulation.md) says how. Shares are of fresh records that no model was trained on, of all "
        "seeds together, with Wilson's intervals; records of two seeds are partly the same, so these are a little "
        "too narrow. Commands play seed 0. A gate's row is of the "
        "seeds on which the gate was played, which may be fewer.",
    ]
    for t in told.values():
        lines += ["", *t.section()]
    parts = [part for part in (_matrix(told), aware, _explored(told)) if part]
    return "\n".join([*lines, *(line for part in parts for line in ("", *part)), ""])


class _Told:
    """What was measured of a story."""

    def __init__(self, name: str, story: Story, rows: Sequence[Row]) -> None:
        self.name, self.story = name, story
        self.rows = [r for r in rows if r["story"] == name]

    def of(self, film: str, gate: str | None = None) -> list[Row]:
        return [r for r in self.rows if r["film"] == film and r["gate"] == gate]

    def won(self, film: str, gate: str | None = None) -> Rate:
        """Return the share of fresh records that get what he wants, over the seeds."""
        return pooled(self.of(film, gate), "probe_success")

    def undone(self, gate: str) -> float:
        """Return which share of the damage a gate undoes."""
        # Compared on the seeds on which the gate was played.
        seeds = {r["seed"] for r in self.of("defended", gate)}
        rates = {
            film: pooled([r for r in self.of(film) if r["seed"] in seeds], "probe_success").value
            for film in ("clean", "attacked")
        }
        harm = rates["attacked"] - rates["clean"]
        return (rates["attacked"] - self.won("defended", gate).value) / harm if harm > 0 else math.nan

    def stopped(self, gate: str) -> float:
        """Return which share of what was collected of his a gate holds, or takes out of what is stored."""
        rows = self.of("defended", gate)
        return sum(r["held_poison"] + r["removed_poison"] for r in rows) / sum(r["collected_poison"] for r in rows)

    def cost(self, gate: str) -> Rate:
        """Return the share of clean records that a gate holds or takes out where nobody attacks."""
        quiet = self.of("quiet", gate)
        return wilson(sum(r["held_clean"] + r["removed_clean"] for r in quiet), sum(r["collected"] for r in quiet))

    @property
    def looks(self) -> bool:
        """Whether a person was asked."""
        return bool(self.of("defended", "review") and self.of("quiet", "review"))

    def looked(self, film: str) -> float:
        """Return the records a round that a person looked at."""
        rows = self.of(film, "review")
        return sum(r["reviewed"] for r in rows) / sum(len(r["rounds"]) for r in rows)

    def gates(self) -> list[str]:
        return list(dict.fromkeys(r["gate"] for r in self.rows if r["film"] == "defended"))

    def best(self) -> str | None:
        """Return the gate that undoes most among those that cost little, or among all if none does."""
        gates = self.gates()
        cheap = [g for g in gates if self.cost(g).value <= COST] or gates
        return max(cheap, key=self.undone, default=None)

    def section(self) -> list[str]:
        story, best = self.story, self.best()
        attacked, share = self.of("attacked"), self.of("attacked")[0]
        stored = [r["collected"] + story.settings["first"] for r in attacked]
        part = sum(r["collected_poison"] for r in attacked) / sum(stored)
        lines = [
            f"## {story.title}",
            "",
            story.about,
            "",
            "```sh",
            story.command(best),
            "```",
            "",
            f"{len(attacked)} seed{'s' if len(attacked) > 1 else ''}. Of {share['sent']} records that he sends, "
            f"{share['collected_poison']} are collected (seed 0). Of all that is trained on in the end, "
            f"{percent(part)} is his; "
            f"he asks {share['asked']} questions"
            + (f" and learns: {'; '.join(share['learnt'])}." if share["learnt"] else "."),
            "",
            f"| the last model | {story.slice_} that {story.wanted} | harmful records that pass | "
            "good ones that do not | error | loss on 1,000 decisions |",
            "|---|---|---|---|---|---|",
        ]
        films = [("clean", "clean", None), ("attacked", "attacked", None)]
        films += [(f"behind `{best}`", "defended", best)] if best is not None else []
        lines += [self._line(title, film, gate) for title, film, gate in films]
        return [*lines, "", self._verdict(), "", *self._by_round()]

    def _line(self, title: str, film: str, gate: str | None) -> str:
        rows = self.of(film, gate)
        cells = [interval(pooled(rows, name)) for name in ("probe_success", "fnr", "fpr")]
        cells += [interval(mean(rows, "error")), _money(mean(rows, "loss"), self._currency())]
        return f"| {title} | {' | '.join(cells)} |"

    def _currency(self) -> str:
        return str(self.rows[0]["currency"])

    def _verdict(self) -> str:
        clean, attacked = self.won("clean"), self.won("attacked")
        error = [100 * (mean(self.of(f), "error").value) for f in ("clean", "attacked")]
        rise = 100 * (attacked.value - clean.value)
        said = f"The rise is {rise:+.0f} points, while the overall error moves by {error[1] - error[0]:+.1f} points"
        fnr = [100 * pooled(self.of(f), "fnr").value for f in ("clean", "attacked")]
        said += f" and recall by {fnr[0] - fnr[1]:+.1f} points."
        price = self.rows[0]["price"]
        costs = [_money(_times(rate, 1000 * price), self._currency()) for rate in (clean, attacked)]
        said += (
            f" On 1,000 of the {self.story.slice_}, at {price:,g} {self._currency()} each, {costs[0]} are lost without "
            f"him and {costs[1]} with him."
        )
        return said

    def _by_round(self) -> list[str]:
        clean, attacked = self.of("clean"), self.of("attacked")
        lines = [
            f"| round | {self.story.wanted}: clean | attacked | recall: clean | attacked | error: clean | attacked |",
            "|---|---|---|---|---|---|---|",
        ]
        for turn in range(len(attacked[0]["rounds"])):
            cells = []
            for place, sign in ((0, 1), (1, -1), (3, 1)):
                for rows in (clean, attacked):
                    values = [r["rounds"][turn][place] for r in rows]
                    share = sum(values) / len(values)
                    cells.append(percent(share if sign > 0 else 1 - share))
            lines.append(f"| {turn + 1} | {' | '.join(cells)} |")
        return [*lines, "", "Means over the seeds."]


def _matrix(told: Mapping[str, _Told]) -> list[str]:
    lines = [
        "## Every gate against every story",
        "",
        "How much of the damage (the rise of the first column of the stories) a gate undoes; what is left; and the "
        "shares that it holds, or takes out of what is stored: of his records, and of clean ones where nobody "
        "attacks. Bold: at least "
        f"{100 * ENOUGH:.0f} % undone at no more than {100 * COST:.0f} % of clean records. "
        "A gate is compared with the attack on the seeds on which it was played; over 100 % is chance. `review` is a "
        "simulated person who does not err; he looks at 20 records a round in vain, of policies at 40: there 20 "
        "undid 80 %, 60 undid 85 % and 40 undid 90 % on the five seeds that this was chosen on (one of the 52 fresh "
        "records is 5 points); on five others 40 undid all.",
        "",
    ]
    gates = list(GATES)
    lines += [
        f"| story | without him, with him | {' | '.join(f'`{g}`' for g in gates)} |",
        "|---" * (len(gates) + 2) + "|",
    ]
    for t in told.values():
        cells = []
        for gate in gates:
            if not t.of("defended", gate) or not t.of("quiet", gate):
                cells.append("not played")
                continue
            undone, cost, left = t.undone(gate), t.cost(gate), t.won("defended", gate)
            bold = "**" if undone >= ENOUGH and cost.value <= COST else ""
            held = f"holds {100 * t.stopped(gate):.0f} % of his and {100 * cost.value:.2f} % of {cost.n:,}"
            cells.append(f"{bold}{100 * undone:.0f} %{bold}, {interval(left)}; {held}")
        lines.append(
            f"| {t.story.title} | {interval(t.won('clean'))}, {interval(t.won('attacked'))} | {' | '.join(cells)} |"
        )
    looked = [
        f"{t.story.title}: {t.looked('defended'):.0f} and {t.looked('quiet'):.0f}" for t in told.values() if t.looks
    ]
    missed = [t.story.title for t in told.values() if not any(_works(t, gate) for gate in t.gates())]
    said = "Each story is undone by at least one gate."
    if missed:
        said = f"No gate reaches both for: {'; '.join(missed)}."
    said += f" Records a round that `review` puts before a person, with him and without: {'; '.join(looked)}."
    return [*lines, "", said]


def _works(told: _Told, gate: str) -> bool:
    return bool(told.of("quiet", gate)) and told.undone(gate) >= ENOUGH and told.cost(gate).value <= COST


def _explored(told: Mapping[str, _Told]) -> list[str]:
    lines = [
        "## What exploring adds",
        "",
        "The same share, with questions and without (`--explore off`); p of a one-sided exact test of Fisher's.",
        "",
        "| story | seeds | clean | attacked, not explored | attacked, explored | p |",
        "|---|---|---|---|---|---|",
    ]
    unsure = []
    for t in told.values():
        on, off = t.won("attacked"), t.won("unexplored")
        if not off.n:
            continue
        p = differs(round(on.value * on.n), on.n, round(off.value * off.n), off.n)
        chance = "< 0.001" if p < 0.001 else f"{p:.3f}"
        unsure += [t.story.title] if p >= SURE else []
        seeds = len(t.of("unexplored"))
        cells = " | ".join(interval(x) for x in (t.won("clean"), off, on))
        lines.append(f"| {t.story.title} | {seeds} | {cells} | {chance} |")
    return [
        *lines,
        "",
        f"Nothing certain (p of {SURE:g} or more): {'; '.join(unsure)}. Where nearly all of a section passes at this "
        "share already, questions can add little; smaller shares were not measured.",
        "",
        "In `benign-words` nothing is left to ask: the words of a kind of mail are counted in such mail, and all of "
        "them fit into his own.",
    ]


def pooled(rows: Sequence[Row], name: str) -> Rate:
    """Return a share over the records of all seeds."""
    return wilson(sum(round(r[name]["value"] * r[name]["n"]) for r in rows), sum(r[name]["n"] for r in rows))


def mean(rows: Sequence[Row], name: str) -> Rate:
    """Return the mean over the seeds of what is no plain share, with its interval."""
    return combined([Rate(**r[name]) for r in rows], [1 / len(rows)] * len(rows))


def _times(rate: Rate, money: float) -> Rate:
    return Rate(money * rate.value, money * rate.low, money * rate.high, rate.n)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def interval(rate: Rate) -> str:
    return f"{100 * rate.value:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f}, n = {rate.n:,})"


def _money(rate: Rate, currency: str) -> str:
    return f"{rate.value:,.0f} {currency} ({rate.low:,.0f} to {rate.high:,.0f})"
