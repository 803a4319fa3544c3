"""What to tell the board: one level, one sentence, a few figures."""

from __future__ import annotations

from collections.abc import Sequence

from vauban.results import Clean, Finding, Retraining, Skipped, Strongest, Verdict

LEVELS = ((0.5, "critical"), (0.2, "high"), (0.05, "moderate"), (0.0, "low"))
"""A cell's level is the first whose share the strongest attack's success reaches, by the lower end of its interval."""

_ORDER = ("low", "moderate", "high", "critical")


def give_verdict(
    findings: Sequence[Finding],
    strongest: Sequence[Strongest],
    clean: Clean,
    incomplete: Sequence[Skipped],
    harmful: str,
    queries: int,
) -> Verdict:
    """Return the verdict: that of the worst cell, undetermined where nothing was tried.

    A cell's figures are those of the attack that was chosen as its strongest, on the victims.
    """
    chosen = [(s, f) for s in strongest for f in findings if f.id == s.finding and f.cell == s.cell and f.victims]
    details = [_sentence(s, f, findings) for s, f in chosen]
    if clean.degenerate:
        details.insert(0, clean.degenerate + " Attack figures say little about such a model.")
    if incomplete:
        details.append(f"{len(incomplete)} planned {_count(len(incomplete), 'cell')} did not finish: see below.")
    if not chosen:
        return Verdict(
            "undetermined", "No attack was tried, so nothing is known of this model's security.", tuple(details)
        )
    worst = max((f for _, f in chosen), key=lambda f: (_ORDER.index(_level(f)), f.success_rate.value))
    level = "undetermined" if clean.degenerate else _level(worst)
    return Verdict(level, _headline(worst, harmful, queries, findings), tuple(details))


def _level(finding: Finding) -> str:
    return next(level for share, level in LEVELS if finding.success_rate.low >= share)


def _headline(f: Finding, harmful: str, queries: int, findings: Sequence[Finding]) -> str:
    share = f"{100 * f.success_rate.value:.0f} %"
    if f.retraining is not None:
        return _after_training(f, f.retraining, share, harmful)
    if f.cell == "EI":
        what = f"{share} of the harmful records ({harmful}) that this model blocks can be made to pass"
    else:
        what = f"{share} of the good records that this model passes can be made to be blocked"
    if not f.successes and _better(f, findings) is not None:
        return f"The attack chosen as the strongest got through for none of {f.victims} records, but others did."
    if not f.successes:
        return f"No attack tried got through within {queries:,} questions a victim."
    return f"{what}, by changes that cost the attacker {_cost(f)}."


def _after_training(f: Finding, played: Retraining, share: str, harmful: str) -> str:
    if not f.successes:
        return f"No attack tried got through, not even one on the training data in {played.rounds} rounds."
    if f.cell == "CI":
        what = f"{share} of fresh harmful records ({harmful}) that a cleanly retrained model blocks pass"
    else:
        what = f"{share} of fresh good records that a cleanly retrained model passes are blocked"
    return f"{what} once {100 * played.share:.0f} % of what {played.rounds} rounds collect is the attacker's."


def _cost(f: Finding) -> str:
    if f.cost.median == float("inf"):
        return "more than he can pay for most of them"
    return f"a median of {f.cost.median:.3g} {f.cost.unit}"


def _better(f: Finding, findings: Sequence[Finding]) -> Finding | None:
    """Return the attack of the same cell with the most successes, if it has more."""
    rivals = (g for g in findings if (g.cell, g.specificity, g.role) == (f.cell, f.specificity, "attack"))
    best = max(rivals, key=lambda g: g.successes, default=f)
    return best if best.successes > f.successes else None


def _chosen(s: Strongest, tried: int) -> str:
    if s.tuned_on is not None and s.chosen_on == "tuning set":
        return f"the strongest of {tried} {_count(tried, 'attack')} on {s.tuned_on.n} records apart"
    if tried == 1:
        return "the only attack tried"
    return f"the strongest of {tried} attacks on these records themselves ({s.why})"


def _sentence(s: Strongest, f: Finding, findings: Sequence[Finding]) -> str:
    r, tried = f.success_rate, sum(1 for g in findings if g.cell == f.cell and g.role == "attack")
    control = next((g for g in findings if g.cell == f.cell and g.role == "control"), None)
    start = f"{f.cell}: with {f.title.lower()}, {_chosen(s, tried)}, "
    interval = f"({100 * r.low:.0f} % to {100 * r.high:.0f} %)"
    if f.retraining is not None:
        return start + _retrained(f, f.retraining, interval, control)
    whom = "blocked harmful records pass" if f.cell == "EI" else "good records are blocked"
    text = f"{start}{f.successes} of {f.victims} {whom} {interval}, for {_cost(f)}"
    better = _better(f, findings)
    if better is not None:
        text += f"; on these records themselves {better.title.lower()} reached more, {better.successes}"
    if f.confirmation is not None:
        sure = f.confirmation
        text += f"; the model answers differently each time: each of these flipped in most of {sure.each} fresh answers"
    if control is not None:
        text += f"; without any attack {control.successes} of {control.victims} do"
    return text + "."


def _retrained(f: Finding, played: Retraining, interval: str, control: Finding | None) -> str:
    whom = "fresh harmful records pass" if f.cell == "CI" else "fresh good records are blocked"
    his = f"{played.sent} records sent" if played.sent else f"{played.altered} records altered"
    text = f"{f.successes} of {f.victims} {whom} {interval} after {played.rounds} rounds, for {his}"
    for gate, rate in played.probe_success.items():
        if gate not in ("clean", "attacked"):
            before = 100 * played.probe_success["attacked"].value
            text += f"; the gate {gate} brings his share of all probes from {before:.0f} to {100 * rate.value:.0f} %"
    if control is not None:
        text += f"; with {control.title.lower()}, the control, {control.successes} of {control.victims} do"
    return text + "."


def _count(n: int, noun: str) -> str:
    return noun if n == 1 else f"{noun}s"
