"""Which columns a fitted model expects, and in which order: each library keeps that elsewhere."""

from __future__ import annotations

from typing import Any

import pandas as pd

from vauban.targets import catboost
from vauban.targets.native import plain


def column_names(model: Any) -> tuple[str, ...] | None:
    """Return the columns that a model was fitted on, in order; None where it was fitted on a bare matrix.

    A CatBoost model with categories is never fitted on a bare matrix: it takes raw values, whole numbers among them,
    which a matrix of floats cannot hold. Its names are then empty.
    """
    named = getattr(model, "feature_names_in_", None)
    if named is not None:
        return tuple(map(str, named))
    if not hasattr(model, "get_cat_feature_indices"):
        return None
    names = catboost.column_names(model)
    return () if names is None and model.get_cat_feature_indices() else names


def in_order(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the frame with its columns as a model expects them; as it is where it lacks some, or none are named.

    LightGBM goes by the place of a column, not by its name, and stores names without white space.
    """
    held = [str(c) for c in frame.columns]
    if list(names) == held or not names:
        return frame
    places = {**{plain(c): c for c in held}, **{c: c for c in held}}
    wanted = [places.get(n) for n in names]
    return frame if None in wanted or wanted == held else frame[wanted]
