"""Sound models of the usual kinds, for messages and for tables, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from vauban.errors import BadInput, unknown
from vauban.schema import TableSchema

BOOSTERS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "xgboost": ("xgboost", "XGBClassifier", {"n_estimators": 150, "max_depth": 4, "n_jobs": 1}),
    "lightgbm": ("lightgbm", "LGBMClassifier", {"n_estimators": 150, "num_leaves": 15, "n_jobs": 1, "verbose": -1}),
    "catboost": (
        "catboost",
        "CatBoostClassifier",
        {"iterations": 150, "depth": 4, "thread_count": 1, "verbose": 0, "allow_writing_files": False},
    ),
}
"""Boosters of other libraries: package, class and settings."""

REGRESSORS = ("poisson-regression", "poisson-boosting")
"""Models of a cost or a number of claims, which is cut into tiers."""

MODELS = ("logistic-regression", "naive-bayes", "linear-svm", "random-forest", "hist-gradient-boosting", *BOOSTERS)

NORMALISED = "+nfkc"
"""Behind the name of a filter of messages: it undoes what Unicode offers for hiding words before it reads."""


def message_model(name: str, seed: int) -> Any:
    """Return an unfitted filter of messages; BadInput for an unknown model, or one whose library is missing.

    ``NAME+nfkc`` is the filter behind `Normalised`, trained and asked that way.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    from vauban.targets.robinson_fisher import RobinsonFisher

    makers: Mapping[str, Callable[[], Any]] = {
        "logistic-regression": lambda: make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=2000)),
        "naive-bayes": lambda: make_pipeline(CountVectorizer(), MultinomialNB()),
        "linear-svm": lambda: make_pipeline(TfidfVectorizer(), LinearSVC(random_state=seed)),
        "random-forest": lambda: make_pipeline(
            TfidfVectorizer(min_df=2), RandomForestClassifier(100, random_state=seed, n_jobs=1)
        ),
        "hist-gradient-boosting": lambda: make_pipeline(
            TfidfVectorizer(),
            TruncatedSVD(100, random_state=seed),
            HistGradientBoostingClassifier(max_iter=150, random_state=seed),
        ),
        "robinson-fisher": RobinsonFisher,
        **{kind: partial(_boosted_messages, kind, seed) for kind in BOOSTERS},
    }
    if not name.endswith(NORMALISED):
        return _made(name, makers)
    from vauban.targets.normalising import Normalised

    return make_pipeline(Normalised(), *(step for _, step in _made(name.removesuffix(NORMALISED), makers).steps))


def prepared(schema: TableSchema, model: Any, *, scaled: bool = True) -> Any:
    """Return an unfitted pipeline over the raw columns of a schema that ends in a model.

    Not ``scaled``, numbers stay as they are, missing ones too: for boosters, which have a branch for them.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    singles = [f for f in schema.features if len(f.columns) == 1]
    numbers = [f.columns[0] for f in singles if not f.listed]
    ordinals = [f for f in singles if f.kind == "ordinal"]
    names = [f.columns[0] for f in singles if f.listed and f.kind != "ordinal"]
    groups = [c for f in schema.features if len(f.columns) > 1 for c in f.columns]
    ranked = OrdinalEncoder(  # what is missing is no rank
        categories=[list(f.values) for f in ordinals], handle_unknown="use_encoded_value", unknown_value=math.nan
    )
    ranks = make_pipeline(ranked, SimpleImputer(strategy="median"), StandardScaler()) if scaled else ranked

    filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    steps = [
        ("numbers", filled if scaled else "passthrough", numbers),
        ("ranks", ranks, [f.columns[0] for f in ordinals]),
        ("names", OneHotEncoder(handle_unknown="ignore", sparse_output=False), names),
        ("groups", "passthrough", groups),
    ]
    return make_pipeline(ColumnTransformer([s for s in steps if s[2]]), model)


def table_model(name: str, schema: TableSchema, seed: int) -> Any:
    """Return an unfitted classifier of tables; BadInput as ``message_model``."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.svm import LinearSVC

    ready = partial(prepared, schema)
    makers: Mapping[str, Callable[[], Any]] = {
        "logistic-regression": lambda: ready(LogisticRegression(max_iter=2000)),
        "naive-bayes": lambda: ready(GaussianNB()),
        "linear-svm": lambda: ready(LinearSVC(random_state=seed)),
        "random-forest": lambda: ready(RandomForestClassifier(200, random_state=seed, n_jobs=1)),
        "hist-gradient-boosting": lambda: ready(
            HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=seed)
        ),
        **{kind: lambda kind=kind: ready(_booster(kind, seed), scaled=False) for kind in BOOSTERS},  # type: ignore[misc]
    }
    return _made(name, makers)


def table_regressor(name: str, schema: TableSchema, seed: int) -> Any:
    """Return an unfitted regressor of a cost or a number of claims, 0 or more; BadInput for an unknown one."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import PoissonRegressor

    makers: Mapping[str, Callable[[], Any]] = {
        "poisson-regression": lambda: prepared(schema, PoissonRegressor(alpha=1e-4, max_iter=2000)),
        "poisson-boosting": lambda: prepared(
            schema,
            HistGradientBoostingRegressor(loss="poisson", max_iter=150, learning_rate=0.06, random_state=seed),
            scaled=False,
        ),
    }
    return _made(name, makers)


def _boosted_messages(kind: str, seed: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    # Only words that several messages have: a tree cannot use the others, and looks at each of them.
    return make_pipeline(TfidfVectorizer(min_df=3), _booster(kind, seed))


def _booster(kind: str, seed: int) -> Any:
    package, name, settings = BOOSTERS[kind]
    try:
        library = import_module(package)
    except ImportError as error:
        raise BadInput(
            f"The model {kind} needs a library that is not here: {error}. Install it with pip install 'vauban[{kind}]'."
        ) from error
    return getattr(library, name)(**{**settings, "random_state": seed, "learning_rate": 0.06})


def _made(name: str, makers: Mapping[str, Callable[[], Any]]) -> Any:
    if name not in makers:
        raise unknown("model", name, makers)
    return makers[name]()
