"""What is besieged: the same model and victims for everybody, trained anew in each environment and compared."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from vauban.audit.plan import make_plan
from vauban.contracts import LABEL, Target
from vauban.records import Records
from vauban.scenarios import scenario
from vauban.schema import TableSchema
from vauban.system import System
from vauban.threat import Budget, Cell, Decision


@dataclass(frozen=True)
class Besieged:
    """A credit model, those whom it rejects rightly, and what the attacker knows.

    Attributes:
        system: the system itself.
        victims: (n, d) rejected defaulters of the held-out part.
        trial: the same of the tuning part: what settings are chosen on.
        known: the attacker's look-alikes.
        passed: those of them that the model passes.
        fingerprint: of the model's decisions and the first victims; the same in every environment, or nothing compares.
    """

    system: System
    victims: Records
    trial: Records
    known: Records
    passed: Records
    fingerprint: str

    @property
    def target(self) -> Target:
        """The model."""
        return self.system.target

    @property
    def schema(self) -> TableSchema:
        """What records may be, at what price."""
        schema = self.system.target.schema
        assert isinstance(schema, TableSchema)
        return schema


def besieged(data: str, model: str, seed: int, victims: int) -> Besieged:
    """Return a trained credit model with its victims, in the audit's own order."""
    system = scenario("credit").system(data, model, seed)
    threat = scenario("credit").threats([Cell.EI], LABEL, Budget(1000, 1000, None, None), None)[0]
    front = make_plan(system, [threat], ["do-nothing"], victims).fronts[0]
    schema, target = system.target.schema, system.target
    tuning = schema.encode(system.parts.tuning.frame)
    decisions = target.answer(tuning, LABEL).decisions
    trial = tuning[(system.parts.tuning.labels == 1) & (decisions == Decision.BLOCK)]
    known = front.known.records
    passed = target.answer(known, LABEL).decisions == Decision.PASS
    agreed = sha256(np.concatenate([decisions, passed]).astype(np.int8).tobytes() + front.victims[:10].tobytes())
    return Besieged(system, front.victims, trial, known, known[passed], agreed.hexdigest()[:16])
