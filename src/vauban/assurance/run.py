"""Random security testing: replay what is kept, replay the analysts' suites, then try what nobody thought of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from vauban.assurance.budget import Purse
from vauban.assurance.expectations import Expectations
from vauban.assurance.outcome import Replayed, TestResult, Tried, Weakness
from vauban.assurance.properties import Property, limits, properties_of
from vauban.assurance.rules import find_rules, halves
from vauban.assurance.search import search_regions
from vauban.assurance.statement import at_look, exact, looks
from vauban.assurance.suites import Cases, Suite, replay
from vauban.contracts import LABEL, Decisions, Target, seed_for
from vauban.errors import TargetError
from vauban.records import Mask, Records
from vauban.results import Rate
from vauban.schema import Schema, TableSchema
from vauban.system import System
from vauban.threat import Decision

Watch = Callable[[str, int, int], None]
"""Is told what is being tried, and how many of how many questions are asked."""

CLEAR = 0.01
"""A property is left when its interval lies above this share: that it fails is then clear."""
ENOUGH = 80
"""Failures without which it is not left: fewer do not show where they are."""
SHOWN = 5
MOST = 2000
"""Failures of a property that are kept for the run folder."""


def watch_nothing(what: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Tested:
    """A test's result, and the failing records, as cases that can be kept."""

    result: TestResult
    failing: pd.DataFrame
    schema: Schema


def run_test(
    system: System,
    *,
    expectations: Expectations | None = None,
    suites: Sequence[Suite] = (),
    kept: Cases | None = None,
    budget: str = "100000",
    seed: int = 0,
    watch: Watch = watch_nothing,
    command: str | None = None,
) -> Tested:
    """Test a system.

    Args:
        system: what is tested; its training data, tuning records, look-alikes and victims all count as known records
            where labels are needed, its held-out part where records are varied.
        expectations: of a table's features; those of suites are added.
        suites: of analysts.
        kept: the regression corpus, replayed first.
        budget: see `Purse`.
        seed: everything random follows from it.
        watch: see `Watch`.
        command: the command line, for the report.

    Raises:
        BadInput: something given cannot be used.
        TargetError: the model failed.
    """
    target, schema = system.target, system.target.schema
    if not target.deterministic:
        raise TargetError(f"The model {target.name!r} answers differently each time; it cannot be tested yet.")
    purse = Purse.of(budget)
    words = {n: e.value for n, e in (expectations.features if expectations else {}).items()}
    for suite in suites:
        words |= suite.expect
    tables = [*([kept] if kept is not None else []), *(c for s in suites for c in s.cases)]
    watch("replaying kept failures and suites", 0, 1)
    replayed = _replayed(target, tables)
    held_out = schema.encode(system.parts.victims.frame)
    expected = Expectations.named(words, schema, system.parts.victims.frame.columns)
    properties = properties_of(schema, expected, held_out)
    populations = ["held-out records", *(["anywhere in the schema"] if isinstance(schema, TableSchema) else [])]
    plan = [(p, where) for p in properties for where in populations]
    tried: list[Tried] = []
    failing: list[pd.DataFrame] = []
    parts = len(plan) + (max(len(plan), 3) if isinstance(schema, TableSchema) else 0)  # half is for weak regions
    for i, (one, where) in enumerate(plan):
        rng = np.random.default_rng(seed_for(seed, "test", one.name, where))
        mine = purse.share(max(parts - i, 1))
        watch(f"{one.name}, {where}", i, len(plan) + 1)
        found, cases = _try(target, one, where, held_out, mine, rng)
        purse.asked += mine.asked
        tried.append(found)
        failing.append(cases)
    places, proxies, not_tried = search_regions(system, expected, purse, seed, watch, len(plan))
    if isinstance(schema, TableSchema) and not words:
        not_tried.append(
            "what features must and must not do: nobody said what is expected of them (see docs/testing.md)"
        )
    result = TestResult(
        version("vauban"),
        system.name,
        target.name,
        dict(system.data),
        seed,
        budget,
        replayed,
        tuple(tried),
        places,
        proxies,
        tuple(not_tried),
        purse.asked + sum(r.cases for r in replayed),
        command,
    )
    whole = [f for f in failing if len(f)]
    return Tested(result, pd.concat(whole, ignore_index=True) if whole else pd.DataFrame(), schema)


def _replayed(target: Target, tables: Sequence[Cases]) -> tuple[Replayed, ...]:
    _, failures = replay(target, tables)
    return tuple(Replayed(t.source, len(t), tuple(f for f in failures if f.source == t.source)) for t in tables)


def _try(
    target: Target, one: Property, where: str, held_out: Records, purse: Purse, rng: np.random.Generator
) -> tuple[Tried, pd.DataFrame]:
    schema = target.schema
    befores, afters, broken = [held_out[:0]], [held_out[:0]], [np.empty(0, dtype=bool)]
    said: list[Decisions] = [np.empty(0, dtype=np.int8)]
    n, look, rate, complete = 0, 0, exact(0, 0), False
    for most in looks((purse.questions or 1_000_000) // 2):
        if not purse.allows(2 * (most - n)):
            break
        pairs = _draws(one, where, schema, held_out, most - n, rng)
        if not len(pairs[0]):
            break
        told = target.answer(np.concatenate(pairs), LABEL).decisions
        purse.asked += 2 * len(pairs[0])
        then, now = told[: len(pairs[0])], told[len(pairs[0]) :]
        befores.append(pairs[0])
        afters.append(pairs[1])
        said.append(then)
        broken.append(one.broken(then, now))
        n, look, complete = n + len(pairs[0]), look + 1, True
        rate = at_look(int(np.concatenate(broken).sum()), n, look)
        if rate.low > CLEAR and np.concatenate(broken).sum() >= ENOUGH:
            break
    before, after, failed = np.concatenate(befores), np.concatenate(afters), np.concatenate(broken)
    first = np.concatenate(said)
    could = np.zeros(len(first), dtype=bool)
    for other in (Decision.PASS, Decision.BLOCK):
        could |= one.broken(first, np.full_like(first, other))
    weak = _weaknesses(schema, after[could], failed[could], rng) if isinstance(schema, TableSchema) else ()
    which = np.flatnonzero(failed)
    raw, now = schema.decode(before[which[:SHOWN]]), schema.decode(after[which[:SHOWN]])
    examples = tuple(
        ({str(k): _plain(v) for k, v in a.items()}, {str(k): _plain(v) for k, v in b.items()})
        for a, b in zip(raw.to_dict("records"), now.to_dict("records"), strict=True)
    )
    cases = schema.decode(after[which[:MOST]]).assign(
        expected=[_WORD[Decision(int(d))] for d in first[which[:MOST]]],
        reason=f"{one.meaning} ({where})",
        origin=f"vauban test: {one.name}",
    )
    return Tried(one.name, one.meaning, where, rate, complete, weak, examples), cases


_WORD = {Decision.PASS: "pass", Decision.REFER: "pass|refer", Decision.BLOCK: "block"}


def _draws(
    one: Property, where: str, schema: Any, held_out: Records, n: int, rng: np.random.Generator
) -> tuple[Records, Records]:
    """Return n pairs, or fewer where few records have a variation."""
    befores, afters, have = [held_out[:0]], [held_out[:0]], 0
    for _ in range(20):
        if have >= n or not len(held_out):
            break
        base = held_out[rng.integers(len(held_out), size=n)]
        if where != "held-out records":
            base = anywhere(schema, held_out, base, rng)
        before, after = one.vary(base, rng)
        befores.append(before[: n - have])
        afters.append(after[: n - have])
        have += len(befores[-1])
        if not len(before):
            break
    return np.concatenate(befores), np.concatenate(afters)


def anywhere(schema: TableSchema, known: Records, base: Records, rng: np.random.Generator) -> Records:
    """Return as many records as ``base`` (n, d) drawn evenly from all that the schema allows, nothing missing.

    Where a draw breaks a relation the record of ``base`` stands in its place.
    """
    low, high = limits(schema, known)
    out = low + rng.uniform(size=base.shape) * (high - low)
    step = schema.step
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = np.floor((low + rng.uniform(size=base.shape) * (high - low + step)) / step) * step
    out = schema.derived(np.clip(np.where(step > 0, whole, out), low, high))
    return np.where(schema.holds(out)[:, None], out, base)


def _weaknesses(schema: TableSchema, after: Records, failed: Mask, rng: np.random.Generator) -> tuple[Weakness, ...]:
    if failed.sum() < 16:
        return ()
    one, other = halves(len(after), rng)
    out = []
    base = exact(int(failed[other].sum()), len(other))
    for rule in find_rules(schema, after[one], failed[one]):
        inside = rule.holds(after[other])
        rate = exact(int(failed[other][inside].sum()), int(inside.sum()))
        if inside.sum() and rate.low > base.high:
            covers = exact(int((failed[other] & inside).sum()), int(failed[other].sum()))
            out.append(Weakness(rule.text(schema), rate, covers))
    return tuple(out)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def worst(result: TestResult) -> Rate | None:
    """Return the highest share of variations that break a property; None where none was tried."""
    rates = [t.failed for t in result.tried if t.failed.n]
    return max(rates, key=lambda r: r.value, default=None)
