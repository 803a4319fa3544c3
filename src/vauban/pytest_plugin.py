"""A model's robustness as a test: the fixture ``vauban_audit``, `assert_robust`, and the marker ``vauban``.

::

    import pytest
    from vauban.pytest_plugin import assert_robust

    @pytest.mark.vauban
    def test_applicants_cannot_talk_their_way_in(vauban_audit, model, applicants, defaulted):
        result = vauban_audit(model, applicants, defaulted, cells=["EI"], queries=200)
        assert_robust(result, at_most=0.3)

``pytest -m vauban`` runs such tests alone, ``pytest -m "not vauban"`` all others. Nothing else of Vauban is imported
before a test asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vauban.results import AuditResult, Finding

NEVER_FAILS = frozenset({"control", "baseline"})
"""Roles that are there to compare with; they say nothing of what an attacker reaches."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "vauban: attacks a model, which may take long")


@pytest.fixture(name="vauban_audit")
def vauban_audit() -> Callable[..., AuditResult]:
    """Return `vauban.audit`, quiet and deterministic: same seed, same findings."""
    import vauban

    audit: Callable[..., AuditResult] = vauban.audit
    return audit


def assert_robust(
    result: AuditResult, *, at_most: float, cell: str | None = None, attack: str | None = None, bound: str = "high"
) -> None:
    """Assert that no attack succeeds against more than a share of the records.

    Args:
        result: of an audit.
        at_most: the share, 0 to 1.
        cell: EI or EA; all that were tried by default.
        attack: the name of one; all that were tried by default.
        bound: what must not exceed the share: ``high``, the upper end of the 95 % interval (robustness is shown),
            ``value``, the share itself, or ``low``, its lower end (robustness is not refuted).

    Raises:
        AssertionError: an attack exceeds the share; nothing was tried; a planned attack did not finish; or the model is
            degenerate, so that no figure says anything. The message names every attack with its numbers.
        BadInput: the share or the bound is none.
    """
    from vauban.errors import BadInput, unknown

    if not 0 <= at_most <= 1:
        raise BadInput(f"The share that may succeed lies between 0 and 1. Got {at_most}.")
    if bound not in ("high", "value", "low"):
        raise unknown("bound", bound, ("high", "value", "low"))
    if result.clean.degenerate:
        raise AssertionError(f"The model is degenerate: {result.clean.degenerate} It only looks robust.")
    chosen = [f for f in result.findings if cell in (None, f.cell) and attack in (None, f.attack)]
    unfinished = [s for s in result.incomplete if cell in (None, s.cell) and attack in (None, s.attack)]
    if unfinished:
        raise AssertionError("Not complete: " + "; ".join(f"{s.attack} in {s.cell}: {s.reason}" for s in unfinished))
    tried = [f for f in chosen if f.role not in NEVER_FAILS and f.victims]
    if not tried:
        reasons = {s.reason for s in result.out_of_scope if cell in (None, s.cell) and attack in (None, s.attack)}
        raise AssertionError(f"No attack was tried, so nothing is shown. {'; '.join(sorted(reasons))}".strip())
    over = [f for f in tried if getattr(f.success_rate, bound) > at_most]
    if over:
        raise AssertionError("\n".join(_said(f, at_most, bound) for f in over))


def _said(finding: Finding, at_most: float, bound: str) -> str:
    rate = finding.success_rate
    text = (
        f"{finding.id}: {finding.successes} of {finding.victims} succeed: {rate.value:.1%}, 95 % interval "
        f"{rate.low:.1%} to {rate.high:.1%}; at most {at_most:.1%} may, by its {bound} end"
        + (f", at a median cost of {finding.cost.median:.3g} {finding.cost.unit}" if _paid(finding) else "")
    )
    if bound == "high" and rate.value <= at_most < rate.high:
        text += ". The share itself is within: with more victims the interval is narrower."
    return text


def _paid(finding: Finding) -> Any:
    return math.isfinite(finding.cost.median)
