# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Activations: the options, and the decisions made from what AWS shows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import _ssm_activation as activation
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
WANTED = activation.Wanted("ecsAnywhereRole", 2, timedelta(hours=1), tags={"owner": "me"})
OPTIONS: dict[str, Any] = {
    "iam_role": "ecsAnywhereRole",
    "registration_limit": 1,
    "expires_in": "24h",
    "default_instance_name": None,
    "description": None,
    "tags": None,
}


def shown(**changed: Any) -> dict[str, Any]:
    """An activation as DescribeActivations shows it."""
    return {
        "ActivationId": "5743558d-563b-4457-8682-d16c3e0cbb1f",
        "IamRole": "ecsAnywhereRole",
        "RegistrationLimit": 2,
        "RegistrationsCount": 0,
        "ExpirationDate": NOW + timedelta(hours=1),
        "Expired": False,
        "CreatedDate": NOW,
        "Tags": [{"Key": "owner", "Value": "me"}, {"Key": "more", "Value": "x"}],
        **changed,
    }


@pytest.mark.parametrize(
    ("text", "life"),
    [("5m", {"minutes": 5}), (" 24h ", {"hours": 24}), ("30d", {"days": 30}), ("720h", {"days": 30})],
)
def test_duration(text: str, life: dict[str, int]) -> None:
    assert activation.duration(text) == timedelta(**life)


@pytest.mark.parametrize("text", ["", "24", "h", "1w", "-1h", "1.5h", "1h30m", "4m", "31d", "721h", "99999999d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(EcsError, match="expires_in"):
        activation.duration(text)


@pytest.mark.parametrize("text", ["anywhere", "service-role/anywhere", "a/b/c", "path/" + "a" * 59])
def test_role_name(text: str) -> None:
    assert activation.role_name(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("arn:aws:iam::123456789012:role/path/anywhere", "'path/anywhere'"),
        ("/service-role/anywhere", "'service-role/anywhere'"),
        ("service-role/", "not the name"),
        ("a//b", "not the name"),
        ("path/" + "a" * 60, "not the name"),
        ("", "not the name"),
        ("a" * 65, "not the name"),
        ("röle", "not the name"),
        ("a b", "not the name"),
    ],
)
def test_what_is_no_role_name(text: str, words: str) -> None:
    with pytest.raises(EcsError, match=words):
        activation.role_name(text)


@pytest.mark.parametrize(
    "options",
    [
        {"registration_limit": 0},
        {"registration_limit": 1001},
        {"description": "x" * 257},
        {"default_instance_name": "x" * 257},
        {"tags": {"aws:x": "y"}},
        {"expires_in": "1y"},
    ],
)
def test_refused_options_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(EcsError, match=next(iter(options))):
        activation.wanted({**OPTIONS, **options})


def test_the_longest_life_keeps_a_margin_for_clocks() -> None:
    want = activation.wanted({**OPTIONS, "expires_in": "30d"})
    assert NOW + timedelta(days=29, hours=23) < want.params(NOW)["ExpirationDate"] < NOW + timedelta(days=30)


def test_unset_options_are_not_sent() -> None:
    assert sorted(activation.wanted(OPTIONS).params(NOW)) == ["ExpirationDate", "IamRole", "RegistrationLimit"]


def test_a_stored_activation_is_used_again() -> None:
    assert activation.reusable(shown(), WANTED, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"Expired": True},
        {"ExpirationDate": NOW + timedelta(minutes=4)},
        {"RegistrationsCount": 1},
        {"IamRole": "another"},
        {"Tags": [{"Key": "owner", "Value": "somebody"}]},
        {"Tags": None},
    ],
)
def test_when_a_stored_activation_is_not_used_again(changed: dict[str, Any]) -> None:
    assert not activation.reusable(shown(**changed), WANTED, NOW)


def test_another_name_needs_another_activation() -> None:
    want = activation.Wanted("ecsAnywhereRole", 1, timedelta(hours=1), default_instance_name="edge")
    assert not activation.reusable(shown(), want, NOW)
    assert activation.reusable(shown(DefaultInstanceName="edge"), want, NOW)


TAGS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"))
FOUND = st.lists(
    st.builds(
        lambda tags, hours: shown(
            Tags=[{"Key": k, "Value": v} for k, v in tags.items()], ExpirationDate=NOW + timedelta(hours=hours)
        ),
        TAGS,
        st.integers(-2, 2),
    )
)


@given(found=FOUND, tags=TAGS, only_expired=st.booleans())
def test_only_activations_with_all_the_tags_are_chosen(
    found: list[dict[str, Any]], tags: dict[str, str], only_expired: bool
) -> None:
    chosen = activation.chosen(found, tags, only_expired, NOW)
    for one in found:
        its = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        belongs = all(its.get(k) == v for k, v in tags.items()) and (not only_expired or one["ExpirationDate"] <= NOW)
        assert (one in chosen) == belongs


def test_the_plan_to_create_has_no_time_in_its_diff() -> None:
    early, late = activation.plan_create(WANTED, NOW), activation.plan_create(WANTED, NOW + timedelta(days=1))
    assert early.diff() == late.diff()
    assert early.words() == ["create an activation for 2 hosts with the role ecsAnywhereRole"]
