"""Loaders of public data sets from files at hand: nothing is fetched here, every file is checked.

Files are looked for in ``$VAUBAN_DATA_DIR``, and if that is not set in ``vauban`` under ``$XDG_CACHE_HOME`` or
``~/.cache``. What each data set is and how its files are read stands in a module for each domain.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from vauban.datasets import public_credit, public_insurance, public_loans, public_messages
from vauban.datasets.dataset import Dataset, read_facts
from vauban.datasets.duplicates import first_of_each
from vauban.datasets.source import REWRITTEN, PublicFile, SourceFile
from vauban.errors import BadInput

DATA_DIR = "VAUBAN_DATA_DIR"

PUBLIC: Mapping[str, PublicFile] = {
    public.info.name: public
    for module in (public_messages, public_credit, public_loans, public_insurance)
    for public in module.FILES
}


def data_folder() -> Path:
    """Return the folder that public data is read from; it need not exist."""
    named = os.environ.get(DATA_DIR)
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "vauban"


def contents(public: PublicFile, file: SourceFile) -> bytes:
    """Return the checked contents, unpacked. Raises BadInput for a file that is missing, damaged or another one."""
    name, path = public.info.name, data_folder() / file.path
    get = f"Get it from {public.info.address} ({public.how}) and put it at {path}"
    if not path.is_file():
        fetch = f"Ask for it by: vauban fetch {name}. Or: " if public.download else ""
        raise BadInput(f"{name}: no file {path}. {fetch}{get}, or set {DATA_DIR} to a folder that holds {file.path}.")
    data = path.read_bytes()
    unpacked = ""
    if path.suffix in (".gz", ".zip"):
        unpacked = "unpacked, "
        try:
            data = gzip.decompress(data) if path.suffix == ".gz" else _only_member(data)
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            kind = "gzip" if path.suffix == ".gz" else "zip"
            raise BadInput(f"{name}: {path} is no complete {kind} file ({error}). {get}.") from error
    got = hashlib.sha256(data).hexdigest()
    if got not in file.sha256:
        raise BadInput(
            f"{name}: {path} is not the published file: expected sha256 {' or '.join(file.sha256)}, got "
            f"{got} ({unpacked}{len(data)} bytes). {get}."
        )
    return data


def _only_member(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = archive.namelist()
        if len(inside) != 1:
            raise ValueError(f"it holds {len(inside)} files")
        return archive.read(inside[0])


def load_public(name: str) -> Dataset:
    """Return a public data set, duplicates among messages removed. Raises BadInput as ``load`` does."""
    public = PUBLIC[name]
    frame, labels, times, values = public.read(*(contents(public, file) for file in public.files))
    removed: Mapping[str, int] = {}
    facts = None
    if public.info.kind == "messages":
        keep, removed = first_of_each(frame["text"].tolist())
        frame, labels = frame.loc[keep].reset_index(drop=True), labels[keep]
    elif public.priced:
        facts = read_facts(name)
    rewritten: Mapping[str, tuple[str, ...]] = {}
    if REWRITTEN in frame:
        rewritten = dict(zip(frame["text"], frame.pop(REWRITTEN), strict=True))
    kind, positive, source = public.info.kind, public.positive, public.source
    return Dataset(name, frame, labels, kind, positive, source, removed, facts, times, values, rewritten)
