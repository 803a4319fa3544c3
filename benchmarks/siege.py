"""How often the gate's siege holds a sound retraining, and how often it finds a hole that was planted.

    python benchmarks/siege.py                     # 48 sound retrainings, 10 holes
    python benchmarks/siege.py holes

Sound: the incumbent was trained on the first 70 % of the training data; the candidate on all of it, or on the last
70 %, with the same threshold. Hole: the candidate is the incumbent, but passes whatever has one value of a feature that
costs little to change, or one word that few known good messages have.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from vauban.assurance.gate import LEVEL
from vauban.assurance.siege import SHORT, Siege, besiege
from vauban.assurance.statement import exact
from vauban.contracts import SCORE, Labelled
from vauban.records import messages
from vauban.scenarios import scenario
from vauban.targets import CallableTarget

SOUND = (
    ("credit", "generated-credit", "hist-gradient-boosting", 16),
    ("spam", "sms", "logistic-regression", 10),
    ("credit", "taiwan", "hist-gradient-boosting", 12),
    ("credit", "generated-credit", "logistic-regression", 10),
)
WINDOW = 0.7


def sieged(system, candidate, incumbent, seed: int = 0) -> Siege:
    threats = scenario(system.name).threats(["EI"], SCORE, SHORT, None)
    return besiege(candidate, incumbent, system, threats, level=LEVEL, seed=seed)


def held(siege: Siege) -> bool:
    return any(s.chance <= LEVEL for s in siege.sallies)


def sound(name: str, data: str, model: str, seed: int) -> Siege:
    system = scenario(name).system(data, model, seed)
    train = system.parts.train
    n, window = len(train), int(WINDOW * len(train))

    def fitted(rows):
        return system.trainer.fit(Labelled(system.target.schema.encode(train.frame.iloc[rows]), train.labels[rows]))

    incumbent = fitted(np.arange(window))
    candidate = fitted(np.arange(n) if seed % 2 else np.arange(n - window, n))
    return sieged(system, replace(candidate, threshold=incumbent.threshold), incumbent)


def hole(name: str, seed: int) -> tuple[str, Siege]:
    """Return what was opened, in words as the gate would name it, and the siege."""
    rng = np.random.default_rng(seed)
    if name == "credit":
        system = scenario("credit").system("generated-credit", "hist-gradient-boosting", seed)
        feature = next(f for f in system.target.schema.features if f.name == "purpose")
        value = feature.values[rng.integers(len(feature.values))]
        what = f"purpose = {value}"

        def opened(given):
            return (given["purpose"] == value).to_numpy()
    else:
        system = scenario("spam").system("sms", "logistic-regression", seed)
        known = system.parts.known
        good = known.frame["text"][known.labels == 0]
        words, counts = np.unique([w for text in good for w in set(text.lower().split())], return_counts=True)
        word = str(rng.choice([w for w in words[counts >= 3] if w.isalpha()]))
        what = f"the word {word!r}"

        def opened(given):
            return np.array([word in text.split() for text in given])

    base = system.target

    def predict(given):
        records = base.schema.encode(given) if name == "credit" else messages(given)
        return np.where(opened(given), 0.0, np.asarray(base.answer(records, SCORE).scores))

    return what, sieged(system, CallableTarget(predict, base.schema, base.threshold), base)


def main() -> None:
    if "holes" not in sys.argv[1:]:
        wrongly, n = 0, 0
        for name, data, model, seeds in SOUND:
            mine = [held(sound(name, data, model, seed)) for seed in range(seeds)]
            print(f"{data}, {model}: {sum(mine)} of {seeds} sound retrainings held", flush=True)
            wrongly, n = wrongly + sum(mine), n + seeds
        rate = exact(wrongly, n)
        print(f"sound retrainings held: {wrongly} of {n} ({rate.low:.1%} to {rate.high:.1%})", flush=True)
    for name in ("credit", "spam"):
        found = named = 0
        for seed in range(5):
            what, siege = hole(name, seed)
            over = [s for s in siege.sallies if s.chance <= LEVEL]
            found += bool(over)
            named += any(s.decisive and s.decisive[0].startswith(what) for s in over)
            print(f"  {what}: {over[0].attack if over else 'not held'}: {over[0].decisive if over else ''}", flush=True)
        print(f"{name}: {found} of 5 holes held, {named} named first", flush=True)


if __name__ == "__main__":
    main()
