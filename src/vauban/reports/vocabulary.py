"""The words of the field as the reports use them: cells, levels, roles, public ids, glossary.

Cells and terms after Barreno, Nelson, Joseph and Tygar, "The security of machine learning", Machine Learning 81
(2010), sections 2 and 3, and NIST AI 100-2e2025, "Adversarial Machine Learning: A Taxonomy and Terminology of
Attacks and Mitigations". Names behind the ids are short forms of our own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """Influence and violation of a cell, and what success means there in plain words."""

    influence: str
    violation: str
    happens: str  # "98 % of harmful records can be made to pass"

    @property
    def gloss(self) -> str:
        """What the violation is, in plain words."""
        return "harmful records that pass" if self.violation == "integrity" else "legitimate records that are blocked"

    @property
    def outcome(self) -> str:
        """What is counted, as the label of an axis."""
        return "share that passes" if self.violation == "integrity" else "share that is blocked"


AXES = {
    "EI": Axis("exploratory", "integrity", "of harmful records can be made to pass"),
    "EA": Axis("exploratory", "availability", "of legitimate records can be made to be blocked"),
    "CI": Axis("causative", "integrity", "of harmful records pass after retraining"),
    "CA": Axis("causative", "availability", "of legitimate records are blocked after retraining"),
}
SPECIFICITIES = ("indiscriminate", "targeted")
ROLES = {"attack": "attack", "control": "control", "baseline": "baseline"}
LEVELS = {
    "critical": "Critical",
    "high": "High",
    "moderate": "Moderate",
    "low": "Low",
    "undetermined": "Undetermined",
}
KINDS = ("messages", "table")

_ATLAS = "https://atlas.mitre.org/techniques/"
_NIST = "https://doi.org/10.6028/NIST.AI.100-2e2025"
_OWASP = "https://owasp.org/www-project-machine-learning-security-top-10/"

TAG_NAMES = {
    "AML.T0005": "create a proxy model",
    "AML.T0005.000": "create a proxy model: trained on gathered artefacts",
    "AML.T0005.001": "create a proxy model: by replication",
    "AML.T0006": "active scanning",
    "AML.T0013": "discover what the model decides on",
    "AML.T0014": "discover the family of the model",
    "AML.T0015": "evade the model",
    "AML.T0020": "poison the training data",
    "AML.T0021": "establish accounts",
    "AML.T0024": "exfiltration through the inference interface",
    "AML.T0024.000": "infer membership of the training data",
    "AML.T0024.001": "invert the model",
    "AML.T0024.002": "extract the model",
    "AML.T0029": "deny the service of the model",
    "AML.T0031": "erode the integrity of the model",
    "AML.T0034": "drive up costs",
    "AML.T0040": "access to the inference interface",
    "AML.T0042": "verify the attack",
    "AML.T0043": "craft adversarial data",
    "AML.T0043.000": "craft adversarial data: with inside knowledge",
    "AML.T0043.001": "craft adversarial data: by optimisation on answers",
    "AML.T0043.002": "craft adversarial data: transferred from another model",
    "AML.T0043.003": "craft adversarial data: by hand",
    "AML.T0044": "full access to the model",
    "AML.T0046": "chaff that wastes the defender's time",
    "AML.T0047": "use of the product the model serves",
    "AML.T0048.000": "financial harm",
    "AML.T0048.001": "harm to reputation",
    "AML.T0048.003": "harm to users",
    "AML.T0059": "erode the integrity of the data",
    "AML.T0063": "discover what the model answers",
    "NISTAML.01": "availability violation",
    "NISTAML.011": "model poisoning (availability)",
    "NISTAML.012": "clean-label poisoning",
    "NISTAML.013": "data poisoning",
    "NISTAML.014": "energy and latency",
    "NISTAML.02": "integrity violation",
    "NISTAML.021": "clean-label backdoor",
    "NISTAML.022": "evasion",
    "NISTAML.023": "backdoor poisoning",
    "NISTAML.024": "targeted poisoning",
    "NISTAML.025": "black-box evasion",
    "NISTAML.026": "model poisoning (integrity)",
    "NISTAML.03": "privacy compromise",
    "NISTAML.031": "model extraction",
    "NISTAML.032": "reconstruction",
    "NISTAML.033": "membership inference",
    "NISTAML.034": "property inference",
    "NISTAML.05": "supply chain",
    "NISTAML.051": "supply chain: model poisoning",
    "ML01:2023": "input manipulation",
    "ML02:2023": "data poisoning",
    "ML03:2023": "model inversion",
    "ML04:2023": "membership inference",
    "ML05:2023": "model theft",
    "ML06:2023": "AI supply chain",
    "ML07:2023": "transfer learning",
    "ML08:2023": "model skewing",
    "ML09:2023": "output integrity",
    "ML10:2023": "model poisoning",
}


def tag_source(tag: str) -> tuple[str, str] | None:
    """Return the catalogue that a public id belongs to and its address there; None for an id we do not know."""
    if tag not in TAG_NAMES:
        return None
    if tag.startswith("AML."):
        return "MITRE ATLAS", _ATLAS + tag
    return ("NIST AI 100-2e2025", _NIST) if tag.startswith("NISTAML") else ("OWASP ML Top 10", _OWASP)


GLOSSARY = {
    "Harmful, legitimate": "The harmful class (spam, default, fraud) is always the positive class of this report; "
    "every other record is legitimate. A record is blocked if its score reaches the threshold, and passes otherwise.",
    "False negative rate (FNR)": "The share of harmful records that pass. Integrity attacks drive it up.",
    "False positive rate (FPR)": "The share of legitimate records that are blocked. Availability attacks drive it up.",
    "Exploratory": "The attacker asks the deployed model and learns from its answers; he changes nothing in it.",
    "Causative": "The attacker changes what the model is trained on: by records sent at intervals that are collected "
    "for training, or by altering the stored training data.",
    "Integrity violation": "Harmful records get through.",
    "Availability violation": "Legitimate records are blocked, so that the system fails the people it serves.",
    "Indiscriminate, targeted": "Any record will do; or only records of one section, one class, one person.",
    "Question": "One record that the attacker has the model decide. Repeats count. A flagged question is one that the "
    "model blocked, which is what a watchful owner could have seen.",
    "Grant": "What the attacker is given for a question: the decision (label), the score, the gradient, or the "
    "structure of the model.",
    "Cost": "What the attacker pays for his changes to one record, in the unit of the schema. A record that never "
    "passed costs infinitely much, and medians are over all records attacked.",
    "Control, baseline": "A control changes nothing, and shows what happens anyway. A baseline changes records at "
    "random, and shows what any attack must beat.",
    "95 % interval": "If the audit were repeated on other records of the same kind, about 95 in 100 such intervals "
    "would hold the true share.",
    "Agreement": "The share of records on which the attacker's own picture of the model decides as the model does.",
}
