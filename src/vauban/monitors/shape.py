"""Records of an unusual shape: much longer than others, or made of what hardly anybody uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vauban.monitors.disagreement import meaning
from vauban.monitors.dossier import Dossier, Signal, by_rank
from vauban.monitors.view import View
from vauban.records import Floats


@dataclass(frozen=True)
class Shape:
    """How far a record's size is from what is usual for its label, in robust standard deviations.

    For messages the logarithm of the number of different words, for tables how rare its values are together: what
    dictionary attacks (Nelson et al., LEET 2008) and careless insertions look like.
    """

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        return None if len(dossier) > 20 else "there are too few records"

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        text = dossier.view.dense is None
        rare = np.log((1 + len(dossier)) / (1 + np.asarray(dossier.view.traits.sum(axis=0)).ravel()))
        size = self._size(dossier.view, rare)
        known = known_labels = None
        if dossier.trusted is not None and len(dossier.trusted):
            known_labels = dossier.trusted.labels
            known = self._size(dossier.view.same(dossier.trusted.records), rare)
        score, why = np.zeros(len(size)), np.full(len(size), "", dtype=object)
        reference = None if known is None else np.zeros(len(known))
        for label in (0, 1):
            mine = dossier.labels == label
            if not mine.any():
                continue
            middle = float(np.median(size[mine]))
            spread = max(1.4826 * float(np.median(np.abs(size[mine] - middle))), 1e-9)
            score[mine] = (size[mine] - middle) / spread
            if reference is not None and known is not None and known_labels is not None:
                reference[known_labels == label] = (known[known_labels == label] - middle) / spread
            of = (
                "words, {:.0f} times as many as is usual"
                if text
                else "values that are rare together, {:.1f} deviations"
            )
            for i in np.flatnonzero(mine & (score > 1.5)).tolist():
                much = np.exp(size[i] - middle) if text else score[i]
                what = f"{dossier.view.length[i]} " if text else ""
                why[i] = f"{what}{of.format(much)} of records labelled {meaning(label)}"
        return Signal(score, by_rank(score, dossier.labels, reference, known_labels), why)

    @staticmethod
    def _size(view: View, rare: Floats) -> Floats:
        if view.dense is None:
            return np.asarray(np.log1p(np.asarray(view.traits.sum(axis=1)).ravel()))
        return np.asarray(view.traits @ rare).ravel()
