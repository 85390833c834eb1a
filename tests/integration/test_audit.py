# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``audit`` on an account that other people's automation has damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from readme_blocks import policy
from runner import REGION, Playbooks, Run

import emulator

ACCOUNT = "123456789012"
FROM_ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    ],
}
EVERY_ROLE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}],
}
DECLARED = [
    {"kind": "anywhere"},
    {"kind": "container_instance"},
    {"kind": "task_execution", "pass_role_to": [{"type": "user", "name": "operator"}]},
    {"kind": "events"},
]
#: What was damaged, by role.
DAMAGE = {
    "ecsAnywhereRole": {"trust_too_wide", "trust_condition_missing", "policy_missing", "drift"},
    "ecsInstanceRole": {"profile_missing", "permissions_too_wide", "policy_not_documented", "drift"},
    "ecsTaskExecutionRole": {"pass_role_too_wide", "pass_role_missing", "unused", "drift"},
    "ecsEventsRole": {"role_missing"},
}


def _damage() -> list[dict[str, Any]]:
    """The roles as ``ecs_iam_role`` makes them, and what was done to them since."""
    profile = {"name": "ecsInstanceRole-profile", "state": "absent", "prefix": "/"}
    own = {"iam_type": "role", "iam_name": "ecsInstanceRole", "policy_name": "more", "state": "present"}
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    operator = {"iam_type": "user", "iam_name": "operator", "policy_name": "pass", "state": "present"}
    roles = [{"kind": "anywhere"}, {"kind": "container_instance"}, {"kind": "task_execution"}]
    anywhere = {
        "name": "ecsAnywhereRole",
        "assume_role_policy_document": json.dumps(FROM_ANYBODY),
        "managed_policies": ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"],
        "purge_policies": True,
    }
    return [
        {"onprem.ecs.ecs_iam_baseline": {"roles": roles}},
        {"amazon.aws.iam_role": anywhere},
        {"amazon.aws.iam_instance_profile": profile},
        {"amazon.aws.iam_policy": {**own, "policy_json": json.dumps(everything)}},
        {"amazon.aws.iam_user": {"name": "operator", "state": "present"}},
        {"amazon.aws.iam_policy": {**operator, "policy_json": json.dumps(EVERY_ROLE)}},
    ]


@pytest.fixture
def damaged(playbooks: Playbooks) -> Playbooks:
    """The account after that."""
    done = playbooks.run([playbooks.local(_damage())], name="damage")
    assert done.code == 0, done.explain()
    playbooks.emulator("POST", "roles/last-used", {"RoleName": "ecsTaskExecutionRole", "days": 400})
    playbooks.emulator("DELETE", "calls")
    return playbooks


def audit(playbooks: Playbooks, *options: str, environ: dict[str, str] | None = None, **variables: Any) -> Run:
    """Run the playbook as a user does."""
    aws = {"region": REGION, "endpoint_url": playbooks.url}
    given = {"ecs_aws": aws, "ecs_iam_roles": DECLARED, **variables}
    done = playbooks.run_file("onprem.ecs.audit", "-e", json.dumps(given), *options, **(environ or {}))
    assert playbooks.emulator("GET", "calls")["writes"] == 0
    return done


def test_a_damaged_account(damaged: Playbooks, tmp_path: Path) -> None:
    written = tmp_path / "audit.json"
    failed = audit(damaged, ecs_audit_file=str(written), ecs_audit_fail_on="high")
    assert failed.code == 2, failed.text
    assert written.exists(), failed.explain()
    told = json.loads(written.read_text(encoding="utf-8"))
    assert written.stat().st_mode & 0o777 == 0o640
    found: dict[str, set[str]] = {}
    for finding in told["findings"]:
        found.setdefault(finding["role"], set()).add(finding["id"])
    assert {role: sorted(ids - found[role]) for role, ids in DAMAGE.items()} == {role: [] for role in DAMAGE}
    assert found.keys() == DAMAGE.keys()
    high = told["counts"]["high"]
    assert high == sum(finding["severity"] == "high" for finding in told["findings"]) > 0
    words = failed.results[-1]["msg"]
    assert words.startswith(f"The audit found {high} high, and ecs_audit_fail_on is high.")
    assert str(written) in words

    lines = failed.named("onprem.ecs.iam : Show the findings")["msg"]
    assert lines[0].split() == ["SEVERITY", "ROLE", "FINDING", "WHAT"]
    assert len(lines) == len(told["findings"]) + 1
    assert any(line.split()[:3] == ["high", "ecsAnywhereRole", "trust_too_wide"] for line in lines)

    # A relative path is one of the folder that the user is in, whatever a program that starts Ansible has left in PWD.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = audit(damaged, ecs_audit_file=written.name, environ={"PWD": str(elsewhere)})
    assert again.code == 0, again.explain()
    assert list(elsewhere.iterdir()) == []
    assert again.named("onprem.ecs.iam : Write the findings")["changed"] is False


def test_an_account_as_declared(playbooks: Playbooks, tmp_path: Path) -> None:
    """What ``iam`` makes, ``audit`` finds right; in check mode no file is written."""
    made = playbooks.run([playbooks.local([{"onprem.ecs.ecs_iam_baseline": {"roles": DECLARED[:2]}}])])
    assert made.code == 0, made.explain()
    playbooks.emulator("DELETE", "calls")
    written = tmp_path / "audit.json"
    done = audit(
        playbooks,
        "--check",
        ecs_iam_roles=DECLARED[:2],
        ecs_audit_file=str(written),
        ecs_audit_fail_on="low",
    )
    assert done.code == 0, done.explain()
    assert not written.exists()


def test_nothing_declared(damaged: Playbooks) -> None:
    """The roles with documented names are judged by what AWS documents."""
    done = audit(damaged, ecs_iam_roles=[], ecs_audit_fail_on="medium", ecs_audit_file="")
    assert done.code == 2, done.text
    words = done.results[-1]["msg"]
    assert "medium" in words
    assert "ecs_audit_file takes the evidence" in words


def test_an_auditor_needs_no_more_than_the_page_says(damaged: Playbooks) -> None:
    """A user with the policy of docs/audit.md and nothing else, on an account in which everything is asked for."""
    iam = boto3.client(
        "iam",
        region_name=REGION,
        endpoint_url=damaged.url,
        aws_access_key_id=emulator.ACCESS_KEY,
        aws_secret_access_key=emulator.SECRET_KEY,
    )
    document = json.dumps(policy("auditor", "docs/audit.md"))
    iam.create_user(UserName="auditor")
    iam.put_user_policy(UserName="auditor", PolicyName="look", PolicyDocument=document)
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(EVERY_ROLE))["Policy"]["Arn"]
    iam.create_group(GroupName="operators")
    iam.put_group_policy(GroupName="operators", PolicyName="pass", PolicyDocument=json.dumps(EVERY_ROLE))
    iam.attach_role_policy(RoleName="ecsAnywhereRole", PolicyArn=own)
    key = iam.create_access_key(UserName="auditor")["AccessKey"]
    environ = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    damaged.emulator("DELETE", "calls")
    damaged.emulator("DELETE", "log")
    group = {"kind": "task", "name": "shop", "pass_role_to": [{"type": "group", "name": "operators"}]}
    done = audit(damaged, environ=environ, ecs_iam_roles=[group, *DECLARED])
    assert done.code == 0, done.explain()
    made = {f"{entry['service']}:{entry['operation']}" for entry in damaged.emulator("GET", "log")}
    listed = {"iam:ListRoles"}  # for path_prefix of the module
    (statement,) = policy("auditor", "docs/audit.md")["Statement"]
    assert set(statement["Action"]) - listed <= made <= {*statement["Action"], "sts:GetCallerIdentity"}
