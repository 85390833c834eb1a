# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of hosts with other systems than Debian 12, side by side: enrolled, upgraded, taken out.

Debian 11 and 13 are what they say. ``suse`` and ``amazon`` are rpm systems with Debian 12 underneath: real rpm and real
zypper with the name of SLES 15; real dnf under the name of yum with the name of Amazon Linux 2 (docs/test-hosts.md says
what is faked). Docker comes from the distribution each time. The tests are in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hosts.packages import ECS_VERSIONS, SSM_VERSIONS
from system.controller import Controller, instance_of, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 0
SYSTEMS = {"debian11": "bullseye", "debian13": "trixie", "suse": "sles15", "amazon": "amzn2"}
SUPPORTED = ("debian11", "suse", "amazon")
RPM = ("suse", "amazon")
OLD: dict[str, Any] = {"ecs_ssm_agent_version": SSM_VERSIONS[0], "ecs_agent_version": ECS_VERSIONS[0]}
#: Every path of a host that has to do with AWS or with this collection, and the packages.
TRACES = (
    "{ rpm -qa 2>/dev/null || dpkg-query -W -f '${Package} ${Status}\\n' | grep ' installed$'; } | grep -i amazon; "
    "find /etc /var /usr /root -xdev \\( -name '*amazon*' -o -name 'onprem.ecs*' -o -name '.aws' \\) "
    "! -path '/usr/lib/guises*' ! -path '*/python3*' ! -path '/var/cache/zypp/*' ! -path '/var/log/*'; "
    "ls -d /etc/ecs /var/lib/ecs /var/cache/ecs 2>/dev/null; true"
)


@pytest.fixture(scope="module")
def user(controller: Controller) -> Iterator[Controller]:
    """A user with a bare host of each system."""
    for name, system in SYSTEMS.items():
        controller.lab.add_host(name, system)
    yield controller


def versions(user: Controller, *names: str) -> set[tuple[str, str]]:
    """The versions of SSM agent and ECS agent that AWS was told by these hosts."""
    ssm = {node["ComputerName"]: node["AgentVersion"] for node in user.state()["managed_nodes"]}
    return {(ssm[name], instance_of(user, name)["versionInfo"]["agentVersion"]) for name in names}


def test_they_are_what_they_are_taken_for(user: Controller) -> None:
    for name, manager, others in (("suse", "zypper", "dnf yum apt-get"), ("amazon", "yum", "dnf zypper apt-get")):
        host = user.lab.host(name)
        assert host.run(f"command -v {manager} && rpm -q el-base-stub").returncode == 0, name
        for other in others.split():
            assert host.run(f"command -v {other}").returncode != 0, other


def test_those_that_aws_supports_are_enrolled(user: Controller) -> None:
    before = user.footprint("debian13")
    run = user.enroll(**OLD)
    assert run.code != 0, run.text
    assert "AWS does not support debian 13" in run.said_of("debian13"), run.text
    assert "ecs_allow_unsupported" in run.said_of("debian13")
    assert run.changed()["debian13"] == 0 and user.footprint("debian13") == before
    assert [name for name in SUPPORTED if run.recap[name]["failed"]] == [], run.text
    instances_up(user, *SUPPORTED)
    assert versions(user, *SUPPORTED) == {(SSM_VERSIONS[0], ECS_VERSIONS[0])}


def test_debian_13_is_enrolled_on_request(user: Controller) -> None:
    # Its apt has another verifier, and nothing else needs gpgv.
    assert user.lab.host("debian13").run("command -v gpgv gpg").stdout == ""
    run = user.enroll("--limit", "debian13", ecs_allow_unsupported=True)
    assert run.code == 0, run.text
    instances_up(user, *SYSTEMS)
    assert "AWS does not support debian 13" in run.words, "what may make trouble is said"


def test_then_nothing_is_left_to_do(user: Controller) -> None:
    user.forget_calls()
    run = user.enroll(ecs_allow_unsupported=True)
    assert run.code == 0, run.text
    assert run.changed() == dict.fromkeys(SYSTEMS, 0), run.text
    assert user.calls().writes == {}
    # In each run, once.
    assert run.words.count("AWS does not support debian 13") == 1, run.text


def test_the_engine_stays_as_it_is(user: Controller) -> None:
    """Held, so that an upgrade of the system does not change it."""
    locks = user.lab.host("suse").run("zypper --non-interactive locks", check=True).stdout
    assert " docker " in locks, locks
    for name in RPM:
        assert user.lab.host(name).run("rpm -q docker && systemctl is-enabled docker && docker info").returncode == 0


def test_upgraded_to_the_newest(user: Controller) -> None:
    run = user.play("onprem.ecs.upgrade", "--limit", ",".join(RPM), ecs_serial=2)
    assert run.code == 0, run.text
    assert versions(user, *RPM) == {(SSM_VERSIONS[-1], ECS_VERSIONS[-1])}
    instances_up(user, *SYSTEMS)
    run = user.play("onprem.ecs.upgrade", "--limit", ",".join(RPM), ecs_serial=2)
    assert run.changed() == dict.fromkeys(RPM, 0), run.text


def test_taken_out(user: Controller) -> None:
    run = user.play("onprem.ecs.offboard", ecs_hosts="all")
    assert run.code == 0, run.text
    assert user.state()["managed_nodes"] == []
    assert {one["status"] for one in user.state()["container_instances"]} <= {"INACTIVE"}
    for name in SYSTEMS:
        host = user.lab.host(name)
        assert host.run(TRACES).stdout.split() == [], name
        assert host.run("systemctl is-active docker").stdout.strip() == "active", name
    run = user.play("onprem.ecs.offboard", ecs_hosts="all")
    assert run.code == 0, run.text
    assert set(run.changed().values()) == {0}, run.text
