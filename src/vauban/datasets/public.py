"""Loaders of public data sets from files that the user has downloaded: nothing is fetched, every file is checked.

Files are looked for in ``$VAUBAN_DATA_DIR``, and if that is not set in ``vauban`` under ``$XDG_CACHE_HOME`` or
``~/.cache``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.datasets.dataset import Dataset, DatasetInfo, read_facts
from vauban.datasets.duplicates import first_of_each
from vauban.errors import BadInput

DATA_DIR = "VAUBAN_DATA_DIR"

GERMAN_COLUMNS = (
    "checking_status", "duration", "credit_history", "purpose", "credit_amount", "savings", "employment",
    "installment_commitment", "personal_status_sex", "other_parties", "residence_since", "property_magnitude", "age",
    "other_payment_plans", "housing", "existing_credits", "job", "num_dependents", "telephone", "foreign_worker",
)  # fmt: skip


@dataclass(frozen=True)
class PublicFile:
    """A file that a user can have, and how to know that it is the right one.

    ``sha256`` lists the digests of the accepted contents; a gzipped file is judged by what is in it, since two
    programs compress the same content differently. ``how`` tells how to get the file from its address.
    """

    info: DatasetInfo
    source: str
    positive: str
    sha256: tuple[str, ...]
    how: str
    read: Callable[[bytes], tuple[pd.DataFrame, NDArray[np.int8]]]


def data_folder() -> Path:
    """Return the folder that public data is read from; it need not exist."""
    named = os.environ.get(DATA_DIR)
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "vauban"


def _contents(public: PublicFile) -> bytes:
    """Return the checked contents, unpacked. Raises BadInput for a file that is missing, damaged or another one."""
    assert public.info.file is not None  # noqa: S101 - true of every entry of PUBLIC
    path = data_folder() / public.info.file
    get = f"Get it from {public.info.address} ({public.how}) and put it at {path}"
    if not path.is_file():
        raise BadInput(
            f"{public.info.name}: no file {path}. {get}, or set {DATA_DIR} to a folder that holds {public.info.file}."
        )
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise BadInput(f"{public.info.name}: {path} is no complete gzip file ({error}). {get}.") from error
    got = hashlib.sha256(data).hexdigest()
    if got not in public.sha256:
        unpacked = "unpacked, " if path.suffix == ".gz" else ""
        raise BadInput(
            f"{public.info.name}: {path} is not the published file: expected sha256 {' or '.join(public.sha256)}, got "
            f"{got} ({unpacked}{len(data)} bytes). {get}."
        )
    return data


def load_public(name: str) -> Dataset:
    """Return a public data set, duplicates among messages removed. Raises BadInput as ``load`` does."""
    public = PUBLIC[name]
    frame, labels = public.read(_contents(public))
    removed: Mapping[str, int] = {}
    facts = None
    if public.info.kind == "messages":
        keep, removed = first_of_each(frame["text"].tolist())
        frame, labels = frame.loc[keep].reset_index(drop=True), labels[keep]
    else:
        facts = read_facts(name)
    return Dataset(name, frame, labels, public.info.kind, public.positive, public.source, removed, facts)


def _sms(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    # Split by hand: messages hold quotation marks, and one line per message is all there is to the format.
    lines = data.decode("utf-8").removesuffix("\n").split("\n")
    marks, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    return pd.DataFrame({"text": texts}, dtype="str"), (np.array(marks) == "spam").astype(np.int8)


def _enron(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    frame = pd.read_parquet(io.BytesIO(data), columns=["label", "subject", "body"])
    texts = frame["subject"] + "\n" + frame["body"]
    return pd.DataFrame({"text": texts}, dtype="str"), np.asarray(frame["label"] == "spam", dtype=np.int8)


def _german(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    frame = pd.read_csv(io.BytesIO(data), sep=" ", header=None, names=[*GERMAN_COLUMNS, "class"])
    return frame.drop(columns="class"), np.asarray(frame["class"] == 2, dtype=np.int8)


def _taiwan(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    # The file has a byte order mark and the line ends of an old Macintosh.
    frame = pd.read_csv(io.BytesIO(data), encoding="utf-8-sig", lineterminator="\r", dtype=np.int64)
    target = "default payment next month"
    return frame.drop(columns=["ID", target]), frame[target].to_numpy(dtype=np.int8)


_SMS = PublicFile(
    DatasetInfo(
        "sms", "messages", "spam", "SMS Spam Collection", 5140, "CC BY 4.0",
        "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip",
        "sms_spam_collection/SMSSpamCollection.tsv",
    ),
    "SMS Spam Collection v.1 (Almeida, Gomez Hidalgo and Yamakami, DocEng 2011; UCI 228), CC BY 4.0.",
    "spam",
    (
        "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d",
        "edc1f2ca36319ca36c6f80fede2f6ae5f81335289352485f3924df077ec20266",  # copies without the last line end
    ),
    "the file SMSSpamCollection inside, renamed",
    _sms,
)  # fmt: skip
_ENRON = PublicFile(
    DatasetInfo(
        "enron", "messages", "spam", "Enron-Spam, six users", 29170, "none stated; research, holds personal data",
        "http://www2.aueb.gr/users/ion/data/enron-spam/",
        "enron_spam/enron_spam.parquet",
    ),
    "Enron-Spam, preprocessed, enron1 to enron6 (Metsis, Androutsopoulos and Paliouras, CEAS 2006); no licence stated.",
    "spam",
    ("02b1b6771fec4385fd5680a77df0d2dc0403178b326860803701f0c08206b9eb",),
    "enron1.tar.gz to enron6.tar.gz, as one table with a row a mail and the columns label, subject and body",
    _enron,
)  # fmt: skip
_GERMAN = PublicFile(
    DatasetInfo(
        "german", "table", "credit", "German credit (Statlog)", 1000, "CC BY 4.0",
        "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
        "german_credit/german.data",
    ),
    "Statlog German Credit Data (Hofmann 1994; UCI 144), CC BY 4.0; some of its codes are known to be wrong.",
    "default",
    ("b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",),
    "as it is",
    _german,
)  # fmt: skip
_TAIWAN = PublicFile(
    DatasetInfo(
        "taiwan", "table", "credit", "Default of credit card clients, Taiwan 2005", 30000, "CC BY 4.0",
        "https://archive.ics.uci.edu/dataset/350/default+of+credit+card+clients",
        "taiwan_default/credit_raw.csv.gz",
    ),
    "Default of credit card clients, Taiwan 2005 (Yeh and Lien, Expert Systems with Applications 36, 2009; UCI 350), "
    "CC BY 4.0.",
    "default",
    ("de8697332fe130109f8bddc5d2dc8a6a681a6ef866168f6f24f7261fac5d88d3",),
    "published as .xls; the same table as CSV is examples/paper/data/credit/credit_raw.csv of "
    "https://github.com/ustunb/actionable-recourse at commit e851de05ad32c077daf037a231addd271fcb1aac, gzipped",
    _taiwan,
)  # fmt: skip

PUBLIC: Mapping[str, PublicFile] = {public.info.name: public for public in (_SMS, _ENRON, _GERMAN, _TAIWAN)}
