"""Word substitution: say the same in words that the filter minds less."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from vauban.contracts import LABEL, Ask, Brief, Claim, Cohort, Outcome, Search, each
from vauban.records import Modality
from vauban.tactics.fewest_edits import fewest_edits
from vauban.tactics.near_words import SAME, NearWords
from vauban.tactics.reading import Reading, read
from vauban.tactics.rewording import Page, cannot_rewrite, text_schema
from vauban.tactics.wording import vocabulary


@dataclass(frozen=True)
class WordSubstitution:
    """Replace the fewest words that will do by words that say the same: other forms of them, and those of a list.

    Other forms (claim, claims, claimed) are those that occur in known messages; the list is ours and can be added to.
    The list leaves the sense as it is in an offer; it is no dictionary, and whether a sentence still reads well is not
    checked. Words are ranked, and their replacements chosen, by what each does to the score, or, by decisions alone, by
    what scouting learnt of them.

    After TextFooler (Jin, Jin, Zhou and Szolovits, "Is BERT really robust?", AAAI 2020), without its embeddings.

    Attributes:
        alike: further groups of words that may stand for one another, lower case.
        tries: questions a victim on smaller sets of words.
    """

    alike: tuple[tuple[str, ...], ...] = ()
    tries: int = 300

    modalities = frozenset({Modality.TEXT})
    wants = LABEL

    inapt = staticmethod(cannot_rewrite)

    def scout(self, brief: Brief) -> Generator[Ask, Outcome, Reading]:
        """Learn which words speak for and against the goal."""
        return (yield from read(brief, text_schema(brief, "word-substitution")))

    def search(self, cohort: Cohort, intelligence: Reading, brief: Brief) -> Generator[Ask, Outcome, Sequence[Claim]]:
        """Replace each victim's words, those that matter most first, then do with fewer."""
        schema = text_schema(brief, "word-substitution")
        near = NearWords((*self.alike, *SAME), vocabulary(brief.known.records).words)

        def one(victim: Cohort) -> Search:
            page = Page(victim, near.of, schema, brief)
            yield from fewest_edits(page, page.gains(intelligence), self.tries)
            return ()

        return (yield from each(cohort, one))
