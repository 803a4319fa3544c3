"""The retrain gate: may this candidate replace the incumbent, and may this batch be trained on?

Each check says hold or not, with its evidence. What only chance would have to explain is corrected for how much was
looked at (Holm 1979), so that sound retrainings pass: all checks together hold one wrongly in at most 5 of 100.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vauban.assurance.siege import MARGIN_OF_SIEGE, Sally, Siege
from vauban.assurance.suites import Cases, replay
from vauban.contracts import LABEL, Labelled, Target
from vauban.errors import BadInput
from vauban.monitors.changes import together
from vauban.monitors.dossier import Dossier, Signal
from vauban.monitors.moved import MARGIN, MARGIN_OF_SLICE
from vauban.monitors.slices import LEAST, Change, Sections, shifts, unlikely
from vauban.monitors.view import View
from vauban.records import Mask
from vauban.results import to_json
from vauban.schema import Schema
from vauban.threat import Decision

LEVEL = 0.02
"""How often each of the statistical checks, classes, slices and siege, holds a sound candidate at most."""
SHOWN = 5


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of the check.
        holds: whether it speaks against going on; None where it was not done.
        evidence: what was seen, or why it was not done.
    """

    name: str
    holds: bool | None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class GateResult:
    """The gate's answer: ``candidate`` deploy or hold, ``batch`` train, hold or quarantine, or None.

    ``siege`` has the figures of every attack; None where there was none.
    """

    candidate: str
    batch: str | None
    checks: tuple[Check, ...]
    rollback: Mapping[str, Any] = field(default_factory=dict)
    siege: Siege | None = None

    @property
    def goes_on(self) -> bool:
        """Whether nothing needs a person."""
        return self.candidate == "deploy" and self.batch in (None, "train")


def decide(
    candidate: Target,
    incumbent: Target,
    trusted: Labelled,
    schema: Schema,
    *,
    kept: Sequence[Cases] = (),
    batch: Dossier | None = None,
    signals: Mapping[str, Signal] | None = None,
    waits: Sequence[str] = (),
    siege: Siege | None = None,
    rollback: Mapping[str, Any] | None = None,
) -> GateResult:
    """Return whether a candidate may be deployed, and whether a batch may be trained on.

    Args:
        candidate: the retrained model.
        incumbent: the one in use.
        trusted: verified records that neither was trained on.
        schema: of the records.
        kept: analysts' suites and kept failures.
        batch: what would be trained on next.
        signals: what detectors say of the batch.
        waits: what reviews still have open, in words.
        siege: of both models; None where there was none.
        rollback: where the incumbent is to be found again.

    Raises:
        BadInput: there are no trusted records of a class.
        TargetError: a model fails.
    """
    if len(np.unique(trusted.labels)) < 2:
        raise BadInput("The trusted records must be of both classes: good and harmful ones. Name others.")
    new, old = (m.answer(trusted.records, LABEL).decisions for m in (candidate, incumbent))
    checks = [
        _threshold(candidate, incumbent, new, old, trusted.labels),
        _classes(new, old, trusted.labels),
        _slices(new, old, trusted, schema),
        _kept(candidate, incumbent, kept),
        _siege(siege),
    ]
    if waits:
        checks.append(Check("open verdicts", True, tuple(waits)))
    verdict = None
    if batch is not None:
        found = [_batch(signals or {}), _moved(candidate, incumbent, batch)]
        checks += found
        verdict = "quarantine" if found[0].holds else "hold" if found[1].holds or waits else "train"
    answer = "hold" if any(c.holds for c in checks) else "deploy"
    return GateResult(answer, verdict, tuple(checks), rollback or {}, siege)


def _wrong(decisions: NDArray[np.int8], labels: NDArray[np.int8]) -> Mask:
    return np.asarray(np.where(labels == 1, decisions == Decision.PASS, decisions != Decision.PASS))


def _threshold(
    candidate: Target, incumbent: Target, new: NDArray[np.int8], old: NDArray[np.int8], labels: NDArray[np.int8]
) -> Check:
    """Hold a threshold that was moved: that is somebody's decision, not what a model learnt."""
    one, two = float(incumbent.threshold), float(candidate.threshold)
    if one == two:
        return Check("threshold", False, (f"the same, {one:g}",))
    passes = int(((new == Decision.PASS) & (old != Decision.PASS) & (labels == 1)).sum())
    blocked = int(((new != Decision.PASS) & (old == Decision.PASS) & (labels == 0)).sum())
    line = f"moved from {one:g} to {two:g}: {passes} more harmful trusted records pass, {blocked} more good ones do not"
    return Check("threshold", True, (line,))


def _classes(new: NDArray[np.int8], old: NDArray[np.int8], labels: NDArray[np.int8]) -> Check:
    """Hold a candidate that is worse on a class of trusted records: McNemar's exact test, Holm over the two."""
    wrong_new, wrong_old = _wrong(new, labels), _wrong(old, labels)
    lines, chances = [], []
    for label, what in ((1, "harmful records that pass"), (0, "good records that do not pass")):
        mine = labels == label
        worse, better = int((wrong_new & ~wrong_old & mine).sum()), int((wrong_old & ~wrong_new & mine).sum())
        chances.append(float(unlikely(worse, better, int(mine.sum()) * MARGIN)))
        lines.append(
            f"{what}: {int((wrong_new & mine).sum())} with the candidate, {int((wrong_old & mine).sum())} with the "
            f"incumbent, of {int(mine.sum())} ({worse} new, {better} gone)"
        )
    return Check("classes", bool(min(chances) * 2 <= LEVEL), tuple(lines))


def _slices(new: NDArray[np.int8], old: NDArray[np.int8], trusted: Labelled, schema: Schema) -> Check:
    """Hold a candidate that is worse on a value, a section or a word: found, not listed; Holm over all looked at."""
    wrong_new, wrong_old = _wrong(new, trusted.labels), _wrong(old, trusted.labels)
    view = View.of(trusted.records, schema)
    traits, names, owners = (view.traits, view.names, view.columns) if view.dense is None else view.sections()
    margins = np.full(len(names), MARGIN_OF_SLICE)
    sections = Sections(lambda rows: traits[rows], names, owners, margins, len(trusted))
    changes = [
        Change(what, mine, wrong_new & ~wrong_old & mine, wrong_old & ~wrong_new & mine)
        for mine, what in (
            (trusted.labels == 1, "harmful records pass"),
            (trusted.labels == 0, "good records do not pass"),
        )
    ]
    found, tested = shifts(sections, changes)
    over = [s.told(changes[s.change].what) for s in found if s.chance <= LEVEL]
    seen = over[:SHOWN] or [f"no slice of {tested} that changed is worse than chance allows"]
    return Check("slices", bool(over), tuple(seen))


def _kept(candidate: Target, incumbent: Target, kept: Sequence[Cases]) -> Check:
    """Hold a candidate that fails a critical case, or one that the incumbent does not fail."""
    if not any(len(k) for k in kept):
        return Check("suites and kept failures", None, ("none is given: --suite, --corpus",))
    right, failures = replay(candidate, kept)
    before, _ = replay(incumbent, kept)
    fresh = int((~right & before).sum())
    grave = [f for f in failures if f.severity == "critical"]
    lines = [f"{int(right.sum())} of {len(right)} as expected; {fresh} fail that the incumbent decides as expected"]
    lines += [
        f"{f.source}, case {f.row}: expected {f.expected}, got {f.got}" + (f": {f.reason}" if f.reason else "")
        for f in failures[:SHOWN]
    ]
    return Check("suites and kept failures", bool(fresh or grave), tuple(lines))


def _siege(siege: Siege | None) -> Check:
    """Hold a candidate that is easier to evade: McNemar's exact test on the same victims, Holm over the attacks."""
    if siege is None:
        return Check("siege", None, ("switched off: --siege off",))
    if not siege.pool:
        return Check("siege", None, ("no harmful trusted record is blocked by both models: there is no victim",))
    if not siege.sallies:
        return Check("siege", None, ("no attack can be tried on these records",))
    over = [s for s in siege.sallies if s.chance <= LEVEL]
    lines = [_told(s) for s in over[:SHOWN]] or [
        f"with none of {len(siege.sallies)} attacks are more of {siege.victims} victims easier to evade than chance "
        f"and {100 * MARGIN_OF_SIEGE:.0f} points explain; the nearest: {_told(siege.sallies[0])}"
    ]
    return Check("siege", bool(over), tuple(lines))


def _told(sally: Sally) -> str:
    n = sally.candidate.n
    new, old = (round(rate.value * n) for rate in (sally.candidate, sally.incumbent))
    what = f": {'; '.join(sally.decisive)}" if sally.decisive else ""
    return (
        f"{sally.attack}: {sally.worse} of {n} victims are easier to evade with the candidate, {sally.better} with the "
        f"incumbent; {new} and {old} are evaded, for a median of {sally.candidate_cost:.3g} and "
        f"{sally.incumbent_cost:.3g}{what}"
    )


def _batch(signals: Mapping[str, Signal]) -> Check:
    """Quarantine a batch in which something stands out that chance would not bring."""
    lines = [f"{name}: {line}" for name, signal in signals.items() for line in signal.alarm[:SHOWN]]
    return Check("batch", bool(lines), tuple(lines) or ("nothing stands out that chance would not bring",))


def _moved(candidate: Target, incumbent: Target, batch: Dossier) -> Check:
    """Hold a candidate whose changes of mind are about near-identical records: it learnt them by heart."""
    new, old = (m.answer(batch.records, LABEL).decisions for m in (candidate, incumbent))
    changed = np.flatnonzero((new == Decision.PASS) & (old != Decision.PASS))
    if len(changed) < LEAST:
        return Check("changes of mind", False, (f"{len(changed)} records of the batch pass that did not",))
    mask = np.zeros(len(batch), dtype=bool)
    mask[changed] = True
    lines = [
        f"{count} of {size} nearly identical records pass with the candidate that did not, "
        f"against {100 * mask.mean():.1f} % of the batch"
        for _, count, size, _ in zip(*together(mask, batch.family, LEVEL / 10), strict=True)
    ][:SHOWN]
    return Check("changes of mind", bool(lines), tuple(lines) or (f"{len(changed)} of {len(batch)}, of all kinds",))


def record(result: GateResult, about: Mapping[str, Any], secret: bytes | None) -> dict[str, Any]:
    """Return the gate's record: its answer and evidence, the hash, and an HMAC where there is a secret."""
    body = {**about, **to_json(result)}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False).encode()
    sealed = {**body, "sha256": hashlib.sha256(text).hexdigest()}
    if secret is not None:
        sealed["hmac_sha256"] = hmac.new(secret, text, hashlib.sha256).hexdigest()
    return sealed
