"""Character substitution: slips of the pen inside the words that the filter hangs on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Outcome, Search, each
from vauban.records import Modality
from vauban.tactics.fewest_edits import fewest_edits
from vauban.tactics.letters import variants
from vauban.tactics.reading import Reading, read
from vauban.tactics.rewording import Page, cannot_rewrite, text_schema


@dataclass(frozen=True)
class CharacterSubstitution:
    """Double, drop or swap one letter inside each of the fewest words that will do: typing errors, in plain letters.

    No sign that a filter could normalise away is put in, and the first and last letter stay, so that words can be read.
    Words are ranked by what changing each does to the score, or, by decisions alone, by what scouting learnt of them.

    After DeepWordBug (Gao, Lanchantin, Soffa and Qi, "Black-box generation of adversarial text sequences to evade deep
    learning classifiers", IEEE SPW 2018).

    Attributes:
        tries: questions a victim on smaller sets of words.
    """

    tries: int = 300

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    inapt = staticmethod(cannot_rewrite)

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Reading]:
        """Find the words that speak against the goal."""
        return (yield from read(brief, text_schema(brief, "character-substitution")))

    def search(self, cohort: Cohort, intelligence: Reading, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Rewrite each victim's words, those that matter most first, then do with fewer."""
        schema = text_schema(brief, "character-substitution")

        def one(victim: Cohort) -> Search:
            page = Page(victim, partial(variants, family="slips"), schema, brief)
            yield from fewest_edits(page, page.gains(intelligence), self.tries)
            return ()

        return (yield from each(cohort, one))
