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
import pandas as pd
from scipy.stats import binomtest, fisher_exact

from vauban.assurance.outcome import Proxy
from vauban.assurance.pockets import SAME, sharpened
from vauban.assurance.rules import Rule, find_rules, halves, strongest
from vauban.assurance.statement import exact
from vauban.errors import BadInput
from vauban.monitors.slices import holm
from vauban.records import Floats, Ints, Mask, Records
from vauban.results import Rate
from vauban.schema import TableSchema

Ask = Callable[[Records], tuple[Mask, Floats]]
"""Says of records (n, d) which the model passes (n,), and their scores (n,)."""

ALPHA = 0.01
STANDS = 0.2
"""By what share more of the group than of the rest a condition must hold for."""
FEWEST = 30
"""Records of a group, and beside it, without which it is not looked at."""
KINDS = 12
"""Values of a protected field from which on it is divided at its median."""
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
class Group:
    """Who shares a value of a protected attribute: in words, and which of the records they are (n,)."""

    text: str
    members: Mask
    known: Mask


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


@dataclass(frozen=True)
class _Candidate:
    group: Group
    rule: Rule
    influence: float = 0.0


def groups_of(name: str, schema: TableSchema, frame: pd.DataFrame) -> list[Group]:
    """Return the groups of a protected attribute, those of `FEWEST` records or more.

    It need not be a feature of the model: any column of the raw frame (n, ...) will do. BadInput for too many values.
    """
    if name in schema.names:
        feature = schema.features[schema.index(name)]
        codes = schema.encode(frame)[:, schema.index(name)]
        column = pd.Series(codes)
        if feature.listed:
            column = column.map(dict(enumerate(map(str, feature.values))))
    else:
        column = frame[name].reset_index(drop=True)
    known = column.notna().to_numpy()
    number = pd.api.types.is_numeric_dtype(column)
    if column.nunique() > KINDS and not number:
        raise BadInput(
            f"The protected {name!r} has {column.nunique()} values; at most {KINDS} are possible. Group them."
        )
    if column.nunique() > KINDS:
        middle = float(column.median())
        each = {f"{name} up to {middle:,.6g}": column <= middle, f"{name} over {middle:,.6g}": column > middle}
    else:
        each = {f"{name} = {value}": column == value for value in column.dropna().unique()}
    groups = [Group(text, where.fillna(False).to_numpy(dtype=bool), known) for text, where in sorted(each.items())]
    return [g for g in groups if FEWEST <= g.members.sum() <= known.sum() - FEWEST]


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
    one, other = halves(len(known.records), rng)
    hidden = [schema.index(n) for n in protected if n in schema.names]
    seen = known.records.copy()
    seen[:, hidden] = np.nan  # what is missing is in no rule
    candidates = [c for g in groups for c in _standing(schema, seen, g, one)]
    candidates = _associated(candidates, seen, other)
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


def _standing(schema: TableSchema, seen: Records, group: Group, one: Ints) -> list[_Candidate]:
    """Return the conditions that tell the group from the rest: the best of each feature, and of several together."""
    rows = one[group.known[one]]
    single = [Rule((c,)) for c in strongest(schema, seen[rows], group.members[rows])]
    joint = [r for r in find_rules(schema, seen[rows], group.members[rows], most=2) if len(r.conditions) > 1]
    return [_Candidate(group, rule) for rule in (*single, *joint)]


def _associated(candidates: list[_Candidate], seen: Records, other: Ints) -> list[_Candidate]:
    """Return the candidates that hold for the group far more often than for the rest, on records not chosen on."""
    counted = [_association(c.group, c.rule, seen, other) for c in candidates]
    sure = holm(np.array([a.p for a in counted]), len(counted))
    return [
        c
        for c, a, p in zip(candidates, counted, sure, strict=True)
        if p < ALPHA and a.group.value - a.others.value >= STANDS
    ]


@dataclass(frozen=True)
class _Association:
    """Share of the group, and of the rest, for which a rule holds, and Fisher's test that it is no greater."""

    group: Rate
    others: Rate
    p: float


def _association(group: Group, rule: Rule, records: Records, which: Ints) -> _Association:
    rows = which[group.known[which]]
    inside, mine = rule.holds(records[rows]), group.members[rows]
    a, b, n, m = (int(x.sum()) for x in (inside & mine, inside & ~mine, mine, ~mine))
    p = float(fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue)
    return _Association(exact(a, n), exact(b, m), p)


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
    n, odds = len(within), _odds(scores)
    return _Pairs(within, beside, passing[:n], passing[n:], odds[:n] - odds[n:])


def _odds(scores: Floats) -> Floats:
    """Return the log odds of scores that are probabilities (n,), others as they are: what adds up along the scale."""
    if not len(scores) or scores.min() < 0 or scores.max() > 1:
        return scores
    likely = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(likely / (1 - likely)))


def _sign(worse: int, better: int) -> float:
    """Return how likely so many worse decisions are if worse and better are equally likely."""
    return float(binomtest(worse, worse + better, 0.5, alternative="greater").pvalue) if worse + better else 1.0


def _influential(
    schema: TableSchema,
    ask: Ask,
    candidates: list[_Candidate],
    records: Records,
    n: int,
    rng: np.random.Generator,
) -> list[_Candidate]:
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
    candidate: _Candidate,
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
        odds = _odds(ask(np.concatenate([asked, beside]))[1])
        return np.asarray(odds[: len(asked)] - odds[len(asked) :] >= least)

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
    candidate: _Candidate,
    standing: Rule,
    known: Known,
    other: Ints,
    grounds: Sequence[str],
    budget: int,
    rng: np.random.Generator,
) -> Proxy | None:
    """Return what the tests say of a rule; None where it stands for no group, or decides next to nothing."""
    rule, group = candidate.rule, candidate.group
    associated = _association(group, standing, known.records, other)
    inside, stands = rule.holds(known.records), standing.holds(known.records)
    if associated.group.value - associated.others.value < STANDS or not inside.any() or stands.all():
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
    merit = float(fisher_exact([[k, n - k], [other_k, other_n - other_k]], alternative="less").pvalue)
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
        associated.group,
        associated.others,
        exact(worse, int((could & fresh).sum())),
        exact(worse, worse + int((better & fresh).sum())),
        mine,
        rest,
        exact(k, n),
        exact(other_k, other_n),
        associated.p,
        _sign(worse, int((better & fresh).sum())),
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
