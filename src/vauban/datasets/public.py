"""Loaders of public data sets from files at hand: nothing is fetched here, every file is checked.

Files are looked for in ``$VAUBAN_DATA_DIR``, and if that is not set in ``vauban`` under ``$XDG_CACHE_HOME`` or
``~/.cache``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
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


SOUTH_GERMAN_COLUMNS = (
    "status", "duration", "credit_history", "purpose", "amount", "savings", "employment_duration", "installment_rate",
    "personal_status_sex", "other_debtors", "present_residence", "property", "age", "other_installment_plans",
    "housing", "number_credits", "job", "people_liable", "telephone", "foreign_worker",
)  # fmt: skip

SPAMBASE_WORDS = (
    "make address all 3d our over remove internet order mail receive will people report addresses free business email "
    "you credit your font 000 money hp hpl george 650 lab labs telnet 857 data 415 85 technology 1999 parts pm direct "
    "cs meeting original project re edu table conference"
)
SPAMBASE_SIGNS = "semicolon parenthesis bracket exclamation dollar hash"
"""Of ; ( [ ! $ and #, which several libraries refuse in a name."""


REWRITTEN = "rewritten"
"""The column of what people made of a message: a tuple of texts."""


@dataclass(frozen=True)
class SourceFile:
    """A file that a user can have, and how to know that it is the right one.

    ``path`` is under the data folder. ``sha256`` lists the digests of the accepted contents; a file that is compressed
    is judged by what is in it, since two programs compress the same content differently. ``member`` is its name in the
    archive that is offered for download, where it is one.
    """

    path: str
    sha256: tuple[str, ...]
    member: str | None = None


@dataclass(frozen=True)
class PublicFile:
    """A public data set: its files, and how to read them.

    ``how`` tells how to get the files from ``info.address``. ``download`` is the address of the file or archive itself;
    None where a program cannot get it. ``read`` takes the contents of each file. ``priced`` says whether there are
    facts on who can change what in the table.
    """

    info: DatasetInfo
    source: str
    positive: str
    files: tuple[SourceFile, ...]
    how: str
    read: Callable[..., tuple[pd.DataFrame, NDArray[np.int8]]]
    download: str | None = None
    priced: bool = True


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
    frame, labels = public.read(*(contents(public, file) for file in public.files))
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
    return Dataset(name, frame, labels, kind, positive, source, removed, facts, rewritten=rewritten)


def _sms(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    # Split by hand: messages hold quotation marks, and one line per message is all there is to the format.
    lines = data.decode("utf-8").removesuffix("\n").split("\n")
    marks, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    return pd.DataFrame({"text": texts}, dtype="str"), (np.array(marks) == "spam").astype(np.int8)


def _pairs(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    table = pd.read_csv(io.BytesIO(data), dtype="str")
    # The spreadsheet's sign for a line end was exported as it is written there.
    made: dict[str, list[str]] = {}
    for original, modified in table[["original", "modified"]].itertuples(index=False):
        made.setdefault(_unexported(original), []).append(_unexported(modified))
    frame = pd.DataFrame({"text": pd.Series(list(made), dtype="str")})
    frame[REWRITTEN] = pd.Series([tuple(dict.fromkeys(texts)) for texts in made.values()], dtype=object)
    return frame, np.ones(len(frame), dtype=np.int8)


def _unexported(text: str) -> str:
    return text.replace("_x000D_", "").strip()


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


def _youtube(*videos: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    # Most comments end in a byte order mark that the export left, good ones more often: no filter would see it.
    frame = pd.concat([pd.read_csv(io.BytesIO(video), dtype={"CONTENT": "str"}) for video in videos], ignore_index=True)
    return pd.DataFrame({"text": frame["CONTENT"].str.strip("\ufeff")}, dtype="str"), frame["CLASS"].to_numpy(np.int8)


def _spambase(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    names = [*(f"word_freq_{w}" for w in SPAMBASE_WORDS.split()), *(f"char_freq_{c}" for c in SPAMBASE_SIGNS.split())]
    names += [f"capital_run_length_{what}" for what in ("average", "longest", "total")]
    frame = pd.read_csv(io.BytesIO(data), header=None, names=[*names, "spam"])
    return frame.drop(columns="spam"), frame["spam"].to_numpy(dtype=np.int8)


def _south_german(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    # Names by place: the same table goes round with German names and with English ones.
    frame = pd.read_csv(io.BytesIO(data), sep=" ", header=None, skiprows=1, names=[*SOUTH_GERMAN_COLUMNS, "good"])
    return frame.drop(columns="good"), np.asarray(frame["good"] == 0, dtype=np.int8)


def _give_me_some_credit(data: bytes) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    frame = pd.read_csv(io.BytesIO(data), index_col=0).reset_index(drop=True)
    return frame.drop(columns="SeriousDlqin2yrs"), frame["SeriousDlqin2yrs"].to_numpy(dtype=np.int8)


_SMS = PublicFile(
    DatasetInfo(
        "sms", "messages", "spam", "SMS Spam Collection", 5140, "CC BY 4.0",
        "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip",
        "sms_spam_collection/SMSSpamCollection.tsv",
    ),
    "SMS Spam Collection v.1 (Almeida, Gomez Hidalgo and Yamakami, DocEng 2011; UCI 228), CC BY 4.0.",
    "spam",
    (
        SourceFile(
            "sms_spam_collection/SMSSpamCollection.tsv",
            (
                "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d",
                "edc1f2ca36319ca36c6f80fede2f6ae5f81335289352485f3924df077ec20266",  # copies without the last line end
            ),
            "SMSSpamCollection",
        ),
    ),
    "the file SMSSpamCollection inside, renamed",
    _sms,
    "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip",
)  # fmt: skip
_ENRON = PublicFile(
    DatasetInfo(
        "enron", "messages", "spam", "Enron-Spam, six users", 29170, "none stated; research, holds personal data",
        "http://www2.aueb.gr/users/ion/data/enron-spam/",
        "enron_spam/enron_spam.parquet",
    ),
    "Enron-Spam, preprocessed, enron1 to enron6 (Metsis, Androutsopoulos and Paliouras, CEAS 2006); no licence stated.",
    "spam",
    (
        SourceFile(
            "enron_spam/enron_spam.parquet", ("02b1b6771fec4385fd5680a77df0d2dc0403178b326860803701f0c08206b9eb",)
        ),
    ),
    "enron1.tar.gz to enron6.tar.gz, as one table with a row a mail and the columns label, subject and body",
    _enron,
)  # fmt: skip
_SMS_EVASION_PAIRS = PublicFile(
    DatasetInfo(
        "sms-evasion-pairs", "messages", "spam", "Spam SMS and what people made of it to evade filters: 77 pairs", 40,
        "none stated; the authors ask to be cited",
        "https://github.com/smspamresearch/spstudy",
        "sms_evasion_pairs/sms_evasion_pairs.csv",
    ),
    "Human-made evasions of seven services (Salman, Ikram and Kaafar, Investigating evasive techniques in SMS spam "
    "filtering, IEEE Access 2024); no licence stated.",
    "spam",
    (
        SourceFile(
            "sms_evasion_pairs/sms_evasion_pairs.csv",
            ("d68cc36baf0613a61dc8c32851b22ae2ed9b2134e2dcf49f2f39d2f45b7725c7",),
        ),
    ),
    "the seven tables Data/adversarial_examples_evaluation/*_Examples.xlsx at commit "
    "a0889f36fb59e23a7f853a6932485d93d18b8afc, one below the other as CSV with the columns service, sheet, original, "
    "modified, tactic and extra",
    _pairs,
)  # fmt: skip
_GERMAN = PublicFile(
    DatasetInfo(
        "german", "table", "credit", "German credit (Statlog)", 1000, "CC BY 4.0",
        "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
        "german_credit/german.data",
    ),
    "Statlog German Credit Data (Hofmann 1994; UCI 144), CC BY 4.0; some of its codes are known to be wrong.",
    "default",
    (SourceFile("german_credit/german.data", ("b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",)),),
    "as it is",
    _german,
    "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
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
    (
        SourceFile(
            "taiwan_default/credit_raw.csv.gz", ("de8697332fe130109f8bddc5d2dc8a6a681a6ef866168f6f24f7261fac5d88d3",)
        ),
    ),
    "published as .xls; the same table as CSV is examples/paper/data/credit/credit_raw.csv of "
    "https://github.com/ustunb/actionable-recourse at commit e851de05ad32c077daf037a231addd271fcb1aac, gzipped",
    _taiwan,
    "https://raw.githubusercontent.com/ustunb/actionable-recourse/e851de05ad32c077daf037a231addd271fcb1aac/"
    "examples/paper/data/credit/credit_raw.csv",
)  # fmt: skip

_YOUTUBE = PublicFile(
    DatasetInfo(
        "youtube", "messages", "spam", "YouTube comments on five videos", 1718, "CC BY 4.0",
        "https://archive.ics.uci.edu/static/public/380/youtube+spam+collection.zip",
        "youtube_spam/Youtube01-Psy.csv",
    ),
    "YouTube Spam Collection (Alberto, Lochter and Almeida, TubeSpam, ICMLA 2015; UCI 380), CC BY 4.0.",
    "spam",
    tuple(
        SourceFile(f"youtube_spam/{name}", (digest,), name)
        for name, digest in (
            ("Youtube01-Psy.csv", "36ce8304361563275d034db5b88091c0fedef43400dcbb180413046da52d8b52"),
            ("Youtube02-KatyPerry.csv", "902c614f8ef24f987d6f614d7e6111aa5160b89a0646b68e007bd6044a3d123b"),
            ("Youtube03-LMFAO.csv", "702ef589860a1831956f527760a3d9737ef8a07ab36c7de35b92b8898b8c3928"),
            ("Youtube04-Eminem.csv", "92f54eb6b22fdf3b7ae85e1f500e5aa7442edd025e504b988a97078756187e76"),
            ("Youtube05-Shakira.csv", "1d8ab47b71e8037c51183b2fc62f0591a48a4b54f3a4f5d9d3043113b274e98e"),
        )
    ),
    "the five files Youtube01-Psy.csv to Youtube05-Shakira.csv inside",
    _youtube,
    "https://archive.ics.uci.edu/static/public/380/youtube+spam+collection.zip",
)  # fmt: skip
_SPAMBASE = PublicFile(
    DatasetInfo(
        "spambase", "table", "spam", "Spambase: mails as 57 frequencies (for load, in no scenario)", 4601, "CC BY 4.0",
        "https://archive.ics.uci.edu/static/public/94/spambase.zip",
        "spambase/spambase.data",
    ),
    "Spambase (Hopkins, Reeber, Forman and Suermondt, HP Labs 1999; UCI 94), CC BY 4.0.",
    "spam",
    (
        SourceFile(
            "spambase/spambase.data",
            ("33624f324f5afc4697dae0d47f71a9d7b2012b57a127105b0299f68179a8f36a",),
            "spambase.data",
        ),
    ),
    "the file spambase.data inside",
    _spambase,
    "https://archive.ics.uci.edu/static/public/94/spambase.zip",
    priced=False,
)  # fmt: skip
_SOUTH_GERMAN = PublicFile(
    DatasetInfo(
        "south-german", "table", "credit", "South German credit, the codes corrected", 1000, "CC BY 4.0",
        "https://archive.ics.uci.edu/static/public/573/south+german+credit+update.zip",
        "south_german_credit/SouthGermanCredit.asc",
    ),
    "South German Credit (Groemping, Report 4/2019, Beuth Hochschule Berlin; UCI 573), CC BY 4.0: the German credit "
    "data of 1973-75 with its codes corrected.",
    "default",
    (
        SourceFile(
            "south_german_credit/SouthGermanCredit.asc",
            (
                "fc41f36d43482df98c90e0de996c097f1219db6177b136a26514e1face28f3aa",  # column names in English
                "921fdae321892628147363b74d675d0f9b2fc940e8989064a771b693622313b6",  # the same lines below German names
            ),
            "SouthGermanCredit.asc",
        ),
    ),
    "the file SouthGermanCredit.asc inside",
    _south_german,
    "https://archive.ics.uci.edu/static/public/573/south+german+credit+update.zip",
)  # fmt: skip
_GIVE_ME_SOME_CREDIT = PublicFile(
    DatasetInfo(
        "give-me-some-credit", "table", "credit", "Give Me Some Credit, serious delinquency", 150000,
        "none open; rules of the competition",
        "https://www.kaggle.com/c/GiveMeSomeCredit/data",
        "give_me_some_credit/cs-training.csv.zip",
    ),
    "Give Me Some Credit (Kaggle competition, Credit Fusion and Cukierski 2011), the labelled file; no open licence.",
    "default",
    (
        SourceFile(
            "give_me_some_credit/cs-training.csv.zip",
            ("1bd46da486a5708c58c7b01a034fae2a13b327f6f7b62ea7ba4fe3b5824b24ac",),
        ),
    ),
    "signed in there; cs-training.csv, zipped by itself",
    _give_me_some_credit,
)  # fmt: skip

PUBLIC: Mapping[str, PublicFile] = {
    public.info.name: public
    for public in (
        _SMS,
        _SMS_EVASION_PAIRS,
        _ENRON,
        _YOUTUBE,
        _SPAMBASE,
        _GERMAN,
        _SOUTH_GERMAN,
        _TAIWAN,
        _GIVE_ME_SOME_CREDIT,
    )
}
