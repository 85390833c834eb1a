# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may look at and change whose account settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.client import Client, refusal

ROOT, ME = "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/controller"


def user(aws: Client, name: str, actions: str) -> tuple[str, Any]:
    """A user who may do some actions, by ARN; and ECS in its hands."""
    iam = aws.boto("iam")
    arn = iam.create_user(UserName=name, Path="/people/")["User"]["Arn"]
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, aws.boto("ecs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def test_of_another_only_root_and_administrators(aws: Client) -> None:
    mine, ecs = user(aws, "op", "ecs:*")
    other, administrator = user(aws, "boss", "*")

    for principal in (other, ROOT):
        assert refusal(ecs.list_account_settings, principalArn=principal)[0] == "AccessDeniedException"
        put = {"name": "awsvpcTrunking", "value": "enabled", "principalArn": principal}
        assert refusal(ecs.put_account_setting, **put)[0] == "AccessDeniedException"
    assert refusal(ecs.delete_account_setting, name="awsvpcTrunking", principalArn=other)[0] == "AccessDeniedException"

    assert ecs.put_account_setting(name="awsvpcTrunking", value="enabled", principalArn=mine)["setting"]["value"]
    assert administrator.list_account_settings(principalArn=mine)["settings"][0]["principalArn"] == mine
    assert administrator.list_account_settings()["settings"] == []


def test_a_session_is_its_role_with_its_path(aws: Client) -> None:
    trust = {"Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}}
    document = json.dumps({"Version": "2012-10-17", **trust})
    made = aws.boto("iam").create_role(RoleName="deep", Path="/a/b/", AssumeRolePolicyDocument=document)["Role"]
    allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}}
    aws.boto("iam").put_role_policy(RoleName="deep", PolicyName="p", PolicyDocument=json.dumps(allow))
    given = aws.boto("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="session")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    put = aws.boto("ecs", **keys).put_account_setting(name="containerInsights", value="enhanced")["setting"]
    assert put["principalArn"] == made["Arn"] == "arn:aws:iam::123456789012:role/a/b/deep"


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::210987654321:root",
        "arn:aws-cn:iam::123456789012:root",
        "arn:aws:sts::123456789012:assumed-role/r/s",
        "arn:aws:iam::123456789012:group/g",
        "root",
    ],
)
def test_principals_that_are_none(aws: Client, principal: str) -> None:
    assert refusal(aws.boto("ecs").list_account_settings, principalArn=principal)[0] == "InvalidParameterException"


def test_the_wait_time_is_the_accounts(aws: Client) -> None:
    ecs = aws.boto("ecs")
    put = {"name": "fargateTaskRetirementWaitPeriod", "value": "14"}
    assert "root user" in refusal(ecs.put_account_setting, **put)[1]
    assert ecs.put_account_setting(**put, principalArn=ROOT)["setting"]["principalArn"] == ROOT
    assert ecs.put_account_setting_default(**{**put, "value": "0"})["setting"]["value"] == "0"


def test_what_aws_manages_is_not_deleted(aws: Client) -> None:
    assert "managed by AWS" in refusal(aws.boto("ecs").delete_account_setting, name="guardDutyActivate")[1]


def test_pages_are_sorted_and_of_ten_at_most(aws: Client) -> None:
    ecs = aws.boto("ecs")
    for size in (0, 11):
        assert refusal(ecs.list_account_settings, maxResults=size)[0] == "InvalidParameterException"
    first = ecs.list_account_settings(effectiveSettings=True)
    rest = ecs.list_account_settings(effectiveSettings=True, nextToken=first["nextToken"])
    names = [one["name"] for one in first["settings"] + rest["settings"]]
    assert (len(first["settings"]), names) == (10, sorted(names))


def test_a_setting_that_the_model_leaves_out(aws: Client) -> None:
    put = aws.boto("ecs").put_account_setting(name="dualStackIPv6", value="disabled")["setting"]
    assert put == {"name": "dualStackIPv6", "value": "disabled", "principalArn": ME, "type": "user"}
