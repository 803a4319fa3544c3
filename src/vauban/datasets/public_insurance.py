"""Public tables of insurance: who takes cover, who claims falsely, and what policies cost their insurer."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from vauban.datasets.dataset import DatasetInfo
from vauban.datasets.source import Contents, PublicFile, SourceFile

AREA = tuple(
    "MOSTYPE MAANTHUI MGEMOMV MGEMLEEF MOSHOOFD MGODRK MGODPR MGODOV MGODGE MRELGE MRELSA MRELOV MFALLEEN MFGEKIND "  # noqa: SIM905
    "MFWEKIND MOPLHOOG MOPLMIDD MOPLLAAG MBERHOOG MBERZELF MBERBOER MBERMIDD MBERARBG MBERARBO MSKA MSKB1 MSKB2 MSKC "
    "MSKD MHHUUR MHKOOP MAUT1 MAUT2 MAUT0 MZFONDS MZPART MINKM30 MINK3045 MINK4575 MINK7512 MINK123M MINKGEM "
    "MKOOPKLA".split()
)
PRODUCTS = tuple(
    "WAPART WABEDR WALAND PERSAUT BESAUT MOTSCO VRAAUT AANHANG TRACTOR WERKT BROM LEVEN PERSONG GEZONG WAOREG BRAND "  # noqa: SIM905
    "ZEILPL PLEZIER FIETS INBOED BYSTAND".split()
)
"""Each has a class of yearly contribution (P...) and a number of policies (A...)."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _coil2000(train: bytes, held_out: bytes, answers: bytes) -> Contents:
    names = [*AREA, *(f"P{p}" for p in PRODUCTS), *(f"A{p}" for p in PRODUCTS)]
    early = pd.read_csv(io.BytesIO(train), sep="\t", header=None, names=[*names, "CARAVAN"])
    late = pd.read_csv(io.BytesIO(held_out), sep="\t", header=None, names=names)
    late["CARAVAN"] = pd.read_csv(io.BytesIO(answers), header=None)[0]
    frame = pd.concat([early, late], ignore_index=True)
    return Contents(frame[names], frame["CARAVAN"].to_numpy(dtype=np.int8))


def _vehicle_claims(data: bytes) -> Contents:
    frame = pd.read_csv(io.BytesIO(data))
    month = frame["Month"].map({name: i for i, name in enumerate(MONTHS)})
    times = (frame["Year"] - 1970).to_numpy(dtype="datetime64[Y]").astype("datetime64[M]") + month.to_numpy()
    labels = frame["FraudFound_P"].to_numpy(dtype=np.int8)
    frame = frame.drop(columns=["FraudFound_P", "PolicyNumber", "Year"])
    return Contents(frame, labels, times.astype("datetime64[D]"))


def _fremtpl2(data: bytes) -> Contents:
    frame = pd.read_parquet(io.BytesIO(data))
    claims = frame["ClaimNb"].to_numpy(dtype=np.float64)
    harmful = (frame["ClaimNb"] > 0).to_numpy(dtype=np.int8)
    frame = frame.drop(columns=["IDpol", "ClaimNb", "Exposure"])
    for name in ("VehBrand", "VehGas", "Area", "Region"):
        frame[name] = frame[name].astype("str")
    for name in frame.columns[frame.dtypes == "int32"]:
        frame[name] = frame[name].astype(np.int64)
    return Contents(frame, harmful, values=claims)


def _insurance_charges(data: bytes) -> Contents:
    frame = pd.read_csv(io.BytesIO(data))
    charges = frame["charges"].to_numpy(dtype=np.float64)
    return Contents(frame.drop(columns="charges"), (charges >= np.median(charges)).astype(np.int8), values=charges)


_COIL2000 = PublicFile(
    DatasetInfo(
        "coil2000", "table", "insurance", "COIL 2000: households that insure a caravan", 9822,
        "CC BY 4.0 at UCI; the owner's documentation says research and education only",
        "https://archive.ics.uci.edu/dataset/125/insurance+company+benchmark+coil+2000",
        "coil2000/ticdata2000.txt.gz",
    ),
    "The Insurance Company Benchmark (van der Putten and van Someren, CoIL Challenge 2000; UCI 125).",
    "caravan",
    (
        SourceFile(
            "coil2000/ticdata2000.txt.gz",
            ("f6a7fe083ccedb3776bc30f5e000bdd34bfd25f625d2b4672f84afa6b70cb178",),
        ),
        SourceFile(
            "coil2000/ticeval2000.txt.gz",
            ("880f3b7dbc1174ddd10e7a20ef1e4bc3a8e345400d4b553744c5ef0c71493837",),
        ),
        SourceFile(
            "coil2000/tictgts2000.txt", ("42274a9b6d1ced5fcb35e2c103869060118ceaa7e5c5fac1a652e1f1a5806da8",)
        ),
    ),
    "ticdata2000.txt and ticeval2000.txt, gzipped, and tictgts2000.txt",
    _coil2000,
)  # fmt: skip
_VEHICLE_CLAIMS = PublicFile(
    DatasetInfo(
        "vehicle-claims", "table", "insurance", "Vehicle claims, 1994 to 1996, fraudulent or not", 15420,
        "none stated",
        "https://www.kaggle.com/datasets/shivamb/vehicle-claim-fraud-detection",
        "vehicle_claim_fraud/fraud_oracle.csv.gz",
    ),
    "Vehicle insurance claims 1994-96 (carclaims.txt of Angoss KnowledgeSeeker and Oracle; Phua, Alahakoon and Lee, "
    "SIGKDD Explorations 6(1), 2004); no licence stated.",
    "fraud",
    (
        SourceFile(
            "vehicle_claim_fraud/fraud_oracle.csv.gz",
            ("ba63c45169e18667342d24abe4efa6c32b2d1bba4350d723191e06f8b6fee803",),
        ),
    ),
    "signed in there; fraud_oracle.csv, gzipped",
    _vehicle_claims,
)  # fmt: skip
_FREMTPL2 = PublicFile(
    DatasetInfo(
        "fremtpl2", "table", "insurance", "French motor third-party liability: claims a year", 677991,
        "GPL (>= 2), as an R package",
        "https://github.com/dutangc/CASdatasets",
        "fremtpl2/freMTPL2freq.parquet",
    ),
    "freMTPL2freq (Dutang and Charpentier, R package CASdatasets, for Computational Actuarial Science with R, 2014).",
    "claim",
    (
        SourceFile(
            "fremtpl2/freMTPL2freq.parquet", ("652d228f2d77066abf5e23ac7e1fb76200c840d9cf29aa0c18bd218206b4fab3",)
        ),
    ),
    "data/freMTPL2freq.rda, the version of 677,991 rows, as a parquet table",
    _fremtpl2,
)  # fmt: skip
_INSURANCE_CHARGES = PublicFile(
    DatasetInfo(
        "insurance-charges", "table", "insurance", "Medical charges of the insured (simulated by its author)", 1338,
        "public domain, says the repository",
        "https://raw.githubusercontent.com/stedy/Machine-Learning-with-R-datasets/"
        "ff933238d9c30da179b7e3ad4b6ca938d67efc53/insurance.csv",
        "insurance_charges/insurance.csv",
    ),
    "Medical charges (Lantz, Machine Learning with R, 2013), simulated from US census demographics by its author.",
    "charges above the median",
    (
        SourceFile(
            "insurance_charges/insurance.csv", ("505c1cbc2e63d0363bac59501563df2530aadf4cdb9cfee226f4ef32f5468281",)
        ),
    ),
    "as it is",
    _insurance_charges,
    "https://raw.githubusercontent.com/stedy/Machine-Learning-with-R-datasets/"
    "ff933238d9c30da179b7e3ad4b6ca938d67efc53/insurance.csv",
)  # fmt: skip

FILES = (_COIL2000, _VEHICLE_CLAIMS, _FREMTPL2, _INSURANCE_CHARGES)
