"""The catalogue: every attack and explorer by name. One new file and one line here add one; contract suites cover it.

Tags are public ids: MITRE ATLAS techniques (AML.T…), NIST AI 100-2e2025 (NISTAML.…), OWASP Machine Learning Security
Top 10 (ML…). They are labels on our cells, which stay the primary name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from vauban.contracts import Attack, Explorer
from vauban.errors import unknown
from vauban.threat import Cell

BLACK_BOX = ("AML.T0040", "AML.T0043.001", "AML.T0042", "AML.T0015", "NISTAML.025", "ML01:2023")
WHITE_BOX = ("AML.T0044", "AML.T0043.000", "AML.T0015", "NISTAML.022", "ML01:2023")
TRANSFER = ("AML.T0005.001", "AML.T0043.002", "AML.T0040", "AML.T0015", "NISTAML.025", "ML01:2023")
BY_HAND = ("AML.T0047", "AML.T0043.003", "AML.T0015", "NISTAML.025", "ML01:2023")
CHAFF = ("AML.T0046", "AML.T0031", "AML.T0048.000", "NISTAML.01", "ML01:2023")
LABELS = ("AML.T0020", "AML.T0059", "NISTAML.013", "ML02:2023")
SKEW = ("AML.T0020", "AML.T0031", "AML.T0021", "NISTAML.024", "ML08:2023")
STORE = ("AML.T0020", "AML.T0059", "NISTAML.024", "ML02:2023")
TARGET = ("AML.T0020", "NISTAML.024", "ML02:2023")
BACKDOOR = ("AML.T0020", "AML.T0018", "NISTAML.023", "ML10:2023")
PROBING = ("AML.T0006", "AML.T0040", "AML.T0013", "AML.T0063", "ML05:2023")


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue.

    Attributes:
        name: what users call it.
        path: ``module:class``; the class is imported only when it is used.
        role: ``attack``, ``control`` (must fail), ``baseline`` (to beat) or ``explorer``.
        tags: public ids in integrity cells; availability cells carry `CHAFF`.
        parameters: what the class is constructed with.
        cells: the cells that it can be tried in.
        alternatives: other parameters, each in place of some of ``parameters``; an audit uses those that do best on
            its tuning set.
        knows: gates that an attack on training is made to get past, each with the settings of `vauban simulate` that
            this takes. He knows how the gate works, and sees nothing of what it does.
    """

    name: str
    path: str
    role: str = "attack"
    tags: tuple[str, ...] = BLACK_BOX
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cells: tuple[Cell, ...] = (Cell.EI, Cell.EA)
    alternatives: tuple[Mapping[str, Any], ...] = ()
    knows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def make(self) -> Any:
        """Return the attack or explorer itself."""
        module, _, name = self.path.partition(":")
        return getattr(import_module(module), name)(**self.parameters)

    def tags_in(self, cell: Cell) -> tuple[str, ...]:
        """Return the public ids of this attack in a cell."""
        return CHAFF if self.role != "explorer" and cell is Cell.EA else self.tags


_ENTRIES = (
    Entry("do-nothing", "vauban.exploratory.do_nothing:DoNothing", role="control"),
    Entry("random-search", "vauban.exploratory.random_search:RandomSearch", role="baseline"),
    Entry("good-words", "vauban.exploratory.good_words:GoodWords"),
    Entry("good-words-first-n", "vauban.exploratory.good_words:GoodWords", parameters={"mode": "first-n"}),
    Entry("good-words-passive", "vauban.exploratory.good_words:GoodWords", parameters={"mode": "passive"}),
    Entry("random-edits", "vauban.exploratory.random_edits:RandomEdits", role="baseline"),
    Entry("obfuscation", "vauban.exploratory.obfuscation:Obfuscation"),
    Entry("character-substitution", "vauban.exploratory.character_substitution:CharacterSubstitution"),
    Entry("word-substitution", "vauban.exploratory.word_substitution:WordSubstitution", cells=(Cell.EI,)),
    Entry("human-evasions", "vauban.exploratory.human_evasions:HumanEvasions", tags=BY_HAND, cells=(Cell.EI,)),
    Entry("chaff", "vauban.exploratory.chaff:Chaff", cells=(Cell.EA,)),
    Entry("donor-bisection", "vauban.exploratory.donor_bisection:DonorBisection"),
    Entry("block-search", "vauban.exploratory.block_search:BlockSearch"),
    Entry("transfer", "vauban.exploratory.surrogate:Surrogate", tags=TRANSFER, parameters={"asks": False}),
    Entry("surrogate", "vauban.exploratory.surrogate:Surrogate", tags=TRANSFER),
    Entry("greedy-search", "vauban.exploratory.greedy_search:GreedySearch"),
    Entry("evolution", "vauban.exploratory.evolution:Evolution"),
    Entry("linear-optimum", "vauban.exploratory.linear_optimum:LinearOptimum", tags=WHITE_BOX),
    Entry("probing", "vauban.exploratory.probing:Probing", role="explorer", tags=PROBING),
)

_CAUSATIVE = (
    Entry("random-flips", "vauban.causative.flips:Flips", "control", LABELS, {"far": False}, (Cell.CA, Cell.CI)),
    Entry("far-flips", "vauban.causative.flips:Flips", "attack", LABELS, {}, (Cell.CA, Cell.CI)),
    Entry("greedy-flips", "vauban.causative.greedy_flips:GreedyFlips", "attack", LABELS, {}, (Cell.CA, Cell.CI)),
    Entry(
        "greedy-labels",
        "vauban.causative.greedy_flips:GreedyFlips",
        "attack",
        SKEW,
        {"sends": True},
        (Cell.CA, Cell.CI),
    ),
    Entry("targeted-flips", "vauban.causative.targeted_flips:TargetedFlips", "attack", LABELS, {}, (Cell.CI, Cell.CA)),
    Entry("insider-edits", "vauban.causative.insider_edits:InsiderEdits", "attack", STORE, {}, (Cell.CI, Cell.CA)),
    Entry("deletion", "vauban.causative.deletion:Deletion", "attack", STORE, {}, (Cell.CI, Cell.CA)),
    Entry("near-record", "vauban.causative.near_record:NearRecord", "attack", TARGET, {}, (Cell.CI, Cell.CA)),
    Entry("focused", "vauban.causative.focused:Focused", "attack", TARGET, {}, (Cell.CA,)),
    Entry("dictionary", "vauban.causative.dictionary:Dictionary", "attack", LABELS, {}, (Cell.CA,)),
    Entry("pseudospam", "vauban.causative.pseudospam:Pseudospam", "attack", SKEW, {}, (Cell.CI,)),
    Entry("boiling-frog", "vauban.causative.pseudospam:Pseudospam", "attack", SKEW, {"gradual": True}, (Cell.CI,)),
    Entry(
        "benign-words",
        "vauban.causative.benign_words:BenignWords",
        "attack",
        SKEW,
        {},
        (Cell.CA,),
        knows={"trimmed-loss": {}},
    ),
    Entry(
        "benign-words-spread",
        "vauban.causative.benign_words:BenignWords",
        "attack",
        SKEW,
        {"spread": 20},
        (Cell.CA,),
        knows={
            "roni": {"accounts": 100},
            "frozen-reference": {},
            "stand-out": {"accounts": 100},
            "review": {"accounts": 100},
        },
    ),
    Entry("backdoor", "vauban.causative.backdoor:Backdoor", "attack", BACKDOOR, {}, (Cell.CI,)),
    Entry("insertion", "vauban.causative.insertion:Insertion", "attack", SKEW, {}, (Cell.CA, Cell.CI)),
    Entry(
        "concentrated",
        "vauban.causative.insertion:Insertion",
        "attack",
        SKEW,
        {"distinct": 4, "inside": 0.95},
        (Cell.CA, Cell.CI),
    ),
    Entry(
        "subpopulation",
        "vauban.causative.subpopulation:Subpopulation",
        "attack",
        TARGET,
        {},
        (Cell.CI, Cell.CA),
        knows={"source-cap": {"accounts": 10}, "stand-out": {"accounts": 100}},
    ),
)

CAUSATIVE: Mapping[str, Entry] = {e.name: e for e in _CAUSATIVE}
"""Attacks on training, by name: what `vauban simulate` plays."""

GATES: Mapping[str, Entry] = {
    e.name: e
    for e in (
        Entry("roni", "vauban.monitors.roni:Roni", "gate"),
        Entry("frozen-reference", "vauban.monitors.frozen_reference:FrozenReference", "gate"),
        Entry("trimmed-loss", "vauban.monitors.trimmed_loss:TrimmedLoss", "gate"),
        Entry("stand-out", "vauban.monitors.stand_out:StandOut", "gate"),
        Entry("source-cap", "vauban.monitors.source_cap:SourceCap", "gate"),
        Entry("review", "vauban.review.gate:Review", "gate"),
    )
}
"""Gates that screen what is trained on, by name."""

DETECTORS: Mapping[str, Entry] = {
    e.name: e
    for e in (
        Entry("copies", "vauban.monitors.copies:Copies", "detector"),
        Entry("trusted", "vauban.monitors.disagreement:TrustedDisagreement", "detector"),
        Entry("approved", "vauban.monitors.disagreement:ApprovedDisagreement", "detector"),
        Entry("label", "vauban.monitors.disagreement:LabelDisagreement", "detector"),
        Entry("label-by-source", "vauban.monitors.disagreement:LabelDisagreement", "detector", (), {"apart": "source"}),
        Entry("label-by-batch", "vauban.monitors.disagreement:LabelDisagreement", "detector", (), {"apart": "batch"}),
        Entry("neighbours", "vauban.monitors.disagreement:NeighbourDisagreement", "detector"),
        Entry("trigger", "vauban.monitors.triggers:Triggers", "detector"),
        Entry("phrase", "vauban.monitors.phrases:Phrases", "detector"),
        Entry("combination", "vauban.monitors.segments:Combinations", "detector"),
        Entry("segment", "vauban.monitors.segments:Segments", "detector"),
        Entry("influx", "vauban.monitors.influx:Influx", "detector"),
        Entry("source", "vauban.monitors.arrivals:Arrivals", "detector"),
        Entry("batch", "vauban.monitors.arrivals:Arrivals", "detector", (), {"by": "batch"}),
        Entry("shape", "vauban.monitors.shape:Shape", "detector"),
        Entry("influence", "vauban.monitors.influence:Influence", "detector"),
    )
}
"""What a review of training data looks for, by name: each is a queue of its own."""

PREDICTIONS: Mapping[str, Entry] = {
    e.name: e
    for e in (
        Entry("changed", "vauban.monitors.changes:Changed", "detector"),
        Entry("slice", "vauban.monitors.moved:Moved", "detector"),
        Entry("score-slice", "vauban.monitors.score_slices:ScoreSlices", "detector"),
        Entry("taught", "vauban.monitors.taught:Taught", "detector"),
        Entry("unlike", "vauban.monitors.unlike:Unlike", "detector"),
        Entry("harmful-looking", "vauban.monitors.harmful_looking:HarmfulLooking", "detector"),
        Entry("pile-up", "vauban.monitors.pile_ups:PileUps", "detector"),
        Entry("source-rate", "vauban.monitors.source_rates:SourceRates", "detector"),
        Entry("outcome", "vauban.monitors.outcomes:Outcomes", "detector"),
    )
}
"""What a review of test data and live predictions looks for, by name: each is a queue of its own."""

CATALOGUE: Mapping[str, Entry] = {e.name: e for e in _ENTRIES}

CASCADE = Entry("cascade", "vauban.audit.cascade:Cascade")
"""Attacks one after the other. An audit makes it of lines of the catalogue; it is none itself."""


def entry(name: str) -> Entry:
    """Return a line by name, or that of the cascade; BadInput if there is none."""
    if name == CASCADE.name:
        return CASCADE
    if name not in CATALOGUE:
        raise unknown("attack", name, [*CATALOGUE, CASCADE.name])
    return CATALOGUE[name]


def causative(name: str) -> Entry:
    """Return an attack on training by name; BadInput if there is none."""
    if name not in CAUSATIVE:
        raise unknown("attack on training", name, CAUSATIVE)
    return CAUSATIVE[name]


def gate_entry(name: str) -> Entry:
    """Return a gate by name; BadInput if there is none."""
    if name not in GATES:
        raise unknown("gate", name, GATES)
    return GATES[name]


def aware_of(gate: str) -> dict[str, Mapping[str, Any]]:
    """Return the attacks on training that are made to get past a gate, by name, with the settings that this takes."""
    return {e.name: e.knows[gate] for e in CAUSATIVE.values() if gate in e.knows}


def attacks() -> dict[str, Attack]:
    """Return every attack of the catalogue, made, by name."""
    return {e.name: e.make() for e in _ENTRIES if e.role != "explorer"}


def explorers() -> dict[str, Explorer]:
    """Return every explorer of the catalogue, made, by name."""
    return {e.name: e.make() for e in _ENTRIES if e.role == "explorer"}
