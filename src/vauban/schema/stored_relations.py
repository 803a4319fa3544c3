"""Relations as plain JSON values and back: the form they have in run folders and in the facts on data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vauban.errors import BadInput
from vauban.schema.expression import Calculation, Expression, Lookup, Steps, Was
from vauban.schema.relations import Condition, Derived, Implication, Linear, Relation


def relation_out(relation: Relation) -> dict[str, Any]:
    """Return a relation as JSON values."""
    if isinstance(relation, Linear):
        return {
            "kind": "linear",
            "name": relation.name,
            "weights": dict(relation.terms),
            "bound": relation.bound,
            "equal": relation.equal,
            "tolerance": relation.tolerance,
            "note": relation.note,
        }
    if isinstance(relation, Implication):
        return {
            "kind": "implication",
            "name": relation.name,
            "when": _condition_out(relation.when),
            "then": _condition_out(relation.then),
            "both": relation.both,
            "note": relation.note,
        }
    return {
        "kind": "derived",
        "feature": relation.feature,
        "expression": expression_out(relation.expression),
        "tolerance": relation.tolerance,
        "otherwise": relation.otherwise,
        "note": relation.note,
    }


def relation_in(stored: Mapping[str, Any]) -> Relation:
    """Return the relation that these JSON values say; BadInput if they are none. What has a default may be left out."""
    kinds = {"linear": Linear, "implication": Implication, "derived": Derived}
    kind = stored.get("kind")
    if kind not in kinds:
        raise BadInput(f"A relation is of the kind {', '.join(kinds)}. Got {kind!r}.")
    given = {name: value for name, value in stored.items() if name != "kind"}
    if kind == "implication":
        given |= {name: Condition(**given[name]) for name in ("when", "then")}
    elif kind == "derived":
        given["expression"] = expression_in(given["expression"])
    try:
        relation: Relation = kinds[kind](**given)
    except TypeError as error:
        raise BadInput(f"The relation {stored.get('name', stored.get('feature'))!r} is damaged: {error}.") from error
    return relation


def _condition_out(condition: Condition) -> dict[str, Any]:
    value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    return {"feature": condition.feature, "test": condition.test, "value": value}


def expression_out(expression: Expression) -> Any:
    """Return an expression as JSON values: a number, a name, ``[operation, ...]``, or what the class says."""
    if isinstance(expression, Was):
        return {"was": expression.feature}
    if isinstance(expression, Lookup):
        return {"lookup": expression.feature, "pairs": [list(p) for p in expression.pairs]}
    if isinstance(expression, Steps):
        return {
            "steps": expression_out(expression.of),
            "cuts": list(expression.cuts),
            "values": list(expression.values),
        }
    if isinstance(expression, Calculation):
        return [expression.operation, *(expression_out(e) for e in expression.of)]
    return expression


def expression_in(stored: Any) -> Expression:
    """Return the expression that these JSON values say; BadInput if they are none."""
    if isinstance(stored, str) or (isinstance(stored, (int, float)) and not isinstance(stored, bool)):
        return stored
    if isinstance(stored, (list, tuple)) and stored and isinstance(stored[0], str):
        return Calculation(stored[0], tuple(expression_in(e) for e in stored[1:]))
    if isinstance(stored, Mapping):
        names = set(stored)
        if names == {"was"}:
            return Was(str(stored["was"]))
        if names == {"lookup", "pairs"}:
            return Lookup(str(stored["lookup"]), tuple((k, v) for k, v in stored["pairs"]))
        if names == {"steps", "cuts", "values"}:
            return Steps(expression_in(stored["steps"]), tuple(stored["cuts"]), tuple(stored["values"]))
    raise BadInput(
        "An expression is a number, the name of a feature, [operation, ...], or an object with was, lookup and pairs, "
        f"or steps, cuts and values. Got {stored!r}."
    )
