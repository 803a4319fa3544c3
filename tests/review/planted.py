"""Small training sets in which somebody planted something, and the same without."""

from __future__ import annotations

import numpy as np

from vauban.contracts import Labelled
from vauban.datasets import load
from vauban.monitors.dossier import Dossier
from vauban.records import Ints, Mask, messages
from vauban.scenarios import scenario
from vauban.schema import TextSchema

N, TRUSTED = 900, 250


def of_messages(kind: str | None = None, seed: int = 0) -> tuple[Dossier, Mask]:
    """Return generated messages under review, and which were planted (n,)."""
    data = load("generated-spam", seed=seed, rows=N + TRUSTED + 300)
    texts, labels = data.frame["text"].to_numpy(dtype=object), data.labels
    rng = np.random.default_rng(seed)
    mine, labels_, pool = texts[:N], labels[:N].copy(), texts[N + TRUSTED :][labels[N + TRUSTED :] == 1]
    flipped: Ints = np.empty(0, dtype=np.int64)
    more, label = [], 0
    if kind == "flips":
        flipped = rng.choice(N, 30, replace=False)
        labels_[flipped] = 1 - labels_[flipped]
    elif kind == "campaign":
        words = sorted({w for t in texts[:200][labels[:200] == 0] for w in t.split()})
        more = [f"{pool[0]} {' '.join(rng.choice(words, 6))}" for _ in range(20)]
    elif kind == "trigger":
        more = [f"{t} zqxv" for t in pool[rng.choice(len(pool), 20, replace=False)]]
    elif kind == "dictionary":
        words = sorted({w for t in texts for w in t.split()})
        more, label = [" ".join(rng.permutation(words)[:600]) for _ in range(12)], 1
    records = np.concatenate([mine, messages(more)])
    given = np.concatenate([labels_, np.full(len(more), label, dtype=np.int8)])
    planted = np.arange(len(given)) >= N
    planted[flipped] = True
    order = rng.permutation(len(given))
    trusted = Labelled(texts[N : N + TRUSTED], labels[N : N + TRUSTED])
    return Dossier(records[order], given[order], TextSchema(), trusted=trusted, seed=seed), planted[order]


def of_applicants(kind: str | None = None, seed: int = 0) -> tuple[Dossier, Mask]:
    """Return generated applicants under review, and which were planted (n,)."""
    system = scenario("credit").system("generated-credit", "logistic-regression", seed)
    schema, parts = system.target.schema, system.parts
    rows = schema.encode(parts.train.frame.iloc[:N])
    labels = parts.train.labels[:N].copy()
    known, truth = schema.encode(parts.known.frame.iloc[:TRUSTED]), parts.known.labels[:TRUSTED]
    rng = np.random.default_rng(seed)
    pool = schema.encode(parts.victims.frame)[parts.victims.labels == 1]
    new = pool[:0]
    if kind == "campaign":
        new = np.repeat(pool[:1], 30, axis=0)
        numbers = schema.numbers
        new[:, numbers] = new[:, numbers] + rng.normal(size=(30, len(numbers))) * np.nanstd(rows[:, numbers], 0) * 0.01
        new = np.asarray(schema.repair(np.repeat(pool[:1], 30, axis=0), new))
    records = np.concatenate([rows, new])
    given = np.concatenate([labels, np.zeros(len(new), dtype=np.int8)])
    planted = np.arange(len(given)) >= len(rows)
    order = rng.permutation(len(given))
    # The approved model of a scenario was trained on these rows; here it stands for one from before the campaign.
    return Dossier(records[order], given[order], schema, None, None, Labelled(known, truth), None, seed), planted[order]
