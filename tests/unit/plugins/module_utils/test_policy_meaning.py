# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents that compare equal are judged equal by another: the emulator's evaluator; and spellings that AWS documents.

``test__policy.py`` writes a document anew in other spellings; this changes it by a little, and asks what it then means.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import _policy
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from emulator.policies import Question, decide

# By an oracle ------------------------------------------------------------------------------------------------------

ACTIONS = ["ecs:Poll", "ECS:poll", "ecs:*", "ecs:Po?l", "ecs:Submit", "*"]
RESOURCES = ["*", "arn:aws:ecs:::a", "arn:aws:ecs:::A", "arn:aws:ecs:::*"]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": "123456789012"},
    {"AWS": ["arn:aws:iam::123456789012:root"]},
    {"AWS": "arn:aws:iam::123456789012:role/x"},
    {"Service": "ecs.amazonaws.com"},
    {"Service": ["ecs.amazonaws.com", "ssm.amazonaws.com"]},
]
OPERATORS = ["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIgnoreCase", "StringEqualsIfExists"]
OPERATORS += ["ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ArnEquals", "ArnLike", "ArnNotLike"]
OPERATORS += ["ArnNotEquals", "Null"]
KEYS = ["ecs:cluster", "ECS:Cluster", "aws:SourceArn"]
TEXTS: list[Any] = ["arn:aws:ecs:::a", "arn:aws:ecs:::A", "arn:aws:ecs:::*", "true", True, "false"]
NUMBERS: list[Any] = [5, "5", "5.0", 5.0, "6", "05"]


def _values(pool: list[Any]) -> st.SearchStrategy[Any]:
    one = st.sampled_from(pool)
    return one | st.lists(one, min_size=1, max_size=2)


#: A condition: its operator, key and values.
CONDITION = st.one_of(
    st.tuples(st.sampled_from(OPERATORS), st.sampled_from(KEYS), _values(TEXTS)),
    st.tuples(st.just("NumericLessThan"), st.just("s3:max-keys"), _values(NUMBERS)),
)
#: The parts of a statement, from few words, so that two of them are often nearly the same.
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "Effect": st.sampled_from(["Allow", "Deny"]),
    "action": st.sampled_from(["Action", "NotAction"]),
    "actions": _values(ACTIONS),
    "resource": st.sampled_from(["Resource", "NotResource"]),
    "resources": _values(RESOURCES),
    "principal": st.sampled_from(PRINCIPALS),
    "conditions": st.lists(CONDITION, max_size=2),
}


def _written(parts: dict[str, Any], trust: bool) -> dict[str, Any]:
    statement = {"Effect": parts["Effect"], parts["action"]: parts["actions"], "Condition": {}}
    statement |= {"Principal": parts["principal"]} if trust else {parts["resource"]: parts["resources"]}
    for operator, key, values in parts["conditions"]:
        statement["Condition"].setdefault(operator, {})[key] = values
    return statement


def _document(statements: list[dict[str, Any]], trust: bool) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_written(one, trust) for one in statements]}


STATEMENTS = st.lists(st.fixed_dictionaries(PARTS), min_size=1, max_size=2)


@st.composite
def neighbours(draw: st.DrawFn, trust: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two documents that differ in one part of one statement, or in nothing."""
    one = draw(STATEMENTS)
    other = [dict(statement) for statement in one]
    part = draw(st.sampled_from([*PARTS, "operator", "key", "values"]))
    changed = draw(st.sampled_from(other))
    if part in PARTS:
        changed[part] = draw(PARTS[part])
    elif changed["conditions"]:
        operator, key, values = changed["conditions"][0]
        new = draw(CONDITION)
        old = {"operator": operator, "key": key, "values": values}
        old[part] = dict(zip(old, new, strict=True))[part]
        changed["conditions"] = [tuple(old.values()), *changed["conditions"][1:]]
    return _document(one, trust), _document(other, trust)


CONTEXTS: list[dict[str, str | list[str]]] = [
    {},
    {"ecs:cluster": "arn:aws:ecs:::a", "s3:max-keys": "5"},
    {"ecs:cluster": "arn:aws:ecs:::A", "aws:SourceArn": "arn:aws:ecs:::a"},
    {"ecs:cluster": "arn:aws:ecs:::b", "aws:SourceArn": "arn:aws:ecs:::A", "s3:max-keys": "4"},
    {"ecs:cluster": "true", "aws:SourceArn": "TRUE"},
    {"ecs:cluster": "True", "aws:SourceArn": "false"},
    {"ecs:cluster": ["arn:aws:ecs:::a", "arn:aws:ecs:::b"]},
]
WHERE = ("arn:aws:ecs:::a", "arn:aws:ecs:::A", "arn:aws:s3:::x")
WHO = ("", "ecs.amazonaws.com", "ssm.amazonaws.com", "arn:aws:iam::123456789012:role/x", "arn:aws:iam::1:role/x")


def judged(document: dict[str, Any]) -> list[str]:
    """The emulator's judgement of all that can be asked in these tests."""
    text = json.dumps(document)
    trust = "Principal" in document["Statement"][0]
    where, who = (WHERE[:1], WHO[1:]) if trust else (WHERE, WHO[:1])
    asked = itertools.product(("ecs:Poll", "ecs:Submit", "s3:Get"), where, CONTEXTS, who)
    return [decide([text], Question(*question)) for question in asked]


@pytest.mark.parametrize("trust", [False, True], ids=["permissions", "trust"])
def test_what_is_judged_differently_is_not_the_same(trust: bool) -> None:
    @settings(max_examples=600, deadline=None)
    @given(neighbours(trust))
    def holds(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
        one, other = pair
        if _policy.same(one, other):
            assert judged(one) == judged(other)

    holds()


@settings(max_examples=100, deadline=None)
@given(STATEMENTS)
def test_each_statement_counts(statements: list[dict[str, Any]]) -> None:
    """A document without one of its statements is the same only when another says it."""
    document = _document(statements, trust=False)
    assume(len(document["Statement"]) == 2)
    less = {**document, "Statement": document["Statement"][1:]}
    twice = _policy.normal(less) == _policy.normal({**document, "Statement": document["Statement"][:1]})
    assert _policy.same(document, less) is twice


# By AWS's pages ----------------------------------------------------------------------------------------------------


def _if(condition: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": condition, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _plain(**parts: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", **parts}
    return {"Version": "2012-10-17", "Statement": [statement]}


ACCOUNT = "123456789012"
SAME = {
    "case of an action with a star": (_plain(Action="s3:*", Resource="*"), _plain(Action="S3:*", Resource="*")),
    "case of NotAction": (_plain(NotAction="iam:*", Resource="*"), _plain(NotAction=["IAM:*"], Resource=["*"])),
    "NotResource in another order": (
        _plain(Action="*", NotResource=["a", "b"]),
        _plain(Action=["*"], NotResource=["b", "a", "a"]),
    ),
    "NotPrincipal by number": (
        _plain(Action="*", NotPrincipal={"AWS": ACCOUNT}),
        _plain(Action="*", NotPrincipal={"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}),
    ),
    "the number of an account as a number": (
        _plain(Action="*", Principal={"AWS": int(ACCOUNT)}),
        _plain(Action="*", Principal={"AWS": ACCOUNT}),
    ),
    "everybody": (_plain(Action="*", Principal="*"), _plain(Action="*", Principal={"AWS": ["*"]})),
    "no condition": (_if({}), _plain(Action="s3:GetObject", Resource="*")),
    "an operator without keys": (_if({"StringEquals": {}}), _if({})),
    "no Sid": (_if({}, Sid=""), _if({})),
    "case of a condition key": (
        _if({"StringEquals": {"aws:RequestTag/Owner": "x"}}),
        _if({"StringEquals": {"AWS:requesttag/owner": ["x"]}}),
    ),
    "numbers": (_if({"NumericLessThan": {"k": [10, 1.5]}}), _if({"NumericLessThan": {"k": ["1.50", "10.0"]}})),
    "a negative number": (_if({"NumericEquals": {"k": -3}}), _if({"NumericEquals": {"k": "-3.0"}})),
    "booleans": (_if({"Bool": {"k": True}}), _if({"Bool": {"k": ["True"]}})),
    "booleans if they exist": (_if({"BoolIfExists": {"k": False}}), _if({"BoolIfExists": {"k": "FALSE"}})),
    "Null": (_if({"Null": {"k": True}}), _if({"Null": {"k": "true"}})),
    "strings without case": (
        _if({"StringNotEqualsIgnoreCase": {"k": "Value"}}),
        _if({"StringNotEqualsIgnoreCase": {"k": "vALUE"}}),
    ),
    "ArnEquals is ArnLike": (
        _if({"ForAnyValue:ArnEqualsIfExists": {"k": "a"}}),
        _if({"ForAnyValue:ArnLikeIfExists": {"k": "a"}}),
    ),
    "ArnNotEquals is ArnNotLike": (_if({"ArnNotEquals": {"k": "a"}}), _if({"ArnNotLike": {"k": "a"}})),
    "dates": (
        _if({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
        _if({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T02:00:00+02:00"}}),
    ),
    "a date in seconds": (
        _if({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
        _if({"DateGreaterThan": {"aws:CurrentTime": 1893456000}}),
    ),
    "an address": (_if({"IpAddress": {"k": "203.0.113.7"}}), _if({"IpAddress": {"k": "203.0.113.7/32"}})),
    "an address of IPv6": (
        _if({"NotIpAddress": {"k": "2001:DB8:0:0::/64"}}),
        _if({"NotIpAddress": {"k": "2001:db8::/64"}}),
    ),
    "no version": (
        {"Statement": _if({})["Statement"]},
        {"Version": "2008-10-17", "Statement": _if({})["Statement"][0]},
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_spellings_of_the_same(case: str) -> None:
    one, other = SAME[case]
    assert _policy.same(one, other)
    assert _policy.same(_policy.parse(json.dumps(one), "one"), _policy.parse(json.dumps(other), "other"))


DIFFERENT = {
    "case of a resource": (_plain(Action="*", Resource="arn:X"), _plain(Action="*", Resource="arn:x")),
    "a star for a question mark": (_plain(Action="s3:*", Resource="*"), _plain(Action="s3:?", Resource="*")),
    "NotResource": (_plain(Action="*", Resource="a"), _plain(Action="*", NotResource="a")),
    "NotPrincipal": (_plain(Action="*", Principal="*"), _plain(Action="*", NotPrincipal="*")),
    "a root of another account": (
        _plain(Action="*", Principal={"AWS": ACCOUNT}),
        _plain(Action="*", Principal={"AWS": "arn:aws:iam::210987654321:root"}),
    ),
    "a federated account": (
        _plain(Action="*", Principal={"Federated": ACCOUNT}),
        _plain(Action="*", Principal={"AWS": ACCOUNT}),
    ),
    "both must hold": (
        _if({"ArnEquals": {"k": "a"}, "ArnLike": {"k": "b"}}),
        _if({"ArnLike": {"k": ["a", "b"]}}),
    ),
    "both keys must hold": (_if({"StringEquals": {"k": "a", "K": "b"}}), _if({"StringEquals": {"k": ["a", "b"]}})),
    "one operator more": (_if({"StringEquals": {"k": "a"}}), _if({"StringEquals": {"k": "a"}, "Bool": {"x": True}})),
    "like and equals": (_if({"StringLike": {"k": "a*"}}), _if({"StringEquals": {"k": "a*"}})),
    "case of a string": (_if({"StringEquals": {"k": "a"}}), _if({"StringEquals": {"k": "A"}})),
    "case of a string that is like": (_if({"StringLike": {"k": "a"}}), _if({"StringLike": {"k": "A"}})),
    "a string that looks like a number": (
        _if({"StringEquals": {"k": "1.0"}}),
        _if({"StringEquals": {"k": "1"}}),
    ),
    "a string that looks like an address": (
        _if({"StringEquals": {"k": "10.0.0.1"}}),
        _if({"StringEquals": {"k": "10.0.0.1/32"}}),
    ),
    "if it exists": (_if({"StringEquals": {"k": "a"}}), _if({"StringEqualsIfExists": {"k": "a"}})),
    "all values": (_if({"ForAllValues:StringEquals": {"k": "a"}}), _if({"ForAnyValue:StringEquals": {"k": "a"}})),
    "each value": (_if({"ForAllValues:StringEquals": {"k": "a"}}), _if({"StringEquals": {"k": "a"}})),
    "Null turned": (_if({"Null": {"k": True}}), _if({"Null": {"k": False}})),
    "other networks": (_if({"IpAddress": {"k": "10.0.0.0/8"}}), _if({"IpAddress": {"k": "10.0.0.0/16"}})),
    "another hour": (
        _if({"DateLessThan": {"k": "2030-01-01T00:00:00Z"}}),
        _if({"DateLessThan": {"k": "2030-01-01T00:00:00+01:00"}}),
    ),
    "other numbers": (_if({"NumericEquals": {"k": "10"}}), _if({"NumericEquals": {"k": "1"}})),
    "a condition for nobody": (_if({"StringEquals": {"k": []}}), _if({})),
    "who changes a Sid wants it changed": (_if({}, Sid="A"), _if({}, Sid="a")),
    "versions": (_if({}), {**_if({}), "Version": "2008-10-17"}),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_means_something_else(case: str) -> None:
    one, other = DIFFERENT[case]
    assert not _policy.same(one, other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*"}}', "the name 'Effect' stands twice"),
        (
            '{"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"StringEquals": "x"}}}',
            "a JSON object of operators, each an object of keys",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(text: str, words: str) -> None:
    with pytest.raises(EcsError, match=words):
        _policy.parse(text, "the policy")
