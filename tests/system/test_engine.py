# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker from Docker's own repository: pinned key, exact version, hold; on a deb and on an rpm host, which is enrolled.

``node1`` is Debian 12. ``node2`` passes for AlmaLinux 9 with real dnf and rpm (docs/test-hosts.md says what is faked).
The repository's packages are stand-ins, in Docker's layout and signed by a test key. The tests are in order.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from hosts import Host, mirror, packages
from hosts.docker_repository import UNIT
from system.controller import Controller, Run, differences, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 1
#: A fingerprint that no key has.
NO_KEY = "0123456789ABCDEF0123456789ABCDEF01234567"
BOTH = "node1,node2"
OLD, NEW = "27.2.1", "27.3.1"
DISTRIBUTION_VERSIONS = ("25.0.8", "25.0.13")
PACKAGES = ("containerd.io", "docker-ce", "docker-ce-cli")
REPOSITORIES = "ls /etc/apt/keyrings /etc/apt/sources.list.d /etc/yum.repos.d /etc/pki/rpm-gpg 2>/dev/null; true"
#: On the rpm host Docker is there from the beginning; so it is taken away.
WITHOUT_DOCKER = (
    "systemctl stop docker.service docker.socket; rm -f /etc/init.d/docker /lib/systemd/system/docker.*; "
    "systemctl daemon-reload; systemctl reset-failed"
)

#: What makes the rpm host pass for Amazon Linux, with packages of its own.
AMAZON = """
set -e
printf '%s\\n' 'NAME="Amazon Linux"' 'ID="amzn"' 'ID_LIKE="fedora"' 'VERSION_ID="2023"' > /usr/lib/os-release
createrepo_c --quiet /srv/dockers
printf '%s\\n' '[amazon]' name=amazon baseurl=file:///srv/dockers gpgcheck=0 > /etc/yum.repos.d/amazon.repo
"""
#: The same for SLES 15, with zypper.
SUSE = """
set -e
createrepo_c --quiet /srv/dockers
printf '%s\\n' '[dockers]' name=dockers baseurl=file:///srv/dockers enabled=1 autorefresh=1 gpgcheck=0 \\
    > /etc/zypp/repos.d/dockers.repo
"""
#: A file as by Docker's older instructions; the address is the mirror's.
OLDER = "deb [arch=amd64 {key}] {url}/linux/debian bookworm stable"
OLDER_FILE = "/etc/apt/sources.list.d/docker.list"
#: A container of somebody's own, of an image with nothing but sleep and its libraries.
MAKE_CONTAINER = """
set -e
tar -ch /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*') 2>/dev/null | docker import - own:1
docker run --detach --name own own:1 /bin/sleep 10000
"""
STARTED = "docker inspect --format '{{.State.StartedAt}} {{.State.Running}}' own"


def engine(user: Controller, host: str, **variables: Any) -> Run:
    """Run the role container_engine on one host, or on some with a comma between them."""
    play = {"hosts": host, "gather_facts": False, "roles": ["onprem.ecs.container_engine"]}
    given = {"ecs_engine_source": "docker", "ecs_allow_unsupported": "node2" in host, **variables}
    return user.play(user.write_play("engine", [play]), **given)


def version(user: Controller, host: str) -> str:
    """The version of docker-ce on a host, without epoch and release."""
    ask = "dpkg-query -W -f '${Version}' docker-ce" if host == "node1" else "rpm -q --qf 'x:%{VERSION}-' docker-ce"
    return user.lab.host(host).run(ask, check=True).stdout.partition(":")[2].partition("-")[0]


@pytest.fixture(scope="module")
def hosts(controller: Controller) -> Controller:
    """Both hosts, without Docker."""
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


def test_each_use_of_the_role_checks_its_own_key(hosts: Controller) -> None:
    """In one play: the first use's key is Docker's, the second's is not."""
    other = mirror.keys(Path(hosts.lab.state()["mirror"]))["other"]
    role = {"name": "onprem.ecs.container_engine"}
    uses = [{"ansible.builtin.include_role": role, "vars": {"ecs_engine_key": key}} for key in ("", other.text)]
    path = hosts.write_play("uses", [{"hosts": "node1", "gather_facts": False, "tasks": uses}])
    run = hosts.play(path, "--check", ecs_engine_source="docker", ecs_engine_version=NEW)
    assert run.code != 0 and run.recap["node1"]["changed"] > 0, run.text
    assert "is not trusted" in run.said_of("node1") and other.fingerprint in run.said_of("node1"), run.text


def test_what_is_no_key_is_refused_before_anything_is_changed(hosts: Controller) -> None:
    before, empty = hosts.footprint("node1"), str(hosts.home / "ansible.cfg")
    run = engine(hosts, "node1", ecs_engine_key=empty)
    assert run.code != 0 and "ecs_engine_key is no armoured public key" in run.said_of("node1"), run.text
    run = hosts.enroll("--limit", "node1", ecs_ssm_agent_key=empty)
    assert run.code != 0 and "ecs_ssm_agent_key is empty, or names no" in run.said_of("node1"), run.text
    assert differences(before, hosts.footprint("node1")) == []


def test_what_this_system_does_not_have_is_refused(hosts: Controller) -> None:
    run = engine(hosts, "node2", ecs_engine_source="distribution")
    assert run.code != 0
    assert "almalinux 9.4 has no Docker of its own" in run.said_of("node2"), run.text
    assert 'ecs_engine_source to "docker"' in run.said_of("node2")
    run = engine(hosts, "node2", ecs_engine_source="present")
    assert run.code != 0 and "installs nothing" in run.said_of("node2"), run.text


def test_an_older_file_with_another_key_is_refused(hosts: Controller) -> None:
    """Beside the role's file apt would refuse every call. A file that names no key is harmless, as in the next test."""
    host = hosts.lab.host("node1")
    url = hosts.variables["ecs_engine_repository"]
    line = OLDER.format(key="signed-by=/etc/apt/keyrings/docker.gpg", url=url)
    host.run(f"echo '{line}' > {OLDER_FILE}", check=True)
    before = hosts.footprint("node1")
    run = engine(hosts, "node1")
    assert run.code != 0 and f"{OLDER_FILE} on node1" in run.said_of("node1"), run.text
    assert run.changed() == {"node1": 0} and differences(before, hosts.footprint("node1")) == []
    host.run(f"echo '{OLDER.format(key='', url=url)}' > {OLDER_FILE}", check=True)


def test_the_wanted_version_comes_and_stays(hosts: Controller) -> None:
    run = engine(hosts, BOTH, ecs_engine_version=OLD)
    assert run.code == 0, run.text
    # As an unattended upgrade would.
    upgrades = {"node1": "apt-get update && apt-get upgrade --yes", "node2": "dnf --assumeyes upgrade"}
    for host, upgrade in upgrades.items():
        assert version(hosts, host) == OLD
        look = hosts.lab.host(host)
        assert look.run("systemctl is-enabled docker && docker info").returncode == 0
        look.run(upgrade, check=True)
        assert version(hosts, host) == OLD
    # Neither the same version nor "latest" touches it, nor does another source.
    for variables in ({"ecs_engine_version": OLD}, {}, {"ecs_engine_source": "distribution"}):
        run = engine(hosts, BOTH, **variables)
        assert run.code == 0, run.text
        assert run.changed() == {"node1": 0, "node2": 0}, run.text


def test_another_version_is_held_as_well(hosts: Controller) -> None:
    for wanted in (NEW, OLD):
        run = engine(hosts, BOTH, ecs_engine_version=wanted)
        assert run.code == 0, run.text
        assert {version(hosts, host) for host in ("node1", "node2")} == {wanted}
    assert tuple(sorted(hosts.lab.host("node1").run("apt-mark showhold").stdout.split())) == PACKAGES
    run = engine(hosts, BOTH, ecs_engine_version=OLD)
    assert run.changed() == {"node1": 0, "node2": 0}, run.text


def test_a_hold_that_is_missing_is_made(hosts: Controller) -> None:
    """As after a run that was killed between the installation and the hold, or between two packages of it."""
    for names in ("docker-ce docker-ce-cli", "containerd.io"):
        hosts.lab.host("node1").run(f"apt-mark unhold {names}", check=True)
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


def test_a_container_of_somebody_else_runs_through_all_of_it(hosts: Controller) -> None:
    """From the first enrolment over a refusal and an upgrade to the end: never stopped, never started again."""
    host, options = hosts.lab.host("node1"), ("--limit", "node1")
    host.run(MAKE_CONTAINER, check=True)
    began = host.run(STARTED, check=True).stdout
    assert began.endswith(" true\n")
    older: dict[str, Any] = {"ecs_ssm_agent_version": "3.3.987.0", "ecs_agent_version": "1.104.0"}
    run = hosts.enroll(*options, ecs_engine_source="docker", **older)
    assert run.code == 0, run.text
    assert host.run(STARTED).stdout == began
    run = hosts.enroll(*options, ecs_engine_version="20.10.24")
    assert run.code != 0 and "Docker is there as the package docker-ce" in run.said_of("node1"), run.text
    run = hosts.play("onprem.ecs.upgrade", *options)
    assert run.code == 0 and run.changed()["node1"] > 0, run.text
    assert host.run(STARTED).stdout == began
    run = hosts.play("onprem.ecs.offboard", ecs_hosts="node1")
    assert run.code == 0, run.text
    assert host.run(STARTED).stdout == began
    assert version(hosts, "node1") == OLD


def stand_ins(host: Host, work: Path, suffix: str = "") -> None:
    """Packages "docker" in two versions, in a folder of the host; each puts the Docker underneath in place.

    :param suffix: of the version, before the packager's release
    """
    host.run("mkdir -p /srv/dockers", check=True)
    for number in DISTRIBUTION_VERSIONS:
        file = work / f"docker-{number}.rpm"
        files = {"/usr/lib/systemd/system/docker.service": (UNIT, 0o644)}
        made = packages.Package("docker", f"{number}{suffix}-1", "docker (stand-in)", "", files)
        packages.build_rpm(made, "x86_64", file)
        text = base64.b64encode(file.read_bytes()).decode()
        host.run(f"base64 --decode > /srv/dockers/{file.name}", check=True, stdin=text)


@pytest.fixture(scope="module")
def amazon(hosts: Controller, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """A host that passes for Amazon Linux 2023, whose Docker comes with the system, in two versions."""
    host = hosts.lab.add_host("node3", "el9")
    host.run(WITHOUT_DOCKER)
    stand_ins(host, tmp_path_factory.mktemp("amazon"))
    host.run(AMAZON, check=True)
    return hosts


@pytest.mark.parametrize("found", ["", "exclude=kernel"])
def test_the_docker_of_amazon_linux_is_held(amazon: Controller, found: str) -> None:
    """Whether dnf was told to leave something else before, or nothing."""
    host, config = amazon.lab.host("node3"), "/etc/dnf/dnf.conf"
    ask = "rpm -q --qf '%{VERSION}' docker"
    host.run("systemctl stop docker.service docker.socket; rpm --erase docker; systemctl daemon-reload")
    host.run(f"sed -i '/^exclude/d' {config}; [ -z '{found}' ] || echo '{found}' >> {config}", check=True)
    for wanted in DISTRIBUTION_VERSIONS:
        run = engine(amazon, "node3", ecs_engine_source="distribution", ecs_engine_version=wanted)
        assert run.code == 0, run.text
        host.run("dnf --assumeyes upgrade", check=True)
        assert host.run(ask, check=True).stdout == wanted
        shown = host.run(f"grep ^exclude {config}", check=True).stdout.strip()
        assert shown == (f"{found} docker" if found else "exclude=docker")
    run = engine(amazon, "node3", ecs_engine_source="distribution")
    assert run.changed() == {"node3": 0}, run.text


@pytest.mark.parametrize("hold", [True, False])
def test_the_docker_of_suse_is_held(hosts: Controller, tmp_path: Path, hold: bool) -> None:
    """zypper would ask before it changes it. Without ecs_engine_hold the lock is somebody's own, and stays."""
    name, given = f"suse-{hold}".lower(), {"ecs_engine_source": "distribution", "ecs_engine_hold": hold}
    host = hosts.lab.add_host(name, "sles15")
    stand_ins(host, tmp_path, "_ce")
    host.run(SUSE, check=True)
    locks = "zypper --non-interactive locks | grep -c ' docker '"
    for wanted in (*DISTRIBUTION_VERSIONS, DISTRIBUTION_VERSIONS[0]):  # and back again
        run = engine(hosts, name, **given, ecs_engine_version=wanted)
        assert run.code == 0, run.text
        if not hold and wanted == DISTRIBUTION_VERSIONS[0]:
            host.run("zypper --non-interactive addlock docker", check=True)
        host.run("zypper --non-interactive update", check=True)
        assert host.run("rpm -q --qf '%{VERSION}' docker", check=True).stdout == f"{wanted}_ce"
        assert host.run(locks).stdout.strip() == "1"
    run = engine(hosts, name, **given)
    assert run.code == 0 and run.changed() == {name: 0}, run.text
    # No such version: the lock comes back also then.
    run = engine(hosts, name, **given, ecs_engine_version="25.9.9")
    assert run.code != 0 and host.run(locks).stdout.strip() == "1", run.text
