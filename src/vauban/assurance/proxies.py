"""A protected attribute used through a proxy: fields that stand for a group and decide against it without merit.

Four questions, each with an exact test. *Association*: is a condition met by one group far more often than by the rest
(Fisher)? *Influence*: with only that field changed to values of real records beside the condition, does the decision
get better more often than worse (sign test)? Association times influence is proxy use (Datta et al., Use Privacy in
Data-Driven Systems, CCS 2017). *Ground*: did an analyst declare the field one? *Outcome*: records refused only because
of the field: are they harmful less often than those that the model decides most narrowly elsewhere (Fisher)? This is
the outcome test (Becker 1957), held against the margin itself because averages of all who are refused mislead (Simoiu,
Corbett-Davies and Goel, Annals of Applied Statistics 11, 2017). Only what stands all four is called a proxy. Each test
is corrected over all that it is put to (Holm), so that a false alarm is no more likely than `ALPHA` a test of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vauban.assurance.outcome import Proxy
from vauban.assurance.pockets import SAME, sharpened
from vauban.assurance.rules import Rule, find_rules, halves
from vauban.assurance.stand_ins import ALPHA, FEWEST, STANDS, Candidate, Group, associated, association, standing_for
from vauban.assurance.statement import exact
from vauban.metrics.intervals import differs, more_often
from vauban.monitors.slices import holm
from vauban.records import Floats, Ints, Mask, Records
from vauban.schema import TableSchema

Ask = Callable[[Records], tuple[Mask, Floats]]
"""Says of records (n, d) which the model passes (n,), and their scores (n,)."""

SCREEN = 200
"""Records by which candidates are compared before the strongest get the rest of the questions."""
MOST = 4
"""Candidates that are looked into."""
TIMES = 3
"""Variations of a real record that tell whether it is refused only because of a field."""
DECIDED = 0.03
"""Share of the records of a rule that its field alone must refuse."""
FAR = 0.3
"""Share of the median effect on what a condition decides, from which on it has an effect."""
CLEAR = 0.5
"""Share, of the effects within a further condition, that there may be beside it."""
IDLE = 0.95
"""Share of the records from which on a condition that holds for them says nothing."""
NARROW = 0.05
"""Share of the records, on each side of the decision, that are called decided narrowly."""
LEAST = 6_000
"""Questions without which no search is worth its while."""


@dataclass(frozen=True)
class Known:
    """Real records that the search may look at.

    Attributes:
        records: (n, d) encoded.
        labels: (n,) 1 = harmful.
        passing: (n,) whether the model passes each.
        scores: (n,) of the model.
    """

    records: Records
    labels: Ints
    passing: Mask
    scores: Floats


def find_proxies(
    schema: TableSchema,
    ask: Ask,
    known: Known,
    groups: Sequence[Group],
    protected: Sequence[str],
    grounds: Sequence[str],
    budget: int,
    rng: np.random.Generator,
) -> tuple[Proxy, ...]:
    """Return what stands for a group and decides against it: proxies, and what is legitimate, with the reason.

    Args:
        schema: of the records.
        ask: asks the model.
        known: real records.
        groups: of the protected attributes.
        protected: their names; features among them are no stand-ins of each other.
        grounds: features that an analyst declared legitimate grounds.
        budget: questions, `LEAST` or more.
        rng: random stream.
    """
    ask = _added(ask, known.scores)
    one, other = halves(len(known.records), rng)
    hidden = [schema.index(n) for n in protected if n in schema.names]
    seen = known.records.copy()
    seen[:, hidden] = np.nan  # what is missing is in no rule
    candidates = [c for g in groups for c in standing_for(schema, seen, g, one)]
    candidates = associated(candidates, seen, other)
    screen = min(SCREEN, budget // (8 * max(len(candidates), 1)))
    chosen = _influential(schema, ask, candidates, known.records[one], screen, rng)[:MOST]
    each = (budget - 2 * screen * len(candidates)) // max(len(chosen), 1)
    found: list[tuple[Mask, Proxy]] = []
    for candidate in chosen:
        where = _where(schema, ask, candidate, known.records[one], hidden, each // 3, each // 6, rng)
        if where is not None:
            rule, standing = where
            candidate = replace(candidate, rule=rule)
            one_found = _judged(schema, ask, candidate, standing, known, other, grounds, each // 2, rng)
            if one_found is not None:
                found.append((rule.holds(seen), one_found))
    return _corrected(found)


def _moved(
    schema: TableSchema, base: Records, donors: Records, features: Ints, rng: np.random.Generator
) -> tuple[Records, Mask]:
    """Return records with some features of real donors, taken together, and where no relation breaks (n,)."""
    after = base.copy()
    after[:, features] = donors[rng.integers(len(donors), size=len(base))][:, features]
    return schema.obeying(base, after)


def _features(rule: Rule) -> Ints:
    return np.array([c.feature for c in rule.conditions], dtype=np.int64)


@dataclass(frozen=True)
class _Pairs:
    """Records inside of a rule and the same beside it (n, d), which of each pass (n,), and how scores differ (n,)."""

    within: Records
    beside: Records
    passing: Mask
    passing_beside: Mask
    effect: Floats


def _pairs(schema: TableSchema, ask: Ask, rule: Rule, records: Records, n: int, rng: np.random.Generator) -> _Pairs:
    """Return up to n pairs: one of the two is a real record, the other has the rule's features of another real one."""
    base = records[rng.permutation(len(records))[:n]]
    inside, there, features = rule.holds(base), rule.holds(records), _features(rule)
    within, one = _moved(schema, base, records[there], features, rng)
    beside, two = _moved(schema, base, records[~there], features, rng)
    within, beside = np.where(inside[:, None], base, within), np.where(inside[:, None], beside, base)
    kept = np.where(inside, two, one)
    within, beside = within[kept], beside[kept]
    passing, scores = ask(np.concatenate([within, beside]))
    n = len(within)
    return _Pairs(within, beside, passing[:n], passing[n:], scores[:n] - scores[n:])


def _added(ask: Ask, scores: Floats) -> Ask:
    """Return the question with the log odds of scores that are probabilities (n,): effects add up along that scale."""
    if not (scores.min() >= 0 and scores.max() <= 1):
        return ask

    def told(records: Records) -> tuple[Mask, Floats]:
        passing, scores = ask(records)
        likely = np.clip(scores, 1e-6, 1 - 1e-6)
        return passing, np.asarray(np.log(likely / (1 - likely)))

    return told


def _influential(
    schema: TableSchema,
    ask: Ask,
    candidates: list[Candidate],
    records: Records,
    n: int,
    rng: np.random.Generator,
) -> list[Candidate]:
    """Return the candidates whose fields make decisions worse more often than better, the most influential first."""
    counted = []
    for c in candidates:
        pairs = _pairs(schema, ask, c.rule, records, n, rng)
        within, beside = pairs.passing, pairs.passing_beside
        counted.append((int((beside & ~within).sum()), int((within & ~beside).sum())))
    tried = [replace(c, influence=float(w - b)) for c, (w, b) in zip(candidates, counted, strict=True) if w > b]
    return sorted(tried, key=lambda c: -c.influence)


def _where(
    schema: TableSchema,
    ask: Ask,
    candidate: Candidate,
    records: Records,
    hidden: Sequence[int],
    budget: int,
    finer: int,
    rng: np.random.Generator,
) -> tuple[Rule, Rule] | None:
    """Return in which part of the space a candidate's fields decide, and the conditions of it that stand for the group.

    Where the score of a record that passes beside the candidate is far worse inside of it is a rule: the score tells
    more than the decision, which only moves where it was near. The ends are then searched for by moving records that
    the candidate decides.
    """
    pairs = _pairs(schema, ask, candidate.rule, records, budget // 2, rng)
    decided = pairs.passing_beside & ~pairs.passing
    if decided.sum() < 8:
        return None
    could = pairs.within[pairs.passing_beside].copy()
    could[:, hidden] = np.nan
    least = FAR * float(np.median(pairs.effect[decided]))
    far = pairs.effect[pairs.passing_beside] >= least
    rule, others = candidate.rule, records[~candidate.rule.holds(records)]
    for more in find_rules(schema, could, far, most=1):
        there = more.holds(could)
        if not there.all() and far[~there].mean() > CLEAR * far[there].mean():
            continue  # beside it the effect is much the same
        rule = Rule(tuple({c.feature: c for c in (*rule.conditions, *more.conditions)}.values()))

    def suffers(asked: Records) -> Mask:
        """Whether a record's score is far worse than with its stand-in beside the candidate."""
        beside, _ = _moved(schema, asked, others, _features(candidate.rule), rng)
        _, scores = ask(np.concatenate([asked, beside]))
        return np.asarray(scores[: len(asked)] - scores[len(asked) :] >= least)

    sharp = sharpened(schema, suffers, rule, pairs.beside[decided], finer // 2, rng)
    if sharp is None:
        return None
    features = _features(candidate.rule)
    telling = [c for c in sharp.conditions if c.feature in features or c.holds(could).mean() < IDLE]
    standing = Rule(tuple(c for c in telling if c.feature in features))
    return (Rule(tuple(telling)), standing) if standing.conditions else None


def _judged(
    schema: TableSchema,
    ask: Ask,
    candidate: Candidate,
    standing: Rule,
    known: Known,
    other: Ints,
    grounds: Sequence[str],
    budget: int,
    rng: np.random.Generator,
) -> Proxy | None:
    """Return what the tests say of a rule; None where it stands for no group, or decides next to nothing."""
    rule, group = candidate.rule, candidate.group
    found = association(group, standing, known.records, other)
    inside, stands = rule.holds(known.records), standing.holds(known.records)
    if found.group.value - found.others.value < STANDS or not inside.any() or stands.all():
        return None
    rows = rng.permutation(len(inside))
    rows = rows[: max(int(np.searchsorted(inside[rows].cumsum(), budget // TIMES, "right")), 1)]
    only, could, better = _only_because(schema, ask, known, rows, inside, standing, stands, rng)
    fresh = np.isin(rows, other)  # the rule was found with decisions on the other half, and with no label
    worse = int((only & fresh).sum())
    if worse < max(DECIDED * (inside[rows] & fresh).sum(), 5):
        return None
    narrow = known.labels[_narrow(known, ~inside)]
    harmful = known.labels[rows][only]
    k, n, other_k, other_n = (int(x) for x in (harmful.sum(), len(harmful), narrow.sum(), len(narrow)))
    merit = differs(other_k, other_n, k, n)
    mine, rest = (
        exact(int((only & among).sum()), int(among.sum()))
        for among in (fresh & group.known[rows] & (group.members[rows] == member) for member in (True, False))
    )
    declared = all(schema.features[c.feature].name in grounds for c in standing.conditions)
    return Proxy(
        "ground" if declared else "outcome",
        group.text,
        rule.text(schema),
        standing.text(schema),
        found.group,
        found.others,
        exact(worse, int((could & fresh).sum())),
        exact(worse, worse + int((better & fresh).sum())),
        mine,
        rest,
        exact(k, n),
        exact(other_k, other_n),
        found.p,
        more_often(worse, int((better & fresh).sum())),
        merit,
    )


def _only_because(
    schema: TableSchema,
    ask: Ask,
    known: Known,
    rows: Ints,
    inside: Mask,
    standing: Rule,
    stands: Mask,
    rng: np.random.Generator,
) -> tuple[Mask, Mask, Mask]:
    """Return of some rows (m,) which are refused only because of the stand-in, which could be, and which pass only so.

    Those in the rule are given the stand-in of `TIMES` real records beside it, and nothing else: most must pass then.
    """
    there = np.flatnonzero(inside[rows])
    base = np.repeat(known.records[rows[there]], TIMES, axis=0)
    moved, obeys = _moved(schema, base, known.records[~stands], _features(standing), rng)
    passed = (ask(moved)[0] & obeys).reshape(-1, TIMES).sum(axis=1)
    tries = obeys.reshape(-1, TIMES).sum(axis=1)
    now = known.passing[rows[there]]
    out = np.zeros((3, len(rows)), dtype=bool)
    could = passed > tries / 2
    out[:, there] = could & ~now, could, now & (passed < tries / 2)
    return out[0], out[1], out[2]


def _narrow(known: Known, where: Mask) -> Ints:
    """Return the records that the model decides most narrowly, as many on each side, `NARROW` of all: their rows."""
    order = np.argsort(known.scores, kind="stable")
    most = max(int(NARROW * len(order)), FEWEST)
    blocked, passing = (order[(known.passing[order] == side) & where[order]] for side in (False, True))
    return np.concatenate([passing[-most:], blocked[:most]])


def _corrected(found: Sequence[tuple[Mask, Proxy]]) -> tuple[Proxy, ...]:
    """Return what stands for a group and decides, corrected, each place once, those without merit first.

    It is a proxy where neither a declared ground nor the outcome speaks for it.
    """
    names = ("stands", "decides", "merit")
    corrected = [holm(np.array([getattr(p, name) for _, p in found]), len(found)).tolist() for name in names]
    judged = []
    for (where, one), stands, decides, merit in zip(found, *corrected, strict=True):
        if max(stands, decides) < ALPHA:
            kind = "proxy" if one.kind != "ground" and merit < ALPHA else one.kind
            judged.append((where, replace(one, kind=kind, stands=stands, decides=decides, merit=merit)))
    out: list[tuple[Mask, Proxy]] = []
    for where, one in sorted(judged, key=lambda item: (item[1].kind != "proxy", item[1].merit)):
        if all(one.group != o.group or (where & w).sum() <= SAME * (where | w).sum() for w, o in out):
            out.append((where, one))
    return tuple(one for _, one in out)
