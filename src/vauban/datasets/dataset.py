"""What a data set is, and what can be said of one before it is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Kind = Literal["table", "messages"]
Scenario = Literal["spam", "credit", "loan", "insurance"]


@dataclass(frozen=True)
class Dataset:
    """Records and their labels, ready to be split.

    ``frame`` (n, d) holds the feature columns as the model receives them; messages are one column ``text`` of str.
    ``labels`` (n,) are 1 for harmful records (``positive`` says what that means here) and 0 for legitimate ones.
    ``removed`` counts the records left out, by reason. ``facts`` says of each feature of a table who can change it, how
    and at what price (None for messages, and for tables that nobody has priced); the format is that of the files in
    ``datasets/prices``. ``times`` (n,) says when each record arrived; None where nobody knows, or where time gives the
    label away. ``values`` (n,) are the numbers that labels are cut from (claims a year, charges), which a regressor
    could predict; None where there are none. ``rewritten`` holds what people made of messages by hand, by the message.
    """

    name: str
    frame: pd.DataFrame
    labels: NDArray[np.int8]
    kind: Kind
    positive: str
    source: str
    removed: Mapping[str, int]
    facts: Mapping[str, Any] | None = None
    times: NDArray[np.datetime64] | None = None
    values: NDArray[np.float64] | None = None
    rewritten: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetInfo:
    """What a list of data sets shows: known without loading anything.

    ``rows`` is the number that ``load`` returns by default. ``address`` is where the publisher offers the data and
    ``file`` the path under the data folder where the loader looks, the first of several; both are None for generated
    data.
    """

    name: str
    kind: Kind
    scenario: Scenario
    title: str
    rows: int
    licence: str
    address: str | None = None
    file: str | None = None


def read_facts(name: str) -> dict[str, Any]:
    """Return the facts about the features of the table of this name: who can change what, at what price."""
    text = files("vauban.datasets").joinpath("prices", f"{name}.json").read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts
