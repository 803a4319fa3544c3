"""Records as numbers: for linear learners, for trees, and as traits that a record has or has not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from vauban.records import Floats, Ints, Modality, Records, modality_of
from vauban.schema import Schema, TableSchema

_WORD = r"(?u)\b\w+\b"
WORDS = 60_000
"""Words of messages that are told apart, the most frequent."""
BINS = 12
"""Intervals, each with about as many records, that a number is cut into."""
BLOCK = 8192
"""Records whose sections are held at a time."""
COARSE = (1 / 20, 1 / 4, 5 / 12, 7 / 12, 3 / 4, 19 / 20)
"""Shares of the records below which, and from which on, a number is a section: users differ at the ends too."""
SPIKE = 0.004
"""Share of the records at which a single value of a number is a trait of its own."""


@dataclass(frozen=True, eq=False)
class View:
    """The same n records in three forms.

    Attributes:
        linear: (n, f) sparse, rows of about unit length.
        traits: (n, t) sparse, 1 where a record has a word, a category, or a number in an interval.
        names: (t,) what each trait is, in words.
        columns: (t,) the feature that each trait is of; 0 for messages.
        dense: (n, d) for trees; None for messages.
        length: (n,) words of a message, or values of a record that are there.
    """

    linear: csr_matrix
    traits: csr_matrix
    names: list[str]
    columns: Ints
    dense: Floats | None
    length: Ints
    _made: Any

    @staticmethod
    def of(records: Records, schema: Schema) -> View:
        """Return the view of records; what it tells apart is learnt from them."""
        if modality_of(records) is Modality.TEXT:
            made: Any = _Words(records)
        else:
            assert isinstance(schema, TableSchema)  # noqa: S101 - a table has the schema of a table
            made = _Bins(records, schema)
        return made.view(records)  # type: ignore[no-any-return]

    def sections(self, rows: slice | Ints = slice(None)) -> tuple[csr_matrix, list[str], Ints]:
        """Return the traits of rows of a table with coarse intervals of its numbers: (m, t), names, features (t,).

        Many: of a large table take some rows at a time.
        """
        assert self.dense is not None  # noqa: S101 - messages have no sections
        blocks, names, owners = self._made.coarse(self.dense[rows])
        columns = np.concatenate([self.columns, np.array(owners, dtype=np.int64)])
        return hstack([self.traits[rows], *blocks], format="csr"), self.names + names, columns

    def section_blocks(self, records: Records | None = None) -> Iterator[csr_matrix]:
        """Yield the traits of sections, of its own records or of others, as many at a time as are held: (m, t)."""
        n = self.traits.shape[0] if records is None else len(records)
        for start in range(0, n, BLOCK):
            rows = slice(start, start + BLOCK)
            yield (self.sections(rows) if records is None else self.same(records[rows]).sections())[0]

    def same(self, records: Records) -> View:
        """Return other records in the same terms."""
        return self._made.view(records)  # type: ignore[no-any-return]


class _Words:
    def __init__(self, texts: Records) -> None:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

        least = 2 if len(texts) > 100 else 1
        self.counter = CountVectorizer(min_df=least, max_features=WORDS, token_pattern=_WORD)
        try:
            counts = self.counter.fit_transform(texts)
        except ValueError:  # not a single word
            self.counter = CountVectorizer(analyzer="char")
            counts = self.counter.fit_transform(texts) if any(texts) else None
        self.weigh = None if counts is None else TfidfTransformer(sublinear_tf=True).fit(counts)

    def view(self, texts: Records) -> View:
        if self.weigh is None:
            empty = csr_matrix((len(texts), 1))
            return View(
                empty, empty, ["nothing"], np.zeros(1, dtype=np.int64), None, np.zeros(len(texts), dtype=np.int64), self
            )
        counts = self.counter.transform(texts).tocsr()
        traits = counts.copy()
        traits.data = np.ones(len(traits.data))
        names = [f"the word {word!r}" for word in self.counter.get_feature_names_out()]
        length = np.fromiter((len(text.split()) for text in texts), dtype=np.int64, count=len(texts))
        columns = np.zeros(len(names), dtype=np.int64)
        return View(self.weigh.transform(counts).tocsr(), traits.tocsr(), names, columns, None, length, self)


class _Bins:
    """Numbers cut at quantiles, spikes, categories, and what is missing."""

    def __init__(self, records: Records, schema: TableSchema) -> None:
        self.schema = schema
        self.cuts, self.spikes, self.ends = {}, {}, {}
        for j in range(records.shape[1]):
            column = records[:, j]
            column = column[~np.isnan(column)]
            if schema.features[j].listed or not len(column):
                continue
            values, counts = np.unique(column, return_counts=True)
            self.spikes[j] = values[counts >= max(SPIKE * len(records), 8)] if len(values) > BINS else values
            self.cuts[j] = (
                np.unique(np.quantile(column, np.arange(1, BINS) / BINS)) if len(values) > BINS else values[:0]
            )
            ends = np.unique(np.quantile(column, COARSE)) if len(values) > BINS else values[:0]
            self.ends[j] = ends[ends > values[0]]

    def view(self, records: Records) -> View:
        blocks, names = [], []
        owners: list[int] = []
        every = np.arange(len(records))
        for j, feature in enumerate(self.schema.features):
            column = records[:, j]
            gone = np.isnan(column)
            if feature.listed:
                listed = [f"{feature.name} = {value}" for value in feature.values]
                blocks.append(_one_hot(every[~gone], column[~gone].astype(np.intp), len(records), len(listed)))
                names += listed
            elif j in self.cuts:
                cuts, spikes = self.cuts[j], self.spikes[j]
                if len(cuts):
                    where = np.searchsorted(cuts, column[~gone], side="right")
                    blocks.append(_one_hot(every[~gone], where, len(records), len(cuts) + 1))
                    edges = [f"{cut:.6g}" for cut in cuts]
                    names += [f"{feature.name} below {edges[0]}"]
                    names += [f"{feature.name} from {a} to {b}" for a, b in pairwise(edges)]
                    names += [f"{feature.name} from {edges[-1]}"]
                if len(spikes):
                    at = np.minimum(np.searchsorted(spikes, column), len(spikes) - 1)
                    hit = np.flatnonzero(spikes[at] == column)
                    blocks.append(_one_hot(hit, at[hit], len(records), len(spikes)))
                    names += [f"{feature.name} = {value:.6g}" for value in spikes]
            if gone.any():
                blocks.append(_one_hot(every[gone], np.zeros(int(gone.sum()), np.intp), len(records), 1))
                names.append(f"{feature.name} missing")
            else:
                blocks.append(csr_matrix((len(records), 1)))
                names.append(f"{feature.name} missing")
            owners += [j] * (len(names) - len(owners))
        traits = hstack(blocks, format="csr") if blocks else csr_matrix((len(records), 0))
        linear = traits * (1 / np.sqrt(max(len(self.schema.features), 1)))
        length = (~np.isnan(records)).sum(axis=1)
        return View(linear.tocsr(), traits, names, np.array(owners, dtype=np.int64), records, length, self)

    def coarse(self, records: Records) -> tuple[list[csr_matrix], list[str], list[int]]:
        """Return for each number where it is below and where it is above a few of its quantiles."""
        blocks, names, owners = [], [], []
        for j, ends in self.ends.items():
            column = records[:, j]
            for cut in ends:
                for where, word in ((column < cut, "below"), (column >= cut, "from")):
                    rows = np.flatnonzero(where)
                    blocks.append(_one_hot(rows, np.zeros(len(rows), np.intp), len(records), 1))
                    names.append(f"{self.schema.features[j].name} {word} {cut:.6g}")
                    owners.append(j)
        return blocks, names, owners


def _one_hot(rows: Ints, columns: Ints, n: int, width: int) -> csr_matrix:
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, width))
