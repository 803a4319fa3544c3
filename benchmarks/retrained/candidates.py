"""Candidates of which it is known what is wrong with them: a threshold, a source, or what was sent before training.

Each was trained on the records of the model in use and on a batch of as many new ones, of ten sources. What is sent is
sent by the attacks of the catalogue, who explore the model in use; five accounts of the attacker send it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

from review.planted import Pool, pool, sent
from vauban.contracts import LABEL, SCORE, Labelled, Target
from vauban.metrics.intervals import wilson
from vauban.monitors.dossier import Dossier
from vauban.monitors.predictions import Predictions
from vauban.monitors.view import View
from vauban.records import Mask, Records
from vauban.threat import Cell, Decision

SIZES, LOG = (4000, 2000, 4000, 6000), {"enron": 3000, "taiwan": 6000, "lendingclub": 6000}
"""Honest new records, verified ones, those of the model in use, those that the attacker has; and those of the log."""
SOURCES = 10
OWN = 0.8
"""Share of the records of a kind that come from the one whose kind it is; the rest come from all alike."""
LIVE = 60
"""Records of the attacker in the log, dressed as his campaign would be."""
MOVED = 0.02
SENT: dict[str, tuple[str, Cell, float, int, int]] = {
    "pseudospam": ("pseudospam", Cell.CI, 0.01, 1, 1000),
    "dictionary": ("dictionary", Cell.CA, 0.01, 1, 1000),
    "subpopulation": ("subpopulation", Cell.CI, 0.03, 1, 1000),
    "backdoor": ("backdoor", Cell.CI, 0.01, 1, 0),
    "frog": ("boiling-frog", Cell.CI, 0.02, 8, 1000),
}
"""What is sent: by which attack, in which cell, what share of all training data, in how many rounds, and after how many
questions. An explored trigger is one that the model in use lets through already: nothing would be taught."""
KINDS = {
    "threshold": ("taiwan", "enron"),
    "source": ("taiwan", "enron"),
    "pseudospam": ("enron",),
    "dictionary": ("enron, robinson-fisher",),
    "subpopulation": ("lendingclub", "taiwan"),
    "backdoor": ("enron", "taiwan"),
    "frog": ("enron",),
    "sound": ("taiwan", "lendingclub", "enron"),
}
"""On which data each is tried."""
SOUND = {"taiwan": 45, "lendingclub": 45, "enron": 10}
"""Sound candidates of each data set."""
VALUES = {"taiwan": ("AGE",), "lendingclub": ("purpose = small_business",)}
"""What the attacked section is called where it is found."""


@dataclass(frozen=True)
class Candidate:
    """A candidate and what is looked at to judge it.

    Attributes:
        fault: what is wrong with it; "" where nothing is.
        data: set, and seed.
        new, old: the candidate and the model in use.
        trusted: verified records that neither was trained on.
        batch: what the candidate was trained on beside, as the gate sees it.
        log: predictions of records that neither was trained on, as the review sees them.
        planted: which records of the batch, and of the log, the attacker sent or altered.
        words: any of which names the fault in a line of evidence; none: whose records are shown must be his.
        harm: share of what the attacker wants that the candidate gives him, and the model in use.
    """

    fault: str
    data: str
    seed: int
    new: Target
    old: Target
    trusted: Labelled
    batch: Dossier
    log: Predictions
    planted: tuple[Mask, Mask]
    words: tuple[str, ...]
    harm: tuple[float, float] | None = None


def _log(p: Pool, new: Target, old: Target, training: Labelled, rows: Labelled, names: Any, seed: int) -> Predictions:
    told, before = new.answer(rows.records, SCORE), old.answer(rows.records, SCORE)
    now, then = (np.asarray(t.decisions != Decision.PASS, dtype=np.int8) for t in (told, before))
    return Predictions(
        rows.records,
        now,
        p.schema,
        names,
        None,
        p.trusted,
        old,
        seed,
        candidate=new,
        before=then,
        scores=told.scores,
        scores_before=before.scores,
        threshold=float(new.threshold),
        threshold_before=float(old.threshold),
        scale=new.scale,
        truth=rows.labels,
        training=training,
    )


def _named(kind: str, data: str, p: Pool, plain: Records, dressed: Records) -> tuple[str, ...]:
    """Return words that name what was sent: those that the attack adds, the values that it sets, or the section."""
    if kind == "dictionary":
        return ("good records do not pass",)
    if kind == "subpopulation":
        return VALUES[data]
    if plain.ndim == 1:
        pairs = zip(plain, dressed, strict=True)
        counts = Counter(w for a, b in pairs for w in set(_words(b)) - set(_words(a)))
        return tuple(w for w, n in counts.items() if n >= len(plain) / 10)
    changed = (plain != dressed) & ~(np.isnan(plain) & np.isnan(dressed))
    often = changed.mean(axis=0) >= 0.5
    return tuple(f.name for f, much in zip(p.schema.features, often, strict=True) if much)  # type: ignore[union-attr]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _sources(p: Pool, seed: int) -> Callable[[Records], NDArray[Any]]:
    """Return who sends what: each has a kind of record of his own (k-means), from whom four of five such come."""
    view = View.of(p.before.records, p.schema)
    kinds = MiniBatchKMeans(SOURCES, random_state=seed, n_init=3).fit(view.linear)

    def who(records: Records) -> NDArray[Any]:
        rng = np.random.default_rng((seed, 7, len(records)))
        own = kinds.predict(view.same(records).linear)
        other = rng.integers(SOURCES, size=len(records))
        return np.array([f"s{i}" for i in np.where(rng.uniform(size=len(records)) < OWN, own, other)], dtype=object)

    return who


def _made(
    fault: str,
    data: str,
    p: Pool,
    seed: int,
    *,
    batch: Labelled,
    names: Any,
    planted: Mask,
    live: Records | None = None,
    before: Labelled | None = None,
    old: Target | None = None,
    who: Callable[[Records], NDArray[Any]],
    words: tuple[str, ...] = (),
    moved: float = 0.0,
    harm: Any = None,
) -> Candidate:
    """Train the candidate on what was there before and on the batch, and show both models the log."""
    rng = np.random.default_rng((seed, 4))
    had = p.before if before is None else before
    old = p.approved if old is None else old
    new = p.trainer.fit(had.plus(batch))
    if new.threshold != old.threshold + moved:  # the command keeps the threshold of the model in use
        new = replace(new, threshold=old.threshold + moved)  # type: ignore[type-var]
    rows, his = p.test, np.zeros(len(p.test), dtype=bool)
    if live is not None:
        rows = rows.plus(Labelled(live, np.ones(len(live), dtype=np.int8)))
        his = np.concatenate([his, np.ones(len(live), dtype=bool)])
    order = rng.permutation(len(rows))
    rows, his = rows.take(order), his[order]
    senders = who(rows.records)
    if fault == "source":
        his = senders == words[0].split()[1]
    seen = Dossier(batch.records, batch.labels, p.schema, names, None, p.trusted, old, seed)
    log = _log(p, new, old, had.plus(batch), rows, senders, seed)
    return Candidate(fault, data, seed, new, old, p.trusted, seen, log, (planted, his), words, harm and harm(new, old))


def candidates(kind: str, data: str, seed: int) -> Iterator[Candidate]:
    """Yield candidates of one kind: one, or one a round until damage begins (the last of them)."""
    name, _, model = data.partition(", ")
    p = pool(name, seed, (*SIZES, LOG[name]), model or None)
    who, n = _sources(p, seed), len(p.base)
    names = who(p.base.records)
    none = np.zeros(n, dtype=bool)
    if kind in ("sound", "threshold"):
        moved = 0.0 if kind == "sound" else MOVED * (1 if seed % 2 else -1)
        fault, words = ("", ()) if kind == "sound" else (kind, ("threshold", "moved from"))
        yield _made(fault, data, p, seed, batch=p.base, names=names, planted=none, who=who, words=words, moved=moved)
    elif kind == "source":
        common = Counter(names).most_common()[SOURCES // 2][0]  # neither large nor small
        his = names == common
        turned = Labelled(p.base.records, np.where(his, 1 - p.base.labels, p.base.labels).astype(np.int8))
        yield _made(kind, data, p, seed, batch=turned, names=names, planted=his, who=who, words=(f"source {common}",))
    else:
        yield from _sent(kind, data, p, who, seed)


def _sent(kind: str, data: str, p: Pool, who: Callable[[Records], NDArray[Any]], seed: int) -> Iterator[Candidate]:
    attack, cell, share, rounds, asks = SENT[kind]
    rng = np.random.default_rng((seed, 6))
    n = len(p.base)
    each = int(share * 2 * n) // rounds
    parts, whole, dress = sent(p, attack, cell, each, rounds, seed, asks)
    bad = np.flatnonzero((p.test.labels == 1) & p.aimed_test)
    good = np.flatnonzero(p.test.labels == 0)
    probes = p.test.records[bad] if cell is Cell.CI else p.test.records[good]
    dressed = dress(probes) if cell is Cell.CI else probes
    live = None if attack in ("dictionary", "subpopulation") else rng.permutation(dressed)[:LIVE]
    words = _named(kind, data, p, probes, dressed)

    def gets(model: Target) -> tuple[int, int]:
        passes = model.answer(dressed, LABEL).decisions == Decision.PASS
        return int((passes if cell is Cell.CI else ~passes).sum()), len(dressed)

    def harm(new: Target, old: Target) -> tuple[float, float]:
        return tuple(hits / n for hits, n in (gets(new), gets(old)))  # type: ignore[return-value]

    first = wilson(*gets(p.approved))
    before, old, at, start = p.before, p.approved, 0, 0
    for turn, part in enumerate(parts):
        stop = n * (turn + 1) // rounds
        mine = Labelled(part, whole.labels[at : at + len(part)])
        at += len(part)
        batch = p.base.take(np.arange(start, stop)).plus(mine)
        planted = np.arange(len(batch)) >= stop - start
        order = rng.permutation(len(batch))
        made = _made(
            kind, data, p, seed, batch=batch.take(order), names=who(batch.records)[order], planted=planted[order],
            live=live, before=before, old=old, who=who, words=words, harm=harm,
        )  # fmt: skip
        yield made
        if wilson(*gets(made.new)).low > first.high:
            return  # damage has begun
        before, old, start = before.plus(batch), made.new, stop
