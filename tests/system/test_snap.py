# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose SSM agent is a snap, as on Ubuntu: enrolled, upgraded, taken out. The tests are in order.

There is no snapd on the host. What it would have made is made here, of the stand-in's package: a folder for each
revision, the link to the one that is in use, and the unit. The roles call no command of snapd.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hosts import Host
from hosts.lab import MIRROR_URL
from hosts.packages import ECS_VERSIONS, SSM_VERSIONS
from system.controller import Controller, differences, instance_of, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 1
SNAP = "/snap/amazon-ssm-agent"
UNIT = "snap.amazon-ssm-agent.amazon-ssm-agent.service"
#: Of the snap and after its refresh: neither is the newest of the mirror.
VERSIONS = (SSM_VERSIONS[0], "3.3.1000.0")
NEEDS = "apt-get update -qq && apt-get install -qq --no-install-recommends python3-cryptography python3-websocket"
INSTALL = f"""
set -e
at={SNAP}/@REVISION@
mkdir --parents $at/meta
curl --silent --show-error --fail --output /run/agent.deb \
  {MIRROR_URL}/aws/amazon-ssm-eu-west-1/{VERSIONS[0]}/debian_$(dpkg --print-architecture)/amazon-ssm-agent.deb
dpkg-deb --extract /run/agent.deb /run/agent
mv /run/agent/usr/bin/* /run/agent/usr/lib/amazon-ssm-agent/standins $at
rm -r /run/agent /run/agent.deb
sed --in-place "s|/usr/lib/amazon-ssm-agent|$at|; s|{VERSIONS[0]}|@VERSION@|" $at/amazon-ssm-agent $at/ss*-*
printf '%s\\n' 'name: amazon-ssm-agent' 'version: @VERSION@' 'confinement: classic' > $at/meta/snap.yaml
ln --symbolic --force --no-dereference @REVISION@ {SNAP}/current
cat > /etc/systemd/system/{UNIT} <<END
[Unit]
Description=Service for snap application amazon-ssm-agent.amazon-ssm-agent
[Service]
ExecStart={SNAP}/current/amazon-ssm-agent
Restart=always
RestartSec=90
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable {UNIT}
systemctl restart {UNIT}
"""
#: What is snapd's.
LISTING = f"find {SNAP} /etc/systemd/system/{UNIT} -exec ls -ld --time-style=full-iso {{}} +"
STATE = f"systemctl is-active {UNIT}; systemctl is-enabled {UNIT}"
PROCESS = f"tr '\\0' '\\n' < /proc/$(systemctl show --property MainPID --value {UNIT})/environ"
#: What the package would have brought, or left in the cache.
PACKAGE = (
    "dpkg-query --show amazon-ssm-agent; "
    "ls -d /usr/bin/amazon-ssm-agent /lib/systemd/system/amazon-ssm-agent.service /var/cache/onprem.ecs/amazon-ssm-*; "
    "true"
)
EXEC = "/var/lib/ecs/deps/execute-command/bin"
PROGRAMS = ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker")
#: Neither key nor version are the user's to say where the agent is snapd's.
VARIABLES: dict[str, Any] = {"ecs_ssm_agent_key": "", "ecs_ssm_agent_version": SSM_VERSIONS[1]}
OLD: dict[str, Any] = {**VARIABLES, "ecs_agent_version": ECS_VERSIONS[0]}


def install(host: Host, revision: int) -> None:
    """Do what snapd does to install a snap, or to refresh it."""
    text = INSTALL.replace("@REVISION@", str(revision)).replace("@VERSION@", VERSIONS[revision - 1])
    host.run(text, check=True)


@pytest.fixture(scope="module")
def user(controller: Controller) -> Iterator[Controller]:
    """A user with a bare host, but for the snap."""
    host = controller.lab.host("node1")
    host.run(NEEDS, check=True)
    install(host, 1)
    yield controller


def is_as_snapd_made_it(host: Host, listing: str) -> None:
    """Assert that nobody has touched the snap, and that there is no package beside it."""
    assert host.run(LISTING, check=True).stdout == listing
    assert host.run(PACKAGE).stdout == ""


def has_the_programs_for_exec(host: Host, version: str) -> None:
    """Assert that ECS Exec has the snap's programs."""
    for name in PROGRAMS:
        host.run(f"cmp {SNAP}/current/{name} {EXEC}/{version}/{name}", check=True)


def versions(user: Controller) -> tuple[str, str]:
    """The versions of SSM agent and ECS agent that AWS was told."""
    (node,) = user.state()["managed_nodes"]
    return node["AgentVersion"], instance_of(user, "node1")["versionInfo"]["agentVersion"]


def test_the_snap_is_registered(user: Controller) -> None:
    host = user.lab.host("node1")
    made = host.run(LISTING, check=True).stdout
    run = user.enroll(**OLD)
    assert run.code == 0, run.text
    assert "install the SSM agent" not in run.words, run.text
    instances_up(user, "node1")
    assert versions(user) == (VERSIONS[0], ECS_VERSIONS[0])
    is_as_snapd_made_it(host, made)
    assert host.run(STATE).stdout.split() == ["active", "enabled"]
    assert "SSL_CERT_FILE=/etc/amazon/ssm/ca-bundle.pem" in host.run(PROCESS, check=True).stdout.splitlines()
    has_the_programs_for_exec(host, VERSIONS[0])


def test_then_nothing_is_left_to_do(user: Controller) -> None:
    before = user.footprint()
    user.forget_calls()
    run = user.enroll(**OLD)
    assert run.code == 0, run.text
    assert run.changed() == {"node1": 0}, run.text
    assert user.calls().writes == {}
    assert differences(before, user.footprint()) == []


def test_upgrades_are_left_to_snapd(user: Controller) -> None:
    """What ECS Exec has of the version before a refresh is no longer right."""
    host = user.lab.host("node1")
    install(host, 2)
    made = host.run(LISTING, check=True).stdout
    run = user.play("onprem.ecs.upgrade", **VARIABLES)
    assert run.code == 0, run.text
    instances_up(user, "node1")
    assert versions(user) == (VERSIONS[1], ECS_VERSIONS[1])
    is_as_snapd_made_it(host, made)
    has_the_programs_for_exec(host, VERSIONS[1])


def test_the_snap_stays_and_is_stopped(user: Controller) -> None:
    host = user.lab.host("node1")
    made = host.run(LISTING, check=True).stdout
    run = user.play("onprem.ecs.offboard", ecs_hosts="node1")
    assert run.code == 0, run.text
    assert user.state()["managed_nodes"] == []
    assert {one["status"] for one in user.state()["container_instances"]} <= {"INACTIVE"}
    is_as_snapd_made_it(host, made)
    assert host.run(STATE).stdout.split() == ["inactive", "disabled"]
    assert host.run("dpkg-query --show amazon-ecs-init").returncode != 0
    left = host.run(
        "ls -d /etc/amazon/ssm/* /etc/systemd/system/*.d/onprem* /etc/ecs /var/lib/ecs /var/cache/onprem.ecs /root/.aws"
        "; grep --recursive --files-with-matches mi- /var/lib/amazon/ssm; true"
    )
    assert left.stdout == ""


def test_then_nothing_is_left_to_take_out(user: Controller) -> None:
    before = user.footprint()
    run = user.play("onprem.ecs.offboard", ecs_hosts="node1")
    assert run.code == 0, run.text
    assert run.changed()["node1"] == 0, run.text
    assert "nothing: the host is no external instance" in run.words, run.text
    assert differences(before, user.footprint()) == []
