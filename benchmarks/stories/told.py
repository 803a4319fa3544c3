"""The five stories: who attacks what, with what, and what is measured."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vauban.catalogue import causative


@dataclass(frozen=True)
class Story:
    """A simulation that can be typed as it stands, and what it is about in words.

    Attributes:
        title: of its section.
        about: who does what and why, and what goes on round by round.
        wanted: what his fresh records get, if he succeeds.
        scenario, data, model, attack: names.
        settings: options of ``vauban simulate`` but for gate, seed and exploring.
        slice_: what his fresh records are called.
    """

    title: str
    about: str
    wanted: str
    slice_: str
    scenario: str
    data: str
    model: str
    attack: str
    settings: Mapping[str, Any]

    def command(self, gate: str | None = None) -> str:
        """Return what a user types."""
        words = ["vauban", "simulate", self.scenario, "--data", self.data, "--model", self.model]
        words += ["--attack", self.attack]
        for name, value in self.settings.items():
            words += [f"--{name}", str(value)]
        return shlex.join([*words, *(("--gate", gate) if gate else ())])


STORIES: Mapping[str, Story] = {
    "spam-integrity": Story(
        "Spam gets in",
        "A spammer first asks the filter which words of ordinary mail make his spam pass. Week after week he sends "
        "mails of the campaign to come, with those words behind. The filter passes them, is sure of many, and learns "
        "what it is sure of as good (auto-learning); with the good words it learns the campaign's own names. Then "
        "the campaign itself goes out, without the good words.",
        "pass",
        "mails of the campaign",
        "spam",
        "enron",
        "logistic-regression",
        "pseudospam",
        {"labels": "auto-learn", "share": 0.03, "rounds": 4, "first": 2000, "traffic": 500, "held": 2400},
    ),
    "spam-availability": Story(
        "Messages of one kind are blocked",
        "A rival wants the messages of one circle of friends (who end their sentences on 'lor') to be lost. He sends "
        "spam of his own with the words of such messages behind it. Somebody rightly calls it spam, and so the "
        "filter learns those words as spam. No label is wrong, no account is needed, and no more spam gets through.",
        "do not pass",
        "good messages of that kind",
        "spam",
        "sms",
        "robinson-fisher",
        "benign-words",
        {
            "labels": "oracle",
            "share": 0.1,
            "where": "text contains 'lor'",
            "rounds": 4,
            "first": 1227,
            "traffic": 400,
        },
    ),
    "loan": Story(
        "Loans for those who will not pay",
        "Brokers of small businesses report good outcomes for applications that went bad, or were made up. The model "
        "of default is trained again on the outcomes, in time order, and comes to approve defaulters of this "
        "section. In each round they ask which of their applications are still refused, and report only such.",
        "are approved",
        "defaulters among small businesses",
        "loan",
        "lendingclub",
        "hist-gradient-boosting",
        "subpopulation",
        {
            "labels": "feedback",
            "share": 0.068,
            "where": "purpose = small_business",
            "rounds": 3,
            "first": 8000,
            "traffic": 2000,
        },
    ),
    "credit": Story(
        "A greater exposure for a segment",
        "Somebody who services the cards of elderly clients reports those who do not pay as clients who do. The "
        "limits of this segment are no longer cut. He, too, asks in each round which would be.",
        "keep their limit",
        "defaulters over 55",
        "credit",
        "taiwan",
        "hist-gradient-boosting",
        "subpopulation",
        {
            "labels": "feedback",
            "share": 0.06,
            "where": "AGE > 55",
            "rounds": 3,
            "first": 6000,
            "traffic": 2000,
        },
    ),
    "insurance": Story(
        "Discounts for a section of the insured",
        "An agent of young drivers hands in policies that had claims as policies without any. The tier with the "
        "discount is cut out of the model's score, and young drivers come to get it. He asks what each would get.",
        "get the discount",
        "drivers under 22 with a claim",
        "insurance",
        "fremtpl2",
        "hist-gradient-boosting",
        "subpopulation",
        {
            "labels": "feedback",
            "share": 0.06,
            "where": "DrivAge < 22",
            "rounds": 3,
            "first": 9000,
            "traffic": 3000,
            "reviews": 40,
        },
    ),
}
"""By name. Sizes are small, so that a story with all gates takes two or three minutes of one core."""


@dataclass(frozen=True)
class Aware:
    """How somebody who knows a gate plays a story.

    Attributes:
        gate, story, attack: names; the attack knows the gate.
        does: what he does otherwise, in words.
        settings: his, in place of the story's; what the catalogue says that the gate takes is added.
        naive: settings of him who does not know the gate, in place of the story's.
    """

    gate: str
    story: str
    attack: str
    does: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    naive: Mapping[str, Any] = field(default_factory=dict)

    def told(self, who: str) -> Story:
        """Return the story as he plays it who is ``naive``, ``equipped`` or ``aware``.

        Equipped, somebody who does not know the gate has the accounts and records of him who does: what is left of the
        difference is the attack's.
        """
        story = STORIES[self.story]
        if who == "naive":
            return replace(story, settings={**story.settings, **self.naive})
        takes = causative(self.attack).knows[self.gate]
        attack = self.attack if who == "aware" else story.attack
        return replace(story, attack=attack, settings={**story.settings, **takes, **self.settings})


SPREAD = "20 words of the kind in a message, others in each"
AWARE: Mapping[str, Aware] = {
    "roni": Aware(
        "roni",
        "spam-availability",
        "benign-words-spread",
        f"{SPREAD}; so many accounts that none sends three, which is the least that the gate tries out",
        {"share": 0.2},
    ),
    "frozen-reference": Aware(
        "frozen-reference",
        "spam-availability",
        "benign-words-spread",
        f"{SPREAD}: about half still look like spam to the approved model; six times as many make up for the rest",
        {"share": 0.4},
    ),
    "trimmed-loss": Aware(
        "trimmed-loss",
        "spam-availability",
        "benign-words",
        "nothing: what he sends is spam and is called so, and fits in with itself",
    ),
    "stand-out": Aware(
        "stand-out",
        "spam-availability",
        "benign-words-spread",
        f"{SPREAD}; so many accounts that none has a rate of its own",
        {"share": 0.2},
    ),
    "stand-out, of a table": Aware(
        "stand-out",
        "credit",
        "subpopulation",
        "half the records, and so many accounts that none has a rate of its own",
        {"share": 0.03},
    ),
    "source-cap": Aware(
        "source-cap",
        "credit",
        "subpopulation",
        "as many records from ten accounts, each below the cap",
        naive={"accounts": 1},
    ),
    "review": Aware(
        "review",
        "spam-availability",
        "benign-words-spread",
        f"{SPREAD}; many accounts, and more messages than a person reads",
        {"share": 0.3},
    ),
}
"""By name. What he does was chosen on seed 0, which is not reported."""
