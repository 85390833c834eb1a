# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot work is refused with cause and remedy, before anything is changed on the host or in the account.

Wrong variables are all refused in one run: its inventory has the one bare host under many names, each with its own
variables. As all of them are refused, any change would be a refusal that came too late. What is wrong with the host
or with the controller takes a run of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from hosts import mirror as mirrors
from hosts.lab import MIRROR_URL
from system.controller import CLUSTER, ENROLL, Calls, Controller, Run, differences

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 1
#: A fingerprint that no key has.
NO_KEY = "0123456789ABCDEF0123456789ABCDEF01234567"
CACHE = "/var/cache/onprem.ecs"
SSM_PACKAGE, ECS_PACKAGE = "amazon-ssm-agent-latest.deb", "amazon-ecs-init-latest.amd64.deb"


@dataclass(frozen=True)
class Wrong:
    """Wrong variables, and words of cause and remedy that the user is told."""

    variables: dict[str, Any]
    says: tuple[str, ...]


def mirror(kind: str) -> dict[str, Any]:
    """The variables for a mirror that serves such packages."""
    return {"ecs_mirror": f"{MIRROR_URL}/aws/{kind}"}


def agent_config(name: str, value: Any, says: str) -> Wrong:
    """One variable of the ECS agent, and what is said of it."""
    return Wrong({"ecs_agent_config": {name: value}}, (f"ecs_agent_config: {name}: {says}",))


VARIABLES = {
    "changed-package": Wrong(
        mirror("broken-signature"),
        ("amazon-ssm-agent.deb is not used", "was changed, damaged or cut short on the way"),
    ),
    "unsigned-package": Wrong(mirror("unsigned"), ("amazon-ssm-agent.deb.sig", "403")),
    "package-of-another-key": Wrong(
        mirror("other-key"), ("amazon-ssm-agent.deb is not used", "which is in none of public_keys")
    ),
    "package-of-an-expired-key": Wrong(
        {
            **mirror("expired-key"),
            "ecs_ssm_agent_key": f"{MIRROR_URL}/aws/keys/expired.asc",
            "ecs_ssm_agent_key_fingerprints": "{{ [expired_fingerprint] }}",
        },
        ("amazon-ssm-agent.deb is not used", "expired on", "get the current public key"),
    ),
    "key-that-is-not-pinned": Wrong(
        {"ecs_ssm_agent_key_fingerprints": [NO_KEY]}, ("amazon-ssm-agent.deb is not used", NO_KEY, "fingerprints")
    ),
    "ecs-key-that-is-not-pinned": Wrong(
        {"ecs_agent_key_fingerprints": [NO_KEY]}, ("amazon-ecs-init", "is not used", NO_KEY, "fingerprints")
    ),
    "no-ssm-key": Wrong(
        {"ecs_ssm_agent_key": ""},
        ("ecs_ssm_agent_key is empty", "Set it to AWS's public key", "verify-agent-signature.html"),
    ),
    "no-ecs-key": Wrong(
        {"ecs_agent_key": ""}, ("ecs_agent_key is empty", "Set it to AWS's public key", "ecs-agent-install.html")
    ),
    "no-key-file": Wrong({"ecs_agent_key": "/nowhere/key.asc"}, ("/nowhere/key.asc",)),
    "no-such-version": Wrong({"ecs_ssm_agent_version": "9.9.9.9"}, ("amazon-ssm-eu-west-1/9.9.9.9/", "403")),
    "no-docker": Wrong(
        {"ecs_engine_source": "present"},
        ("Docker is not installed", 'ecs_engine_source is "present"', "Install Docker", '"distribution"'),
    ),
    "region-that-is-none": Wrong(
        {"ecs_region": "ireland"}, ("ecs_region is not the name of a Region: ireland", "looks like eu-west-1")
    ),
    "no-region": Wrong({"ecs_region": ""}, ("ecs_region is not the name of a Region", "looks like eu-west-1")),
    "arn-for-a-cluster": Wrong(
        {"ecs_cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"},
        ("ecs_cluster is not the name of a cluster", "not an ARN"),
    ),
    "arn-for-a-role": Wrong(
        {"ecs_iam_role": "arn:aws:iam::123456789012:role/ecsAnywhereRole"},
        ("ecs_iam_role is not the name of a role", "not an ARN"),
    ),
    "endpoint-without-scheme": Wrong(
        {"ecs_endpoints": {"ssm": "ssm.corp.example"}},
        ("ecs_endpoints must hold addresses such as https://host", "ssm.corp.example"),
    ),
    "endpoint-without-tls": Wrong(
        {"ecs_endpoints": {"ssmmessages": "http://messages.corp.example"}},
        ("that of ssmmessages must be of https", "http://messages.corp.example"),
    ),
    "endpoint-of-no-service": Wrong(
        {"ecs_endpoints": {"sms": "https://ssm.corp.example"}}, ("sms", "ecs_endpoints", "ssmmessages")
    ),
    "attribute-of-ecs": Wrong(
        {"ecs_attributes": {"ecs.rack": "5"}}, ("ecs_attributes has a name that ECS does not take", "ecs.rack")
    ),
    "attribute-with-a-comma": Wrong(
        {"ecs_attributes": {"racks": "5,6"}}, ("ecs_attributes has a value that ECS does not take", "5,6")
    ),
    "tag-of-aws": Wrong({"ecs_tags": {"aws:team": "web"}}, ("ecs_tags has what AWS does not take", "aws:team")),
    "list-for-a-dictionary": Wrong({"ecs_tags": ["team", "web"]}, ("ecs_tags", "dict")),
    "choice-that-is-none": Wrong(
        {"ecs_engine_source": "podman"}, ("ecs_engine_source", "podman", "present", "distribution")
    ),
    "word-for-a-number": Wrong({"ecs_wait_timeout": "soon"}, ("ecs_wait_timeout", "soon", "int")),
    "gpu-that-is-none": Wrong(
        {"ecs_gpu": True},
        (
            "ecs_gpu is set, and nvidia-smi finds no GPU on gpu-that-is-none",
            "Install the NVIDIA driver",
            "leave ecs_gpu",
        ),
    ),
    "variable-in-small-letters": agent_config(
        "ecs_loglevel", "debug", "no name of a variable, which has capital letters, digits and underscores"
    ),
    "key-for-the-agent": agent_config(
        "AWS_SECRET_ACCESS_KEY", "none", "credentials of another origin must not be on the host; the agent gets its own"
    ),
    "cluster-for-the-agent": agent_config("ECS_CLUSTER", "press", "set by ecs_region and ecs_cluster"),
    "variable-without-value": agent_config("ECS_IMAGE_CLEANUP_INTERVAL", None, "no value"),
    "value-of-two-lines": agent_config(
        "ECS_IMAGE_CLEANUP_INTERVAL", "1h\nECS_CLUSTER=press", "a line break in the value"
    ),
    "level-that-is-none": agent_config("ECS_LOGLEVEL", "loud", "must be one of debug, info, warn, error, crit, none"),
    "memory-with-a-unit": agent_config("ECS_RESERVED_MEMORY", "256m", "must be a whole number of MiB"),
    "memory-beyond-16-bits": agent_config("ECS_RESERVED_MEMORY", 65536, "must be a whole number of MiB, 65535 at most"),
    "no-authorities": Wrong({"ecs_ca_bundle": "/nowhere/ca.pem"}, ("ecs_ca_bundle", "/nowhere/ca.pem", "PEM")),
}


@dataclass(frozen=True)
class Case:
    """What is wrong with the host (made and undone by shell commands) or with the controller's environment."""

    says: tuple[str, ...]
    make: str = "true"
    undo: str = "true"
    env: dict[str, str] = field(default_factory=dict)


CASES = {
    "credentials of another origin": Case(
        ("/root/.aws/credentials", "permanent credentials", "move the credentials away"),
        make="mkdir /root/.aws && printf '%s\\n' '[default]' 'aws_access_key_id = AKIAFOREIGN000000001' "
        "'aws_secret_access_key = foreign' > /root/.aws/credentials",
        undo="rm -r /root/.aws",
    ),
    "a Docker that AWS's package does not know": Case(
        ("the package amazon-ecs-init wants one of docker-ce", "no package brought it", "move the host to docker-ce"),
        make="printf '%s\\n' '[Service]' 'ExecStart=/bin/sleep infinity' > /etc/systemd/system/docker.service "
        "&& systemctl daemon-reload",
        undo="rm /etc/systemd/system/docker.service && systemctl daemon-reload",
    ),
    "a system that AWS does not support": Case(
        ("does not support gentoo 2.15", "Debian", "ecs_allow_unsupported"),
        make="printf '%s\\n' ID=gentoo NAME=Gentoo VERSION_ID=2.15 > /run/other "
        "&& mount --bind /run/other /etc/os-release",
        undo="umount /etc/os-release",
    ),
    "an EC2 instance": Case(
        ("this is an EC2 instance", "an instance profile", "ecs_allow_ec2"),
        # As the firmware of a Nitro machine says. A machine without firmware of this kind has no such folder.
        make="mount -t tmpfs none /sys/class && mkdir -p /sys/class/dmi/id "
        "&& echo 'Amazon EC2' > /sys/class/dmi/id/sys_vendor",
        undo="umount /sys/class",
    ),
    "a key that AWS does not know": Case(
        ("InvalidClientTokenId",), env={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000001", "AWS_SECRET_ACCESS_KEY": "none"}
    ),
}


@dataclass(frozen=True)
class Refused:
    """The run with all the wrong variables, the calls that it made, and what it left of packages and files."""

    run: Run
    calls: Calls
    before: dict[str, str]
    after: dict[str, str]
    cached: list[str]


def empty_cache(user: Controller) -> list[str]:
    """Remove the cache of packages; the packages that were in it."""
    host = user.lab.host("node1")
    names = host.run(f"find {CACHE} -type f -printf '%P\\n'").stdout.split()
    host.run(f"rm -rf {CACHE}", check=True)
    return sorted(names)


@pytest.fixture(scope="module")
def refused(controller: Controller) -> Refused:
    """One run with all the wrong variables."""
    user = controller
    group = user.group
    address = group["hosts"]["node1"]
    expired = mirrors.keys(mirrors.folder())["expired"].fingerprint
    group["hosts"] = {name: {**address, **wrong.variables} for name, wrong in VARIABLES.items()}
    group["vars"].update(user.variables, ecs_cluster=CLUSTER, expired_fingerprint=expired)
    # No variables on the command line, which would count more than those of the inventory.
    command = ["ansible-playbook", ENROLL, "--inventory", user.write_inventory("wrong", group), "--forks", "4"]
    before = user.footprint()
    user.forget_calls()
    run = user.run(command)
    calls, cached = user.calls(), empty_cache(user)
    return Refused(run, calls, before, user.footprint(), cached)


@pytest.mark.parametrize("name", VARIABLES)
def test_wrong_variables_are_refused(refused: Refused, name: str) -> None:
    said = refused.run.said_of(name)
    for words in VARIABLES[name].says:
        assert words in said, said or refused.run.text
    assert refused.run.recap[name]["failed"] == 1


def test_wrong_variables_change_nothing(refused: Refused) -> None:
    assert refused.run.code != 0
    assert "Traceback" not in refused.run.text
    assert refused.calls.writes == {}
    assert differences(refused.before, refused.after) == []
    # A package that is good may be kept for the next run; those that were refused may not.
    assert refused.cached in ([], [SSM_PACKAGE])


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_with_host_or_controller_is_refused(controller: Controller, name: str) -> None:
    user, case = controller, CASES[name]
    host = user.lab.host("node1")
    user.forget_calls()
    host.run(case.make, check=True)
    before = user.footprint()
    run = user.enroll(env=case.env)
    empty_cache(user)
    after = user.footprint()
    host.run(case.undo, check=True)
    assert run.code != 0, run.text
    for words in case.says:
        assert words in run.words, run.text
    assert "Traceback" not in run.text
    assert user.calls().writes == {}
    assert differences(before, after) == []


def test_an_ec2_instance_is_accepted_on_request(controller: Controller) -> None:
    user, case = controller, CASES["an EC2 instance"]
    host = user.lab.host("node1")
    roles = [f"onprem.ecs.{name}" for name in ("container_engine", "ssm_agent", "ecs_agent")]
    play = user.write_play("alone", [{"hosts": "ecs", "gather_facts": False, "roles": roles}])
    host.run(case.make, check=True)
    runs = [user.play(name, "--check", ecs_allow_ec2=True) for name in (ENROLL, play)]
    host.run(case.undo, check=True)
    for run in runs:
        assert run.code == 0, run.text
    assert case.says[0] in runs[0].words, "it is said all the same"


def test_which_docker_it_is_matters_to_the_ecs_agent_alone(controller: Controller) -> None:
    user, case = controller, CASES["a Docker that AWS's package does not know"]
    host = user.lab.host("node1")
    host.run(case.make, check=True)
    roles = ["onprem.ecs.container_engine", "onprem.ecs.ssm_agent"]
    play = user.write_play("alone", [{"hosts": "ecs", "gather_facts": False, "roles": roles}])
    run = user.play(play, "--check", ecs_engine_source="present")
    host.run(case.undo, check=True)
    assert run.code == 0, run.text
    assert "install the SSM agent (latest)" in run.words


@pytest.mark.parametrize("role", ["external_instance", "offboard"])
@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_hosts_out_of_step_are_refused(controller: Controller, role: str, strategy: str) -> None:
    """A play of the user's own, in which what is done once for all hosts would be done by each of them."""
    user = controller
    play = {"hosts": "ecs", "gather_facts": False, "strategy": strategy, "roles": [f"onprem.ecs.{role}"]}
    user.forget_calls()
    before = user.footprint()
    run = user.play(user.write_play(strategy, [play]))
    assert run.code != 0, run.text
    assert "takes the strategy linear" in run.words and "not supported in the free strategy" in run.words, run.text
    assert user.calls().by_name == {}
    assert differences(before, user.footprint()) == []


def test_one_bare_machine_by_two_names_is_refused(controller: Controller) -> None:
    """It would become two managed nodes, of which one is nobody's."""
    user = controller
    group = user.group
    inventory = user.write_inventory("twice", {**group, "hosts": {**group["hosts"], "again": group["hosts"]["node1"]}})
    before = user.footprint()
    user.forget_calls()
    run = user.play(ENROLL, "--inventory", inventory)
    empty_cache(user)
    assert run.code != 0
    assert "are one managed node: which is not registered yet" in run.words and "again" in run.words, run.text
    assert user.calls().writes == {}
    assert differences(before, user.footprint()) == []
