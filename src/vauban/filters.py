"""Filters (``--where``): which records an attacker aims at, in a small language of our own, never evaluated as code.

filter     := or
or         := and ("or" and)*
and        := not ("and" not)*
not        := "not" not | "(" or ")" | comparison
comparison := field op value | field "in" "(" value ("," value)* ")" | field "is" ["not"] "missing"
op         := = | == | != | < | <= | > | >= | contains
field      := a bare name, or a quoted one: "default payment next month"
value      := a number, true, false, a bare word, or a quoted text

A missing value passes no comparison, ``!=`` included; ``is missing`` finds it, and ``not`` turns around whatever it is
put before: ``not amount > 5`` selects what is missing too. Texts are compared as they are written: ``zip = 007``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vauban.errors import BadInput
from vauban.records import Mask

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<op><=|>=|==|!=|=|<|>)|(?P<mark>[(),])|(?P<word>[^\s()<>=!,"']+))"""
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_RESERVED = frozenset({"and", "or", "not", "in", "is", "contains", "missing"})
DEEPEST = 50
"""How deeply brackets and ``not`` may nest: deeper ones are no filter that a person wrote."""

_Test = Callable[[pd.DataFrame], Mask]


@dataclass(frozen=True)
class Filter:
    """A parsed filter: its text, as shown in reports, and the records that it selects."""

    text: str

    def __post_init__(self) -> None:
        """Raise BadInput now if the text does not parse."""
        _Parser(self.text).parse()

    def __str__(self) -> str:
        """Return the text that was parsed."""
        return self.text

    def mask(self, frame: pd.DataFrame) -> Mask:
        """Return which rows of a raw frame are selected (n,); BadInput for unknown fields and senseless comparisons."""
        return _Parser(self.text).parse()(frame)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.next = 0
        self.depth = 0

    def _error(self, problem: str) -> BadInput:
        return BadInput(
            f"The filter {self.text!r} does not parse: {problem}. "
            "Write for example: amount > 5000 and purpose in (car, furniture)."
        )

    def _tokens(self) -> list[_Token]:
        found, at, text = [], 0, self.text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._error(f"cannot read {text[at:][:20]!r}")
            found.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
            at = match.end()
        return found

    def parse(self) -> _Test:
        if not self.tokens:
            raise self._error("it is empty")
        test = self._or()
        if self.next < len(self.tokens):
            raise self._error(f"{self.tokens[self.next].text!r} is not expected there")
        return test

    def _peek(self) -> str | None:
        if self.next == len(self.tokens):
            return None
        token = self.tokens[self.next]
        return None if token.kind == "quoted" else token.text.lower()

    def _take(self, what: str) -> _Token:
        if self.next == len(self.tokens):
            raise self._error(f"it ends where {what} should follow")
        self.next += 1
        return self.tokens[self.next - 1]

    def _expect(self, mark: str) -> None:
        token = self._take(repr(mark))
        if token.kind != "mark" or token.text != mark:
            raise self._error(f"{mark!r} should stand where {token.text!r} is")

    def _or(self) -> _Test:
        tests = [self._and()]
        while self._peek() == "or":
            self.next += 1
            tests.append(self._and())
        return lambda frame: np.logical_or.reduce([t(frame) for t in tests])

    def _and(self) -> _Test:
        tests = [self._not()]
        while self._peek() == "and":
            self.next += 1
            tests.append(self._not())
        return lambda frame: np.logical_and.reduce([t(frame) for t in tests])

    def _not(self) -> _Test:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error(f"it nests more than {DEEPEST} deep")
        try:
            if self._peek() == "not":
                self.next += 1
                inner = self._not()
                return lambda frame: ~inner(frame)
            if self._peek() == "(":
                self.next += 1
                inner = self._or()
                self._expect(")")
                return inner
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> _Test:
        field = self._name()
        operator = self._take("an operator")
        word = operator.text.lower() if operator.kind != "quoted" else ""
        if word == "in":
            return self._membership(field)
        if word == "is":
            return self._missing(field)
        if word == "contains":
            part = _unquote(self._literal())
            return lambda frame: _contains(frame, field, part)
        if operator.kind != "op":
            raise self._error(
                f"{operator.text!r} is no operator; use one of {' '.join(_COMPARE)} in, is missing, contains"
            )
        value = self._literal()
        return lambda frame: _compare(frame, field, operator.text, value)

    def _name(self) -> str:
        token = self._take("a field")
        if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text.lower() in _RESERVED):
            raise self._error(f"a field should stand where {token.text!r} is")
        return _unquote(token)

    def _literal(self) -> _Token:
        token = self._take("a value")
        if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text.lower() in _RESERVED):
            raise self._error(f"a value should stand where {token.text!r} is; quote it if it is meant as a text")
        return token

    def _membership(self, field: str) -> _Test:
        self._expect("(")
        values = [self._literal()]
        while self._peek() == ",":
            self.next += 1
            values.append(self._literal())
        self._expect(")")
        return lambda frame: np.logical_or.reduce([_compare(frame, field, "=", v) for v in values])

    def _missing(self, field: str) -> _Test:
        wanted = True
        if self._peek() == "not":
            self.next += 1
            wanted = False
        if self._peek() != "missing":
            raise self._error("'missing' or 'not missing' should follow 'is'")
        self.next += 1
        return lambda frame: (_column(frame, field).isna() == wanted).to_numpy(dtype=bool)


def _unquote(token: _Token) -> str:
    """Return the text that is meant: without its quotes, if it has any."""
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "quoted" else token.text


def _number(token: _Token) -> float | bool | None:
    """Return the number, or the true or false, that is meant; None if it is a text."""
    if token.kind == "quoted":
        return None
    if token.text.lower() in ("true", "false"):
        return token.text.lower() == "true"
    return float(token.text) if _NUMBER.fullmatch(token.text) else None


def _column(frame: pd.DataFrame, field: str) -> pd.Series[Any]:
    if field not in frame.columns:
        raise BadInput(f"The filter names the field {field!r}. Fields: {', '.join(map(str, frame.columns))}.")
    return frame[field]


def _contains(frame: pd.DataFrame, field: str, part: str) -> Mask:
    column = _column(frame, field)
    found = column.astype("string").str.contains(part, case=False, regex=False)
    return np.asarray((found.fillna(False) & column.notna()).to_numpy(dtype=bool))


def _compare(frame: pd.DataFrame, field: str, operator: str, literal: _Token) -> Mask:
    column = _column(frame, field)
    number = _number(literal)
    value: Any = number
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        if number is None:
            raise BadInput(
                f"The filter compares the numbers of {field!r} with the text {_unquote(literal)!r}. Give a number."
            )
    elif operator not in ("=", "==", "!="):
        raise BadInput(f"The filter orders {field!r} by {operator!r}, but it holds no numbers. Use =, != or in.")
    else:
        column = column.astype("string")
        value = str(number) if isinstance(number, bool) else _unquote(literal)
    known = column.notna().to_numpy(dtype=bool)
    result = np.zeros(len(frame), dtype=bool)
    result[known] = np.asarray(_COMPARE[operator](column[known].to_numpy(), value), dtype=bool)
    return result
