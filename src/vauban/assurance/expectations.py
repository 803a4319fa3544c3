"""What people who know the business expect of a model, feature by feature: data that an analyst can write."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vauban.errors import BadInput, unknown
from vauban.schema import Schema, TableSchema


class Expected(StrEnum):
    """What a feature may do to a decision, and what it is to people."""

    SAFER = "safer"
    RISKIER = "riskier"
    IRRELEVANT = "irrelevant"
    PROTECTED = "protected"
    GROUND = "ground"

    @property
    def meaning(self) -> str:
        """In words."""
        return {
            "safer": "more of it must not turn a pass into a block",
            "riskier": "less of it must not turn a pass into a block",
            "irrelevant": "another value must not change the decision",
            "protected": "another value must not change the decision, and nothing may stand for it without merit",
            "ground": "it is a legitimate ground for a decision, whatever it stands for",
        }[self.value]


@dataclass(frozen=True)
class Expectations:
    """Expectations by feature; none for a feature of which nothing is known."""

    features: Mapping[str, Expected] = field(default_factory=dict)

    @staticmethod
    def named(words: Mapping[str, str], schema: Schema, columns: Collection[str] = ()) -> Expectations:
        """Return expectations from words; BadInput for unknown features and words, and for what has no order.

        Args:
            words: by feature.
            schema: of the records.
            columns: of the data. One that is no feature, since the model is not given it, may be protected.
        """
        if words and not isinstance(schema, TableSchema):
            raise BadInput(f"Messages have no features to expect anything of. Got: {', '.join(words)}.")
        out = {}
        for name, word in words.items():
            assert isinstance(schema, TableSchema)  # noqa: S101 - refused above
            if word == Expected.PROTECTED and name not in schema.names:
                if name not in columns:
                    raise unknown("feature or column", name, [*schema.names, *columns])
                out[name] = Expected.PROTECTED
                continue
            feature = schema.features[schema.index(name)]
            if word not in list(Expected):
                raise unknown(f"expectation of {name!r}", str(word), list(Expected))
            ordered = word in (Expected.SAFER, Expected.RISKIER)
            if feature.listed and feature.kind not in ("ordinal", "boolean") and ordered:
                raise BadInput(
                    f"Feature {name!r} is {feature.kind.value}: its values have no order, so more of it cannot be "
                    f"{word}. Expect it to be {Expected.IRRELEVANT.value}, {Expected.PROTECTED.value}, a "
                    f"{Expected.GROUND.value}, or nothing."
                )
            out[name] = Expected(word)
        return Expectations(out)

    def which(self, *words: Expected) -> list[str]:
        """Return the names of which one of these is expected."""
        return [name for name, word in self.features.items() if word in words]
