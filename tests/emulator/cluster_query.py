# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS's cluster query language, in which ListContainerInstances filters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import AwsError

TOKEN = re.compile(
    r"\s*(?:(?P<op>==|!=|>=|<=|=~|!~|>|<|\(|\)|\[|\]|,)|(?P<not_exists>!exists|not_exists)\b"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<word>[^\s()\[\],=!<>~\"']+))"
)
Test = Callable[[dict[str, Any]], bool]


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise AwsError("InvalidParameterException", f"Invalid filter: {text[position:]}")
        tokens.append(match.group(0).strip())
        position = match.end()
    return tokens


def _subject(instance: dict[str, Any], name: str) -> str | None:
    """The value of a subject as text, or None when the machine has no such attribute."""
    if name.startswith("attribute:"):
        for one in instance["attributes"]:
            if one["name"] == name[len("attribute:") :]:
                return str(one.get("value", ""))
        return None
    value = instance["versionInfo"].get(name) if name in ("agentVersion", "dockerVersion") else instance.get(name)
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _ordered(value: str) -> tuple[Any, ...]:
    """For < and >: numbers and versions by number, anything else by letters."""
    parts = value.split(".")
    return (0, *map(int, parts)) if all(part.isdigit() for part in parts) else (1, value)


def _any(one: Test, other: Test) -> Test:
    return lambda c: one(c) or other(c)


def _all(one: Test, other: Test) -> Test:
    return lambda c: one(c) and other(c)


class ClusterQuery:
    """A parsed expression.

    :raises AwsError: InvalidParameterException when it cannot be understood
    """

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._test: Test | None = self._either() if self._tokens else None
        if self._tokens:
            raise AwsError("InvalidParameterException", f"Invalid filter: {text}")

    def matches(self, instance: dict[str, Any]) -> bool:
        """True when a container instance, as it is described, is meant; an empty expression means all."""
        return self._test is None or self._test(instance)

    def _next(self) -> str:
        if not self._tokens:
            raise AwsError("InvalidParameterException", "Invalid filter: it ends too early")
        return self._tokens.pop(0)

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _either(self) -> Test:
        left = self._both()
        while self._peek() in ("or", "||"):
            self._next()
            left = _any(left, self._both())
        return left

    def _both(self) -> Test:
        left = self._one()
        while self._peek() in ("and", "&&"):
            self._next()
            left = _all(left, self._one())
        return left

    def _one(self) -> Test:
        token = self._next()
        if token == "not":
            inner = self._one()
            return lambda c: not inner(c)
        if token == "(":
            inner = self._either()
            if self._next() != ")":
                raise AwsError("InvalidParameterException", "Invalid filter: ) is missing")
            return inner
        return self._comparison(token)

    def _literal(self) -> str:
        return self._next().strip("\"'")

    def _comparison(self, name: str) -> Test:
        sign = self._next()
        if sign == "exists":
            return lambda c: _subject(c, name) is not None
        if sign in ("!exists", "not_exists"):
            return lambda c: _subject(c, name) is None
        if sign in ("in", "not_in"):
            values = self._list()
            return lambda c: (_subject(c, name) in values) == (sign == "in")
        value = self._literal()
        tests: dict[str, Callable[[str], bool]] = {
            "==": lambda has: has == value,
            "!=": lambda has: has != value,
            "=~": lambda has: re.search(value, has) is not None,
            "!~": lambda has: re.search(value, has) is None,
            ">": lambda has: _ordered(has) > _ordered(value),
            ">=": lambda has: _ordered(has) >= _ordered(value),
            "<": lambda has: _ordered(has) < _ordered(value),
            "<=": lambda has: _ordered(has) <= _ordered(value),
        }
        if sign not in tests:
            raise AwsError("InvalidParameterException", f"Invalid filter: {sign}")
        return lambda c: (has := _subject(c, name)) is not None and tests[sign](has)

    def _list(self) -> list[str]:
        if self._next() != "[":
            raise AwsError("InvalidParameterException", "Invalid filter: a list begins with [")
        values = []
        while self._peek() != "]":
            values.append(self._literal())
            if self._peek() == ",":
                self._next()
        self._next()
        return values
