"""Read a table from a file: CSV, Parquet or Arrow. What would fill the memory is refused before it is read."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from vauban.errors import BadInput

MOST_COLUMNS = 5000
MOST_BYTES = 4 * 1024**3
"""Bytes that a table may take unpacked."""
MOST_HEADER = 2 * 1024**2
"""Bytes within which the first line of a CSV must end."""

CSV = (".csv", ".tsv", ".txt", ".gz")
ARROW = (".arrow", ".feather", ".ipc")


def read_table(path: Path) -> pd.DataFrame:
    """Return the table in a file, with the dtypes that pandas gives it.

    Raises:
        BadInput: there is no such file, it is no table, too large, or its columns have no or equal names.
    """
    kind = path.suffix.lower()
    if kind not in (*CSV, ".parquet", ".pq", *ARROW):
        raise BadInput(f"The data {path} are in no format known here. Known: .csv, .tsv, .csv.gz, .parquet, .arrow.")
    if not path.is_file():
        raise BadInput(f"There is no data file {path}. Name a file that is there.")
    try:
        frame = _csv(path) if kind in CSV else _arrow(path) if kind in ARROW else _parquet(path)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{path} cannot be read: {type(error).__name__}: {str(error)[:300]}.") from error
    if not len(frame):
        raise BadInput(f"{path} holds no record. Give a table with a row a record and a line of column names.")
    return frame.rename(columns=str)


def check_names(names: Iterable[str], what: str) -> None:
    """Raise BadInput unless there are columns, not too many, each under a name of its own."""
    counted = Counter(map(str, names))
    if not counted:
        raise BadInput(f"{what} holds no columns.")
    if counted.total() > MOST_COLUMNS:
        raise BadInput(f"{what} has {counted.total():,} columns; at most {MOST_COLUMNS:,} are read. Drop some.")
    twice = [name for name, n in counted.items() if n > 1]
    if twice:
        raise BadInput(f"{what} has several columns of the same name: {', '.join(map(repr, twice[:5]))}. Rename them.")


def _csv(path: Path) -> pd.DataFrame:
    packed = path.suffix.lower() == ".gz"
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        head = file.read(MOST_HEADER)
        if packed:
            size = len(head)
            while more := file.read(1 << 24):
                size += len(more)
                if size > MOST_BYTES:
                    raise BadInput(f"{path} unpacks to more than {MOST_BYTES >> 30} GB. Give a part of it.")
        elif path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is larger than {MOST_BYTES >> 30} GB. Give a part of it, or Parquet.")
    first = head.splitlines()[0] if head.strip() else b""
    if not first:
        raise BadInput(f"{path} is empty.")
    if len(first) >= MOST_HEADER - 1:
        raise BadInput(f"The first line of {path} is longer than {MOST_HEADER >> 20} MB: too many columns, or no CSV.")
    encoding = _encoding(path, head)
    line = first.decode(encoding)
    mark = max(",;\t|", key=lambda m: (line.count(m), m == ","))
    check_names(next(csv.reader(io.StringIO(line), delimiter=mark)), str(path))
    # Surplus fields would silently become an index and shift every column.
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path, sep=mark, encoding=encoding, low_memory=False, index_col=False, compression="gzip" if packed else None
        )


def _encoding(path: Path, head: bytes) -> str:
    if b"\0" in head:
        raise BadInput(f"{path} holds zero bytes: it is no CSV, or one in UTF-16. Store it as UTF-8.")
    try:
        head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(head) < MOST_HEADER or error.start < len(head) - 4:  # else a character was cut in two
            raise BadInput(f"{path} is not UTF-8 (byte {error.start:,}: {error.reason}). Store it as UTF-8.") from error
    return "utf-8-sig"


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        about = file.metadata
        check_names(file.schema_arrow.names, str(path))
        claimed = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        # A dictionary page of one value can stand for any number of rows: what they take in memory counts.
        unpacked = max(claimed, 8 * about.num_rows * about.num_columns)
        _check_size(path, unpacked)
        return file.read().to_pandas()


def _arrow(path: Path) -> pd.DataFrame:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        try:
            reader = pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            reader = pa.ipc.open_stream(source)
        check_names(reader.schema.names, str(path))
        _check_size(path, path.stat().st_size)
        batches, total = [], 0
        many = (
            (reader.get_batch(i) for i in range(reader.num_record_batches))
            if hasattr(reader, "num_record_batches")
            else reader
        )
        for batch in many:
            total += batch.nbytes
            _check_size(path, total)
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema).to_pandas()


def _check_size(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise BadInput(f"{path} unpacks to {size / 2**30:.0f} GB; at most {MOST_BYTES >> 30} GB are read.")
