"""Families of near-duplicates whose label nothing but themselves supports: campaigns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.learning import out_of_fold, surprise
from vauban.records import Floats

LEAST = 2
"""Records that make a family worth looking at as one."""
MANY = 8
"""Records from which on a contradicted family is a finding by itself."""
PURE = 0.9
"""Share of a family with the same label, for it to be one campaign."""
ALONE = 0.25
"""What being many counts for by itself, beside being contradicted (0 to 1)."""
DRAWS = 999
"""Random families of each size that chance is read off."""


@dataclass(frozen=True)
class Copies:
    """Near-duplicates that all have the same label, while every record but them says that it is the other one.

    Cross-validation that divides a family lets each copy vouch for the others. Here whole families are left out. How
    far the family as a whole is contradicted is compared with random sets of as many records of the same label.
    """

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        if len(np.unique(dossier.labels)) < 2:
            return "all records have the same label"
        return None if (dossier.size >= LEAST).any() else f"no {LEAST} records are nearly the same"

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record: all of a family alike."""
        labels, family = dossier.labels, dossier.family
        kind = "linear" if dossier.view.dense is None else "boosted"
        harm = out_of_fold(dossier.view, labels, family, kind=kind, seed=dossier.seed)
        found = surprise(harm, labels)
        n = len(labels)
        score, p, why = np.full(n, -np.inf), np.ones(n), np.full(n, "", dtype=object)
        sizes = np.bincount(family)
        large = np.flatnonzero(sizes >= LEAST)
        share = np.bincount(family, labels, len(sizes)) / np.maximum(sizes, 1)
        mean = np.bincount(family, found, len(sizes)) / np.maximum(sizes, 1)
        rng = np.random.default_rng((dossier.seed, 11))
        by_label = [np.sort(found[labels == label]) for label in (0, 1)]
        null: dict[tuple[int, int], Floats] = {}
        members = np.argsort(family, kind="stable")
        starts = np.searchsorted(family[members], np.arange(len(sizes)))
        alarm = []
        for f in large.tolist():
            label = int(share[f] >= 0.5)
            pure = share[f] if label else 1 - share[f]
            if pure < PURE:
                continue
            rows = members[starts[f] : starts[f] + sizes[f]]
            step = int(sizes[f]).bit_length()
            if (label, step) not in null:
                null[label, step] = np.sort(rng.choice(by_label[label], (DRAWS, 1 << (step - 1))).mean(axis=1))
            drawn = null[label, step]
            chance = (1 + len(drawn) - np.searchsorted(drawn, mean[f], side="left")) / (1 + len(drawn))
            score[rows] = (ALONE + mean[f]) * np.log2(sizes[f])
            p[rows] = chance
            line = (
                f"{sizes[f]} nearly identical records, labelled {meaning(label)}; all other records say that they are "
                f"{meaning(1 - label)} ({100 * mean[f]:.0f} %)"
            )
            why[rows] = line
            if mean[f] > 0.5 and sizes[f] >= MANY and chance <= 2 / (1 + DRAWS):
                alarm.append((float(score[rows[0]]), line, rows))
        alarm.sort(key=lambda found: found[:2], reverse=True)
        lines, groups = tuple(line for _, line, _ in alarm), tuple(rows for *_, rows in alarm)
        return Signal(score, p, why, lines, self.level, groups)

    level = 0.05
