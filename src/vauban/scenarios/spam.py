"""Spam: a filter of messages. The attacker adds words; the harmful part of his message must survive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vauban.contracts import Labelled
from vauban.datasets import load
from vauban.scenarios.models import message_model
from vauban.schema import Price, TextSchema
from vauban.system import Economics, System, split
from vauban.targets.refit import Refit
from vauban.targets.robinson_fisher import SPAM, UNSURE
from vauban.threat import Cell

DATA = ("generated-spam", "sms", "enron", "youtube")

ATTACKER = {
    Cell.EI: "a spammer who wants his message delivered and reads from his own mailboxes whether it was",
    Cell.EA: "somebody who wants good messages blocked and can add words to them: a quoted line, a signature, a footer",
}

PRICES: Mapping[Cell, Mapping[str, Price]] = {Cell.EA: {"text": Price(up=1.0)}}
"""The spammer writes his message himself; who attacks somebody else's can only add words to it."""

SEGMENTS = 306
"""Two segments of a concatenated SMS: 153 characters each (3GPP TS 23.040)."""

LONGEST = {"enron": None, "youtube": 10_000}
"""Characters that a mail, or a comment on YouTube, may have."""

ECONOMICS = Economics(
    "EUR",
    miss=0.05,
    block=1.0,
    gain=0.05,
    unit=0.001,
    note="Assumed: a minute of a reader's time a miss, a lost message a wrong block.",
)


def build(data: str, model: str, seed: int) -> System:
    """Return a filter trained on messages, at the threshold that it was trained for."""
    loaded = load(data, seed=seed) if data == "generated-spam" else load(data)
    schema = TextSchema(longest=LONGEST.get(data, SEGMENTS))
    parts = split(loaded.frame, loaded.labels, seed)
    tuning = schema.encode(parts.tuning.frame)
    trainer = Refit(message_model(model, seed), schema, model, tuning=tuning)
    if model == "robinson-fisher":
        trainer = replace(trainer, threshold=SPAM, refer=UNSURE)
    target = trainer.fit(Labelled(schema.encode(parts.train.frame), parts.train.labels))
    about = {"name": data, "kind": "messages", "source": loaded.source, "removed": dict(loaded.removed)}
    return System("spam", target, parts, ECONOMICS, about, loaded.positive, trainer)
