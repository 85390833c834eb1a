# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents: what means the same compares equal, whatever its spelling, and nothing else does."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import _policy
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

ACTIONS = st.lists(
    st.sampled_from(["ecs:Poll", "iam:PassRole", "s3:Get*", "*", "sts:AssumeRole"]), min_size=1, unique=True
)
ARNS = st.lists(
    st.sampled_from(["*", "arn:aws:s3:::a/*", "arn:aws:s3:::A/*", "arn:aws:ecs:::x"]), min_size=1, unique=True
)
PRINCIPALS = st.one_of(
    st.just({"AWS": ["*"]}),
    st.fixed_dictionaries(
        {},
        optional={
            "Service": st.lists(st.sampled_from(["ssm.amazonaws.com", "ecs.amazonaws.com"]), min_size=1, unique=True),
            "AWS": st.lists(
                st.sampled_from(["123456789012", "arn:aws:iam::210987654321:role/x"]), min_size=1, unique=True
            ),
        },
    ).filter(bool),
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["StringEquals", "StringLike", "ForAllValues:StringEquals", "ArnEquals"]),
    st.dictionaries(
        st.sampled_from(["aws:SourceArn", "aws:PrincipalOrgID", "ecs:cluster"]),
        st.lists(st.sampled_from(["a", "A", "b", "3600"]), min_size=1, unique=True),
        min_size=1,
    ),
)
TYPED_CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "Bool": st.fixed_dictionaries({"aws:SecureTransport": st.lists(st.booleans(), min_size=1, max_size=1)}),
        "NumericLessThan": st.fixed_dictionaries({"s3:max-keys": st.lists(st.integers(0, 9), min_size=1, max_size=1)}),
        "Null": st.fixed_dictionaries({"aws:TokenIssueTime": st.lists(st.booleans(), min_size=1, max_size=1)}),
    },
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """A statement with everything as a list, the plainest spelling."""
    one: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Deny"]))}
    one[draw(st.sampled_from(["Action", "NotAction"]))] = draw(ACTIONS)
    kind = draw(st.sampled_from(["Resource", "NotResource", "Principal", "NotPrincipal"]))
    one[kind] = draw(ARNS if "Resource" in kind else PRINCIPALS)
    conditions = {**draw(CONDITIONS), **draw(TYPED_CONDITIONS)}
    if conditions:
        one["Condition"] = conditions
    if draw(st.booleans()):
        one["Sid"] = draw(st.sampled_from(["One", "Two"]))
    return one


DOCUMENTS = st.fixed_dictionaries(
    {
        "Version": st.sampled_from(["2012-10-17", "2008-10-17"]),
        "Statement": st.lists(statements(), min_size=1, max_size=3),
    }
)


#: An account by its number is the root of the account.
LONG = {"123456789012": "arn:aws:iam::123456789012:root"}


class Speller:
    """Writes the same document as another person, or IAM itself, could have written it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def values(self, items: list[Any]) -> Any:
        """In another order, some twice, numbers in quotation marks, one without its list."""
        items = [self.dice.choice([item, _text(item)]) for item in items]
        self.dice.shuffle(items)
        if self.dice.random() < 0.3:
            items.append(items[0])
        return items[0] if len(items) == 1 and self.dice.random() < 0.5 else items

    def shuffled(self, mapping: dict[str, Any]) -> list[str]:
        """The keys in another order."""
        return self.dice.sample(sorted(mapping), len(mapping))

    def block(self, conditions: dict[str, Any]) -> dict[str, Any]:
        """A condition block; keys have no case."""
        return {
            operator.replace("ArnEquals", self.dice.choice(["ArnEquals", "ArnLike"])): {
                self.dice.choice([key, key.lower(), key.upper()]): self.values(conditions[operator][key])
                for key in self.shuffled(conditions[operator])
            }
            for operator in self.shuffled(conditions)
        }

    def principal(self, value: dict[str, Any]) -> Any:
        """An account by its number or its root, everybody by a star."""
        if value == {"AWS": ["*"]} and self.dice.random() < 0.5:
            return "*"
        return {
            kind: self.values([self.dice.choice([one, LONG.get(one, one)]) for one in value[kind]]) for kind in value
        }

    def actions(self, value: list[str]) -> Any:
        """Actions have no case."""
        return self.values([self.dice.choice([action, action.lower(), action.upper()]) for action in value])

    def statement(self, one: dict[str, Any]) -> dict[str, Any]:
        """A statement; what is empty may be there or not."""
        spell: dict[str, Callable[[Any], Any]] = {
            "Condition": self.block,
            "Action": self.actions,
            "NotAction": self.actions,
        }
        spell |= {"Principal": self.principal, "NotPrincipal": self.principal}
        new = {}
        for key in self.shuffled(one):
            plain: Callable[[Any], Any] = self.values if isinstance(one[key], list) else str
            new[key] = spell.get(key, plain)(one[key])
        for key, nothing in (("Sid", ""), ("Condition", {})):
            if key not in one and self.dice.random() < 0.3:
                new[key] = nothing
        return new


def respelled(document: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The same document in another spelling."""
    listed = [Speller(dice).statement(one) for one in document["Statement"]]
    dice.shuffle(listed)
    new: dict[str, Any] = {"Statement": listed[0] if len(listed) == 1 and dice.random() < 0.5 else listed}
    if document["Version"] != "2008-10-17" or dice.random() < 0.5:
        new["Version"] = document["Version"]
    return new


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_an_equivalent_spelling_is_the_same(document: dict[str, Any], dice: random.Random) -> None:
    other = respelled(document, dice)
    assert _policy.same(document, other)
    assert _policy.same(document, _policy.parse(quote(json.dumps(other)), "it"))
    assert _policy.same(document, _policy.parse(json.dumps(other, indent=2), "it"))


def changed(document: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The document with another meaning."""
    new = copy.deepcopy(document)
    one = dice.choice(new["Statement"])
    change = dice.choice(["effect", "action", "not", "condition", "sid", "version", "statement", "resource"])
    if change == "effect":
        one["Effect"] = "Deny" if one["Effect"] == "Allow" else "Allow"
    elif change == "action":
        one["Action" if "Action" in one else "NotAction"].append("ec2:RunInstances")
    elif change == "not":
        old = "Action" if "Action" in one else "NotAction"
        one["NotAction" if old == "Action" else "Action"] = one.pop(old)
    elif change == "condition":
        one.setdefault("Condition", {}).setdefault("DateLessThan", {})["aws:CurrentTime"] = "2030-01-01T00:00:00Z"
    elif change == "sid":
        one["Sid"] = "Three"
    elif change == "version":
        new["Version"] = "2008-10-17" if new["Version"] == "2012-10-17" else "2012-10-17"
    elif change == "statement":
        new["Statement"].append({"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": "*"})
    else:
        kind = next(key for key in ("Resource", "NotResource", "Principal", "NotPrincipal") if key in one)
        if "Resource" in kind:
            one[kind].append("arn:aws:s3:::other")
        else:
            one[kind]["Federated"] = "accounts.google.com"
    return new


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_another_meaning_is_not_the_same(document: dict[str, Any], dice: random.Random) -> None:
    other = changed(document, dice)
    # Two statements that have become one and the same mean no more than one of them.
    if _meaning(document) != _meaning(other):
        assert not _policy.same(document, respelled(other, dice))


def _meaning(document: dict[str, Any]) -> Any:
    """The plainest spelling, sorted: an oracle that knows nothing of spellings."""
    return (document["Version"], {json.dumps(one, sort_keys=True) for one in map(_sorted, document["Statement"])})


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    return sorted(value, key=str) if isinstance(value, list) else value


def _doc(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_doc(Action="a:B", Resource="x"), _doc(Action="a:B", Resource="X")),
        (_doc(Action="a:B", Resource="*"), _doc(Action="a:B", NotResource="*")),
        (_doc(Action="a:B", Principal="*"), _doc(Action="a:B", Principal={"Service": "*"})),
        (_doc(Action="a:B", Principal={"AWS": "1" * 12}), _doc(Action="a:B", Principal={"AWS": "2" * 12})),
        (
            _doc(Action="a:B", Resource="*", Condition={"StringEquals": {"k:x": "True"}}),
            _doc(Action="a:B", Resource="*", Condition={"StringEquals": {"k:x": "true"}}),
        ),
        (
            _doc(Action="a:B", Resource="*", Condition={"StringEquals": {"k:x": ["a", "b"]}}),
            _doc(Action="a:B", Resource="*", Condition={"StringEquals": {"k:x": "a", "k:y": "b"}}),
        ),
        (
            _doc(Action="a:B", Resource="*", Condition={"ArnEquals": {"k:x": "a"}}),
            _doc(Action="a:B", Resource="*", Condition={"ArnNotEquals": {"k:x": "a"}}),
        ),
    ],
)
def test_near_misses(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not _policy.same(one, other)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "must be a JSON object"),
        (None, "must be a JSON object"),
        ({"Version": "2012-10-17"}, "has no Statement"),
        ({"Statement": []}, "has no Statement"),
        ({"Statement": ["x"]}, "statement 1 of the policy must be a JSON object"),
        ({"Statement": {"Effect": "allow", "Action": "*"}}, "Effect must be Allow or Deny"),
        ({"Statement": {"Effect": "Allow"}}, "one of Action and NotAction"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "Condition": []}}, "Condition must be a JSON object"),
    ],
)
def test_what_is_no_document(source: Any, words: str) -> None:
    with pytest.raises(EcsError, match=words):
        _policy.parse(source, "the policy")


def test_size_is_without_white_space() -> None:
    document = _policy.parse('{ "Statement" : [ {"Effect": "Allow", "Action": "*", "Sid": "a b"} ] }', "it")
    assert _policy.size(document) == len('{"Statement":[{"Effect":"Allow","Action":"*","Sid":"ab"}]}')


def test_regions_of_a_trust_document() -> None:
    condition = {"ArnLike": {"AWS:sourcearn": ["arn:aws:ssm:b-c-1:123456789012:*", "arn:aws:ssm:a-c-1:123456789012:*"]}}
    trust = _policy.trust(["ssm.amazonaws.com"], conditions=condition)
    assert _policy.source_regions(trust, "ssm") == ("a-c-1", "b-c-1")
    assert _policy.source_regions(trust, "ecs") == ()
    assert _policy.source_regions(_policy.trust(["ssm.amazonaws.com"]), "ssm") == ()
    assert _policy.trusted_services(trust) == {"ssm.amazonaws.com"}


ANY, WEST = "arn:aws:ssm:*:123456789012:*", "arn:aws:ssm:eu-west-1:123456789012:*"
ROLE, OTHER = "arn:aws:iam::123456789012:role/hosts", "999999999999"


@pytest.mark.parametrize(
    ("conditions", "regions"),
    [
        (None, None),
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, None),
        ({"ArnEquals": {"aws:SourceArn": ANY}}, None),
        ({"ArnLike": {"aws:SourceArn": [WEST, ANY]}, "StringEquals": {"aws:SourceAccount": "123456789012"}}, None),
        ({"StringLike": {"aws:SourceArn": "*"}}, None),
        ({"ArnLikeIfExists": {"aws:SourceArn": "arn:aws*:*:*:*:*"}}, None),
        ({"Null": {"aws:SourceArn": False}, "StringEquals": {"aws:SourceAccount": "123456789012"}}, None),
        ({"ArnLike": {"aws:SourceArn": WEST}}, {"eu-west-1"}),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ssm:eu-*:123456789012:*"}}, {"eu-*"}),
        ({"ArnLike": {"aws:SourceArn": ANY}, "ArnEquals": {"aws:SourceArn": WEST}}, {"eu-west-1"}),
        # A letter like any other for this operator.
        ({"StringEquals": {"aws:SourceArn": ANY}}, set()),
        ({"ArnNotLike": {"aws:SourceArn": WEST}}, set()),
        ({"Null": {"aws:SourceArn": "true"}}, set()),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:123456789012:*"}}, set()),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ssm:*:123456789012:managed-instance/mi-1"}}, set()),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ssm"}}, set()),
        ({"ArnLike": {"aws:SourceArn": ANY}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}}, set()),
    ],
)
def test_from_where_a_service_can_assume_the_role(conditions: dict[str, Any] | None, regions: set[str] | None) -> None:
    trust = _policy.trust(["ssm.amazonaws.com"], conditions=conditions)
    assert _policy.reach(trust, "ssm.amazonaws.com", "ssm", ROLE) == regions
    assert _policy.reach(trust, "ec2.amazonaws.com", "ssm", ROLE) == frozenset()


NODES = "arn:aws:ssm:eu-west-1:123456789012:managed-instance/*"
OF_ECS = "arn:aws:ecs:*:123456789012:*"


@pytest.mark.parametrize(
    ("conditions", "regions"),
    [
        (None, None),
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, None),
        ({"StringEquals": {"aws:SourceOrgID": "o-1"}}, None),
        ({"StringEquals": {"aws:SourceArn": ANY}}, None),
        ({"ArnNotLike": {"aws:SourceArn": WEST}}, None),
        ({"ArnLike": {"aws:SourceArn": ANY}, "StringEquals": {"aws:SourceOrgID": "o-1"}}, None),
        ({"StringLike": {"aws:SourceArn": "arn:aws:ssm:*"}}, None),
        ({"StringLike": {"aws:SourceArn": "arn:aws:*:123456789012:managed-instance/*"}}, None),
        # The * stands for service and Region.
        ({"StringLike": {"aws:SourceArn": "arn:aws:*:123456789012:a:b"}}, None),
        ({"ArnLike": {"aws:SourceArn": [NODES, NODES.replace("eu-west-1", "*")]}}, None),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ssm"}}, None),
        ({"ArnLike": {"aws:SourceArn": WEST}, "StringEquals": {"aws:SourceOrgID": "o-1"}}, {"eu-west-1"}),
        ({"ArnLike": {"aws:SourceArn": [NODES, OF_ECS]}}, {"eu-west-1"}),
        ({"ArnLike": {"aws:SourceArn": NODES.replace("aws", "*")}}, {"eu-west-1"}),
        ({"ArnLike": {"aws:SourceArn": NODES.replace("west-1", "*")}}, {"eu-*"}),
        ({"ArnLike": {"aws:SourceArn": ANY}, "ArnEquals": {"aws:SourceArn": WEST}}, {"eu-west-1"}),
        ({"ArnLike": {"aws:SourceArn": OF_ECS}}, set()),
    ],
)
def test_from_where_a_service_may_assume_the_role(conditions: dict[str, Any] | None, regions: set[str] | None) -> None:
    """What is not known is taken to let everybody in."""
    trust = _policy.trust(["ssm.amazonaws.com"], conditions=conditions)
    assert _policy.may_reach(trust, "ssm.amazonaws.com", "ssm") == regions
    assert _policy.may_reach(trust, "ec2.amazonaws.com", "ssm") == frozenset()
    assert _policy.may_reach(trust, "ssm.amazonaws.com", "ssm", ROLE) == regions
    sure = _policy.reach(trust, "ssm.amazonaws.com", "ssm", ROLE)
    assert regions is None or (sure is not None and sure <= regions)


@pytest.mark.parametrize(
    ("operator", "values", "let_in"),
    [
        ("StringEquals", "123456789012", True),
        ("StringEquals", 123456789012, True),
        ("StringEquals", [OTHER, "123456789012"], True),
        ("StringLike", "1234*", True),
        ("StringLike", "????????9012", True),
        ("StringEqualsIgnoreCase", "123456789012", True),
        ("StringEqualsIfExists", "123456789012", True),
        ("ForAnyValue:StringLike", "*", True),
        ("ForAllValues:StringEquals", "123456789012", True),
        ("stringEquals", "123456789012", True),
        ("StringNotEquals", OTHER, True),
        ("StringNotLike", "9*", True),
        ("Null", False, True),
        ("StringEquals", OTHER, False),
        ("StringEqualsIfExists", OTHER, False),
        ("ForAnyValue:StringEquals", OTHER, False),
        # A letter like any other for this operator.
        ("StringEquals", "1234*", False),
        ("StringLike", "9*", False),
        ("StringNotEquals", "123456789012", False),
        ("StringNotEquals", [OTHER, "123456789012"], False),
        ("StringNotLikeIfExists", "1234*", False),
        ("Null", "true", False),
        ("NumericEquals", "123456789012", None),
        ("StringEquals", "${aws:ResourceAccount}", None),
    ],
)
def test_conditions_on_the_account(operator: str, values: Any, let_in: bool | None) -> None:
    """None: not known, so it is not sure that somebody is let in, nor that nobody is."""
    trust = _policy.trust(["ssm.amazonaws.com"], conditions={operator: {"aws:SourceAccount": values}})
    assert _policy.reach(trust, "ssm.amazonaws.com", "ssm", ROLE) == (None if let_in else frozenset())
    assert _policy.may_reach(trust, "ssm.amazonaws.com", "ssm", ROLE) == (frozenset() if let_in is False else None)
    assert _policy.may_reach(trust, "ssm.amazonaws.com", "ssm") is None


@pytest.mark.parametrize(
    ("arns", "sure", "perhaps"),
    [
        (WEST.replace("123456789012", "*"), {"eu-west-1"}, {"eu-west-1"}),
        (WEST.replace("123456789012", "12345678901?"), {"eu-west-1"}, {"eu-west-1"}),
        (WEST.replace("123456789012", OTHER), set(), set()),
        ([WEST, ANY.replace("123456789012", OTHER)], {"eu-west-1"}, {"eu-west-1"}),
        (ANY.replace("123456789012", OTHER), set(), set()),
        # Both services always name an account.
        (WEST.replace("123456789012", ""), set(), {"eu-west-1"}),
        (WEST.replace("arn:aws:", "arn:aws-cn:"), set(), {"eu-west-1"}),
        (WEST.replace("arn:aws:", "arn:aws*:"), {"eu-west-1"}, {"eu-west-1"}),
    ],
)
def test_the_account_and_the_partition_of_an_arn(arns: Any, sure: set[str] | None, perhaps: set[str] | None) -> None:
    trust = _policy.trust(["ssm.amazonaws.com"], conditions={"ArnLike": {"aws:SourceArn": arns}})
    assert _policy.reach(trust, "ssm.amazonaws.com", "ssm", ROLE) == sure
    assert _policy.may_reach(trust, "ssm.amazonaws.com", "ssm", ROLE) == perhaps


def test_one_statement_that_lets_all_in_is_enough() -> None:
    trust = _policy.trust(["ssm.amazonaws.com"], conditions={"ArnLike": {"aws:SourceArn": WEST}})
    other = _policy.trust(["ssm.amazonaws.com"], conditions={"ArnLike": {"aws:SourceArn": ANY}})
    trust["Statement"] += other["Statement"]
    assert _policy.reach(trust, "ssm.amazonaws.com", "ssm", ROLE) is None
    assert _policy.may_reach(trust, "ssm.amazonaws.com", "ssm") is None
    assert _policy.source_regions(trust, "ssm") == ("*", "eu-west-1")


@pytest.mark.parametrize(
    ("region", "named"), [("eu-west-1", True), ("us-east-1", True), ("us-east-2", False), ("ap-south-1", False)]
)
def test_regions_with_wildcards(region: str, named: bool) -> None:
    assert _policy.in_regions(region, ("eu-*", "us-east-1")) is named


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["eu-west-1", "us-east-1"], ("eu-west-1", "us-east-1")),
        (["eu-west-1", "eu-*", "us-east-1"], ("eu-*", "us-east-1")),
        (["eu-west-1", "eu-*", "*"], ("*",)),
        # Each stands for the other: one of them stays.
        (["*", "**"], ("*",)),
        (["**", "eu-*", "*"], ("*",)),
        (["eu-**", "eu-*", "eu-west-1"], ("eu-*",)),
        # What has one letter in a place is not as wide as what has any number.
        (["?", "*"], ("*",)),
        (["eu-west-?", "eu-west-*", "eu-west-1"], ("eu-west-*",)),
        (["??-west-1", "*-west-1"], ("*-west-1",)),
        ([], ()),
    ],
)
def test_the_widest_names(names: list[str], left: tuple[str, ...]) -> None:
    assert _policy.widest(names) == _policy.widest(reversed(names)) == left


@pytest.mark.parametrize(
    ("name", "named"), [("eu-west-?", True), ("eu-*", True), ("us-east-?", False), ("*", False), ("us-east-*", False)]
)
def test_names_that_stand_for_regions_among_others(name: str, named: bool) -> None:
    """All that a name stands for must be among them."""
    assert _policy.in_regions(name, ("eu-*", "us-east-1", "?", "us-east-??")) is named
