"""The causative part of an audit: attacks on training, each played through a short or a full retraining loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vauban.audit.run import ALL_CAUSATIVE
from vauban.catalogue import CAUSATIVE, Entry, causative
from vauban.contracts import SCORE
from vauban.errors import BadInput, ExitCode
from vauban.filters import Filter
from vauban.records import Modality
from vauban.results import Finding, Skipped
from vauban.simulation.found import finding_of, strongest_first
from vauban.simulation.hand import Attacker
from vauban.simulation.lengths import ACCOUNTS, LABELS, LENGTHS, Asked, Length
from vauban.simulation.loop import Watch, watch_nothing
from vauban.simulation.plays import Ended, Failed, Play, kept, try_all, try_one
from vauban.simulation.stage import Stage, evenly, set_stage
from vauban.system import System
from vauban.threat import Cell

_PLURAL = {Modality.TABULAR: "tables", Modality.TEXT: "messages"}


@dataclass(frozen=True)
class Campaigns:
    """What was found, what was not tried and why, and how it ended."""

    findings: tuple[Finding, ...] = ()
    out_of_scope: tuple[Skipped, ...] = ()
    incomplete: tuple[Skipped, ...] = ()
    threats: tuple[Mapping[str, Any], ...] = ()
    exit_code: int = ExitCode.DONE
    problem: str | None = None


@dataclass(frozen=True, eq=False)
class _Front:
    """A cell to be played: its stage, and who is tried in it."""

    cell: Cell
    stage: Stage
    entries: tuple[Entry, ...]
    asked: Asked

    @property
    def length(self) -> Length:
        return LENGTHS[self.asked.length]

    def play(self, line: Entry | None, gates: tuple[str, ...] = ()) -> Play:
        asked, who = self.asked, None
        if line is not None:
            queries = asked.queries if asked.grants & SCORE else 0
            grants = asked.grants & SCORE
            who = Attacker(line.name, line.make(), self.cell, self.length.share, ACCOUNTS, queries, grants)
        name = "clean" if who is None else "defended" if gates else "attacked"
        return Play(name, self.stage, who, LABELS, gates, asked.seed, self.cell, judged=who is not None)


@dataclass
class _Played:
    """What is played so far, by the file of the play."""

    ended: dict[str, Ended | Failed] = field(default_factory=dict)
    interrupted: bool = False

    def of(self, one: Play) -> Ended | None:
        got = self.ended.get(one.file)
        return got if isinstance(got, Ended) else None


def run_campaigns(
    system: System, asked: Asked, watch: Watch = watch_nothing, *, interrupted: bool = False
) -> Campaigns:
    """Play attacks on training against a system, and judge each by its fresh records.

    Interrupted by Ctrl-C, it returns what is finished; ``interrupted`` before, nothing is played.

    Raises:
        BadInput: an attack is unknown, or a kept play is another run's.
    """
    fronts, skipped = plan_campaigns(system, asked)
    played = _Played(interrupted=interrupted)
    try:
        if not interrupted:
            _play(fronts, asked, played, watch)
    except KeyboardInterrupt:
        played.interrupted = True
    found = [_found(front, line, played) for front in fronts for line in front.entries]
    findings = [f for f in found if isinstance(f, Finding)]
    incomplete = [f for f in found if isinstance(f, Skipped)]
    defect = next((e for e in played.ended.values() if isinstance(e, Failed) and e.defect), None)
    code = ExitCode.FAILED if defect else ExitCode.INCOMPLETE if incomplete else ExitCode.DONE
    problem = defect.problem if defect else incomplete[0].reason if incomplete else None
    threats = tuple(_described(system, front, findings) for front in fronts if front.entries)
    return Campaigns(tuple(findings), tuple(skipped), tuple(incomplete), threats, code, problem)


def plan_campaigns(system: System, asked: Asked) -> tuple[list[_Front], list[Skipped]]:
    """Return the cells to play, and what will not be tried, with the reason."""
    lines = list(CAUSATIVE.values()) if asked.attacks is None else [causative(n) for n in dict.fromkeys(asked.attacks)]
    fronts, skipped = [], []
    for cell in asked.cells:
        length = LENGTHS[asked.length]
        where = None if asked.where is None else Filter(asked.where)
        try:
            stage = set_stage(_shortened(system, length), length.rounds, None, where, cell.harmful, held=length.held)
        except BadInput as error:  # no trainer, too few records: of the system, not of what was asked
            skipped.append(Skipped(ALL_CAUSATIVE, cell.value, str(error).rstrip(".")))
            continue
        reasons = [(line, _why_not(line, cell, stage) or _left_out(line, asked)) for line in lines]
        skipped += [Skipped(line.name, cell.value, reason) for line, reason in reasons if reason is not None]
        fronts.append(_Front(cell, stage, tuple(line for line, reason in reasons if reason is None), asked))
    return fronts, skipped


def _why_not(line: Entry, cell: Cell, stage: Stage) -> str | None:
    made = line.make()
    if stage.schema.modality not in made.modalities:
        works = " and ".join(sorted(_PLURAL[m] for m in made.modalities))
        return f"it works on {works}, and the records are {_PLURAL[stage.schema.modality]}"
    if cell not in line.cells:
        return f"it exists for {', '.join(line.cells)} only"
    inapt = getattr(made, "inapt", None)
    reason: str | None = None if inapt is None else inapt(stage.schema, stage.known)
    return reason


def _left_out(line: Entry, asked: Asked) -> str | None:
    """Return why an attack that nobody named is left to the full length."""
    length = LENGTHS[asked.length]
    if asked.attacks is not None or length.variants:
        return None
    if line.name in length.slow:
        return "it thinks longer than all others together, which the short part leaves to --causative full or --attack"
    first = next(e for e in CAUSATIVE.values() if e.path == line.path and e.role == line.role)
    if first == line:
        return None
    return f"it is {first.name} with other settings, which the short part leaves to --causative full"


def _shortened(system: System, length: Length) -> System:
    """Return the system with as many records to train on as are played."""
    parts = system.parts
    train, known = evenly(parts.train, length.trained), evenly(parts.known, length.trained)
    return replace(system, parts=replace(parts, train=train, known=known))


def _play(fronts: Sequence[_Front], asked: Asked, played: _Played, watch: Watch) -> None:
    """Play what is not kept: clean first, then the attacks, then the strongest again behind each gate."""
    for front in fronts:
        if front.entries:
            played.ended[front.play(None).file] = _clean(front, asked, watch)
    _all([front.play(line) for front in fronts for line in front.entries], fronts, asked, played, watch)
    _all([one for front in fronts for one in _behind_gates(front, played)], fronts, asked, played, watch)


def _all(plays: list[Play], fronts: Sequence[_Front], asked: Asked, played: _Played, watch: Watch) -> None:
    clean = {front.cell: played.of(front.play(None)) for front in fronts}
    # Without a clean play of a cell there is nothing to judge its attacks by.
    armed = [replace(one, clean=c.model) for one in plays if (c := clean[one.cell]) is not None]
    for one, ended in zip(armed, try_all(armed, asked.folder, asked.jobs, watch), strict=True):
        played.ended[one.file] = ended


def _behind_gates(front: _Front, played: _Played) -> list[Play]:
    return [front.play(line, (gate,)) for line in _strongest(front, played) for gate in front.length.gates]


def _clean(front: _Front, asked: Asked, watch: Watch) -> Ended | Failed:
    """Return the clean play; with its last model, unless everything that it would judge is kept."""
    one = front.play(None)
    before = kept(one, asked.folder)
    if before is None:
        return try_one(one, asked.folder, lambda what, done, total: watch(one.title, done, total))  # noqa: ARG005
    attacks = [front.play(line) for line in front.entries]
    played = _Played({a.file: e for a in attacks if (e := kept(a, asked.folder)) is not None})
    if len(played.ended) == len(attacks) and all(kept(g, asked.folder) for g in _behind_gates(front, played)):
        return before
    # The model itself is not kept: it is trained again, as all follows from the seed.
    again = try_one(one, None, watch_nothing)
    return again if isinstance(again, Failed) else replace(before, model=again.model)


def _strongest(front: _Front, played: _Played) -> Iterator[Entry]:
    """Yield the attacks that are worth a gate: those that succeeded, the strongest first."""
    ended = [(line, played.of(front.play(line))) for line in front.entries if line.role == "attack"]
    yield from strongest_first([(line, e) for line, e in ended if e is not None])[: front.length.defended]


def _found(front: _Front, line: Entry, played: _Played) -> Finding | Skipped:
    """Return what an attack reached, or why it is not known."""
    plays = {"attacked": front.play(line)}
    if any(line == strong for strong in _strongest(front, played)):
        plays |= {gate: front.play(line, (gate,)) for gate in front.length.gates}
    needed = (front.play(None), *plays.values())
    failed = [e.problem for one in needed if isinstance(e := played.ended.get(one.file), Failed)]
    ended = {name: e for name, one in plays.items() if (e := played.of(one)) is not None}
    clean = played.of(front.play(None))
    if failed or clean is None or len(ended) < len(plays):
        reason = (
            failed[0] if failed else "interrupted before it finished" if played.interrupted else "it did not finish"
        )
        return Skipped(line.name, front.cell.value, reason)
    return finding_of(front.stage, front.cell, line, clean, ended, front.asked)


def _described(system: System, front: _Front, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return a threat for the report, with the same names as those of the exploratory part."""
    length, asked = front.length, front.asked
    mine = [f.victims for f in findings if f.cell == front.cell.value]
    return {
        "cell": front.cell.value,
        "specificity": "indiscriminate" if asked.where is None else "targeted",
        "where": asked.where,
        "attacker": f"whoever can have records collected for training: {ACCOUNTS} accounts, "
        f"{100 * length.share:.0f} % of what each of {length.rounds} rounds collects, or of what is stored",
        "grants": sorted({*(asked.grants & SCORE), *(w for line in front.entries for w in line.make().wants)}),
        "knows": f"public look-alikes (n = {len(front.stage.known.records)}); the training data, where he alters them",
        "budget": {"queries": None, "flagged": None, "scouting": asked.queries, "cost": None},
        "prices": "records",
        "victims": max(mine, default=0),
        "pool": len(front.stage.probes),
        "threshold": system.target.threshold,
        "training": {"rounds": length.rounds, "share": length.share, "labels": LABELS, "accounts": ACCOUNTS},
    }
