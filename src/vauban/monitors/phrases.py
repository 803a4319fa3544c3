"""Runs of words that many messages share, all with a label that their other words contradict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.expectation import expected_of
from vauban.monitors.families import ODD, Keys, hashed_words
from vauban.records import Ints, Records

RUN = 5
"""Words in a row."""
LEAST, MOST = 4, 0.03
"""Messages that share a run, and the share of all messages above which it is a signature or a disclaimer."""
PURE = 0.9
MANY = 10
"""Messages from which on a shared run is a finding by itself: fewer are a newsletter."""
SHOWN = 400


@dataclass(frozen=True)
class Phrases:
    """A run of words whose messages are nearly all called the same, against what is expected of each of them.

    What is expected is what the approved model says, or a model of the verified messages, or one of all messages but
    the near-duplicates of each. Campaigns that hide among other words, a different lot in each message, share a run at
    least: the payload.
    """

    level: float = 0.01

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if dossier.view.dense is not None:
            return "a table has no words"
        return "all records have the same label" if len(np.unique(dossier.labels)) < 2 else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        n, labels = len(dossier), dossier.labels.astype(np.float64)
        expected, whose, doubt = expected_of(dossier)
        row, run = _shared(dossier.records, LEAST, max(MOST * n, LEAST))
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        if not len(row):
            return Signal(score, p, why, (), self.level)
        count = np.bincount(run).astype(np.float64)
        harmful = np.bincount(run, labels[row])
        gap = np.bincount(run, (labels - expected)[row])
        variance = np.bincount(run, np.maximum(expected * (1 - expected), 1e-3)[row])
        pure = np.maximum(harmful, count - harmful) >= PURE * count
        z = np.where(pure, gap / np.sqrt(variance + (doubt * count) ** 2), 0.0)
        usual = 1.4826 * float(np.median(np.abs(z[pure]))) if pure.any() else 1.0
        z /= max(usual, 1.0)
        # Runs of one text overlap: as many different ones are tested as there are different sets of messages.
        _, different = np.unique(np.stack([count, np.round(gap, 9)]), axis=1, return_index=True)
        tested = len(different)
        starts = np.searchsorted(run, np.arange(len(count)))
        alarm: list[str] = []
        groups: list[Ints] = []
        for r in different[np.argsort(-np.abs(z[different]), kind="stable")][:SHOWN].tolist():
            strength = abs(float(z[r]))
            if strength < 2:
                break
            members = row[starts[r] : starts[r] + int(count[r])]
            label = int(z[r] > 0)
            members = members[labels[members] == label]
            order = strength + np.abs(labels[members] - expected[members])
            better = score[members] < order
            if not better.any():
                continue
            chance = min(2 * float(norm.sf(strength)) * tested, 1.0)
            shared = _words(dossier.records[members[0]], dossier.records[members[-1]])
            other = 100 * abs(label - expected[members]).mean()
            line = (
                f"{len(members)} messages share the words {shared!r} and are labelled {meaning(label)}; {whose} calls "
                f"{other:.0f} % of "
                f"such {meaning(1 - label)}"
            )
            fresh = np.isneginf(score[members]).mean() > 0.5
            score[members[better]], p[members[better]] = order[better], chance
            why[members[better]] = line
            if chance <= self.level and fresh and other >= 50 and len(members) >= MANY and len(alarm) < 20:
                alarm.append(line)
                groups.append(members)
        return Signal(score, p, why, tuple(alarm), self.level, tuple(groups))


def _shared(texts: Records, least: int, most: float) -> tuple[Ints, Ints]:
    """Return pairs of message and run (m,), sorted by run, of the runs that some messages share."""
    rows, keys = [], []
    for i, text in enumerate(texts):
        found = np.unique(_runs(hashed_words(text)))
        rows.append(np.full(len(found), i))
        keys.append(found)
    row, key = np.concatenate(rows), np.concatenate(keys)
    _, which, count = np.unique(key, return_inverse=True, return_counts=True)
    keep = (count[which] >= least) & (count[which] <= most)
    row, which = row[keep], which[keep]
    order = np.argsort(which, kind="stable")
    return row[order], np.unique(which[order], return_inverse=True)[1]


def _runs(words: Keys) -> Keys:
    if len(words) < RUN:
        return words[:0]
    runs = words[: len(words) - RUN + 1].copy()
    for k in range(1, RUN):
        runs = runs * ODD ^ words[k : len(words) - RUN + 1 + k]
    return runs


def _words(one: str, other: str) -> str:
    """Return the first run of words that two messages share."""
    theirs = set(_runs(hashed_words(other)).tolist())
    words = one.lower().split()
    for i in range(len(words) - RUN + 1):
        part = " ".join(words[i : i + RUN])
        found = _runs(hashed_words(part))
        if len(found) and found[0] in theirs:
            return part[:80]
    return ""
