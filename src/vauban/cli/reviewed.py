"""What the terminal shows of a review. Attackers wrote some of it: it is shown without what a terminal would obey."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from vauban.errors import BadInput
from vauban.reports.hostile import clipped
from vauban.results import to_json
from vauban.review.deciding import of_record
from vauban.review.folder import ASIDE, DECIDED_AS, FILLED, TRAINING, Folder
from vauban.review.ranking import RANDOM
from vauban.review.standing import agreement, by_reason, counted, left, standing, taken_back
from vauban.store.repository import Store, Verdict

KEYS = {"p": "poison", "h": "honest-mistake", "c": "correct", "u": "unsure", "e": "escalate"}


def summary(folder: Folder) -> None:
    """Print what stands out in a review that was just made."""
    about = folder.about
    share = about["harmful"] / max(about["records"], 1)
    word = "labelled harmful" if about["review"] == TRAINING else "decided as harmful"
    said = [f"{about['data']}: {about['records']} records under review, {share:.1%} {word}."]
    beside = [f"{about['trusted']} verified records" if about["trusted"] else "", about["approved"] or ""]
    said.append(f"Beside them: {', '.join(x for x in beside if x) or 'nothing verified, and no approved model'}.")
    said += [*about["notes"], *about["hygiene"]]
    said += [f"[{name}] {line}" for name, lines in about["findings"].items() for line in lines[:5]]
    if not about["findings"]:
        said.append(
            "Nothing stands out that chance would not bring. How much may be hidden: look at those drawn by lot."
        )
    for line in said:
        click.echo(clipped(line, 600))
    for skipped in to_json(about["not_looked_for"]):
        click.echo(clipped(f"Not looked for: {skipped['attack']}, since {skipped['reason']}.", 300))
    click.echo(f"\nWhat to look at, in order: {folder.path / 'queue.csv'}")
    click.echo(f"Then: vauban review next {folder.path}, decide, status, export")


def show_next(folder: Folder, given: Sequence[Verdict], count: int) -> None:
    """Print the records to look at next."""
    ranking = folder.ranking(list(given))
    for _ in range(count):
        look = ranking.next()
        if look is None:
            click.echo("Everything was looked at.")
            return
        ranking.pass_over(look.row)
        _show(folder.line(look.row, look.reason))


def _show(line: dict[str, Any]) -> None:
    many = f", one of {line['size']} nearly identical ones" if line["size"] > 1 else ""
    click.echo(f"\nRecord {clipped(str(line['record']), 80)} ({line['reason']}, {line['band']}{many})")
    said = line["given_label"]
    word = said if said in DECIDED_AS else f"labelled {said}"
    click.echo(f"  {word}; why: {clipped(line['why'], 500)}")
    fields = {k: v for k, v in line.items() if k not in (*ASIDE, *FILLED, "source", "time")}
    for name, value in list(fields.items())[:40]:
        click.echo(f"  {clipped(str(name), 60)}: {clipped(str(value), 600)}")


def ask_for(folder: Folder, store: Store, count: int, reviewer: str, role: str) -> None:
    """Show records one by one and take a verdict on each by a key; every one is kept at once."""
    click.echo("p poison, h honest mistake, c correct, u unsure, e escalate, z undo, Enter skip, q quit")
    ranking = folder.ranking(store.verdicts())
    for _ in range(count):
        look = ranking.next()
        if look is None:
            click.echo("Everything was looked at.")
            return
        line = folder.line(look.row, look.reason)
        _show(line)
        key = click.getchar().lower()
        if key == "q":
            return
        if key == "z":
            try:
                undone = taken_back(store.verdicts(), reviewer, role)
            except BadInput as nothing:
                click.echo(str(nothing))
                continue
            store.add([undone])
            click.echo(f"taken back: the verdict on record {undone.record}")
            ranking = folder.ranking(store.verdicts())
        elif key in KEYS:
            store.add([of_record(folder, str(line["record"]), KEYS[key], reviewer, role, "", look.reason)])
            click.echo(KEYS[key])
            ranking.tell(look.row, look.reason, KEYS[key] == "poison")
        else:
            ranking.pass_over(look.row)


def show_status(folder: Folder, given: Sequence[Verdict], as_json: bool) -> bool:
    """Print how far a review is; return whether something waits for a person."""
    stands = standing(given)
    held = {record: s for record, s in stands.items() if s.state == "held"}
    budget = folder.budget
    looked = len(counted(given))
    rest = left(given, RANDOM)
    waits = folder.waits(given)
    states = {name: sum(s.state == name for s in stands.values()) for name in ("poison", "mistake", "correct", "held")}
    if as_json:
        found = {
            "looked_at": looked,
            "budget": budget,
            "states": states,
            "by_reason": {k: {"poison": h, "looked_at": n} for k, (h, n) in by_reason(given).items()},
            "left": rest,
            "agreement": agreement(given),
            "held": {r: s.why for r, s in held.items()},
            "needs_a_person": waits,
        }
        click.echo(json.dumps(to_json(found), indent=1, ensure_ascii=False))
        return waits
    click.echo(f"{looked} of {budget} records looked at: " + ", ".join(f"{n} {k}" for k, n in states.items()) + ".")
    for reason, (hits, n) in sorted(by_reason(given).items(), key=lambda item: -item[1][0]):
        click.echo(f"  {reason}: {hits} of {n} poison")
    if rest.n:
        click.echo(
            f"Drawn by lot: {rest.hits} of {rest.n} poison; of what is left, at most {rest.high:.1%} is "
            "(95 % confidence)."
        )
    else:
        click.echo("No record that was drawn by lot was looked at: nothing can be said of how much is left.")
    for a in agreement(given):
        click.echo(f"{clipped(a.one, 40)} and {clipped(a.other, 40)} agree: kappa {a.kappa:.2f} (n = {a.n})")
    for record, s in list(held.items())[:20]:
        click.echo(f"Waits: record {clipped(record, 60)}: {s.why}")
    return waits
