"""Public messages: how to read them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from vauban.datasets.dataset import DatasetInfo
from vauban.datasets.source import REWRITTEN, Contents, PublicFile, SourceFile


def _sms(data: bytes) -> Contents:
    # Split by hand: messages hold quotation marks, and one line per message is all there is to the format.
    lines = data.decode("utf-8").removesuffix("\n").split("\n")
    marks, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    return Contents(pd.DataFrame({"text": texts}, dtype="str"), (np.array(marks) == "spam").astype(np.int8))


def _pairs(data: bytes) -> Contents:
    table = pd.read_csv(io.BytesIO(data), dtype="str")
    # The spreadsheet's sign for a line end was exported as it is written there.
    made: dict[str, list[str]] = {}
    for original, modified in table[["original", "modified"]].itertuples(index=False):
        made.setdefault(_unexported(original), []).append(_unexported(modified))
    frame = pd.DataFrame({"text": pd.Series(list(made), dtype="str")})
    frame[REWRITTEN] = pd.Series([tuple(dict.fromkeys(texts)) for texts in made.values()], dtype=object)
    return Contents(frame, np.ones(len(frame), dtype=np.int8))


def _unexported(text: str) -> str:
    return text.replace("_x000D_", "").strip()


def _enron(data: bytes) -> Contents:
    frame = pd.read_parquet(io.BytesIO(data), columns=["label", "subject", "body"])
    texts = frame["subject"] + "\n" + frame["body"]
    return Contents(pd.DataFrame({"text": texts}, dtype="str"), np.asarray(frame["label"] == "spam", dtype=np.int8))


def _youtube(*videos: bytes) -> Contents:
    # Most comments end in a byte order mark that the export left, good ones more often: no filter would see it.
    frame = pd.concat([pd.read_csv(io.BytesIO(video), dtype={"CONTENT": "str"}) for video in videos], ignore_index=True)
    return Contents(
        pd.DataFrame({"text": frame["CONTENT"].str.strip("\ufeff")}, dtype="str"), frame["CLASS"].to_numpy(np.int8)
    )


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

FILES = (_SMS, _SMS_EVASION_PAIRS, _ENRON, _YOUTUBE)
