# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every molecule scenario of the collection, each as a test, in one lab. See docs/molecule.md."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from hosts import Lab
from hosts.paths import GATEWAY

pytestmark = pytest.mark.lab

COLLECTION = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.parent.name for path in COLLECTION.glob("extensions/molecule/*/molecule.yml"))
STEPS = ["destroy", "create", "converge", "idempotence", "verify", "destroy"]
#: Roles whose work is all in the account: playbooks against the emulator alone test them.
WITHOUT_HOST = {"iam"}
#: Seconds after which a scenario is taken for hanging.
PATIENCE = 900


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab without hosts: the scenarios make their own."""
    Lab("molecule").stop()
    lab = Lab.start("molecule", hosts=0)
    try:
        # Without a host there is no bridge that has this address: emulator and mirror would be out of reach at times.
        lab.run(["ip", "address", "add", f"{GATEWAY}/32", "dev", "lo"], check=True)
        yield lab
    finally:
        lab.stop()


def molecule(lab: Lab, home: Path, *words: str, cwd: Path = COLLECTION, env: Mapping[str, str] | None = None) -> str:
    """Run molecule in the lab with a home of its own; what it said. Fails the test when molecule fails."""
    whole = {
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        **(env or {}),
    }
    done = lab.run(["molecule", *words], env=whole, cwd=cwd, timeout=PATIENCE)
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


def test_outside_of_a_lab(lab: Lab, tmp_path: Path) -> None:
    """The scenarios bring their own emulator, mirror and network where podman alone is there, and take them away.

    The lab serves as a machine with podman, and as the registry that the image comes from.
    """
    outside = {
        "LAB_VARS": "",
        "LAB_IMAGE": "",
        "ECS_MOLECULE_IMAGE": lab.env()["LAB_IMAGE"],
        "ECS_MOLECULE_GATEWAY": "10.78.0.1",
    }
    said = molecule(lab, tmp_path, "test", "--scenario-name", "ssm_agent", env=outside)
    assert_passed(said, "ssm_agent")
    assert_clean(lab)
    assert lab.run(["podman", "network", "ls", "--quiet", "--filter", "name=ecs-molecule"]).stdout == ""
    assert lab.run(["pgrep", "--full", str(tmp_path)]).stdout == ""


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
