# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against the emulator: its arguments in, its JSON out, and what AWS was asked for in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.client import SSM_TRUST, Client

MODULE = "ecs_iam_policy"
ARN = "arn:aws:iam::123456789012:policy/"
INVENTORY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inventory/*"}],
}
UNCHANGED = {"sts:GetCallerIdentity": 1, "iam:GetPolicy": 1, "iam:GetPolicyVersion": 1}


def numbered(number: int) -> dict[str, Any]:
    """A document unlike those of other numbers."""
    return {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": f"s3:Get{number}", "Resource": "*"}}


class Policies:
    """Run the module in an emulated account, order faults, look at it with boto3."""

    def __init__(self, modules: Any, account: Client) -> None:
        self.modules = modules
        self.account = account
        self.iam = account.boto("iam")

    def good(self, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of a run that must not fail."""
        result: dict[str, Any] = (self.modules.check if check else self.modules.run)(MODULE, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def bad(self, **options: Any) -> str:
        """The words of a run that must fail."""
        result = self.modules.run(MODULE, **options)
        assert result.get("failed"), result
        return str(result["msg"])

    def calls(self) -> dict[str, int]:
        """The calls since the last look."""
        found: dict[str, int] = self.modules.calls()
        return found

    def fault(self, operation: str, code: str, status: int = 404, **more: Any) -> None:
        """The next call of an operation fails."""
        order = {"service": "iam", "operation": operation, "kind": "error", "code": code, "status": status, **more}
        self.account.control("POST", "faults", order)

    def people(self) -> list[dict[str, str]]:
        """A role, a user and a group, for attach_to."""
        self.iam.create_role(RoleName="app", AssumeRolePolicyDocument=SSM_TRUST)
        self.iam.create_user(UserName="ann", Path="/people/")
        self.iam.create_group(GroupName="operators")
        self.calls()
        return [
            {"type": "role", "name": "app"},
            {"type": "user", "name": "ann"},
            {"type": "group", "name": "operators"},
        ]

    def document(self, name: str) -> Any:
        """The document that counts."""
        version = self.iam.get_policy(PolicyArn=ARN + name)["Policy"]["DefaultVersionId"]
        return self.iam.get_policy_version(PolicyArn=ARN + name, VersionId=version)["PolicyVersion"]["Document"]


@pytest.fixture
def policies(modules: Any, account: Client, quick: list[float]) -> Policies:
    """An empty account."""
    return Policies(modules, account)


def test_a_policy_of_the_catalogue(policies: Policies) -> None:
    checked = policies.good(check=True, kind="cloudwatch_logs", tags={"a": "b"})
    assert policies.calls() == {"sts:GetCallerIdentity": 1, "iam:GetPolicy": 1}
    done = policies.good(kind="cloudwatch_logs", tags={"a": "b"})
    assert done["changes"] == checked["changes"] == ["create policy cwlogspolicy"]
    assert done["diff"] == checked["diff"]
    made = {"policy_id", "create_date", "default_version_id"}
    assert {key: value for key, value in done["iam_policy"].items() if key not in made} == checked["iam_policy"]
    policies.calls()
    again = policies.good(kind="cloudwatch_logs", tags={"a": "b"})
    assert again["changed"] is False
    assert again["diff"] == {"before": {}, "after": {}}
    assert again["iam_policy"] == done["iam_policy"]
    assert policies.calls() == UNCHANGED
    assert policies.document("cwlogspolicy")["Statement"][0]["Resource"] == "arn:aws:logs:*:*:*"
