"""Records that a model does worse with: what leaving one out would do to the loss on verified records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from vauban.monitors.disagreement import LEAST_TRUSTED, meaning
from vauban.monitors.dossier import Dossier, Signal
from vauban.records import Floats

RIDGE = 0.1
"""Weight of the squared coefficients, as of logistic regression with C = 10."""


@dataclass(frozen=True)
class Influence:
    """How much a record adds to the loss on verified records, to first order: minus g_i' H^-1 g.

    Koh and Liang, "Understanding black-box predictions via influence functions" (ICML 2017, section 2), in closed form
    for logistic regression; what it says is in the order of harm, not of how odd a record is.
    """

    def unfit(self, dossier: Dossier) -> str | None:
        """Return why it cannot say anything of these data, or None if it can."""
        trusted = dossier.trusted
        if trusted is None or len(trusted) < LEAST_TRUSTED:
            return f"there are fewer than {LEAST_TRUSTED} verified records (--trusted, --trusted-rows)"
        return "all records have the same label" if len(np.unique(dossier.labels)) < 2 else None

    def score(self, dossier: Dossier) -> Signal:
        """Return what it says of every record."""
        from sklearn.linear_model import LogisticRegression

        assert dossier.trusted is not None  # noqa: S101 - unfit() says so
        x, y = dossier.view.linear, dossier.labels
        quiz, truth = dossier.view.same(dossier.trusted.records).linear, dossier.trusted.labels
        model = LogisticRegression(C=1 / RIDGE, solver="liblinear", random_state=0, max_iter=200).fit(x, y)
        harm = model.predict_proba(x)[:, 1]
        weight = harm * (1 - harm)

        def curved(v: Floats) -> Floats:
            return np.asarray(x.T @ (weight * (x @ v)) + RIDGE * v)

        pull = np.asarray(quiz.T @ (model.predict_proba(quiz)[:, 1] - truth)).ravel()
        size = x.shape[1]
        solved, _ = cg(LinearOperator((size, size), matvec=curved), pull, maxiter=50, atol=0.0)
        found = -np.asarray((harm - y) * (x @ solved))
        why = np.full(len(found), "", dtype=object)
        worst = np.argsort(-found, kind="stable")[:500]
        total = float(np.abs(found).sum()) or 1.0
        for i in worst.tolist():
            if found[i] > 0:
                why[i] = (
                    f"labelled {meaning(int(y[i]))}; of all that moves the errors on verified records, this record is "
                    f"{100 * found[i] / total:.2g} %, for the worse"
                )
        rank = np.argsort(np.argsort(-found, kind="stable"), kind="stable") + 1
        return Signal(np.where(found > 0, found, -np.inf), np.where(found > 0, rank / len(found), 1.0), why)
