"""A small sound attack: what the mutants are made of. It passes every check."""

from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Effect
from vauban.errors import BudgetSpent
from vauban.records import Modality
from vauban.schema import FORBIDDEN


@dataclass(frozen=True)
class Picture:
    donors: np.ndarray
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Sound:
    """Ask the donors; give each victim the donors' values, cheapest first; then random halves of the best."""

    modalities = frozenset({Modality.TABULAR})
    wants = LABEL
    donors: int = 8

    def scout(self, brief):
        records = brief.known.records[: self.donors * 2]
        kept = records[:0]
        try:
            outcome = yield Ask(records)
            kept = records[brief.reached(outcome.decisions)][: self.donors]
        except BudgetSpent:
            pass
        return self.picture(kept, brief)

    def picture(self, donors, brief):
        return Picture(donors, (Effect(brief.schema.names[0], 1.0, "both"),))

    def search(self, cohort, intelligence, brief):
        best, price = cohort.records.copy(), np.full(len(cohort), FORBIDDEN)
        tried = [set() for _ in range(len(cohort))]
        streams = [self.stream(cohort, i) for i in range(len(cohort))]
        limit = FORBIDDEN if brief.budget.cost is None else brief.budget.cost
        try:
            for turn in range(len(intelligence.donors) + 10):
                records = self.proposals(turn, cohort, best, intelligence, streams, brief)
                cost = brief.schema.cost(cohort.records, records)
                ask = (cost < price) & (cost <= limit)
                for i in np.flatnonzero(ask).tolist():
                    ask[i] = (key := records[i].tobytes()) not in tried[i]
                    tried[i].add(key)
                if not ask.any():
                    continue
                outcome = yield self.question(records[ask], cohort.ids[ask], brief)
                better = np.zeros(len(cohort), dtype=bool)
                better[ask] = self.reached(outcome.decisions, brief)
                best[better], price[better] = records[better], cost[better]
        except BudgetSpent:
            pass
        return self.claims(cohort, best, price, brief)

    def proposals(self, turn, cohort, best, intelligence, streams, brief):
        if turn == 0:
            return cohort.records.copy()
        if turn <= len(intelligence.donors):
            wished = np.repeat(intelligence.donors[turn - 1][None], len(cohort), axis=0)
        else:
            keep = np.array([s.random(len(brief.schema)) < 0.5 for s in streams]).reshape(best.shape)
            wished = np.where(keep, best, cohort.records)
        return brief.schema.repair(cohort.records, wished)

    def stream(self, cohort, i):
        return cohort.rng(i)

    def question(self, records, owner, brief):
        return Ask(records, owner)

    def reached(self, decisions, brief):
        return brief.reached(decisions)

    def claims(self, cohort, best, price, brief):
        return ()
