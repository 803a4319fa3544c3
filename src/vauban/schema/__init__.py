"""What a record may be, and what changing one costs."""

from vauban.schema.feature import FORBIDDEN, Feature, Kind, Price
from vauban.schema.table import TableSchema
from vauban.schema.text import TextSchema

Schema = TableSchema | TextSchema

__all__ = ["FORBIDDEN", "Feature", "Kind", "Price", "Schema", "TableSchema", "TextSchema"]
