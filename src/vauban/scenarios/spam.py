"""Spam: a filter of messages. The attacker adds words; the harmful part of his message must survive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from vauban.contracts import Labelled
from vauban.datasets import Dataset, load
from vauban.datasets.duplicates import normalise
from vauban.scenarios.models import message_model
from vauban.schema import Price, TextSchema
from vauban.system import Economics, Part, Parts, System, split
from vauban.targets.refit import Refit
from vauban.targets.robinson_fisher import SPAM, UNSURE
from vauban.threat import Cell

PAIRS = "sms-evasion-pairs"
"""Victims that people rewrote by hand, of a filter that is trained on ``sms``."""

DATA = ("generated-spam", "sms", PAIRS, "enron", "youtube")

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
    removed = dict(loaded.removed)
    if data == PAIRS:
        parts, removed["of those trained on, in the pairs"] = in_pairs(loaded, seed)
    else:
        parts = split(loaded.frame, loaded.labels, seed)
    trainer = Refit(message_model(model, seed), schema, model, tuning=schema.encode(parts.tuning.frame))
    if model == "robinson-fisher":
        trainer = replace(trainer, threshold=SPAM, refer=UNSURE)
    target = trainer.fit(Labelled(schema.encode(parts.train.frame), parts.train.labels))
    about = {"name": data, "kind": "messages", "source": loaded.source, "removed": removed}
    return System("spam", target, parts, ECONOMICS, about, loaded.positive, trainer, loaded.rewritten)


def in_pairs(pairs: Dataset, seed: int) -> tuple[Parts, int]:
    """Return the parts of ``sms``, the originals of pairs in place of its harmful victims, and how many were left out.

    Messages of ``sms`` that are near duplicates of either side of a pair are left out of every part.
    """
    sms = load("sms")
    ours = {normalise(t) for original, made in pairs.rewritten.items() for t in (original, *made)}
    other = np.array([normalise(text) not in ours for text in sms.frame["text"]])
    parts = split(sms.frame[other], sms.labels[other], seed)
    good = parts.victims.take(parts.victims.labels == 0)
    originals = pairs.frame.set_axis(range(len(sms.frame), len(sms.frame) + len(pairs.frame)))
    victims = Part(pd.concat([originals, good.frame]), np.concatenate([pairs.labels, good.labels]))
    return replace(parts, victims=victims), int((~other).sum())
