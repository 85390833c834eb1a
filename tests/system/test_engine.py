# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker from Docker's own repository: pinned key, exact version, hold; on a deb and on an rpm host, which is enrolled.

``node1`` is Debian 12. ``node2`` passes for AlmaLinux 9 with real dnf and rpm (docs/test-hosts.md says what is faked).
The repository's packages are stand-ins, in Docker's layout and signed by a test key. The tests are in order.
"""

from __future__ import annotations

from typing import Any

import pytest

from system.controller import Controller, Run, differences, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 1
#: A fingerprint that no key has.
NO_KEY = "0123456789ABCDEF0123456789ABCDEF01234567"
OLD, NEW = "27.2.1", "27.3.1"
PACKAGES = ("containerd.io", "docker-ce", "docker-ce-cli")
REPOSITORIES = "ls /etc/apt/keyrings /etc/apt/sources.list.d /etc/yum.repos.d /etc/pki/rpm-gpg 2>/dev/null; true"
#: On the rpm host Docker is there from the beginning; so it is taken away.
WITHOUT_DOCKER = (
    "systemctl stop docker.service docker.socket; rm -f /etc/init.d/docker /lib/systemd/system/docker.*; "
    "systemctl daemon-reload; systemctl reset-failed"
)


def engine(user: Controller, host: str, **variables: Any) -> Run:
    """Run the role container_engine on one host."""
    play = {"hosts": host, "gather_facts": False, "roles": ["onprem.ecs.container_engine"]}
    given = {"ecs_engine_source": "docker", "ecs_allow_unsupported": host == "node2", **variables}
    return user.play(user.write_play("engine", [play]), **given)


def version(user: Controller, host: str) -> str:
    """The version of docker-ce on a host, without epoch and release."""
    ask = "dpkg-query -W -f '${Version}' docker-ce" if host == "node1" else "rpm -q --qf 'x:%{VERSION}-' docker-ce"
    return user.lab.host(host).run(ask, check=True).stdout.partition(":")[2].partition("-")[0]


@pytest.fixture(scope="module")
def hosts(controller: Controller) -> Controller:
    """Both hosts, without Docker, and with the program that judges keys."""
    controller.lab.host("node1").run("apt-get update && apt-get install --yes gpg", check=True)
    controller.lab.add_host("node2", "el9").run(WITHOUT_DOCKER)
    return controller


@pytest.mark.parametrize("host", ["node1", "node2"])
def test_another_key_is_refused_before_anything_is_changed(hosts: Controller, host: str) -> None:
    look = hosts.lab.host(host)
    before, repositories = hosts.footprint(host), look.run(REPOSITORIES).stdout
    run = engine(hosts, host, ecs_engine_key_fingerprints=[NO_KEY])
    assert run.code != 0
    assert "is not trusted" in run.said_of(host) and NO_KEY in run.said_of(host), run.text
    assert run.changed() == {host: 0}
    assert differences(before, hosts.footprint(host)) == []
    assert look.run(REPOSITORIES).stdout == repositories


def test_what_this_system_does_not_have_is_refused(hosts: Controller) -> None:
    run = engine(hosts, "node2", ecs_engine_source="distribution")
    assert run.code != 0
    assert "almalinux 9.4 has no Docker of its own" in run.said_of("node2"), run.text
    assert 'ecs_engine_source to "docker"' in run.said_of("node2")
    run = engine(hosts, "node2", ecs_engine_source="present")
    assert run.code != 0 and "installs nothing" in run.said_of("node2"), run.text


@pytest.mark.parametrize("host", ["node1", "node2"])
def test_the_wanted_version_comes_and_stays(hosts: Controller, host: str) -> None:
    run = engine(hosts, host, ecs_engine_version=OLD)
    assert run.code == 0, run.text
    assert version(hosts, host) == OLD
    look = hosts.lab.host(host)
    assert look.run("systemctl is-enabled docker && docker info").returncode == 0
    # As an unattended upgrade would.
    upgrade = "apt-get update && apt-get upgrade --yes" if host == "node1" else "dnf --assumeyes upgrade"
    look.run(upgrade, check=True)
    assert version(hosts, host) == OLD
    # Neither the same version nor "latest" touches it, nor does another source.
    for variables in ({"ecs_engine_version": OLD}, {}, {"ecs_engine_source": "distribution"}):
        run = engine(hosts, host, **variables)
        assert run.code == 0, run.text
        assert run.changed() == {host: 0}, run.text


@pytest.mark.parametrize("host", ["node1", "node2"])
def test_another_version_is_held_as_well(hosts: Controller, host: str) -> None:
    for wanted in (NEW, OLD):
        run = engine(hosts, host, ecs_engine_version=wanted)
        assert run.code == 0, run.text
        assert version(hosts, host) == wanted
    if host == "node1":
        assert tuple(sorted(hosts.lab.host(host).run("apt-mark showhold").stdout.split())) == PACKAGES
    run = engine(hosts, host, ecs_engine_version=OLD)
    assert run.changed() == {host: 0}, run.text


def test_a_hold_that_is_missing_is_made(hosts: Controller) -> None:
    """As after a run that was killed between the installation and the hold."""
    hosts.lab.host("node1").run("apt-mark unhold docker-ce docker-ce-cli", check=True)
    run = engine(hosts, "node1", ecs_engine_hold=False)
    assert run.changed() == {"node1": 0}, run.text
    run = engine(hosts, "node1")
    assert run.changed() == {"node1": 1}, run.text
    assert tuple(sorted(hosts.lab.host("node1").run("apt-mark showhold").stdout.split())) == PACKAGES


def test_a_docker_of_another_origin_is_not_replaced(hosts: Controller) -> None:
    run = engine(hosts, "node1", ecs_engine_source="distribution", ecs_engine_version="20.10.24")
    assert run.code != 0
    assert "Docker is there as the package docker-ce" in run.said_of("node1"), run.text
    assert version(hosts, "node1") == OLD


def test_a_host_with_rpm_is_enrolled(hosts: Controller) -> None:
    """From Docker on: both agents by dnf, registered, ACTIVE; a second run changes nothing; other versions, too."""
    options = ("--limit", "node2")
    given: dict[str, Any] = {"ecs_allow_unsupported": True, "ecs_engine_source": "docker"}
    older = {"ecs_ssm_agent_version": "3.3.987.0", "ecs_agent_version": "1.104.0"}
    newer = {"ecs_ssm_agent_version": "3.3.1142.0", "ecs_agent_version": "1.105.1"}
    for versions in (older, newer, older):
        run = hosts.enroll(*options, **{**given, **versions})
        assert run.code == 0, run.text
        query = "rpm -q --qf '%{VERSION} ' amazon-ssm-agent amazon-ecs-init"
        assert hosts.lab.host("node2").run(query).stdout.split() == list(versions.values())
    run = hosts.enroll(*options, **given)
    assert run.code == 0, run.text
    assert run.changed() == {"node2": 0}, run.text
    instances_up(hosts, "node2")
