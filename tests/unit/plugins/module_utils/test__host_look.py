# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole look at a host: what is returned, what it costs, which problems are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from unit.plugins.module_utils._host_double import (
    CGROUP_2,
    CREDENTIALS,
    NODE,
    NOW,
    OTHER_NODE,
    PRIVATE_KEY,
    FakeHost,
    block,
    dpkg,
    healthy,
    systemctl,
)

from ansible_collections.onprem.ecs.plugins.module_utils import _host_agent
from ansible_collections.onprem.ecs.plugins.module_utils._host_info import NotReached, info
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host, Result

ARN = "arn:aws:ecs:eu-west-1:123456789012:container-instance/default/0123456789abcdef0123456789abcdef"
OPTIONS: dict[str, Any] = {
    "region": "eu-west-1",
    "cluster": "default",
    "files": [],
    "until": "none",
    "wait_timeout": 10,
    "allow_unsupported": False,
    "allow_ec2": False,
    "allow_move": False,
    "controller_time": None,
}


def look(host: FakeHost, **changed: Any) -> dict[str, Any]:
    found = info(host, {**OPTIONS, **changed})
    assert PRIVATE_KEY not in json.dumps(found)
    return found


def problems(host: FakeHost, **changed: Any) -> dict[str, bool]:
    """The codes of the problems, and whether each blocks."""
    found = look(host, **changed)["problems"]
    for problem in found:
        assert problem["what"] and problem["remedy"] and not problem["what"].endswith(".")
    return {problem["code"]: problem["blocking"] for problem in found}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A healthy external instance."""
    said = _host_agent.Introspection("default", ARN, "1.105.1")
    monkeypatch.setattr(_host_agent, "introspect", lambda _address: said)
    return healthy(tmp_path)


@pytest.fixture
def bare(tmp_path: Path) -> FakeHost:
    """A supported system with nothing on it."""
    made = FakeHost(tmp_path)
    made.put("/etc/os-release", 'ID=debian\nVERSION_ID="12"')
    made.put("/sys/fs/cgroup/cgroup.controllers", CGROUP_2)
    made.put("/run/systemd/system/x", "")
    made.put("/run/systemd/container", "podman")
    made.put("/var/lib/x", "")
    made.answers["systemctl"] = systemctl()
    made.answers["dpkg-query"] = dpkg()
    return made


def test_a_healthy_host_has_no_problem_and_costs_two_commands(host: FakeHost) -> None:
    found = look(host, files=["/etc/ecs/ecs.config", "/etc/none"])
    assert found["problems"] == [] and found["credentials_conflict"] is None
    assert found["ssm"]["working"] and found["engine"]["active"] and found["agent"]["working"]
    assert not found["ssm"]["needs_registration"] and not found["ssm"]["needs_restart"]
    assert found["files"]["/etc/none"] is None and len(found["files"]["/etc/ecs/ecs.config"]) == 64
    assert [command[0] for command in host.commands] == ["systemctl", "dpkg-query"]


def test_a_bare_host_needs_all_and_nothing_blocks(bare: FakeHost) -> None:
    found = look(bare)
    assert found["problems"] == [] and found["ssm"]["needs_registration"]
    assert [found[part]["installed"] for part in ("ssm", "engine", "agent")] == [False] * 3
    assert [found[part]["reason"] for part in ("ssm", "engine", "agent")] == [
        "the SSM agent is not installed",
        "Docker is not installed",
        "the ECS agent is not installed",
    ]


def test_the_documented_structure_is_returned_whole(host: FakeHost, bare: FakeHost) -> None:
    """Every key that RETURN names, on a healthy host as on a bare one."""
    import yaml  # noqa: PLC0415 - only this test reads the documentation

    from ansible_collections.onprem.ecs.plugins.modules import ecs_host_info  # noqa: PLC0415

    documented = yaml.safe_load(ecs_host_info.RETURN)["ecs_host"]["contains"]
    for found in (look(host), look(bare)):
        assert set(found) == set(documented)
        for part in ("system", "ssm", "engine", "agent"):
            assert set(found[part]) == set(documented[part]["contains"]), part


def test_system_problems(bare: FakeHost) -> None:
    bare.put("/etc/os-release", 'ID=debian\nVERSION_ID="13"')
    assert problems(bare) == {"unsupported_system": True}
    assert problems(bare, allow_unsupported=True) == {"unsupported_system": False}
    bare.put("/etc/os-release", "ID=arch")
    assert problems(bare, allow_unsupported=True) == {"unsupported_system": True}, "no package for it"
    bare.put("/etc/os-release", 'ID=rhel\nVERSION_ID="9.4"')
    assert problems(bare) == {"engine_missing": False}
    bare.architecture = "riscv64"
    bare.put("/etc/os-release", 'ID=debian\nVERSION_ID="12"')
    bare.put("/sys/class/dmi/id/sys_vendor", "Amazon EC2")
    bare.root_user = False
    assert problems(bare) == {"not_root": True, "unsupported_architecture": True, "ec2_instance": True}
    assert problems(bare, allow_ec2=True)["ec2_instance"] is False


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("docker.service", "engine_masked"),
        ("amazon-ssm-agent.service", "ssm_masked"),
        ("snap.amazon-ssm-agent.amazon-ssm-agent.service", None),
        ("ecs.service", "agent_masked"),
    ],
)
def test_a_masked_service_blocks(bare: FakeHost, name: str, code: str | None) -> None:
    masked = block(name, load="masked", active="inactive", sub="dead", file="masked", started=None)
    bare.answers["systemctl"] = systemctl(**{name.removesuffix(".service").replace("-", "_").replace(".", "_"): masked})
    assert problems(bare) == ({code: True} if code else {})
    said = [problem["remedy"] for problem in look(bare)["problems"]]
    assert said == ([f"run `systemctl unmask {name}` if it may run"] if code else [])
    # What dpkg masks when it removes a package it unmasks when it installs it.
    bare.put(f"/var/lib/systemd/deb-systemd-helper-masked/{name}", "")
    assert problems(bare) == {}


def test_a_snap_of_docker_blocks_where_there_is_no_other(bare: FakeHost) -> None:
    bare.put("/snap/docker/current/meta/snap.yaml", "name: docker")
    assert problems(bare) == {"engine_snap": True}
    bare.answers["systemctl"] = systemctl(docker=block("docker.service"))
    assert "engine_snap" not in problems(bare)


def test_podman_in_dockers_place_blocks(bare: FakeHost) -> None:
    bare.answers["dpkg-query"] = lambda _command: Result(0, "podman-docker\t4.3.1\tii \n", "")
    assert problems(bare) == {"engine_podman": True}


@pytest.mark.parametrize("docker", [{}, {"moby_engine": "25.0.3"}])
def test_a_docker_that_apt_would_replace_blocks_where_the_agent_is_missing(
    bare: FakeHost, docker: dict[str, str]
) -> None:
    bare.answers["systemctl"] = systemctl(docker=block("docker.service"))
    bare.answers["dpkg-query"] = dpkg(**docker)
    assert problems(bare)["engine_unknown_to_agent"] is True
    bare.answers["dpkg-query"] = dpkg(**docker, amazon_ecs_init="1.105.1-1")
    assert "engine_unknown_to_agent" not in problems(bare)


def test_no_systemd(tmp_path: Path) -> None:
    made = FakeHost(tmp_path)
    made.put("/etc/os-release", 'ID=ubuntu\nVERSION_ID="24.04"')
    assert problems(made)["no_systemd"] is True


def test_surroundings(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.answers["systemctl"] = systemctl(
        amazon_ssm_agent=block("amazon-ssm-agent.service"), docker=block("docker.service"), ecs=block("ecs.service")
    )
    host.error = None
    host.put("/sys/fs/selinux/enforce", "1")
    host.put("/etc/amazon/ssm/amazon-ssm-agent.json", '{"Ssm": {"Endpoint": "http://x"},}')
    assert problems(host) == {"clock": False, "selinux": False, "ssm_config_invalid": False}
    host.put("/etc/amazon/ssm/amazon-ssm-agent.json", "{}")
    assert "ssm_config_invalid" not in problems(host)


def stopped(name: str) -> str:
    return block(name, active="inactive", sub="dead", started=None)


def docker_of(host: FakeHost, version: str, agent: str = "1.105.1-1") -> None:
    installed = {"amazon_ssm_agent": "3.3.1142.0-1", "amazon_ecs_init": agent, "docker_io": version}
    host.answers["dpkg-query"] = dpkg(**installed)


def cgroup_1(host: FakeHost, *controllers: str) -> None:
    rmtree(host.path("/sys/fs/cgroup"))
    for name in controllers:
        host.put(f"/sys/fs/cgroup/{name}/tasks", "")


def old_docker_on_cgroup_1(host: FakeHost) -> None:
    cgroup_1(host, "memory")
    docker_of(host, "19.03.13")


AROUND: dict[str, tuple[Callable[[FakeHost], object], dict[str, bool]]] = {
    "a service keeps the clock, the kernel says nothing": (lambda host: setattr(host, "error", None), {}),
    "a service is there, and reaches no time server": (lambda host: setattr(host, "error", 16.0), {"clock": False}),
    "SELinux is permissive": (lambda host: host.put("/sys/fs/selinux/enforce", "0"), {}),
    "no control groups": (lambda host: rmtree(host.path("/sys/fs/cgroup")), {"no_cgroup": True}),
    "no limits of memory, version 2": (
        lambda host: host.put("/sys/fs/cgroup/cgroup.controllers", "cpu pids"),
        {"cgroup_memory": False},
    ),
    "version 1": (lambda host: cgroup_1(host, "cpu", "memory"), {}),
    "no limits of memory, version 1": (lambda host: cgroup_1(host, "cpu"), {"cgroup_memory": False}),
    "Docker that knows version 1 only": (
        lambda host: docker_of(host, "19.03.13"),
        {"cgroup_v2": False},
    ),
    "an ECS agent that knows version 1 only": (
        lambda host: docker_of(host, "20.10.5", agent="1.60.1-1"),
        {"cgroup_v2": False},
    ),
    "the same with version 1": (old_docker_on_cgroup_1, {}),
    "an old kernel": (lambda host: setattr(host, "release", "2.6.32-754.el6.x86_64"), {"old_kernel": True}),
    "the oldest kernel": (lambda host: setattr(host, "release", "3.10.0-1160.el7.x86_64"), {}),
    "no iptables": (lambda host: host.programs.remove("iptables"), {"iptables_missing": False}),
    "no package manager, and nothing to install": (lambda host: host.programs.remove("apt-get"), {}),
    "a 32-bit system": (lambda host: setattr(host, "wide", False), {"unsupported_architecture": True}),
    "Docker's disk is full": (lambda host: host.rooms.update({"/var/lib/docker": (2, 0)}), {"disk_space": False}),
    "the room of packages that are there is not needed": (lambda host: host.rooms.update({"/usr": (2, 0)}), {}),
}


@pytest.mark.parametrize("name", AROUND)
def test_around_the_agents(host: FakeHost, name: str) -> None:
    make, expected = AROUND[name]
    make(host)
    assert problems(host) == expected


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(0.0, {}), (-149.0, {}), (151.0, {"clock_wrong": False}), (-299.0, {"clock_wrong": False}),
     (301.0, {"clock_wrong": True}), (-4000.0, {"clock_wrong": True})],
)  # fmt: skip
def test_the_clock_beside_the_controllers(bare: FakeHost, ahead: float, expected: dict[str, bool]) -> None:
    assert problems(bare, controller_time=NOW - ahead) == expected
    found = look(bare, controller_time=NOW - ahead)["problems"]
    words = f"is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the controller's"
    assert all(words in problem["what"] for problem in found)


def test_no_service_keeps_the_clock(host: FakeHost) -> None:
    host.answers["systemctl"] = systemctl(
        amazon_ssm_agent=block("amazon-ssm-agent.service"),
        docker=block("docker.service"),
        ecs=block("ecs.service"),
        chronyd=stopped("chronyd.service"),
    )
    assert problems(host) == {}, "something else keeps it: the kernel says that it is in step"
    host.error = 500.0
    assert problems(host) == {"clock": False}
    host.put("/run/systemd/container", "lxc")
    assert problems(host) == {}, "the clock is not this system's"


def test_room_for_what_must_be_installed(bare: FakeHost) -> None:
    """All on one disk; then the packages and the images on a disk of their own."""
    everything = ("/usr", "/var/cache", "/var/lib/ecs", "/var/lib/docker")
    for free, expected in ((1 << 31, {}), (600 << 20, {"disk_space": False}), (400 << 20, {"disk_space": True})):
        bare.rooms = dict.fromkeys(everything, (1, free))
        assert problems(bare) == expected
    (problem,) = look(bare)["problems"]
    assert problem["what"] == "only 400 MB are free for /usr, /var/cache, /var/lib/ecs, /var/lib/docker"
    assert problem["remedy"].startswith("free at least 1350 MB")
    bare.put("/etc/docker/daemon.json", '{"data-root": "/srv/docker"}')
    bare.rooms = {"/srv/docker": (2, 0), "/var/lib/docker": (3, 0)}
    (problem,) = look(bare)["problems"]
    assert problem["what"] == "only 0 MB are free for /srv/docker" and not problem["blocking"]
    for text in ("[]", "{", '{"data-root": 1}'):
        bare.put("/etc/docker/daemon.json", text)
        assert problems(bare) == {"disk_space": False}, "the default"


def test_nothing_to_install_with(bare: FakeHost) -> None:
    bare.programs = set()
    assert problems(bare) == {"no_package_manager": True}
    assert problems(bare, controller_time=NOW) == {"no_package_manager": True}


def test_room_is_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    device, free = Host(str(tmp_path)).room("/var/lib/none/of/these") or (0, 0)
    assert (device, free > 0) == (tmp_path.stat().st_dev, True)


def test_the_kernel_is_asked_for_its_clock() -> None:
    error = Host().clock_error()
    assert error is None or error >= 0


def test_foreign_credentials_block(bare: FakeHost) -> None:
    bare.put("/root/.aws/credentials", CREDENTIALS)
    found = look(bare)
    assert found["credentials_conflict"]["path"] == "/root/.aws/credentials"
    assert found["problems"][0]["code"] == "credentials_conflict" and found["problems"][0]["blocking"]


def test_another_region_blocks_only_where_it_works(host: FakeHost) -> None:
    agent = {"other_region": True}
    assert problems(host, region="us-east-1") == {"registered_elsewhere": True, **agent}
    moved = {"registered_elsewhere": False, "other_region": False}
    assert problems(host, region="us-east-1", allow_move=True) == moved
    assert look(host, region="us-east-1")["ssm"]["needs_registration"]
    assert problems(host, region=None) == {}
    host.clock = NOW + 7200
    assert problems(host, region="us-east-1") == {"registered_elsewhere": False, **agent}


def test_another_cluster(host: FakeHost) -> None:
    assert problems(host, cluster="prod") == {"other_cluster": True}
    assert problems(host, cluster="prod", allow_move=True) == {"other_cluster": False}
    assert problems(host, cluster="arn:aws:ecs:eu-west-1:123456789012:cluster/default") == {}


def test_registered_and_not_working(host: FakeHost) -> None:
    host.clock = NOW + 7200
    assert problems(host) == {"ssm_not_working": False}
    host.put("/var/log/amazon/ssm/errors.log", "InvalidInstanceId: Not existing InstanceId")
    assert problems(host) == {"node_deregistered": False} and look(host)["ssm"]["needs_registration"]
    host.put("/etc/machine-id", "f" * 32)
    assert problems(host) == {"fingerprint_mismatch": False}
    assert look(host)["ssm"]["needs_registration"]


def test_until_reached_at_once(host: FakeHost) -> None:
    assert look(host, until="ssm")["ssm"]["working"]
    assert look(host, until="ecs")["agent"]["working"]
    assert host.clock == NOW


def test_until_ecs_is_not_the_agent_before_a_restart_that_nobody_waited_for(host: FakeHost) -> None:
    host.answers["journalctl"] = journal("")
    host.answers["systemctl"] = systemctl(
        amazon_ssm_agent=block("amazon-ssm-agent.service"),
        docker=block("docker.service"),
        ecs=block("ecs.service", job=True),
    )
    assert look(host)["agent"]["working"]
    assert str(failed(host, until="ecs")).startswith("ecs.service is about to be started anew (waited 10 s)")


def test_until_ssm_waits_for_the_credentials(host: FakeHost) -> None:
    host.run_as(expires="0001-01-01T00:00:00Z")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        host.clock += seconds
        if len(slept) == 3:
            host.run_as()

    host.sleep = sleep  # type: ignore[method-assign]  # the host's clock is the test's
    assert look(host, until="ssm")["ssm"]["working"]
    assert len(slept) == 3 and slept == sorted(slept)


def journal(text: str) -> Any:
    return lambda _command: Result(0, text, "")


def failed(host: FakeHost, **options: Any) -> NotReached:
    with pytest.raises(NotReached) as caught:
        look(host, **options)
    assert caught.value.ecs_host["ssm"]
    return caught.value


def test_until_ssm_says_why_not(host: FakeHost) -> None:
    host.run_as(OTHER_NODE, written_at=NOW - 4000)
    host.answers["journalctl"] = journal(
        "Failed to connect to Systems Manager: InvalidInstanceId: Not existing InstanceId\n"
    )
    error = failed(host, until="ssm")
    assert str(error).startswith(
        f"{NODE} is lost: AWS does not know this managed node any more: it was deregistered in the account. Remedy: "
        "register"
    )
    assert host.clock == NOW, "waiting does not help"
    host.answers["journalctl"] = journal("Failed to connect to Systems Manager: dial tcp 10.0.0.1:443: i/o timeout\n")
    error = failed(host, until="ssm")
    assert NOW + 10 <= host.clock < NOW + 16, "it waited as long as it was told to"
    assert str(error).startswith(
        f"The SSM agent has not got credentials for {NODE} yet (waited 10 s). Cause: the endpoint"
    )
    assert "Remedy: allow outgoing TCP 443" in str(error)
    assert error.causes[0]["code"] == "no_route"


def test_until_does_not_wait_for_what_cannot_come(bare: FakeHost) -> None:
    bare.answers["journalctl"] = journal("")
    assert str(failed(bare, until="ssm")).startswith("The SSM agent is not installed. Remedy: install and")
    assert "The ECS agent is not installed. Remedy: install" in str(failed(bare, until="ecs"))
    bare.answers["systemctl"] = systemctl(amazon_ssm_agent=block("amazon-ssm-agent.service", sub="auto-restart"))
    assert "The SSM agent is not registered. Remedy: register the host" in str(failed(bare, until="ssm"))
    bare.register(region="us-east-1")
    assert f"{NODE} is registered in us-east-1, not in eu-west-1. Remedy: register" in str(failed(bare, until="ssm"))
    assert bare.clock == NOW


STATE = "/var/lib/ecs/data/agent.db"
INACTIVE = "level=error msg=x ClientException: Container instance is inactive.\n"


@pytest.mark.parametrize(
    ("unit", "state", "waited"),
    [
        ({"active": "failed", "sub": "failed", "status": 5}, False, 0),
        ({"active": "failed", "sub": "failed", "status": 5, "job": True}, False, 10),
        ({"active": "activating", "sub": "auto-restart", "status": 5, "restarts": 3}, False, 10),
        ({"active": "activating", "sub": "auto-restart", "status": 5, "restarts": 3}, True, 0),
        ({"restarts": 3, "started": NOW - 2}, True, 0),
    ],
)
def test_until_ecs_does_not_wait_for_an_agent_that_has_ended_for_good(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, unit: dict[str, Any], state: bool, waited: int
) -> None:
    monkeypatch.setattr(_host_agent, "introspect", lambda _address: None)
    host.answers["journalctl"] = journal(INACTIVE)
    if state:
        host.put(STATE, "x")
    host.answers["systemctl"] = systemctl(
        amazon_ssm_agent=block("amazon-ssm-agent.service"),
        docker=block("docker.service"),
        ecs=block("ecs.service", **unit),
    )
    error = failed(host, until="ecs", wait_timeout=10)
    assert host.clock == NOW + waited
    assert f"(waited {waited} s). Cause: the agent's kept state is of a container instance" in str(error)


def test_until_ecs_blames_the_credentials_first(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host_agent, "introspect", lambda _address: None)
    host.answers["journalctl"] = journal("")
    host.put("/var/log/ecs/ecs-agent.log", "level=error msg=x NoCredentialProviders: no valid providers in chain\n")
    assert [cause["code"] for cause in failed(host, until="ecs", wait_timeout=0).causes] == ["no_credentials"]
    Path(host.path("/root/.aws/credentials")).unlink()
    error = failed(host, until="ecs", wait_timeout=0)
    assert [cause["code"] for cause in error.causes] == ["ssm_not_working", "no_credentials"]
    assert "the credentials in /root/.aws/credentials are gone. Remedy: restart amazon-ssm-agent.service" in str(error)
    problem = error.ecs_host["problems"][0]
    assert (problem["code"], problem["remedy"]) == ("ssm_not_working", "restart amazon-ssm-agent.service")
    host.run_as()
    host.clock = NOW + 3600
    host.put("/var/log/ecs/ecs-agent.log", "NoCredentialProviders: no valid providers in chain\n")
    host.put("/var/log/amazon/ssm/errors.log", "ERROR MachineFingerprintDoesNotMatch: Fingerprint does not match\n")
    assert failed(host, until="ecs", wait_timeout=0).causes[0]["code"] == "fingerprint_mismatch"


def test_until_ecs_says_why_an_agent_that_does_not_answer_is_not_registered(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some versions answer only once they are registered."""
    monkeypatch.setattr(_host_agent, "introspect", lambda _address: None)
    host.answers["journalctl"] = journal("")
    host.put("/var/log/ecs/ecs-agent.log", "ClusterNotFoundException: Cluster not found.\n")
    words = str(failed(host, until="ecs", wait_timeout=0))
    assert words.startswith("The ECS agent does not answer at 127.0.0.1:51678, which it does once it is registered")
    assert "Cause: the cluster does not exist" in words


def test_until_ecs_blames_the_engine_first(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host_agent, "introspect", lambda _address: None)
    host.answers["journalctl"] = journal("")
    host.put("/var/log/ecs/ecs-agent.log", "NoCredentialProviders: no valid providers in chain\n")
    host.answers["systemctl"] = systemctl(
        amazon_ssm_agent=block("amazon-ssm-agent.service"),
        docker=block("docker.service", active="failed", sub="failed", result="exit-code", started=None),
        ecs=block("ecs.service", active="activating", sub="auto-restart", status=255, started=None),
    )
    error = failed(host, until="ecs", wait_timeout=0)
    assert error.causes[0]["code"] == "engine" and "docker.service is not running (failed, exit-code)" in str(error)


def test_until_ecs_in_another_cluster(host: FakeHost) -> None:
    host.answers["journalctl"] = journal("")
    host.answers["systemctl"] = systemctl(ecs=block("ecs.service", active="inactive", sub="dead"))
    assert str(failed(host, until="ecs", wait_timeout=1)).startswith("ecs.service is not running (dead) (waited 1 s)")
    host.answers["systemctl"] = systemctl(
        amazon_ssm_agent=block("amazon-ssm-agent.service"), docker=block("docker.service"), ecs=block("ecs.service")
    )
    words = str(failed(host, until="ecs", cluster="prod", wait_timeout=1))
    assert words.startswith(
        "The ECS agent is registered in cluster default, not in prod (waited 1 s). No known failure"
    )
    assert words.endswith("read `journalctl -u ecs.service`.")
