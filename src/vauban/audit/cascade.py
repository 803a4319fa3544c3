"""The cascade: what the catalogue says of it. The plan makes it, the runner plays it (`runner.search_in_turn`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vauban.contracts import LABEL
from vauban.records import Modality
from vauban.threat import Grant


@dataclass(frozen=True)
class Cascade:
    """Try one attack after the other on each victim, the cheapest first; who is not evaded goes on to the next.

    An attacker who has several ways in need not choose. The order is by the questions that each attack asked for a
    record of the tuning set (median). All of them share one budget of questions a victim, and divide what may be asked
    to scout in equal parts. Its attacks are those named besides it, or all of the catalogue.

    Source: the ensemble of Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
    parameter-free attacks" (ICML 2020), in which a victim counts as evaded if any attack evades it. One budget for all
    of them, and the order, are our own.
    """

    modalities: ClassVar[frozenset[Modality]] = frozenset(Modality)
    wants: ClassVar[frozenset[Grant]] = LABEL
