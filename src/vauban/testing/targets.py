"""What every target promises, as checks that anybody can run on the adapter of his own model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vauban.contracts import SCORE, Answers, Scale, Target
from vauban.errors import TargetError
from vauban.records import Records, frozen
from vauban.testing.check import Check, require
from vauban.threat import Decision, Grant


def target_checks(sample: Records) -> tuple[Check[Target], ...]:
    """Return the checks that every target must pass.

    Args:
        sample: at least 20 encoded records that the model is made for: with missing values, if it takes them.
    """

    def on(check: Callable[[Target, Records], None]) -> Callable[[Target], None]:
        def run(target: Target) -> None:
            require(len(sample) >= 20, f"The checks need 20 records at least. Got {len(sample)}.")
            try:
                check(target, sample)
            except AssertionError:
                raise
            except Exception as error:
                raise AssertionError(f"The target {target.name!r} fails: {type(error).__name__}: {error}") from error

        return run

    return (
        Check("gives one finite answer a record", on(_finite)),
        Check("answers one record as in a batch", on(_batches)),
        Check("answers in any order, and the same again", on(_order)),
        Check("decides by the threshold", on(_threshold)),
        Check("answers nothing about nobody", on(_nobody)),
        Check("leaves records alone", on(_untouched)),
        Check("answers read-only records", on(_read_only)),
        Check("grants what it answers, and no more", on(_grants)),
    )


def _want(target: Target) -> frozenset[Grant]:
    return target.grants & SCORE


def _same(one: Answers, two: Answers, how: str) -> None:
    require(bool((one.decisions == two.decisions).all()), f"It decides otherwise {how}.")
    if one.scores is not None and two.scores is not None:
        off = np.flatnonzero(one.scores != two.scores)
        require(
            not len(off),
            f"It scores {len(off)} of {len(one.scores)} records otherwise {how}: "
            f"{one.scores[off[:1]]} and {two.scores[off[:1]]}.",
        )


def _finite(target: Target, sample: Records) -> None:
    told = target.answer(sample, _want(target))
    n = len(sample)
    require(told.decisions.shape == (n,), f"One decision a record, shape ({n},). Got {told.decisions.shape}.")
    allowed = {int(d) for d in Decision if d is not Decision.UNANSWERED}
    require(set(told.decisions.tolist()) <= allowed, f"Decisions are {sorted(allowed)}.")
    if Grant.SCORE in target.grants:
        require(told.scores is not None, "It grants scores, and gave none.")
        scores = np.asarray(told.scores)
        require(scores.shape == (n,), f"One score a record, shape ({n},). Got {scores.shape}.")
        require(bool(np.isfinite(scores).all()), f"{int((~np.isfinite(scores)).sum())} of {n} scores are not finite.")
        if target.scale is Scale.PROBABILITY:
            require(bool(((scores >= 0) & (scores <= 1)).all()), "Probabilities lie between 0 and 1.")


def _batches(target: Target, sample: Records) -> None:
    if not target.deterministic:
        return
    whole = target.answer(sample, _want(target))
    for size in (1, 7):
        parts = [target.answer(sample[i : i + size], _want(target)) for i in range(0, 20, size)]
        decisions = np.concatenate([p.decisions for p in parts])
        scores = None if whole.scores is None else np.concatenate([np.asarray(p.scores) for p in parts])
        n = len(decisions)
        first = Answers(whole.decisions[:n], None if whole.scores is None else whole.scores[:n])
        _same(first, Answers(decisions, scores), f"in batches of {size} than in one of {len(sample)}")


def _order(target: Target, sample: Records) -> None:
    if not target.deterministic:
        return
    whole = target.answer(sample, _want(target))
    _same(whole, target.answer(sample, _want(target)), "when asked again")
    back = target.answer(sample[::-1].copy(), _want(target))
    turned = Answers(back.decisions[::-1], None if back.scores is None else back.scores[::-1])
    _same(whole, turned, "in another order")


def _threshold(target: Target, sample: Records) -> None:
    told = target.answer(sample, _want(target))
    if told.scores is None:
        return
    blocked = told.decisions == Decision.BLOCK
    near = np.isclose(told.scores, target.threshold, rtol=1e-9, atol=0)
    wrong = (blocked != (told.scores >= target.threshold)) & ~near
    require(
        not wrong.any(),
        f"{int(wrong.sum())} of {len(sample)} decisions are not BLOCK where, and only where, the score is at or above "
        f"the threshold {target.threshold:g}.",
    )


def _nobody(target: Target, sample: Records) -> None:
    told = target.answer(sample[:0], _want(target))
    require(len(told.decisions) == 0, f"An empty batch has no decisions. Got {len(told.decisions)}.")
    require(told.scores is None or len(told.scores) == 0, "An empty batch has no scores.")


def _untouched(target: Target, sample: Records) -> None:
    records = sample.copy()
    target.answer(records, _want(target))
    same = records == sample if sample.ndim == 1 else (records == sample) | (np.isnan(records) & np.isnan(sample))
    require(bool(np.all(same)), "It wrote into the records that it was asked about.")


def _read_only(target: Target, sample: Records) -> None:
    _same(target.answer(sample, _want(target)), target.answer(frozen(sample), _want(target)), "when read-only")


def _grants(target: Target, sample: Records) -> None:
    require(Grant.LABEL in target.grants, "Every target grants labels.")
    require((target.scale is Scale.LABEL) != (Grant.SCORE in target.grants), "It grants scores unless it has none.")
    for grant in (Grant.SCORE, Grant.GRADIENT):
        if grant not in target.grants:
            _refuses(lambda grant=grant: target.answer(sample, frozenset({Grant.LABEL, grant})), grant)  # type: ignore[misc]
    if Grant.STRUCTURE not in target.grants:
        _refuses(target.structure, Grant.STRUCTURE)
    else:
        target.structure()


def _refuses(ask: Callable[[], object], grant: Grant) -> None:
    try:
        ask()
    except TargetError:
        return
    raise AssertionError(f"It answers for {grant}, which is not among its grants: raise TargetError.")
