"""Models in files: what is read without running anything, and what is not."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vauban.errors import BadInput
from vauban.targets.booster import read_booster

TRUSTED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "collections.OrderedDict",
    "sklearn.compose._column_transformer._RemainderColsList",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "catboost.core.CatBoostClassifier",
    "vauban.targets.normalising.Normalised",
)
"""What skops does not load unasked, but holds numbers and names only: trees, boosters, and our own
first step of a filter, which holds nothing."""

NATIVE = (".ubj", ".json", ".txt", ".cbm")
PICKLED = (".joblib", ".pkl", ".pickle")
MOST_UNPACKED = 2 * 1024**3
"""Bytes that a skops file may unpack to: more is taken for an attempt to fill the memory."""

MEANS = (
    "Reading a pickle runs whatever code its author put into it, with your rights, before anything can be checked. "
    "Allow it only for a file that you made yourself or whose author you would let use this machine"
)


def read_model(path: Path, *, trust: Sequence[str] = (), allow_pickle: bool = False) -> Any:
    """Return the model in a file: .skops, a booster's own format, or a pickle where that is allowed.

    Args:
        path: of the file.
        trust: types that skops may load besides those that hold numbers and names only.
        allow_pickle: whether a pickle may be read, which runs the code in it.

    Raises:
        BadInput: there is no such file, it is of no known format or damaged, or reading it would run code.
    """
    kind = path.suffix.lower()
    if kind not in (".skops", *NATIVE, *PICKLED):
        raise BadInput(
            f"The model {path} is in no format known here. Known: .skops (scikit-learn), .ubj and .json (XGBoost), "
            ".txt (LightGBM), .cbm (CatBoost); .joblib and .pkl with --allow-pickle."
        )
    if not path.is_file():
        raise BadInput(f"There is no model file {path}. Name a file that is there.")
    if kind in PICKLED and not allow_pickle:
        raise BadInput(f"{path} is a pickle. {MEANS}, by --allow-pickle. Better: skops.io.dump(model, 'model.skops').")
    try:
        if kind == ".skops":
            return _skops(path, trust)
        if kind in NATIVE:
            return read_booster(path)
        import joblib

        return joblib.load(path)
    except BadInput:
        raise
    except ImportError as error:
        raise BadInput(f"{path} needs a library that is not here: {error}.") from error
    except Exception as error:
        raise BadInput(f"{path} cannot be read: {type(error).__name__}: {str(error)[:300]}. Store it again.") from error


def untrusted(path: Path, trust: Sequence[str] = ()) -> list[str]:
    """Return the types in a skops file that are not loaded without trust; nothing in it is run."""
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(file=path)) - {*TRUSTED, *trust})


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _skops(path: Path, trust: Sequence[str]) -> Any:
    import skops.io

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile as error:
        raise BadInput(f"{path} is no skops file: {error}. Write one by skops.io.dump.") from error
    if unpacked > MOST_UNPACKED:
        raise BadInput(
            f"{path} would unpack to {unpacked / 1024**3:.0f} GB; at most {MOST_UNPACKED / 1024**3:.0f} GB are read."
        )
    strange = untrusted(path, trust)
    if strange:
        raise BadInput(
            f"{path} holds types that are not loaded without trust: {', '.join(strange)}. If you know that these "
            "are harmless, name them: --trust TYPE of vauban init, or [model] trust = [...] in vauban.toml."
        )
    return skops.io.load(path, trusted=[*TRUSTED, *trust])
