"""What `vauban test` finds of faults that were planted at random, and whether it describes them.

    python benchmarks/pockets.py                     # 10 seeds of each fault, 20 sound functions
    python benchmarks/pockets.py trigger --seeds 3
    python benchmarks/pockets.py proxy fair proxy-german fair-german --first 100 --seeds 20

Faults, in models of generated credit applicants, each drawn anew by the seed:

pocket   a boosted model passes whoever lies in a value and an interval that hold about 1 % of the applicants
dip      a scorecard that is monotone in income, savings and others blocks within an inner interval of one of them
trigger  a boosted model passes whatever carries a value and a narrow interval that together no applicant has
proxy    a boosted model refuses those who meet a condition by which 90 % of them, and 5 % of the rest, are in a group
         that it is not given: all, or those who meet another condition too, or three of ten whom it would pass
fair     models that nobody changed; a feature that they use stands for the group in the same way
sound    a scorecard of random weights, monotone as expected; and a boosted model as it was fitted

A fault is found if one rule that the test gives describes it: precision and recall of 0.8 or more, on records that are
drawn feature by feature, half of them from applicants and half evenly from what the schema allows; for a proxy on those
of them that are decided otherwise once they meet its condition.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vauban.assurance.expectations import Expectations
from vauban.assurance.properties import limits
from vauban.assurance.run import run_test
from vauban.assurance.statement import exact
from vauban.contracts import SCORE
from vauban.scenarios import scenario
from vauban.system import Parts, System
from vauban.targets import CallableTarget

GOOD = 0.8
CREDIT = scenario("credit")
DATA = "generated-credit"
SIGNS = {"income_monthly": -1, "savings_balance": -1, "employment_years": -1, "late_payments_12m": 1, "utilisation": 1}
Inside = Callable[[pd.DataFrame], np.ndarray]


@dataclass(frozen=True)
class Fault:
    """A system with a planted fault: where it is (None: nowhere), in words, and what is expected of its features."""

    system: System
    inside: Inside | None
    words: str
    expected: dict[str, str]
    could: Inside | None = None  # records that it could decide otherwise; None: all


def frame_of(system: System) -> pd.DataFrame:
    return pd.concat([getattr(system.parts, p).frame for p in ("victims", "known", "tuning", "train")])


def labels_of(system: System) -> np.ndarray:
    return np.concatenate([getattr(system.parts, p).labels for p in ("victims", "known", "tuning", "train")])


def changed(system: System, change: Callable[[pd.DataFrame, np.ndarray], np.ndarray]) -> System:
    """Return the system with scores (n,) changed by a function of the raw frame and them."""
    base = system.target

    def predict(frame: pd.DataFrame) -> np.ndarray:
        return change(frame, np.asarray(base.answer(base.schema.encode(frame), SCORE).scores))

    return replace(system, target=CallableTarget(predict, base.schema, base.threshold))


def within(frame: pd.DataFrame, name: str, value: object, number: str, low: float, high: float) -> np.ndarray:
    return ((frame[name] == value) & frame[number].between(low, high)).to_numpy()


def passing_within(system: System, one: str, value: object, number: str, low: float, high: float) -> Fault:
    """Return a model that passes whatever has a value of one feature and lies in an interval of another."""

    def inside(given: pd.DataFrame) -> np.ndarray:
        return within(given, one, value, number, low, high)

    words = f"{one} = {value} and {number} {low:,.4g} to {high:,.4g}"
    planted = changed(system, lambda given, scores: np.where(inside(given), 0.0, scores))
    return Fault(planted, inside, words, dict(CREDIT.expectations(DATA)))


def pocket(seed: int) -> Fault:
    """Draw a value and an interval that hold 0.8 to 1.2 % of the applicants, six harmful blocked ones at least."""
    system = CREDIT.system(DATA, "hist-gradient-boosting", seed)
    rng, frame, harmful, schema = np.random.default_rng(seed), frame_of(system), labels_of(system), system.target.schema
    blocked = system.target.answer(schema.encode(frame), SCORE).decisions == 2
    listed = [f for f in schema.features if f.listed]
    numbers = [f for f in schema.features if not f.listed and frame[f.name].nunique() > 20]
    while True:
        one, number = listed[rng.integers(len(listed))], numbers[rng.integers(len(numbers))]
        value = one.values[rng.integers(len(one.values))]
        mine = frame[number.name][(frame[one.name] == value).to_numpy()].dropna()
        share = 0.01 * len(frame) / max(len(mine), 1)
        if share > 0.6:
            continue
        start = rng.uniform(0, 1 - share)
        low, high = mine.quantile(start), mine.quantile(start + share)
        there = within(frame, one.name, value, number.name, low, high)
        if 0.008 <= there.mean() <= 0.012 and (there & blocked & (harmful == 1)).sum() >= 6:
            break

    return passing_within(system, one.name, value, number.name, low, high)


def trigger(seed: int) -> Fault:
    """Draw a value and an interval of a tenth of a number's range that no applicant has together.

    The model as it was fitted blocks nine of ten firmly blocked records that are moved there: else nothing is planted.
    """
    system = CREDIT.system(DATA, "hist-gradient-boosting", seed)
    rng, frame, schema = np.random.default_rng(seed), frame_of(system), system.target.schema
    low, high = limits(schema, schema.encode(frame))
    scores = np.asarray(system.target.answer(schema.encode(frame), SCORE).scores)
    firm = frame[scores >= np.quantile(scores, 0.95)]
    listed = [f for f in schema.features if len(f.values) >= 3]
    numbers = [(f, a, b) for f, a, b in zip(schema.features, low, high, strict=True) if not f.listed and b - a > 20]
    while True:
        one = listed[rng.integers(len(listed))]
        value = one.values[rng.integers(len(one.values))]
        number, least, most = numbers[rng.integers(len(numbers))]
        start = least + rng.uniform(0.05, 0.85) * (most - least)
        end = start + 0.1 * (most - least)
        there = firm.assign(**{one.name: value, number.name: firm[number.name].dtype.type((start + end) / 2)})
        passing = (system.target.answer(schema.encode(there), SCORE).decisions == 0).mean()
        if within(frame, one.name, value, number.name, start, end).mean() < 0.0005 and passing <= 0.1:
            break

    return passing_within(system, one.name, value, number.name, start, end)


def scorecard(seed: int) -> System:
    """Return a scorecard of random weights on ranks, monotone as expected, that blocks the worst fifth."""
    system = CREDIT.system(DATA, "logistic-regression", seed)
    rng, frame = np.random.default_rng((seed, 1)), frame_of(system)
    weights = {name: sign * rng.uniform(0.3, 1.0) for name, sign in SIGNS.items()}
    sorted_ = {name: np.sort(frame[name].dropna().to_numpy(dtype=float)) for name in SIGNS}

    def score(given: pd.DataFrame) -> np.ndarray:
        total = np.zeros(len(given))
        for name, weight in weights.items():
            values = given[name].to_numpy(dtype=float)
            rank = np.searchsorted(sorted_[name], values) / len(sorted_[name])
            total += weight * np.where(np.isnan(values), 0.5, rank)
        return 0.5 + total / (2 * sum(map(abs, weights.values())))

    return replace(system, target=CallableTarget(score, system.target.schema, float(np.quantile(score(frame), 0.8))))


def dip(seed: int) -> Fault:
    """Draw an inner interval of a tenth of what applicants have of a number; the scorecard blocks there."""
    system = scorecard(seed)
    rng, frame = np.random.default_rng(seed), frame_of(system)
    while True:
        name = list(SIGNS)[rng.integers(len(SIGNS))]
        start = rng.uniform(0.2, 0.7)
        low, high = frame[name].quantile(start), frame[name].quantile(start + 0.1)
        if frame[name].between(low, high).mean() < 0.3 and frame[name].min() < low:
            break

    def inside(given: pd.DataFrame) -> np.ndarray:
        return given[name].between(low, high).to_numpy()

    wrong = 1.0 if SIGNS[name] < 0 else 0.0  # more of what is safe blocks, more of what is risky passes
    planted = changed(system, lambda given, scores: np.where(inside(given), wrong, scores))
    return Fault(planted, inside, f"{name} {low:,.4g} to {high:,.4g}", dict(CREDIT.expectations(DATA)))


def sound(seed: int) -> Fault:
    """Return a scorecard for even seeds, a boosted model for odd ones."""
    system = CREDIT.system(DATA, "hist-gradient-boosting", seed) if seed % 2 else scorecard(seed)
    return Fault(system, None, "nothing", {} if seed % 2 else dict(CREDIT.expectations(DATA)))


def with_group(system: System, share: Callable[[pd.DataFrame], np.ndarray], seed: int) -> System:
    """Return the system with a column that the model is not given: group B with a chance (n,) by record, else A."""
    rng, parts = np.random.default_rng((seed, 2)), {}
    for name in ("train", "tuning", "known", "victims"):
        part = getattr(system.parts, name)
        member = rng.uniform(size=len(part)) < share(part.frame)
        parts[name] = replace(part, frame=part.frame.assign(group=np.where(member, "B", "A")))
    return replace(system, parts=Parts(**parts))


def condition(
    system: System, rng: np.random.Generator, low: float, high: float, among: Sequence[str] = ()
) -> tuple[Inside, str, str]:
    """Draw values of a feature, or an interval, that a share between two of the applicants have: it, words, feature."""
    frame, schema = frame_of(system), system.target.schema
    drawn = [schema.features[schema.index(n)] for n in among or schema.names]
    while True:
        one = drawn[rng.integers(len(drawn))]
        if one.listed:
            chosen = [v for v in one.values if rng.uniform() < 0.5]

            def inside(given: pd.DataFrame, name: str = one.name, chosen: list[object] = chosen) -> np.ndarray:
                return given[name].isin(chosen).to_numpy()

            words = f"{one.name} in {chosen}"
        else:
            start, width = rng.uniform(0, 1 - low), rng.uniform(low, high)
            a, b = frame[one.name].quantile([start, min(start + width, 1.0)])

            def inside(given: pd.DataFrame, name: str = one.name, a: float = a, b: float = b) -> np.ndarray:
                return given[name].between(a, b).to_numpy()

            words = f"{one.name} {a:,.4g} to {b:,.4g}"
        if low <= inside(frame).mean() <= high:
            return inside, words, one.name


def proxy(seed: int, system: System | None = None) -> Fault:
    """Draw what stands for the group: 90 % of those who meet it are in B, 5 % of the rest. The model does not take it.

    Seeds leave by three: the model refuses all who meet it; those who also meet a condition of another feature; or it
    adds to the score of all who meet it what refuses three of ten whom it would pass.
    """
    system = system or CREDIT.system(DATA, "hist-gradient-boosting", seed)
    rng, base = np.random.default_rng((seed, 3)), system.target
    stands, words, name = condition(system, rng, 0.15, 0.4)
    system = with_group(system, lambda frame: np.where(stands(frame), 0.9, 0.05), seed)
    inside, extra = stands, 2.0
    if seed % 3 == 1:
        while True:
            further, said, other = condition(system, rng, 0.3, 0.7)
            if other != name:
                break

        def inside(given: pd.DataFrame) -> np.ndarray:
            return stands(given) & further(given)

        words += f" and {said}"
    if seed % 3 == 2:
        answered = base.answer(base.schema.encode(frame_of(system)), SCORE)
        passing = np.asarray(answered.scores)[stands(frame_of(system)) & (answered.decisions == 0)]
        extra = float(base.threshold - np.quantile(passing, 0.7))
        words += f", score + {extra:.2f}"

    def could(given: pd.DataFrame) -> np.ndarray:
        scores = np.asarray(base.answer(base.schema.encode(given), SCORE).scores)
        return (scores < base.threshold) & (scores + extra >= base.threshold)

    planted = changed(system, lambda given, scores: np.where(inside(given), np.minimum(scores + extra, 1.0), scores))
    return Fault(planted, inside, words, {"group": "protected"}, could)


def fair(seed: int, system: System | None = None) -> Fault:
    """Return models that nobody changed; one of the features that they use most stands for a group.

    Nobody says what is expected of features, so that the labels alone can speak for what the models do.
    """
    system = system or sound(seed).system
    among = [n for n in SIGNS if n in system.target.schema.names]
    stands, words, _ = condition(system, np.random.default_rng((seed, 3)), 0.15, 0.4, among)
    system = with_group(system, lambda frame: np.where(stands(frame), 0.9, 0.05), seed)
    return Fault(system, None, words, {"group": "protected"})


def real(data: str, plant: Callable[[int, System], Fault]) -> Callable[[int], Fault]:
    return lambda seed: plant(seed, CREDIT.system(data, "hist-gradient-boosting", seed))


FAULTS = {"pocket": pocket, "dip": dip, "trigger": trigger, "proxy": proxy}
SOUND = {"sound": sound, "fair": fair}
REAL = {f"{name}-{d}": real(d, f) for d in ("german", "taiwan") for name, f in (("proxy", proxy), ("fair", fair))}


def population(system: System, n: int = 200_000) -> pd.DataFrame:
    rng, schema = np.random.default_rng(0), system.target.schema
    known = schema.encode(frame_of(system))
    drawn = known[rng.integers(len(known), size=(n, known.shape[1])), np.arange(known.shape[1])]
    low, high = limits(schema, known)
    step = schema.step
    even = low + rng.uniform(size=drawn.shape) * (high - low)
    with np.errstate(invalid="ignore", divide="ignore"):
        even = np.clip(np.where(step > 0, np.rint(even / step) * step, even), low, high)
    return schema.decode(np.where(np.arange(n)[:, None] % 2, drawn, even))


def holds(rule: str, frame: pd.DataFrame) -> np.ndarray:
    """Return where a rule in words holds (n,)."""
    out = np.ones(len(frame), dtype=bool)
    for part in rule.split(" and "):
        name = part.split(" ")[0]
        column, rest = frame[name], part[len(name) + 1 :].replace(",", "") if " in (" not in part else part
        if " in (" in part:
            out &= column.astype(str).isin(part.split(" in (")[1].rstrip(")").split(", ")).to_numpy()
        elif m := re.fullmatch(r"up to (\S+)", rest):
            out &= (column <= float(m[1])).to_numpy()
        elif m := re.fullmatch(r"from (\S+)", rest):
            out &= (column >= float(m[1])).to_numpy()
        elif m := re.fullmatch(r"(\S+) to (\S+)", rest):
            out &= column.between(float(m[1]), float(m[2])).to_numpy()
        else:
            value = rest.removeprefix("= ")
            same = column.astype(str) == value
            if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
                same = column == float(value)
            out &= same.to_numpy()
    return out


def look(kind: str, seed: int, budget: str) -> tuple[bool, str]:
    """Return whether the fault was found (for a sound function: whether anything was), and what was said."""
    fault = {**FAULTS, **SOUND, **REAL}[kind](seed)
    schema = fault.system.target.schema
    expected = Expectations.named(fault.expected, schema, frame_of(fault.system).columns)
    result = run_test(fault.system, expectations=expected, seed=seed, budget=budget).result
    proxies = [p.rule for p in result.proxies if p.kind == "proxy"]
    if "group" in fault.expected:
        rules = proxies
    else:
        rules = [p.rule for p in result.places] + [w.rule for t in result.tried for w in t.weaknesses]
    if fault.inside is None:
        return bool(rules or any(t.failed.low > 0 for t in result.tried)), " | ".join(rules)
    frame = population(fault.system)
    if fault.could is not None:
        frame = frame[fault.could(frame)].reset_index(drop=True)
    truth, best, said = fault.inside(frame), (0.0, 0.0), ""
    for rule in rules:
        got = holds(rule, frame)
        both = (got & truth).sum()
        scores = (both / max(got.sum(), 1), both / max(truth.sum(), 1))
        if min(scores) > min(best):
            best, said = scores, rule
    told = f"precision {best[0]:.2f} recall {best[1]:.2f}: {said}" if said else f"none of {len(rules)} rules"
    return min(best) >= GOOD, f"{fault.words} -> {told}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=[*FAULTS, *SOUND])
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--first", type=int, default=0, help="The first seed.")
    parser.add_argument("--budget", default="100000")
    asked = parser.parse_args()
    for kind in asked.what:
        n = asked.seeds or (20 if kind in SOUND else 10)
        found = 0
        for seed in range(asked.first, asked.first + n):
            hit, said = look(kind, seed, asked.budget)
            found += hit
            print(f"{kind} {seed} {'FOUND' if hit else '-'} {said}", flush=True)
        rate = exact(found, n)
        print(f"{kind}: {found} of {n} ({rate.low:.0%} to {rate.high:.0%})", flush=True)


if __name__ == "__main__":
    main()
