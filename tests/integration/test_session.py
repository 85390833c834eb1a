# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session option of amazon.aws, a ``profile`` of the user's files, said once for our modules and amazon.aws's."""

from __future__ import annotations

from typing import Any

import pytest
import runner
from runner import REGION, Playbooks

import emulator

CREDENTIALS = f"""
[default]
aws_access_key_id = AKIAOFSOMEBODYELSE00
aws_secret_access_key = of-somebody-else

[plant]
aws_access_key_id = {emulator.ACCESS_KEY}
aws_secret_access_key = {emulator.SECRET_KEY}
"""
CONFIG = f"""
[profile plant]
region = {REGION}
"""

TASKS: list[dict[str, Any]] = [
    {"name": "Ours", "onprem.ecs.ecs_iam_role": {"kind": "anywhere"}, "register": "made"},
    {
        "name": "Theirs",
        "amazon.aws.iam_role_info": {"name": "{{ made.iam_role.role_name }}"},
        "register": "found",
    },
    {
        "name": "Ours, of a service with Regions",
        "onprem.ecs.ssm_activation": {"iam_role": "{{ found.iam_roles[0].role_name }}"},
        "no_log": False,
    },
]


@pytest.fixture
def user(playbooks: Playbooks, monkeypatch: pytest.MonkeyPatch) -> Playbooks:
    """A user with the two files of AWS's in the home folder, and nothing of AWS in the environment."""
    folder = playbooks.folder / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(CREDENTIALS, encoding="utf-8")
    (folder / "config").write_text(CONFIG, encoding="utf-8")
    usual = runner.environment(playbooks.folder)
    kept = {name: value for name, value in usual.items() if not name.startswith("AWS_")}
    # Where there is an EC2 machine's key to be found it must not help.
    monkeypatch.setattr(runner, "environment", lambda _home: {**kept, "AWS_EC2_METADATA_DISABLED": "true"})
    return playbooks


def play(user: Playbooks, profile: str, **more: str) -> runner.Run:
    """The tasks with a profile that stands in the module defaults of the group."""
    group = {"group/onprem.ecs.aws": {"profile": profile, "endpoint_url": user.url, **more}}
    return user.run([user.local(TASKS, module_defaults=group)])


def test_a_profile(user: Playbooks) -> None:
    """Key and Region come from the profile: for our modules and for one of amazon.aws."""
    done = play(user, "plant")
    assert done.code == 0, done.explain()
    role, found = done.named("Ours")["iam_role"], done.named("Theirs")["iam_roles"]
    assert [one["arn"] for one in found] == [role["arn"]]
    conditions = role["assume_role_policy_document"]["Statement"][0]["Condition"]
    assert conditions["ArnEquals"]["aws:SourceArn"] == f"arn:aws:ssm:{REGION}:123456789012:*"
    assert done.named("Ours, of a service with Regions")["activation_id"]


def test_another_profile(user: Playbooks) -> None:
    """The profile decides: with somebody else's key nothing is made."""
    done = play(user, "default", region=REGION)
    failed = done.named("Ours")
    assert failed["failed"], done.explain()
    assert "InvalidClientTokenId" in failed["msg"]
    assert user.emulator("GET", "state")["roles"] == {}


@pytest.mark.parametrize("option", ["aws_ca_bundle", "validate_certs", "neither"])
def test_certificates(user: Playbooks, _emulator: emulator.Emulator, option: str) -> None:
    """An authority of one's own, as behind a proxy that looks into TLS, is trusted when it is named."""
    values: dict[str, Any] = {"aws_ca_bundle": str(_emulator.ca), "validate_certs": False}
    options = {option: values[option]} if option in values else {}
    group = {"group/onprem.ecs.aws": {"profile": "plant", "endpoint_url": _emulator.tls_url, **options}}
    found = user.run([user.local(TASKS[:1], module_defaults=group)]).named("Ours")
    if options:
        assert found["iam_role"]["role_name"] == "ecsAnywhereRole"
    else:
        assert "iam:GetRole failed for role ecsAnywhereRole: SSLError" in found["msg"]
