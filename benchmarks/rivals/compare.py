"""The page: who gets more victims through, for less, with fewer calls of the model, and where rivals win."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vauban.metrics.intervals import paired_median_ratio, wilson
from vauban.records import Floats

HEADS = (
    "data", "model", "questions", "rival", "n", "its success", "ours", "its median cost", "ours of these",
    "cost ratio (95 % interval, n)", "calls a victim: its / ours", "cpu ms a victim: its / ours", "who wins",
)  # fmt: skip


def page(kept: Mapping[str, Any]) -> str:
    """Return the documentation page."""
    rows = list(_rows(kept))
    lines = [
        "# Vauban beside ART and Foolbox",
        "",
        "Written by `python -m rivals` in `benchmarks/`; do not edit.",
        "",
        "Rejected defaulters of the held-out part are to be accepted by a credit model that answers accept or",
        "reject and nothing else (`zoo` gets scores). Every rival sits behind a wrapper that repairs each of its",
        "questions to our schema before the model sees it, so that its integers stay whole and its categories",
        "exist: that is its strongest form, and given away. The wrapper counts rows and calls and stops at the cap;",
        "the cheapest accepted record at our prices is kept. Each rival has the best of three settings, chosen for",
        "each cap on other applicants; in one of them it starts from the nearest known accepted record. Ours asks",
        "as many questions again before any victim, to scout, once for all; calls and time count them. Where ours",
        "attains the exact optimum (linear models), no ratio can be lower. Ratios are ours over theirs, paired over",
        "the victims that both get through: below 1 ours is cheaper. `who wins`: by the interval of the ratio, or",
        "by success where one gets significantly more through (exact McNemar test, 5 %). Foolbox attacks all",
        "victims in one batch (the calls are divided by them), the toolbox one after the other, of whom it gets",
        "fewer. CPU time was measured on a shared machine and is good for orders of magnitude.",
        "",
        "On all models but German logistic regression, Foolbox was measured when one known start that is not",
        "accepted still ended its third setting for the whole batch: it may do better there than shown.",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|" + "---|" * len(HEADS),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]
    lines += [*_summary(kept), "", *_floors(kept), ""]
    wins = [row for row in rows if row[-1].startswith(("art", "foolbox"))]
    lines += [f"Rivals win {len(wins)} of {len(rows)} comparisons" + (":" if wins else "."), ""]
    lines += [f"- {r[0]}, {r[1]}, {r[2]} questions: {r[-1]}" for r in wins]
    return "\n".join(lines) + "\n"


def _summary(kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield, for each rival and attack of ours, how all comparisons went."""
    heads = ("rival", "ours", "comparisons", "median ratio", "at most 0.8", "interval below 1", "as many or more pass")
    yield "| " + " | ".join(heads) + " |"
    yield "|---|---|---|---|---|---|---|"
    found: dict[tuple[str, str], list[tuple[Any, bool]]] = {}
    for its in kept["rivals"].values():
        mine = kept["ours"].get(f"{its['data']} {its['model']}", {"attacks": {}})
        for cap, reached in its["caps"].items():
            for attack, caps in mine["attacks"].items():
                theirs, us = _array(reached["costs"]), _array(caps[cap]["costs"])[: len(reached["costs"])]
                as_many = np.isfinite(us).sum() >= np.isfinite(theirs).sum()
                key = (f"{its['library']} {its['rival']}", attack)
                found.setdefault(key, []).append((paired_median_ratio(us, theirs), bool(as_many)))
    for (name, attack), pairs in found.items():
        ratios = [ratio for ratio, _ in pairs]
        low, high = min(r.value for r in ratios), max(r.value for r in ratios)
        n = len(pairs)
        yield (
            f"| {name} | {attack} | {n} | {low:.2f} to {high:.2f} | {sum(r.value <= 0.8 for r in ratios)} of {n} | "
            f"{sum(r.high < 1 for r in ratios)} of {n} | {sum(more for _, more in pairs)} of {n} |"
        )


def _floors(kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield the comparisons in which no attack of ours gets to 0.8, with what many times the questions reach."""
    yield "## How low a cost can be"
    yield ""
    yield "Where none of our attacks costs at most 0.8 of the rival's: the best of ours, and the floor, the cheapest"
    yield "that `donor-bisection`, `block-search` (20,000 questions a victim) or any run above found for the same"
    yield "victims. Where the floor is above 0.8, nothing that we know gets there; on linear models it is the optimum."
    yield ""
    yield "| data | model | questions | rival | best of ours: cost ratio (95 % interval, n) | floor: cost ratio |"
    yield "|---|---|---|---|---|---|"
    for its in kept["rivals"].values():
        pair = f"{its['data']} {its['model']}"
        mine, low = kept["ours"].get(pair), kept.get("floor", {}).get(pair)
        if mine is None or low is None:
            continue
        caps = mine["attacks"].values()
        for cap, reached in its["caps"].items():
            theirs = _array(reached["costs"])
            best = min((paired_median_ratio(_array(c[cap]["costs"])[: len(theirs)], theirs) for c in caps), key=_value)
            if best.value <= 0.8:
                continue
            n = min(len(theirs), len(low["costs"]))
            all_of_ours = [_array(c[other]["costs"])[:n] for c in caps for other in c]
            least = paired_median_ratio(np.min([_array(low["costs"])[:n], *all_of_ours], axis=0), theirs[:n])
            yield (
                f"| {its['data']} | {its['model']} | {cap} | {its['library']} {its['rival']} | {_shown(best)} | "
                f"{_shown(least)} |"
            )


def _value(ratio: Any) -> float:
    return float(ratio.value)


def _shown(ratio: Any) -> str:
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}, {ratio.n})"


def _array(costs: list[float | None]) -> Floats:
    return np.array([np.inf if c is None else c for c in costs])


def _rows(kept: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for found in kept["rivals"].values():
        mine = kept["ours"].get(f"{found['data']} {found['model']}")
        if mine is None:
            continue
        if mine["fingerprint"] != found["fingerprint"]:
            raise SystemExit(f"{found['rival']} attacked another model: {found['fingerprint']}")
        for cap, its in found["caps"].items():
            for attack, caps in mine["attacks"].items():
                yield _row(found, cap, its, attack, caps[cap])


def _row(
    found: Mapping[str, Any], cap: str, its: Mapping[str, Any], attack: str, ours: Mapping[str, Any]
) -> tuple[str, ...]:
    theirs = _array(its["costs"])
    n = len(theirs)
    whole = _array(ours["costs"])
    us = whole[:n]
    both = np.isfinite(theirs) & np.isfinite(us)
    ratio = paired_median_ratio(us, theirs)
    name = f"{found['library']} {found['rival']}"
    return (
        found["data"],
        found["model"],
        cap,
        name,
        str(n),
        _rate(theirs),
        f"{_rate(us)} ({attack})",
        _median(theirs[both]),
        _median(us[both]),
        _shown(ratio),
        f"{its['calls'] / n:.1f} / {ours['calls'] / len(whole):.1f}",
        f"{1000 * its['cpu_seconds'] / n:.0f} / {1000 * ours['cpu_seconds'] / len(whole):.0f}",
        _winner(theirs, us, ratio, name),
    )


def _rate(costs: Floats) -> str:
    rate = wilson(int(np.isfinite(costs).sum()), len(costs))
    return f"{rate.value:.2f} ({rate.low:.2f} to {rate.high:.2f})"


def _median(costs: Floats) -> str:
    return f"{np.median(costs):.3g}" if len(costs) else "-"


def _winner(theirs: Floats, us: Floats, ratio: Any, name: str) -> str:
    from scipy.stats import binomtest

    only_us = int((np.isfinite(us) & ~np.isfinite(theirs)).sum())
    only_them = int((np.isfinite(theirs) & ~np.isfinite(us)).sum())
    if only_us + only_them and binomtest(only_us, only_us + only_them).pvalue < 0.05:
        return "vauban (success)" if only_us > only_them else f"{name} (success)"
    if ratio.high < 1:
        return "vauban (cost)"
    return f"{name} (cost)" if ratio.low > 1 else "neither"
