"""What a record may be, and what changing one costs."""

from vauban.schema.feature import FORBIDDEN, Feature, Kind, Price
from vauban.schema.infer import infer_schema
from vauban.schema.stored import from_stored, to_stored
from vauban.schema.table import TableSchema
from vauban.schema.text import TextSchema

Schema = TableSchema | TextSchema

__all__ = [
    "FORBIDDEN",
    "Feature",
    "Kind",
    "Price",
    "Schema",
    "TableSchema",
    "TextSchema",
    "from_stored",
    "infer_schema",
    "to_stored",
]
