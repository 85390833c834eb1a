# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM policy documents: what they allow. Knows what the project's policies use, and says so when that is not enough."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import AwsError

Context = Mapping[str, "str | list[str] | None"]


@dataclass(frozen=True)
class Question:
    """May this be done?"""

    action: str
    resource: str
    context: dict[str, str | list[str]] = field(default_factory=dict)
    principal: str = ""
    """For documents that name principals: a service, or the ARN of a user or role."""


def as_list(value: Any) -> list[Any]:
    """IAM writes a list of one as the one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def wildcard(pattern: str, value: str, ignore_case: bool = False) -> bool:
    """IAM's ``*`` and ``?``."""
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def arn_like(pattern: str, value: str) -> bool:
    """ARNs are compared part by part: a ``*`` does not reach over a colon before the resource."""
    ours, theirs = pattern.split(":", 5), value.split(":", 5)
    return len(ours) == len(theirs) and all(map(wildcard, ours, theirs))


OPERATORS: dict[str, Any] = {
    "StringEquals": lambda want, has: want == has,
    "StringEqualsIgnoreCase": lambda want, has: want.lower() == has.lower(),
    "StringLike": wildcard,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda want, has: want.lower() == has.lower(),
    "NumericEquals": lambda want, has: float(has) == float(want),
    "NumericLessThan": lambda want, has: float(has) < float(want),
    "NumericLessThanEquals": lambda want, has: float(has) <= float(want),
    "NumericGreaterThan": lambda want, has: float(has) > float(want),
    "NumericGreaterThanEquals": lambda want, has: float(has) >= float(want),
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filled(text: str, context: Mapping[str, Any]) -> str:
    """Policy variables replaced; one that has no value matches nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda m: str(context.get(m.group(1).lower(), "\0")), text)


def _condition_holds(operator: str, key: str, wanted: list[str], context: Mapping[str, Any]) -> bool:
    quantifier, _unused, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    value = context.get(key.lower())
    if name == "Null":
        return (value is None) == (wanted[0].lower() == "true")
    negated, name = name in NEGATED, NEGATED.get(name, name)
    if name not in OPERATORS:
        raise AwsError("NotImplemented", f"the emulator does not know the condition operator {operator}", 501)
    if value is None:
        return rest.endswith("IfExists") or negated or quantifier == "ForAllValues"
    holds = [any(OPERATORS[name](_filled(want, context), has) for want in wanted) != negated for has in as_list(value)]
    return all(holds) if quantifier == "ForAllValues" or not quantifier else any(holds)


def _conditions_hold(statement: dict[str, Any], context: Mapping[str, Any]) -> bool:
    return all(
        _condition_holds(operator, key, [_text(value) for value in as_list(wanted)], context)
        for operator, block in (statement.get("Condition") or {}).items()
        for key, wanted in block.items()
    )


def _named(statement: dict[str, Any], member: str, matches: Any) -> bool:
    """True when a statement's Action or Resource, or its Not form, is about what is asked."""
    if member in statement:
        return any(matches(pattern) for pattern in as_list(statement[member]))
    if f"Not{member}" in statement:
        return not any(matches(pattern) for pattern in as_list(statement[f"Not{member}"]))
    return member == "Resource"  # trust documents have none


def _principal_matches(statement: dict[str, Any], principal: str) -> bool:
    allowed = statement.get("Principal")
    if allowed == "*":
        return True
    if not isinstance(allowed, dict):
        return False
    account = principal.split(":")[4] if principal.startswith("arn:") else ""
    for value in [*as_list(allowed.get("Service")), *as_list(allowed.get("AWS")), *as_list(allowed.get("Federated"))]:
        if value in ("*", principal) or (account and (value == account or value.endswith(f":iam::{account}:root"))):
            return True
    return False


def _applies(statement: dict[str, Any], question: Question) -> bool:
    context = {key.lower(): value for key, value in question.context.items()}
    return (
        (not question.principal or _principal_matches(statement, question.principal))
        and _named(statement, "Action", lambda p: wildcard(p, question.action, ignore_case=True))
        and _named(statement, "Resource", lambda p: p == "*" or wildcard(_filled(p, context), question.resource))
        and _conditions_hold(statement, context)
    )


def decide(documents: Iterable[str], question: Question) -> str:
    """``deny`` when a statement denies, else ``allow`` when one allows, else ``none``."""
    decision = "none"
    for document in documents:
        for statement in as_list(json.loads(document).get("Statement")):
            if _applies(statement, question):
                if statement.get("Effect") == "Deny":
                    return "deny"
                decision = "allow"
    return decision
