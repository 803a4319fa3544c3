"""What people who know the business expect of a model, feature by feature: data that an analyst can write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vauban.errors import BadInput, unknown
from vauban.schema import Schema, TableSchema


class Expected(StrEnum):
    """What more of a feature may do to a decision."""

    SAFER = "safer"
    RISKIER = "riskier"
    IRRELEVANT = "irrelevant"

    @property
    def meaning(self) -> str:
        """In words."""
        return {
            "safer": "more of it must not turn a pass into a block",
            "riskier": "less of it must not turn a pass into a block",
            "irrelevant": "another value must not change the decision",
        }[self.value]


@dataclass(frozen=True)
class Expectations:
    """Expectations by feature; none for a feature of which nothing is known."""

    features: Mapping[str, Expected] = field(default_factory=dict)

    @staticmethod
    def named(words: Mapping[str, str], schema: Schema) -> Expectations:
        """Return expectations from words; BadInput for unknown features and words, and for what has no order."""
        if words and not isinstance(schema, TableSchema):
            raise BadInput(f"Messages have no features to expect anything of. Got: {', '.join(words)}.")
        out = {}
        for name, word in words.items():
            assert isinstance(schema, TableSchema)  # noqa: S101 - refused above
            feature = schema.features[schema.index(name)]
            if word not in list(Expected):
                raise unknown(f"expectation of {name!r}", str(word), list(Expected))
            if feature.listed and feature.kind not in ("ordinal", "boolean") and word != Expected.IRRELEVANT:
                raise BadInput(
                    f"Feature {name!r} is {feature.kind.value}: its values have no order, so more of it cannot be "
                    f"{word}. Expect it to be {Expected.IRRELEVANT.value}, or nothing."
                )
            out[name] = Expected(word)
        return Expectations(out)
