"""Small sets of the best of a ranking, likeliest first."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from vauban.records import Ints


def sets_near_front(k: int, w: int, most: int, again: bool = False) -> Ints:
    """Return the sets of k of w places (m, k), m <= ``most``, whose places have the least sum, in that order.

    ``again`` allows a place more than once in a set.
    """
    start = (0,) * k if again else tuple(range(k))
    heap = [(0, start)] if k <= w or again else []
    seen = {start}
    found: list[tuple[int, ...]] = []
    while heap and len(found) < most:
        total, places = heappop(heap)
        found.append(places)
        for i in range(k):
            end = w if i == k - 1 else places[i + 1] + again
            if places[i] + 1 < end:
                further = (*places[:i], places[i] + 1, *places[i + 1 :])
                if further not in seen:
                    seen.add(further)
                    heappush(heap, (total + 1, further))
    return np.array(found, dtype=np.int64).reshape(-1, k)
