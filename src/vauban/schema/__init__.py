"""What a record may be, and what changing one costs."""

from vauban.schema.expression import Calculation, Expression, Lookup, Steps, Was
from vauban.schema.feature import FORBIDDEN, Feature, Kind, Price
from vauban.schema.infer import infer_schema
from vauban.schema.relations import Condition, Derived, Implication, Linear, Relation, ratio
from vauban.schema.stored import from_stored, to_stored
from vauban.schema.stored_relations import relation_in, relation_out
from vauban.schema.table import TableSchema
from vauban.schema.text import TextSchema

Schema = TableSchema | TextSchema

__all__ = [
    "FORBIDDEN",
    "Calculation",
    "Condition",
    "Derived",
    "Expression",
    "Feature",
    "Implication",
    "Kind",
    "Linear",
    "Lookup",
    "Price",
    "Relation",
    "Schema",
    "Steps",
    "TableSchema",
    "TextSchema",
    "Was",
    "from_stored",
    "infer_schema",
    "ratio",
    "relation_in",
    "relation_out",
    "to_stored",
]
