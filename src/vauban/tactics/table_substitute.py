"""A model of the model, for tables: fitted on an attacker's labels and on the answers he got.

Retraining on answers is the extraction of Tramèr, Zhang, Juels, Reiter and Ristenpart, "Stealing machine learning
models via prediction APIs" (USENIX Security 2016, section 5); what labels teach goes in as one more column, so that
answers outweigh it as they come in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from vauban.contracts import Decisions
from vauban.records import Floats, Mask, Records
from vauban.schema import TableSchema
from vauban.tactics.choice import FEWEST, best, losses, nearness
from vauban.tactics.evidence import Answered
from vauban.tactics.forests import mean_of_trees
from vauban.threat import Decision

HEEDED = 10.0
"""Scale of a linear model's column of what labels teach: the larger, the less its weight is shrunk."""


@dataclass(frozen=True)
class Design:
    """Encoded records as columns of a linear model: numbers standardised, lists one-hot, what is missing marked."""

    centre: Floats
    scale: Floats
    sizes: tuple[int, ...]

    @staticmethod
    def of(schema: TableSchema, sample: Records) -> Design:
        """Return the design for a schema, standardised on a sample (m, d)."""
        sizes = tuple(len(f.values) if f.listed else 0 for f in schema.features)
        centre, scale = np.zeros(len(sizes)), np.ones(len(sizes))
        for j, size in enumerate(sizes):
            present = sample[~np.isnan(sample[:, j]), j]
            if size == 0 and len(present):
                centre[j], scale[j] = present.mean(), present.std() or 1.0
        return Design(centre, scale, sizes)

    def __call__(self, records: Records) -> Floats:
        """Return the columns (n, k) of encoded records (n, d)."""
        columns: list[Floats] = []
        for j, size in enumerate(self.sizes):
            column = records[:, j]
            gone = np.isnan(column)
            if size:
                columns.append((column[:, None] == np.arange(size)).astype(np.float64))
            else:
                columns.append(np.where(gone, 0.0, (column - self.centre[j]) / self.scale[j])[:, None])
            columns.append(gone[:, None].astype(np.float64))
        return np.hstack(columns)


@dataclass(frozen=True)
class Recipe:
    """How a substitute is made: what labels teach as it is, a linear model, or trees; the latter heed it, or not."""

    kind: str
    strength: float = 1.0
    heeds: bool = True


RECIPES = (
    Recipe("labels"),
    Recipe("linear", 0.1),
    Recipe("forest"),
    Recipe("linear", 100.0, heeds=False),
    Recipe("boosted"),
    Recipe("forest", heeds=False),
)
"""From the one that trusts labels most: each stands until answers show a later one to be better."""


@dataclass(frozen=True)
class TableSubstitute:
    """Margins of encoded records; 0 and above is blocked. Frozen by convention: the estimators inside are fitted once.

    Attributes:
        design: columns of the linear part.
        linear: fitted on the design, or None.
        trees: fitted on encoded records (and what labels teach), or None.
        prior: what labels alone teach, a column of both parts; None where it is not heeded.
        offset: added to every margin.
    """

    design: Design
    linear: Any = None
    trees: Any = None
    prior: TableSubstitute | None = None
    offset: float = 0.0

    def margin(self, records: Records) -> Floats:
        """Return margins (n,) of encoded records (n, d): higher is more harmful."""
        total = np.full(len(records), self.offset)
        if not len(records):
            return total
        believed = None if self.prior is None else self.prior.margin(records)
        if self.linear is not None:
            total += _value(self.linear, _beside(self.design(records), believed, HEEDED))
        if self.trees is not None:
            total += _value(self.trees, _beside(records, believed))
        return total

    def decide(self, records: Records) -> Decisions:
        """Return BLOCK where the margin is 0 or more, else PASS (n,)."""
        return np.where(self.margin(records) >= 0, np.int8(Decision.BLOCK), np.int8(Decision.PASS))


def _beside(columns: Floats, believed: Floats | None, scale: float = 1.0) -> Floats:
    return columns if believed is None else np.column_stack([columns, scale * believed])


def _value(model: Any, columns: Floats) -> Floats:
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(columns))
    if isinstance(model, RandomForestClassifier):
        p = np.clip(mean_of_trees(model, columns)[:, 1], 0.002, 0.998)
        return np.asarray(np.log(p) - np.log1p(-p))
    if isinstance(model, RandomForestRegressor):
        return mean_of_trees(model, columns)[:, 0]
    return np.asarray(model.predict(columns))


def learn_labels(
    schema: TableSchema, records: Records, labels: Mask | None, seed: int, most: int = 4000
) -> TableSubstitute:
    """Return what labels alone teach: the no-query substitute.

    It blocks as large a share of his records as is harmful. Where he has no labels of both kinds it passes all, or
    blocks all.
    """
    design = Design.of(schema, records)
    if labels is None or labels.all() or not labels.any():
        return TableSubstitute(design, offset=1.0 if labels is not None and len(labels) and labels.all() else -1.0)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(labels))[:most]
    records, labels = records[chosen], labels[chosen]
    if labels.all() or not labels.any():
        return TableSubstitute(design, offset=1.0 if labels.all() else -1.0)
    linear = LogisticRegression(max_iter=1000).fit(design(records), labels)
    trees = _forest(classify=True, seed=seed).fit(records, labels)
    out = TableSubstitute(design, _Halved(linear), _Halved(trees))
    margins = out.margin(records)
    return replace(out, offset=-float(np.quantile(margins, 1 - labels.mean())))


@dataclass(frozen=True)
class _Halved:
    """Half of a model's log-odds: two of them make the mean of two models."""

    model: Any

    def decision_function(self, columns: Floats) -> Floats:
        return 0.5 * _value(self.model, columns)


def _boosted(*, classify: bool, seed: int) -> Any:
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return kind(max_iter=80, learning_rate=0.08, max_leaf_nodes=15, min_samples_leaf=5, random_state=seed)


def _forest(*, classify: bool, seed: int) -> Any:
    kind = RandomForestClassifier if classify else RandomForestRegressor
    return kind(n_estimators=50, min_samples_leaf=2, max_features=0.33 if not classify else "sqrt", random_state=seed)


def fit(recipe: Recipe, data: Answered, design: Design, prior: TableSubstitute, seed: int) -> TableSubstitute:
    """Return the substitute of one recipe, fitted on answers; what labels teach where those are all of one side."""
    if recipe.kind == "labels" or not data.torn:
        return _yielding(data, prior)
    heeded = prior if recipe.heeds else None
    believed = None if heeded is None else heeded.margin(data.records)
    columns = _beside(design(data.records), believed, HEEDED)
    raw = _beside(data.records, believed)
    if data.margins is None:
        if recipe.kind == "linear":
            return TableSubstitute(
                design, LogisticRegression(C=recipe.strength, max_iter=2000).fit(columns, data.blocked), None, heeded
            )
        model = (_boosted if recipe.kind == "boosted" else _forest)(classify=True, seed=seed).fit(raw, data.blocked)
        return TableSubstitute(design, None, model, heeded)
    weight = nearness(data.margins)
    linear = Ridge(alpha=0.1 / recipe.strength).fit(columns, data.margins, sample_weight=weight)
    if recipe.kind == "linear":
        return TableSubstitute(design, linear, None, heeded)
    rest = data.margins - linear.predict(columns)
    model = (_boosted if recipe.kind == "boosted" else _forest)(classify=False, seed=seed)
    return TableSubstitute(design, linear, model.fit(raw, rest, sample_weight=weight), heeded)


def _yielding(data: Answered, prior: TableSubstitute) -> TableSubstitute:
    """Return what labels teach, shifted until it agrees with enough answers that are all of one side."""
    if len(data) < FEWEST or data.torn:
        return prior
    margins = prior.margin(data.records)
    if data.blocked.all():
        return replace(prior, offset=prior.offset + max(0.0, -float(margins.min())))
    return replace(prior, offset=prior.offset - max(0.0, float(np.nextafter(margins.max(), np.inf))))


def best_recipe(data: Answered, design: Design, prior: TableSubstitute, seed: int) -> Recipe:
    """Return the recipe that cross-validation on the answers prefers; what labels teach, where they cannot tell."""
    if len(data) < FEWEST or not data.torn:
        return RECIPES[0]
    return RECIPES[best([_losses(recipe, data, design, prior, seed) for recipe in RECIPES], data)]


def _losses(recipe: Recipe, data: Answered, design: Design, prior: TableSubstitute, seed: int) -> Floats:
    def refitted(part: Answered) -> Callable[[Records], Floats]:
        return fit(recipe, part, design, prior, seed).margin

    return losses(data, refitted)
