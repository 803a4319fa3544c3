"""What a published data set is: its files, how to know them, and how to read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vauban.datasets.dataset import DatasetInfo


class Contents(NamedTuple):
    """What is read from the files of a data set.

    ``frame`` (n, d) are the feature columns, ``labels`` (n,) 1 for harmful records, ``times`` (n,) when each arrived
    and ``values`` (n,) the number that the labels are cut from; both None where the files do not say.
    """

    frame: pd.DataFrame
    labels: NDArray[np.int8]
    times: NDArray[np.datetime64] | None = None
    values: NDArray[np.float64] | None = None


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
    read: Callable[..., Contents]
    download: str | None = None
    priced: bool = True
