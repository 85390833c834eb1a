# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that reaches nothing but a proxy, and a mirror that is not to be asked through it. The tests are in order.

The host's own firewall rejects the rest: AWS and the distribution's packages are there by the proxy only.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hosts.paths import EMULATOR_TLS_PORT, GATEWAY, TESTS
from system import forward_proxy
from system.controller import Controller, Run, instance_of, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 1
PROXY, MIRROR = 3128, 8001
#: A name for the mirror, so that it is clear which list it is in.
DIRECT = "mirror.internal"
RULES = (
    "--out-interface lo --jump ACCEPT",
    # The answers to Ansible.
    "--protocol tcp --sport 22 --jump ACCEPT",
    *(f"--destination {GATEWAY} --protocol tcp --dport {port} --jump ACCEPT" for port in (PROXY, MIRROR)),
    "--jump REJECT",
)
#: What Docker itself has, whatever systemd would give it: its process.
ENVIRONMENT = (
    "tr '\\0' '\\n' < /proc/$(systemctl show --property MainPID --value docker)/environ | grep -i proxy | sort"
)
MAKE_CONTAINER = """
set -e
tar -ch /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*') 2>/dev/null | docker import - own:1
docker run --detach --name own own:1 /bin/sleep 10000
"""
STARTED = "docker inspect --format '{{.State.StartedAt}} {{.State.Running}}' own"


@dataclass(frozen=True)
class Site:
    """The user, the host, the proxy's log, and the variables for both."""

    user: Controller
    log: Path
    variables: dict[str, Any]

    def asked(self) -> list[str]:
        """What the proxy was asked for so far."""
        return self.log.read_text().splitlines()[1:]

    def host(self, command: str, *, check: bool = True) -> str:
        """Run a command on the host; what it writes."""
        return self.user.lab.host("node1").run(command, check=check).stdout.strip()

    def engine(self, **variables: Any) -> Run:
        """Run the role container_engine."""
        play = {"hosts": "ecs", "gather_facts": False, "roles": ["onprem.ecs.container_engine"]}
        return self.user.play(self.user.write_play("engine", [play]), **{**self.variables, **variables})


def serve(user: Controller, log: Path, *command: str) -> subprocess.Popen[str]:
    """Start a server in the lab."""
    with log.open("w") as output:
        return user.lab.popen(
            [sys.executable, *command], env={"PYTHONPATH": str(TESTS)}, stdout=output, stderr=output, cwd=Path("/")
        )


def shut_in(user: Controller, name: str, install: str) -> None:
    """Give a host its firewall; ``install`` is how it gets one, and forgets what it has downloaded."""
    host = user.lab.host(name)
    host.run(install, check=True)
    host.run(f"echo '{GATEWAY} {DIRECT}' >> /etc/hosts", check=True)
    for rule in RULES:
        host.run(f"iptables --append OUTPUT {rule}", check=True)


@pytest.fixture(scope="module")
def site(controller: Controller) -> Iterator[Site]:
    """The host with its firewall, the proxy and the mirror."""
    log, ready = controller.home / "proxy.log", controller.home / "mirror.ready"
    mirror = ["-m", "hosts", "_mirror", GATEWAY, str(MIRROR), controller.lab.state()["mirror"], str(ready)]
    servers = [
        serve(controller, log, forward_proxy.__file__, GATEWAY, str(PROXY)),
        serve(controller, controller.home / "mirror.log", *mirror),
    ]
    while not (log.read_text() and ready.exists()):
        assert [server.poll() for server in servers] == [None, None]
        time.sleep(0.05)
    shut_in(controller, "node1", "apt-get update && apt-get install --yes iptables && rm -r /var/lib/apt/lists/*")
    proxy = f"http://{GATEWAY}:{PROXY}"
    variables = {
        "ecs_mirror": f"http://{DIRECT}:{MIRROR}/aws",
        "ecs_wait_timeout": 120,
        "ecs_proxy": {"http": proxy, "https": proxy, "no_proxy": [DIRECT]},
    }
    yield Site(controller, log, variables)
    for server in servers:
        server.kill()
        server.wait()


def test_the_proxy_is_all_that_is_needed(site: Site) -> None:
    assert site.host("apt-get update 2>&1 | grep -c 'Could not connect\\|Failed to fetch'", check=False) != "0"
    assert site.asked() == []
    run = site.user.enroll(**site.variables)
    assert run.code == 0, run.text
    instances_up(site.user, "node1")
    asked = site.asked()
    packages = [line for line in asked if line.startswith(f"GET http://{GATEWAY}:8000/archive/")]
    assert [line for line in packages if "docker.io" in line], "Docker's package"
    agents = {line for line in asked if line.startswith("CONNECT ")}
    assert agents == {f"CONNECT {GATEWAY}:{EMULATOR_TLS_PORT}"}, "AWS, by the agents"
    assert [line for line in asked if DIRECT in line or str(MIRROR) in line] == []
    assert "amazon-ecs-init" in (site.user.home / "mirror.log").read_text()


def test_docker_has_the_proxy_from_its_first_start(site: Site) -> None:
    proxy = f"http://{GATEWAY}:{PROXY}"
    never = f"localhost,127.0.0.1,169.254.169.254,169.254.170.2,/var/run/docker.sock,{DIRECT}"
    expected = [f"HTTPS_PROXY={proxy}", f"HTTP_PROXY={proxy}", f"NO_PROXY={never}"]
    assert site.host(ENVIRONMENT).splitlines() == expected
    assert site.host("systemctl show docker --property NRestarts --value") == "0"
    # There is no such registry, but Docker tries.
    site.host("docker pull registry.example/own:1", check=False)
    assert "CONNECT registry.example:443" in site.asked()


def test_a_second_run_changes_nothing(site: Site) -> None:
    run = site.user.enroll(**site.variables)
    assert run.code == 0, run.text
    assert run.changed() == {"node1": 0}, run.text


def test_containers_are_not_stopped_for_a_change(site: Site) -> None:
    site.host(MAKE_CONTAINER)
    began = site.host(STARTED)
    other = {"ecs_proxy": {**site.variables["ecs_proxy"], "no_proxy": [DIRECT, "other.internal"]}}
    says = (
        "runs without the change of its proxy, since a restart would stop own. It takes the change with its next start"
    )
    run = site.engine(**other, ecs_engine_restart=False)
    assert run.code == 0 and says in run.words, run.text
    # Until it has happened each run says so.
    run = site.engine(**other)
    assert run.code == 0 and says in run.words and run.changed() == {"node1": 0}, run.text
    assert site.host(STARTED) == began and "other.internal" not in site.host(ENVIRONMENT)
    # Whoever restarts Docker gets it, without knowing more.
    run = site.engine(**other, ecs_engine_restart=True)
    assert run.code == 0 and run.changed() == {"node1": 1}, run.text
    assert "other.internal" in site.host(ENVIRONMENT)
    run = site.engine(**other)
    assert run.code == 0 and says not in run.words and run.changed() == {"node1": 0}, run.text


def test_without_other_containers_docker_is_restarted(site: Site) -> None:
    site.host("docker rm --force own")
    run = site.engine()
    assert run.code == 0, run.text
    assert "other.internal" not in site.host(ENVIRONMENT)
    assert site.engine().changed() == {"node1": 0}


def test_what_a_run_wrote_that_was_killed_before_systemd_read_it(site: Site) -> None:
    given = {"ecs_proxy": {**site.variables["ecs_proxy"], "no_proxy": [DIRECT, "killed.internal"]}}
    drop_in = "/etc/systemd/system/docker.service.d/onprem-ecs.conf"
    site.host(f"sed --in-place 's/{DIRECT}/{DIRECT},killed.internal/' {drop_in}")
    run = site.engine(**given)
    assert run.code == 0 and run.changed() == {"node1": 1}, run.text
    assert "killed.internal" in site.host(ENVIRONMENT)
    assert site.engine().code == 0
    assert "killed.internal" not in site.host(ENVIRONMENT)


def test_a_proxy_that_is_taken_away(site: Site) -> None:
    site.host("iptables --flush OUTPUT")
    given = {"ecs_mirror": site.variables["ecs_mirror"]}
    run = site.user.enroll(**given)
    assert run.code == 0, run.text
    instances_up(site.user, "node1")
    assert site.host(f"grep --recursive --files-with-matches {PROXY} /etc", check=False) == ""
    assert site.host(ENVIRONMENT, check=False) == ""
    run = site.user.enroll(**given)
    assert run.changed() == {"node1": 0}, run.text


@pytest.mark.parametrize(
    ("system", "install"),
    [
        ("sles15", "zypper --non-interactive install iptables && zypper clean --all"),
        ("amzn2", "yum --assumeyes install iptables && yum clean all"),
    ],
)
def test_zypper_and_yum_go_through_the_proxy(site: Site, system: str, install: str) -> None:
    user = site.user
    user.lab.add_host(system, system)
    shut_in(user, system, install)
    before = len(site.asked())
    run = user.enroll("--limit", system, **site.variables)
    assert run.code == 0, run.text
    asked = site.asked()[before:]
    packages = [line for line in asked if line.startswith(f"GET http://{GATEWAY}:8000/archive/")]
    assert [line for line in packages if "docker" in line and ".rpm" in line], asked
    assert f"CONNECT {GATEWAY}:{EMULATOR_TLS_PORT}" in asked
    assert instance_of(user, system)["agentConnected"] is True
