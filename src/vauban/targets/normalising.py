"""A filter's first step: undo what Unicode offers for hiding words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin

from vauban.records import Records, messages


class Normalised(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Messages in normal form NFKC (Unicode Standard Annex 15), without characters that only format.

    Full-width and mathematical letters become plain ones, and zero-width characters go. Letters of other scripts that
    look the same stay: NFKC knows nothing of looks.
    """

    def fit(self, texts: Any, labels: Any = None) -> Normalised:  # noqa: ARG002 - scikit-learn's signature
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """There is nothing to fit."""
        return True

    def transform(self, texts: Iterable[str]) -> Records:
        """Return the messages in normal form (n,)."""
        return messages(normalised(text) for text in texts)


def normalised(text: str) -> str:
    """Return a text in normal form NFKC without characters of the category Cf (format), zero-width ones among them."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
