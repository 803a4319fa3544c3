"""The contracts: moves and outcomes, briefs, intelligence, claims, attacks and targets.

An attacker is a generator of moves. He never touches the model: he yields what he does next and is sent what came of
it. The runner asks, meters and judges, so no attack holds budget, batching, parallel, retry or progress code.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vauban.errors import BudgetSpent
from vauban.records import Floats, Ints, Mask, Modality, Records
from vauban.schema import Schema
from vauban.threat import Budget, Cell, Decision, Grant, Knows

Decisions: TypeAlias = NDArray[np.int8]
"""Values of `Decision`, (n,)."""

LABEL = frozenset({Grant.LABEL})
SCORE = frozenset({Grant.LABEL, Grant.SCORE})


class Scale(StrEnum):
    """What a target's score is: higher is more harmful on each."""

    PROBABILITY = "probability"
    MARGIN = "margin"
    LABEL = "label"


# --- the model under test -------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """What a target says of n records.

    Attributes:
        decisions: (n,) of `Decision`, at the deployed threshold.
        scores: (n,) of the harmful class, or None where the target has none.
        gradients: (n, d) of the margin in raw column units, or None where not wanted.
        seconds: time spent inside the model itself, without encoding and decoding.
    """

    decisions: Decisions
    scores: Floats | None = None
    gradients: Floats | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class AdditiveStructure:
    """The inside of a model whose margin is a sum over features: linear models, scorecards.

    The margin of a record is ``offset + sum of each feature's part``; it is blocked iff the margin is >= 0.
    A number's part is ``weights[j] * value``; a listed feature's is ``tables[j][index]``; a missing value's is
    ``missing[j]``.
    """

    offset: float
    weights: Floats
    tables: tuple[Floats | None, ...]
    missing: Floats

    def margin(self, records: Records) -> Floats:
        """Return the margin (n,) of encoded records (n, d); positive is blocked."""
        total = np.full(len(records), self.offset)
        for j, table in enumerate(self.tables):
            column = records[:, j]
            gone = np.isnan(column)
            if table is None:
                part = self.weights[j] * column
            else:
                part = table[np.where(gone, 0, column).astype(np.intp)]
            total += np.where(gone, self.missing[j], part)
        return total


Structure: TypeAlias = AdditiveStructure
"""Frozen data of a model's inside. More kinds join here as adapters learn to read them."""


@runtime_checkable
class Target(Protocol):
    """The model under test. Read this first: everything else is sent through it.

    ``answer`` raises TargetError if the model fails or returns anything but one finite answer a record. It must not
    change the records, nor the model.
    """

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def schema(self) -> Schema:
        """What its records may be, and the prices of changing them."""
        ...

    @property
    def scale(self) -> Scale:
        """What its scores are."""
        ...

    @property
    def threshold(self) -> float:
        """Scores at or above it are blocked."""
        ...

    @property
    def grants(self) -> frozenset[Grant]:
        """What it can answer."""
        ...

    @property
    def deterministic(self) -> bool:
        """Whether it answers the same each time."""
        ...

    def answer(self, records: Records, want: frozenset[Grant]) -> Answers:
        """Return decisions (n,), and scores (n,) and gradients (n, d) where wanted and granted."""
        ...

    def structure(self) -> Structure:
        """Return the model's inside as frozen data; TargetError where STRUCTURE is not in ``grants``."""
        ...


@dataclass(frozen=True)
class Labelled:
    """Records to train on: encoded (n, ...), and labels (n,), 1 = harmful."""

    records: Records
    labels: NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.labels)

    def take(self, which: Mask | Ints) -> Labelled:
        """Return some of them."""
        return Labelled(self.records[which], self.labels[which])

    def plus(self, other: Labelled) -> Labelled:
        """Return these and others behind them."""
        records = np.concatenate([self.records, other.records])
        return Labelled(records, np.concatenate([self.labels, other.labels]))


class Trainer(Protocol):
    """The user's own retraining procedure. It never changes a model that is deployed."""

    def fit(self, data: Labelled, start: Target | None = None) -> Target:
        """Return a model trained on data from scratch, or updated from ``start`` where the trainer can do that."""
        ...


@dataclass(frozen=True)
class Batch:
    """What was collected in a round and may be trained on: records with labels, and the source of each (n,)."""

    data: Labelled
    sources: NDArray[Any]
    round: int


class Reviewer(Protocol):
    """A person who looks at records for a gate, as many as he has time for."""

    def look(self, row: int, *, stored: bool = False) -> bool:
        """Return whether he calls a record of the batch, or one that is stored, poison; BudgetSpent when time is up."""
        ...

    def called(self) -> Labelled:
        """Return what he called poison in earlier rounds."""
        ...

    def cleared(self) -> Mask:
        """Return which of the stored records he looked at in earlier rounds and found honest (m,)."""
        ...


@dataclass(frozen=True)
class GateContext:
    """What a gate may look at.

    Attributes:
        schema: of the records.
        trainer: to try out what a batch does.
        stored: what is trained on today.
        trusted: verified records, which nobody can reach.
        approved: the last model that was approved, and never rolled forward by itself.
        seed: of the gate's random stream.
        reviewer: who looks at records of this batch; None where nobody does.
    """

    schema: Schema
    trainer: Trainer
    stored: Labelled
    trusted: Labelled
    approved: Target
    seed: tuple[int, ...] = (0,)
    reviewer: Reviewer | None = None


@dataclass(frozen=True)
class Screening:
    """Which records of a batch may be trained on (n,); the others are held. With evidence in words.

    ``remove`` (m,) says which of the stored records are to be taken out, because it was found out what they are.
    """

    train: Mask
    evidence: tuple[str, ...] = ()
    remove: Mask | None = None


class BatchGate(Protocol):
    """Says of a batch, before anything is trained on it, which of its records may be."""

    def screen(self, batch: Batch, context: GateContext) -> Screening:
        """Return the screening of a batch; it must not change what it is handed."""
        ...


# --- moves and what comes of them -----------------------------------------------------------------


@dataclass(frozen=True)
class Ask:
    """What does the deployed model say of these records?

    Attributes:
        records: n records.
        owner: the victim (its id) for whose sake each is asked, (n,); None in ``scout``.
        want: LABEL, and SCORE or GRADIENT where granted.
        fresh: whether the asker knows that he asked none of them before, nor asks one twice now: nobody looks for
            an older answer then. Where he errs a record is scored twice, and answered the same.
    """

    records: Records
    owner: Ints | None = None
    want: frozenset[Grant] = LABEL
    fresh: bool = False


@dataclass(frozen=True)
class Send:
    """Put records into the traffic that may be collected for training. Ends the round; none of them waits.

    Attributes:
        records: n records.
        sources: the account or address that each comes from, (n,).
        labels: what whoever labels them will say, (n,), and ``why`` he will.
    """

    records: Records
    sources: Sequence[str] = ()
    labels: NDArray[np.int8] | None = None
    why: str = ""


@dataclass(frozen=True)
class Tamper:
    """Alter the stored training data: new records or new labels for these ids (n,), or ``delete`` them.

    Ids are those of `RoundOutcome`; what is stored when he comes has 0, 1, .... An id is never given twice: that of a
    record that is gone names nothing from then on, and nothing happens to it.
    """

    ids: Ints
    records: Records | None = None
    labels: NDArray[np.int8] | None = None
    delete: bool = False


Move: TypeAlias = Ask | Send | Tamper


@dataclass(frozen=True)
class Outcome:
    """What came of an `Ask`, row by row.

    Attributes:
        answered: (n,) false where the owner's budget was spent.
        decisions: (n,) of `Decision`; UNANSWERED where not answered.
        scores: (n,) or None where not asked for; NaN where not answered.
        gradients: (n, d) or None where not asked for.
        remaining: questions left, indexed by victim id; in ``scout`` one number.
    """

    answered: Mask
    decisions: Decisions
    scores: Floats | None
    gradients: Floats | None
    remaining: Ints

    def rows(self, at: slice) -> Outcome:
        """Return the outcome of some of the rows."""
        return Outcome(
            self.answered[at],
            self.decisions[at],
            None if self.scores is None else self.scores[at],
            None if self.gradients is None else self.gradients[at],
            self.remaining,
        )


@dataclass(frozen=True)
class RoundOutcome:
    """What the attacker sees after a round: what became of the records he sent, and whether the model is a new one.

    ``remaining`` is the number of rounds left; `Send` after the last one raises BudgetSpent. ``stored`` and ``ids`` are
    what was added to the training data and under which ids, ``aimed`` (n,) which of it lies in the slice that he aims
    at: only who is granted TAMPER sees them.
    """

    round: int
    decisions: Decisions
    model_changed: bool
    remaining: int
    stored: Labelled | None = None
    ids: Ints | None = None
    aimed: Mask | None = None


# --- what an attacker is given, learns and claims -------------------------------------------------


@dataclass(frozen=True)
class Known:
    """Records that the attacker has before he asks anything.

    Attributes:
        records: (m, ...) encoded.
        labels: (m,) 1 = harmful, or None where he does not know.
        aimed: (m,) which of them lie in the slice that he aims at; all, if he aims at none.
        rewritten: what people made by hand of messages, by the message.
        chosen: (k, ...) the very records that are to be decided otherwise later, where he aims at single ones.
    """

    records: Records
    labels: NDArray[np.int8] | None
    aimed: Mask
    rewritten: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chosen: Records | None = None

    def of(self, label: int) -> Records:
        """Return his records of one label; all of them where he does not know."""
        return self.records if self.labels is None else self.records[self.labels == label]


@dataclass(frozen=True)
class Campaign:
    """What an attacker may do in a retraining loop.

    Attributes:
        rounds: how many there are.
        sends: most records that he can put into a round's traffic, or alter of what was stored in it.
        collected: how many records of others a round collects, about.
        sources: the accounts that he holds.
        labels: whether he labels what he sends himself (feedback of his own accounts).
    """

    rounds: int
    sends: int
    collected: int
    sources: tuple[str, ...] = ("his",)
    labels: bool = False


@dataclass(frozen=True)
class Brief:
    """All that an attacker is told. No live object: it travels to any worker.

    Attributes:
        cell: what he is after.
        schema: what records may be, at this attacker's prices.
        grants: the answers that he may ask for.
        budget: see `Budget`.
        knows, known: what data he starts with.
        scale: what the scores are that he gets.
        seed: of his random stream.
        inside: the model's structure, where STRUCTURE is granted.
        others: attacks that he may run on a substitute of his own, by name.
        suspects: records whose membership in the training set is asked for.
        campaign: what he may do in a retraining loop.
    """

    cell: Cell
    schema: Schema
    grants: frozenset[Grant]
    budget: Budget
    known: Known
    knows: Knows = Knows.LOOKALIKES
    scale: Scale = Scale.PROBABILITY
    seed: tuple[int, ...] = (0,)
    inside: Structure | None = None
    others: Mapping[str, Attack] = field(default_factory=dict)
    suspects: Records | None = None
    campaign: Campaign | None = None

    def reached(self, decisions: Decisions) -> Mask:
        """Return where the decision is the one he is after (n,)."""
        return np.asarray(decisions == int(self.cell.goal))  # an enum makes numpy look for array attributes of it

    def progress(self, scores: Floats) -> Floats:
        """Return how far scores lie towards his goal (n,): higher is nearer. Probabilities become log-odds."""
        sign = -1.0 if self.cell.goal is Decision.PASS else 1.0
        if self.scale is not Scale.PROBABILITY:
            return sign * scores
        p = np.clip(scores, 1e-15, 1 - 1e-15)
        return sign * (np.log(p) - np.log1p(-p))

    def rng(self) -> np.random.Generator:
        """Return his random stream for scouting, from its start."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Cohort:
    """The victims of a search: records (n, ...), read-only, and ids (n,). Sizes 0 and 1 are cohorts too."""

    records: Records
    ids: Ints
    seed: tuple[int, ...] = (0,)

    def __len__(self) -> int:
        """Return the number of victims."""
        return len(self.ids)

    def rng(self, i: int) -> np.random.Generator:
        """Return victim i's own random stream, from its start: nothing depends on who else is in the cohort."""
        return np.random.default_rng((*self.seed, int(self.ids[i])))

    def pick(self, which: Mask | Ints | slice) -> Cohort:
        """Return the cohort of some of the victims."""
        return Cohort(self.records[which], self.ids[which], self.seed)


def seed_for(seed: int, *names: str) -> tuple[int, ...]:
    """Return the key of a random stream, from the audit's seed and the names of what it is for."""
    return (seed, *(zlib.crc32(n.encode()) for n in names))


@dataclass(frozen=True)
class Effect:
    """One thing learnt: a feature, value or word, and how it moves the decision.

    Attributes:
        name: of the feature, or the word itself.
        effect: magnitude, 0 or more, comparable within one intelligence.
        direction: ``raises`` the harm that the model sees, ``lowers`` it, or ``both``.
        threshold: value of a number at which the decision turns, in the class of records looked at; None if unknown.
        values: the values of a listed feature that matter, most harmful first.
    """

    name: str
    effect: float
    direction: str
    threshold: float | None = None
    values: tuple[str, ...] = ()


@runtime_checkable
class Intelligence(Protocol):
    """What scouting learnt: frozen, and a result of its own."""

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What moves the decision, strongest first."""
        ...


@runtime_checkable
class Picture(Protocol):
    """Intelligence that predicts the model: what agreement is measured on."""

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What moves the decision, strongest first."""
        ...

    def decide(self, records: Records) -> Decisions:
        """Return what he believes that the model says of records (n,)."""
        ...


@dataclass(frozen=True)
class NothingLearnt:
    """The intelligence of an attack that does not scout."""

    effects: tuple[Effect, ...] = ()


class Decider(Protocol):
    """Anything that predicts decisions; what a `Substitute` holds. Picklable."""

    def decide(self, records: Records) -> Decisions:
        """Return predicted decisions (n,)."""
        ...


@dataclass(frozen=True)
class Candidate:
    """A record to be judged for a victim, without paying a question."""

    victim: int
    record: Any


@dataclass(frozen=True)
class Bound:
    """No record that flips the decision costs this attacker less than ``cost`` for this victim."""

    victim: int
    cost: float


@dataclass(frozen=True)
class Substitute:
    """This model decides as the target does. Judged by agreement on fresh records."""

    model: Decider


@dataclass(frozen=True)
class Membership:
    """How likely each of ``brief.suspects`` is to have been trained on, (n,), higher is likelier."""

    scores: Floats


Claim: TypeAlias = Candidate | Bound | Substitute | Membership


# --- attacks --------------------------------------------------------------------------------------


@runtime_checkable
class Explorer(Protocol):
    """What an attacker finds out of a deployed model: asks without a victim, and returns what he learnt."""

    modalities: ClassVar[frozenset[Modality]]
    wants: ClassVar[frozenset[Grant]]

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Any]:
        """Ask, and return an `Intelligence` (for an explorer of its own: a `Picture`)."""
        ...


@runtime_checkable
class Attack(Protocol):
    """What an attacker does against a deployed model. Written for a cohort of victims; `each` lifts a search for one.

    Deterministic given brief, cohort seed and answers. ``wants`` is the least that it needs to be granted; it may use
    whatever else ``brief.grants`` holds. BudgetSpent is raised at a question when nobody can be asked about any more:
    catch it and return what you have.

    It may have a method ``unfit(schema)`` that returns why it cannot be tried on records of a schema, or None: where it
    does it is reported as out of scope.
    """

    modalities: ClassVar[frozenset[Modality]]
    wants: ClassVar[frozenset[Grant]]

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Any]:
        """Ask before any victim is at hand, and return an `Intelligence`."""
        ...

    def search(self, cohort: Cohort, intelligence: Any, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask for the cohort's victims. Every record asked about is a candidate; return what questions cannot say."""
        ...


@runtime_checkable
class CausativeAttack(Protocol):
    """What an attacker does over the rounds of a retraining loop: ask, send, tamper, and see what became of it."""

    modalities: ClassVar[frozenset[Modality]]
    wants: ClassVar[frozenset[Grant]]

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Any]:
        """Ask the deployed model, and return an `Intelligence`."""
        ...

    def campaign(self, intelligence: Any, brief: Brief) -> Generator[Move, Any, Sequence[Claim]]:
        """Play the rounds: each `Send` ends one and is answered by a `RoundOutcome`; BudgetSpent after the last."""
        ...

    def dress(self, records: Records, intelligence: Any, brief: Brief) -> Records:
        """Return records as his real campaign would send them: what probes are made of."""
        ...


# --- running generators ---------------------------------------------------------------------------

T = TypeVar("T")


def no_scouting(intelligence: T) -> Generator[Ask, Outcome, T]:
    """Return a scout that asks nothing and returns this."""
    yield from ()
    return intelligence


def drive(
    generator: Generator[Any, Any, T], answer: Callable[[Any], Any], limit: int | None = None
) -> tuple[T, tuple[Any, ...]]:
    """Run an attack by hand: on a substitute, or in a test.

    Args:
        generator: a scout, search or campaign.
        answer: what comes of a move; may raise BudgetSpent, which is then thrown into the generator.
        limit: most moves that are answered; BudgetSpent is thrown at the next.

    Returns:
        What the generator returns, and the moves it made that were answered.
    """
    trail: list[Any] = []
    try:
        move = next(generator)
        while True:
            try:
                if limit is not None and len(trail) >= limit:
                    raise BudgetSpent(f"All {limit} moves are made.")
                outcome = answer(move)
            except BudgetSpent as spent:
                move = generator.throw(spent)
                continue
            trail.append(move)
            move = generator.send(outcome)
    except StopIteration as stop:
        return stop.value, tuple(trail)


Search: TypeAlias = Generator[Ask, Outcome, Sequence[Claim]]


def each(cohort: Cohort, one: Callable[[Cohort], Search]) -> Search:
    """Lift a search for one victim (a cohort of size 1) to a cohort: what live searches ask becomes one question."""
    live: dict[int, tuple[Search, Ask]] = {}
    claims: dict[int, Sequence[Claim]] = {}

    def step(i: int, search: Search, advance: Callable[[], Ask]) -> None:
        try:
            live[i] = (search, advance())
        except StopIteration as stop:
            live.pop(i, None)
            claims[i] = stop.value
        except BudgetSpent:
            live.pop(i, None)
            claims[i] = ()

    for i in range(len(cohort)):
        search = one(cohort.pick(slice(i, i + 1)))
        step(i, search, search.__next__)
    while live:
        asked = sorted(live.items())
        asks = [ask for _, (_, ask) in asked]
        try:
            outcome = yield Ask(
                np.concatenate([a.records for a in asks]),
                np.repeat(cohort.ids[[i for i, _ in asked]], [len(a.records) for a in asks]),
                frozenset().union(*(a.want for a in asks)),
            )
        except BudgetSpent as raised:
            spent = raised
            for i, (search, _) in asked:
                step(i, search, partial(search.throw, spent))
            continue
        start = 0
        for i, (search, ask) in asked:
            mine = outcome.rows(slice(start, start + len(ask.records)))
            start += len(ask.records)
            if len(ask.records) and not mine.answered.any() and outcome.remaining[cohort.ids[i]] == 0:
                step(i, search, partial(search.throw, BudgetSpent("This victim is spent.")))
            else:
                step(i, search, partial(search.send, mine))
    return [claim for i in sorted(claims) for claim in claims[i]]
