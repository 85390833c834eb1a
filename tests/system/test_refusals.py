# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot work is refused with cause and remedy, before anything is changed on the host or in the account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from hosts.lab import MIRROR_URL
from system.controller import Controller

pytestmark = pytest.mark.lab
HOSTS = 1
OTHER_KEY = "0123456789ABCDEF0123456789ABCDEF01234567"


@dataclass(frozen=True)
class Case:
    """What is wrong: with the host (made and undone by shell commands), the variables or the controller's environment.

    ``says``: words of cause and remedy that the user is told.
    """

    says: tuple[str, ...]
    variables: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    make: str = "true"
    undo: str = "true"


def mirror(kind: str) -> dict[str, Any]:
    """The variables for a mirror that serves such packages."""
    return {"ecs_mirror": f"{MIRROR_URL}/aws/{kind}"}


CASES = {
    "a package that was changed": Case(
        ("amazon-ssm-agent.deb is not used", "was changed, damaged or cut short on the way"), mirror("broken-signature")
    ),
    "a package without a signature": Case(("amazon-ssm-agent.deb.sig", "403"), mirror("unsigned")),
    "a package signed by another key": Case(
        ("amazon-ssm-agent.deb is not used", "which is in none of public_keys"), mirror("other-key")
    ),
    "a key of which the fingerprint is not pinned": Case(
        ("amazon-ssm-agent.deb is not used", OTHER_KEY, "fingerprints"), {"ecs_ssm_agent_key_fingerprints": [OTHER_KEY]}
    ),
    "another key for the ECS agent": Case(
        ("amazon-ecs-init", "is not used", OTHER_KEY, "fingerprints"), {"ecs_agent_key_fingerprints": [OTHER_KEY]}
    ),
    "no key for the SSM agent": Case(
        ("ecs_ssm_agent_key is empty", "Set it to AWS's public key", "verify-agent-signature.html"),
        {"ecs_ssm_agent_key": ""},
    ),
    "no key for the ECS agent": Case(
        ("ecs_agent_key is empty", "Set it to AWS's public key", "ecs-agent-install.html"), {"ecs_agent_key": ""}
    ),
    "a key file that is not there": Case(("/nowhere/key.asc",), {"ecs_agent_key": "/nowhere/key.asc"}),
    "a version that does not exist": Case(
        ("amazon-ssm-eu-west-1/9.9.9.9/", "403"), {"ecs_ssm_agent_version": "9.9.9.9"}
    ),
    "no Docker": Case(
        ("Docker is not installed", 'ecs_engine_source is "present"', "Install Docker", '"distribution"'),
        {"ecs_engine_source": "present"},
    ),
    "credentials of another origin": Case(
        ("/root/.aws/credentials", "permanent credentials", "move the credentials away"),
        make="umask 077; mkdir -p /root/.aws; printf '[default]\\naws_access_key_id = AKIAFOREIGN000000001\\n"
        "aws_secret_access_key = foreign\\n' > /root/.aws/credentials",
        undo="rm -r /root/.aws",
    ),
    "a system that AWS does not support": Case(
        ("does not support", "gentoo", "Debian", "ecs_allow_unsupported"),
        make="cp /etc/os-release /run/kept; printf 'ID=gentoo\\nNAME=Gentoo\\nVERSION_ID=2.15\\n' > /run/other; "
        "rm /etc/os-release; cp /run/other /etc/os-release",
        undo="rm /etc/os-release; ln -s ../usr/lib/os-release /etc/os-release",
    ),
    "a Region that is none": Case(
        ("ecs_region is not the name of a Region: ireland", "looks like eu-west-1"), {"ecs_region": "ireland"}
    ),
    "an ARN for a name of a cluster": Case(
        ("ecs_cluster is not the name of a cluster", "not an ARN"),
        {"ecs_cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"},
    ),
    "an ARN for a name of a role": Case(
        ("ecs_iam_role is not the name of a role", "not an ARN"),
        {"ecs_iam_role": "arn:aws:iam::123456789012:role/ecsAnywhereRole"},
    ),
    "an endpoint without a scheme": Case(
        ("ecs_endpoints must hold addresses such as https://host", "ssm.corp.example"),
        {"ecs_endpoints": {"ssm": "ssm.corp.example"}},
    ),
    "an endpoint of a service that is none": Case(
        ("ecs_endpoints", "sms", "ssm"), {"ecs_endpoints": {"sms": "https://ssm.corp.example"}}
    ),
    "a list for a dictionary": Case(("ecs_tags", "cannot be converted to a dict"), {"ecs_tags": ["team", "web"]}),
    "a choice that is none": Case(
        ("ecs_engine_source", "podman", "present", "distribution"), {"ecs_engine_source": "podman"}
    ),
    "no Region": Case(("missing required arguments: ecs_region",), {"ecs_region": None}),
    "authorities that are not there": Case(("/nowhere/ca.pem", "ecs_ca_bundle"), {"ecs_ca_bundle": "/nowhere/ca.pem"}),
    "a key of AWS that is none": Case(
        ("InvalidClientTokenId",), env={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000001", "AWS_SECRET_ACCESS_KEY": "none"}
    ),
}


@pytest.fixture(scope="module")
def bare(controller: Controller) -> dict[str, str]:
    """The host's packages and files before any of these tests."""
    return controller.footprint()


@pytest.mark.parametrize("name", CASES)
def test_refused(controller: Controller, bare: dict[str, str], name: str) -> None:
    case = CASES[name]
    host = controller.lab.host("node1")
    controller.forget_calls()
    host.run(case.make, check=True)
    try:
        run = controller.enroll(env=case.env, **case.variables)
    finally:
        host.run(case.undo, check=True)
    assert run.code != 0, run.text
    for words in case.says:
        assert words in run.words, run.text
    assert "Traceback" not in run.text
    assert controller.calls().writes == {}
    assert controller.footprint() == bare
