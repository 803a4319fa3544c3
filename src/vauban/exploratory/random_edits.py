"""The baseline of rewriting: random words of a message, rewritten at random."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, NothingLearnt, Outcome, Search, each, no_scouting
from vauban.errors import BadInput
from vauban.records import Modality
from vauban.tactics.fewest_edits import CHUNK
from vauban.tactics.letters import FAMILIES, variants
from vauban.tactics.rewording import Edits, Page, cannot_rewrite, text_schema


@dataclass(frozen=True)
class RandomEdits:
    """Rewrite random words with look-alike letters, invisible characters, digits, spaces or slips, as chance has it.

    What ``obfuscation`` and ``character-substitution`` must beat: as many edits, under the same cap, in random places.

    Attributes:
        family: of `FAMILIES`; None draws from all of them.
        words: rewrite exactly as many, or all where there are fewer; by default 1, 2, 4, ... up to ``most``.
        draws: of each size for each victim.
        most: words that are rewritten at most.
    """

    family: str | None = None
    words: int | None = None
    draws: int = 32
    most: int = 64

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    def __post_init__(self) -> None:
        """Refuse sizes that are none, and unknown families."""
        if min(n for n in (self.most, self.words, self.draws) if n is not None) < 1:
            raise BadInput(f"Random edits are drawn 1 or more at a time. Got {self!r}.")
        if self.family is not None and self.family not in FAMILIES:
            raise BadInput(f"Random edits are of the families {', '.join(FAMILIES)}. Got {self.family!r}.")

    inapt = staticmethod(cannot_rewrite)

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, NothingLearnt]:
        """Ask nothing."""
        return no_scouting(NothingLearnt())

    def search(
        self, cohort: Cohort, intelligence: NothingLearnt, brief: Brief
    ) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Ask about draws of each size in turn; the page leaves out those that cost more than what has worked."""
        schema = text_schema(brief, "random-edits")
        families = [self.family] if self.family else list(FAMILIES)

        def one(victim: Cohort) -> Search:
            rng = victim.rng(0)
            page = Page(victim, lambda word: [v for f in families for v in variants(word, f)], schema, brief)
            n = len(page.words)
            sizes = [min(self.words, n)] if self.words else [2**i for i in range(min(n, self.most).bit_length())]
            if not n:
                return ()

            def draw(size: int) -> Edits:
                places = np.sort(rng.permutation(n)[:size]).tolist()
                return tuple((at, int(rng.integers(len(page.spellings[at])))) for at in places)

            drawn = [draw(size) for _ in range(self.draws) for size in sizes]
            for start in range(0, len(drawn), CHUNK):
                yield from page.ask(drawn[start : start + CHUNK])
            return ()

        return (yield from each(cohort, one))
