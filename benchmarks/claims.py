"""Measure what the documentation claims, on real data, and write it to docs/benchmarks.md and benchmarks/claims.json.

    VAUBAN_DATA_DIR=... python benchmarks/claims.py [--victims 200] [--only label,optimum]

Every figure carries n and an interval. Shares are Wilson intervals; ratios of costs are medians over the victims that
both sides evade, with a bootstrap interval.
"""

from __future__ import annotations

import argparse
import inspect
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from vauban.audit.answers import Oracle
from vauban.audit.judge import Judged
from vauban.audit.plan import Front, brief_for, make_plan
from vauban.audit.run import environment
from vauban.audit.runner import scout, search
from vauban.catalogue import entry
from vauban.contracts import LABEL, SCORE, Attack, seed_for
from vauban.exploratory.random_edits import RandomEdits
from vauban.exploratory.random_search import RandomSearch
from vauban.metrics.intervals import differs, paired_differs, paired_median_ratio, quantile, wilson
from vauban.records import messages
from vauban.results import to_json
from vauban.scenarios import scenario
from vauban.system import System
from vauban.targets import EstimatorTarget
from vauban.threat import Budget, Cell, Decision, Grant

ROOT = Path(__file__).parent
LINEAR = ("logistic-regression", "linear-svm")
TABLES = ("logistic-regression", "random-forest", "hist-gradient-boosting")
GRANTS = {
    "label": LABEL,
    "score": SCORE,
    "structure": frozenset({Grant.LABEL, Grant.STRUCTURE}),
}


def front_of(system: System, cell: Cell, grants: frozenset[Grant], queries: int, victims: int, **budget: Any) -> Front:
    """Return a front with its victims."""
    name = system.name
    threat = scenario(name).threats([cell], grants, Budget(queries, budget.pop("scouting", queries), **budget), None)[0]
    return make_plan(system, [threat], ["do-nothing"], victims).fronts[0]


def play(
    system: System, front: Front, attack: str, seed: int = 0, made: Attack | None = None
) -> tuple[Judged, Oracle, float]:
    """Return what an attack reached, the oracle that counted, and the seconds that it took."""
    made, oracle = made or entry(attack).make(), Oracle(system.target)
    brief = brief_for(front, system.target, attack, seed)
    started = time.perf_counter()
    scouted = scout(made, attack, brief, oracle)
    key = seed_for(seed, attack, front.threat.cell.value, "search")
    judged, _ = search(made, attack, brief, scouted.intelligence, front.victims, oracle, seed=key)
    return judged, oracle, time.perf_counter() - started


def credit(victims: int, seed: int) -> Iterator[dict[str, Any]]:
    """Label access against the strongest search known: 20 times the questions, with scores, and the exact optimum."""
    for data in ("german", "taiwan"):
        for model in TABLES:
            system = scenario("credit").system(data, model, seed)
            label = front_of(system, Cell.EI, LABEL, 1000, victims)
            score = front_of(system, Cell.EI, SCORE, 20_000, victims)
            ours, oracle, seconds = play(system, label, "donor-bisection", seed)
            best = np.full(len(label.victims), np.inf)
            for attack in ("greedy-search", "random-search", "donor-bisection"):
                best = np.minimum(best, play(system, score, attack, seed)[0].cost)
            best = np.minimum(best, ours.cost)
            flippable = np.isfinite(best)
            yield {
                "data": data,
                "model": model,
                "victims": len(label.victims),
                "flippable": int(flippable.sum()),
                "success": wilson(int(np.isfinite(ours.cost[flippable]).sum()), int(flippable.sum())),
                "median cost": quantile(ours.cost, 0.5),
                "cost / best known": paired_median_ratio(ours.cost, best),
                "questions": quantile(ours.used.astype(float), 0.5),
                "model calls": oracle.model_calls,
                "seconds": seconds,
            }


def optimum(victims: int, seed: int) -> Iterator[dict[str, Any]]:
    """Cost against the exact optimum of linear models."""
    for data in ("german", "taiwan", "generated-credit"):
        for model in LINEAR:
            system = scenario("credit").system(data, model, seed)
            exact = play(system, front_of(system, Cell.EI, GRANTS["structure"], 1000, victims), "linear-optimum", seed)[
                0
            ]
            row: dict[str, Any] = {"data": data, "model": model, "victims": len(exact.ids)}
            for attack, grants in (("greedy-search", SCORE), ("donor-bisection", LABEL)):
                for queries in (200, 1000):
                    judged = play(system, front_of(system, Cell.EI, grants, queries, victims), attack, seed)[0]
                    row[f"{attack} at {queries}"] = paired_median_ratio(judged.cost, exact.cost)
                    row[f"{attack} at {queries}: evaded"] = int(judged.success.sum())
            row["evaded by the optimum"] = int(exact.success.sum())
            row["bound above any cost"] = int((exact.bound > exact.cost * (1 + 1e-9)).sum())
            yield row


def bare_boosting(seed: int) -> System:
    """Return the Taiwan system with gradient boosting of 150 trees on the bare matrix."""
    system = scenario("credit").system("taiwan", "hist-gradient-boosting", seed)
    train = system.parts.train
    model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=seed)
    model.fit(train.frame.to_numpy(dtype=np.float64), train.labels)
    schema = system.target.schema
    sample = schema.encode(system.parts.tuning.frame)
    target = EstimatorTarget(model, schema, name="bare", sample=sample)
    limit = float(np.quantile(np.asarray(target.answer(sample, SCORE).scores), 0.8))
    return replace(system, target=replace(target, threshold=limit))


def timing(victims: int, seed: int) -> Iterator[dict[str, Any]]:
    """Time outside the model over time inside it, and model calls for many victims over those for few."""
    pipeline = scenario("credit").system("taiwan", "hist-gradient-boosting", seed)
    for form, system in (("bare matrix", bare_boosting(seed)), ("data frame pipeline", pipeline)):
        for attack, grants, queries in (("greedy-search", SCORE, 200), ("donor-bisection", LABEL, 1000)):
            front = front_of(system, Cell.EA, grants, queries, victims)  # there are 2,000 different good clients
            calls = {}
            for n in (20, victims):
                _, oracle, seconds = play(system, replace(front, victims=front.victims[:n]), attack, seed)
                calls[n] = oracle.model_calls
            yield {
                "form": form,
                "attack": attack,
                "victims": victims,
                "queries": queries,
                "rows scored": oracle.rows_scored,
                "model us a row": 1e6 * oracle.model_seconds / oracle.rows_scored,
                "outside / inside": (seconds - oracle.model_seconds) / oracle.model_seconds,
                "model calls at 20": calls[20],
                f"model calls at {victims}": calls[victims],
            }


def words(victims: int, seed: int) -> Iterator[dict[str, Any]]:
    """Good words against random words."""
    for data in ("sms", "enron"):
        system = scenario("spam").system(data, "logistic-regression", seed)
        for attack in ("good-words", "good-words-first-n", "good-words-passive", "random-search"):
            for grant in ("label", "score") if attack == "good-words" else ("label",):
                for cost in (None, 10.0) if attack == "random-search" else (None,):
                    front = front_of(system, Cell.EI, GRANTS[grant], 1500, victims, cost=cost)
                    judged = play(system, front, attack, seed)[0]
                    yield {
                        "data": data,
                        "attack": attack,
                        "grant": grant,
                        "most words": cost,
                        "success": wilson(int(judged.success.sum()), len(judged.ids)),
                        "median words": quantile(judged.cost, 0.5),
                        "questions": quantile(judged.used.astype(float), 0.5),
                    }


def availability(victims: int, seed: int) -> Iterator[dict[str, Any]]:
    """Good records blocked, against doing nothing."""
    tries = (("spam", "sms", "good-words"), ("spam", "enron", "good-words"))
    tries += (("credit", "german", "donor-bisection"), ("credit", "taiwan", "donor-bisection"))
    for name, data, attack in tries:
        system = scenario(name).system(data, "logistic-regression", seed)
        front = front_of(system, Cell.EA, LABEL, 1000, victims)
        judged, nothing = (play(system, front, a, seed)[0] for a in (attack, "do-nothing"))
        yield {
            "data": data,
            "attack": attack,
            "success": wilson(int(judged.success.sum()), len(judged.ids)),
            "median cost": quantile(judged.cost, 0.5),
            "do nothing": wilson(int(nothing.success.sum()), len(nothing.ids)),
            "p": differs(int(judged.success.sum()), len(judged.ids), int(nothing.success.sum()), len(nothing.ids)),
        }


def rewriting(victims: int, seed: int) -> Iterator[dict[str, Any]]:
    """Attacks on messages that pay for at most so many words, against as many random edits or words (drawn once), and
    against random ones with as many questions. One-sided p of the paired difference (McNemar, exact).
    """
    once = {"character-substitution": RandomEdits("slips", words=4, draws=1), "chaff": RandomSearch(words=3, draws=1)}
    for model in ("logistic-regression", "logistic-regression+nfkc", "naive-bayes"):
        system = scenario("spam").system("sms", model, seed)
        for attack in ("obfuscation", "character-substitution", "word-substitution", "chaff"):
            cell, most = (Cell.EA, 3.0) if attack == "chaff" else (Cell.EI, 4.0)
            for grant in ("label", "score"):
                front = front_of(system, cell, GRANTS[grant], 500, victims, cost=most)
                judged = play(system, front, attack, seed)[0]
                chance = once.get(attack, RandomEdits(words=4, draws=1))
                single = play(system, front, "random", seed, chance)[0]
                many = play(system, front, "random", seed, replace(chance, words=None, draws=64))[0]
                yield {
                    "model": model,
                    "attack": attack,
                    "grant": grant,
                    "most words": most,
                    "success": wilson(int(judged.success.sum()), len(judged.ids)),
                    "questions": quantile(judged.used.astype(float), 0.5),
                    "random, once": wilson(int(single.success.sum()), len(single.ids)),
                    "p": paired_differs(judged.success, single.success),
                    "random, many": wilson(int(many.success.sum()), len(many.ids)),
                    "p of many": paired_differs(judged.success, many.success),
                }


def pairs(victims: int, seed: int) -> Iterator[dict[str, Any]]:
    """Spam SMS and what people made of it (77 pairs of 40 originals; each distinct text once), by filters trained on
    `sms`: the share that is blocked. `evaded` is what the audit counts: originals that were blocked and pass as
    somebody made them, payload and length as the schema asks.
    """
    for kind in ("logistic-regression", "naive-bayes", "linear-svm", "random-forest"):
        for model in (kind, f"{kind}+nfkc"):
            system = scenario("spam").system("sms-evasion-pairs", model, seed)
            made = sorted({text for texts in system.rewritten.values() for text in texts})
            row: dict[str, Any] = {"model": model}
            for name, texts in (("originals blocked", list(system.rewritten)), ("modified blocked", made)):
                decisions = system.target.answer(messages(texts), LABEL).decisions
                row[name] = wilson(int((decisions == Decision.BLOCK).sum()), len(texts))
            judged = play(system, front_of(system, Cell.EI, LABEL, 100, victims), "human-evasions", seed)[0]
            row["evaded"] = wilson(int(judged.success.sum()), len(judged.ids))
            good = system.parts.victims.take(system.parts.victims.labels == 0)
            wrong = system.target.answer(system.target.schema.encode(good.frame), LABEL).decisions == Decision.BLOCK
            yield {**row, "good messages blocked": wilson(int(wrong.sum()), len(wrong))}


CLAIMS = {
    "label": credit,
    "optimum": optimum,
    "time": timing,
    "words": words,
    "availability": availability,
    "rewriting": rewriting,
    "pairs": pairs,
}


def shown(value: Any) -> str:
    """Return a figure for a table."""
    if isinstance(value, dict):
        if value["value"] is None:
            return "-"
        return f"{value['value']:.3g} ({value['low']:.3g} to {value['high']:.3g}, n = {value['n']})"
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def page(found: dict[str, list[dict[str, Any]]], about: dict[str, Any]) -> str:
    """Return the documentation page."""
    lines = ["# What was measured", "", "Written by `python benchmarks/claims.py`; do not edit.", ""]
    lines += [f"{key}: {value}  " for key, value in about.items()]
    for name, rows in found.items():
        lines += ["", f"## {name.capitalize()}", "", inspect.cleandoc(CLAIMS[name].__doc__ or ""), ""]
        heads = list(dict.fromkeys(key for row in rows for key in row))
        lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        lines += ["| " + " | ".join(shown(row.get(h)) for h in heads) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--victims", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(CLAIMS))
    asked = parser.parse_args()
    stored = ROOT / "claims.json"
    found = json.loads(stored.read_text())["claims"] if stored.exists() else {}
    about = {"seed": asked.seed, **environment()}
    for name in asked.only.split(","):
        found[name] = []
        most = 2000 if name == "time" else asked.victims
        for row in CLAIMS[name](most, asked.seed):
            found[name].append(to_json(row))
            print(name, json.dumps(found[name][-1]), flush=True)
    found = {name: found[name] for name in CLAIMS if name in found}
    stored.write_text(json.dumps({"about": about, "claims": found}, indent=1) + "\n")
    (ROOT.parent / "docs" / "benchmarks.md").write_text(page(found, about))


if __name__ == "__main__":
    main()
