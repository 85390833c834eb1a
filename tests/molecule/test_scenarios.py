# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every molecule scenario of the collection, each as a test, in one lab. See docs/molecule.md.

With pytest-xdist each worker has a lab of its own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from hosts import Lab, registry
from hosts.paths import GATEWAY

pytestmark = pytest.mark.lab

COLLECTION = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.parent.name for path in COLLECTION.glob("extensions/molecule/*/molecule.yml"))
STEPS = ["destroy", "create", "converge", "idempotence", "verify", "destroy"]
#: Roles whose work is all in the account: playbooks against the emulator alone test them.
WITHOUT_HOST = {"iam"}
#: Seconds after which a scenario is taken for hanging.
PATIENCE = 900
#: A machine with Docker: its own docker.io, which pulls from the lab's registry.
DOCKER = f"""set -eu
mkdir -p /etc/docker
echo '{{"insecure-registries": ["{registry.ADDRESS}"]}}' > /etc/docker/daemon.json
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends docker.io docker-cli iptables
"""
#: Docker's program of that machine, for a controller that has none.
CLI = """#!/bin/sh
exec env -u DOCKER_HOST nsenter --target {pid} --mount --net docker "$@"
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab without hosts: the scenarios make their own."""
    name = "-".join(["molecule", *os.environ.get("PYTEST_XDIST_WORKER", "").split()])
    Lab(name).stop()
    lab = Lab.start(name, hosts=0)
    try:
        # Without a host there is no bridge that has this address: emulator and mirror would be out of reach at times.
        lab.run(["ip", "address", "add", f"{GATEWAY}/32", "dev", "lo"], check=True)
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="module")
def image(lab: Lab) -> Iterator[str]:
    """An image of a system, in a registry."""
    with registry.serve(lab):
        yield registry.push(lab, lab.env()["LAB_IMAGE"], "systems/debian:12")


def molecule(
    lab: Lab,
    home: Path,
    *words: str,
    cwd: Path = COLLECTION,
    env: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> str:
    """Run molecule in the lab with a home of its own; what it said. Fails the test when molecule fails.

    ``within`` is the start of a command line that runs the rest of it.
    """
    whole = {
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        **(env or {}),
    }
    done = lab.run([*within, "molecule", *words], env=whole, cwd=cwd, timeout=PATIENCE)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-12000:]
    return said


def test_base_knows_all_variables(lab: Lab) -> None:
    """What the lab says of endpoints, mirror and keys reaches the hosts of a scenario."""
    told = yaml.safe_load((lab.run_dir / "vars.yml").read_text())
    base = yaml.safe_load((COLLECTION / "extensions/molecule/config.yml").read_text())
    assert set(told) <= set(base["provisioner"]["inventory"]["group_vars"]["ecs"])


def test_every_role_has_a_scenario() -> None:
    """A new role is not forgotten."""
    roles = {path.name for path in (COLLECTION / "roles").iterdir() if (path / "tasks").is_dir()}
    assert roles - WITHOUT_HOST <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(lab: Lab, tmp_path: Path, scenario: str) -> None:
    """All steps of the scenario succeed, none of them was left out, and no host is left over."""
    assert_passed(molecule(lab, tmp_path, "test", "--scenario-name", scenario), scenario)
    assert_clean(lab)
    # What the emulator cannot answer would make a scenario pass for the wrong reason.
    assert lab.emulator("GET", "unknown") == []


def outside(image: str) -> dict[str, str]:
    """The environment of a user who has no lab and takes this image."""
    return {"LAB_VARS": "", "LAB_IMAGE": "", "ECS_MOLECULE_IMAGE": image, "ECS_MOLECULE_GATEWAY": "10.78.0.1"}


def test_podman(lab: Lab, tmp_path: Path, image: str) -> None:
    """With podman alone a scenario pulls its image, brings emulator, mirror and network, and takes them away.

    The lab serves as a machine with podman.
    """
    registries = tmp_path / "registries.conf"
    registries.write_text(f'[[registry]]\nlocation = "{registry.ADDRESS}"\ninsecure = true\n')
    env = {**outside(image), "CONTAINERS_REGISTRIES_CONF": str(registries)}
    assert lab.run(["podman", "image", "exists", image]).returncode == 1
    said = molecule(lab, tmp_path, "test", "--scenario-name", "ssm_agent", env=env)
    assert_passed(said, "ssm_agent")
    assert_clean(lab)
    lab.run(["podman", "image", "rm", image], check=True)
    assert lab.run(["podman", "network", "ls", "--quiet", "--filter", "name=ecs-molecule"]).stdout == ""
    assert lab.run(["pgrep", "--full", str(tmp_path)]).stdout == ""


@contextmanager
def docker_machine(lab: Lab) -> Iterator[int]:
    """A host of the lab with Docker, as the process id of its PID 1. Docker of Debian 12 cannot nest."""
    host = lab.add_host("docker", "trixie")
    try:
        host.run(DOCKER, check=True)
        yield int(lab.run(["podman", "inspect", "--format", "{{.State.Pid}}", host.name], check=True).stdout)
    finally:
        lab.remove_host(host.name)


def test_docker(lab: Lab, tmp_path: Path, image: str) -> None:
    """The same with Docker alone. Molecule runs in the network of a machine that has it."""
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    with docker_machine(lab) as pid:
        program.write_text(CLI.format(pid=pid))
        program.chmod(0o755)
        env = {
            **outside(image),
            "ECS_MOLECULE_ENGINE": "docker",
            "DOCKER_HOST": f"unix:///proc/{pid}/root/run/docker.sock",
            "PATH": f"{program.parent}:{lab.env()['PATH']}",
        }
        within = ["nsenter", "--target", str(pid), "--net", "--"]
        said = molecule(lab, tmp_path, "test", "--scenario-name", "ssm_agent", env=env, within=within)
        assert_passed(said, "ssm_agent")
        docker = lab.host("docker")
        assert docker.run("docker image ls --quiet", check=True).stdout != ""
        assert docker.run("docker ps --all --quiet && docker volume ls --quiet", check=True).stdout == ""
        assert docker.run("docker network ls --quiet --filter name=ecs-molecule", check=True).stdout == ""
        assert lab.run(["pgrep", "--full", str(tmp_path / ".ansible")]).stdout == ""
    assert_clean(lab)


def test_page_shows_the_example() -> None:
    """The scenario of docs/molecule.md is the example's, and of ten lines."""
    page = (COLLECTION / "docs/molecule.md").read_text()
    shown = dict(re.findall(r"^`(molecule/default/\S+)`:\n\n```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    example = COLLECTION / "docs/example_role"
    files = [path for path in example.glob("molecule/**/*") if path.is_file()]
    assert shown == {str(path.relative_to(example)): path.read_text() for path in files}
    assert len([line for text in shown.values() for line in text.splitlines() if line != "---"]) == 10


def test_own_role(lab: Lab, tmp_path: Path) -> None:
    """A role of somebody else's, with a scenario of ten lines: as docs/molecule.md says."""
    role = shutil.copytree(COLLECTION / "docs/example_role", tmp_path / "example_role")
    base = COLLECTION / "extensions/molecule"
    said = molecule(lab, tmp_path, "-c", str(base / "config.yml"), "test", cwd=role, env={"ECS_MOLECULE": str(base)})
    assert "example_role : Say who runs this host" in said
    instances = lab.emulator("GET", "state")["container_instances"]
    assert [(one["clusterName"], one["status"]) for one in instances] == [("example", "ACTIVE")]
    assert_clean(lab)


def assert_passed(said: str, scenario: str) -> None:
    """Every step was done; ``prepare`` is not in every scenario."""
    done = re.findall(rf"^{scenario} \S+ (\w+): Executed: Successful", said, re.MULTILINE)
    assert [step for step in done if step != "prepare"] == STEPS, said[-12000:]


def assert_clean(lab: Lab) -> None:
    """No host is left over."""
    left = lab.run(["podman", "ps", "--all", "--quiet"], check=True)
    assert left.stdout == ""
