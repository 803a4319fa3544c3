"""The planted world of relations, in which every possible record is listed: searches find the cheapest of all."""

from dataclasses import replace

import numpy as np
import pytest

from vauban.catalogue import entry
from vauban.contracts import Bound
from vauban.records import frozen
from vauban.schema import Derived, TableSchema
from vauban.testing import play
from vauban.testing.worlds import RELATED, Planted, World, world
from vauban.threat import Budget


def listable(which: World) -> World:
    victims = which.victims[~np.isnan(which.victims).any(axis=1)]
    return replace(which, victims=frozen(victims), listable=True)


@pytest.mark.parametrize("cell", ["EI", "EA"])
def test_searches_find_the_cheapest_record_that_obeys(cell: str) -> None:
    which = listable(world(f"related {cell} label+score"))
    assert len(which.victims) >= 8
    best = which.optimum  # every record is tried: once for all of the searches
    assert np.isfinite(best).all()
    for name in ("greedy-search", "donor-bisection", "block-search", "evolution"):
        played = play.play(entry(name).make(), which, brief=which.brief(Budget(queries=300, scouting=150)))
        cost = played.judged.cost[which.wrong_side]
        np.testing.assert_allclose(cost, best[which.wrong_side], err_msg=name)
        won = played.judged.records[played.judged.success]
        assert RELATED.holds(won).all(), name


def test_relations_make_a_flip_dearer() -> None:
    which = listable(world("related EI label+score"))
    loose = TableSchema(RELATED.features, relations=tuple(r for r in RELATED.relations if isinstance(r, Derived)))
    free = replace(which, target=Planted("loose", loose, which.target.margin))
    assert (free.optimum <= which.optimum + 1e-9).all()
    assert (free.optimum < which.optimum - 1e-9).any()


def test_the_linear_optimum_is_a_bound_under_relations_that_only_bound_and_unfit_for_derived_features() -> None:
    optimum = entry("linear-optimum").make()
    assert "burden" in optimum.unfit(RELATED)
    which = listable(world("related EI gradient+label+score+structure"))
    bounded = TableSchema(RELATED.features, relations=tuple(r for r in RELATED.relations if not isinstance(r, Derived)))
    assert optimum.unfit(bounded) is None
    which = replace(which, target=replace(which.target, schema=bounded))
    played = play.play(optimum, which)
    bounds = {c.victim: c.cost for c in played.notes.claims if isinstance(c, Bound)}
    assert len(bounds) == len(which.victims)
    assert all(bounds[v] <= cost + 1e-9 for v, cost in enumerate(which.optimum))
    exact = np.array([bounds[v] for v in range(len(bounds))]) > which.optimum * (1 - 1e-6)
    assert exact.any()
    assert bounded.holds(played.judged.records[played.judged.success]).all()
