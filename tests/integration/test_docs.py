# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays for the account that pages of ``docs`` show, run as they are: looked at first, done, and done again."""

from __future__ import annotations

from typing import Any

import pytest
from readme_blocks import write_files
from runner import Playbooks, Run

TRUST_EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
EC2_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"


class Page:
    """A page with one play."""

    def __init__(self, playbooks: Playbooks, page: str) -> None:
        self.playbooks = playbooks
        (self.path,) = write_files(playbooks.folder, page)

    def run(self, *options: str) -> tuple[Run, int]:
        """What the play did, and the number of writes to AWS."""
        self.playbooks.emulator("DELETE", "calls")
        done = self.playbooks.run_file(str(self.path), *options, AWS_ENDPOINT_URL=self.playbooks.url)
        assert done.code == 0, done.explain()
        return done, self.playbooks.emulator("GET", "calls")["writes"]

    def changes(self, done: Run) -> list[list[str]]:
        """What each task told that it changed."""
        return [result["changes"] for result in done.results]


@pytest.fixture
def trunking(playbooks: Playbooks) -> Page:
    """docs/trunking.md"""
    return Page(playbooks, "docs/trunking.md")


def test_trunking(trunking: Page) -> None:
    checked, writes = trunking.run("--check", "--diff")
    assert writes == 0
    done, writes = trunking.run()
    assert trunking.changes(checked) == trunking.changes(done)
    assert all(trunking.changes(done))
    assert writes == sum(len(told) for told in trunking.changes(done))

    plain, special, setting = done.results
    for role, name in ((plain["iam_role"], "ecsInstanceRole"), (special["iam_role"], "ecsTrunkingRole")):
        assert role["role_name"] == name
        assert role["assume_role_policy_document"]["Statement"] == [TRUST_EC2]
        assert [one["policy_arn"] for one in role["attached_managed_policies"]] == [EC2_POLICY]
        assert [one["instance_profile_name"] for one in role["instance_profiles"]] == [f"{name}-profile"]
    assert plain["iam_role"]["inline_policies"] == []
    assert allowed(special["iam_role"]) == {"ecs:ListAccountSettings", "ecs:ListAttributes", "ecs:PutAccountSetting"}
    arn = special["iam_role"]["arn"]
    shown = {"name": "awsvpcTrunking", "value": "enabled", "principal_arn": arn, "type": "user"}
    assert setting["account_settings"] == [shown]
    stored = trunking.playbooks.emulator("GET", "state")["account_settings"]
    assert stored == [{"region": "eu-west-1", "principalArn": arn, "awsvpcTrunking": "enabled"}]

    again, writes = trunking.run()
    assert writes == 0
    assert trunking.changes(again) == [[], [], []]
    assert not any(result["changed"] for result in again.results)


def allowed(role: dict[str, Any]) -> set[str]:
    """The actions in a role's inline policies."""
    statements = [one for policy in role["inline_policies"] for one in policy["policy_document"]["Statement"]]
    found = [
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    ]
    return set(found)
