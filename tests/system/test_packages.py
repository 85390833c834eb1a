# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages from a folder on the controller, for hosts that reach nothing; checksums; a key that expires soon.

The folder is signed by a key of the user's own that expires in a month. The tests are in the order of a user's day.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hosts import mirror, signing
from system.controller import Controller, differences, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 1
SSM, ECS = "3.3.987.0", "1.104.0"
INCOMING = "/var/cache/onprem.ecs.incoming"


@dataclass(frozen=True)
class Folder:
    """A folder with the packages of one version, and the variables that go with it."""

    path: Path
    ssm: Path
    variables: dict[str, Any]


@pytest.fixture(scope="module")
def folder(controller: Controller) -> Folder:
    """The folder."""
    path, top = controller.home / "aws", mirror.folder()
    ssm = path / "amazon-ssm-eu-west-1" / SSM / "debian_amd64" / "amazon-ssm-agent.deb"
    ecs = path / "amazon-ecs-agent-eu-west-1" / f"amazon-ecs-init-{ECS}-1.amd64.deb"
    ssm.parent.mkdir(parents=True)
    ecs.parent.mkdir(parents=True)
    shutil.copy(top / "amazon-ssm" / SSM / "debian_amd64" / ssm.name, ssm)
    # With its release in the name, as AWS's pipeline calls it.
    shutil.copy(top / "amazon-ecs-agent" / f"amazon-ecs-init-{ECS}.amd64.deb", ecs)
    with signing.signer() as signer:
        signer.gpg("--quick-generate-key", "soon <soon@example.invalid>", "rsa2048", "sign", "30d")
        signer.sign("soon", ssm, ssm.with_name(f"{ssm.name}.sig"), armor=False)
        signer.sign("soon", ecs, ecs.with_name(f"{ecs.name}.asc"), armor=True)
        key, fingerprint = signer.export("soon"), signer.fingerprint("soon")
    versions = {"ecs_mirror": f"file://{path}", "ecs_ssm_agent_version": SSM, "ecs_agent_version": f"{ECS}-1"}
    keys: dict[str, Any] = {}
    for name in ("ecs_ssm_agent_key", "ecs_agent_key"):
        keys |= {name: key, f"{name}_fingerprints": [fingerprint]}
    return Folder(path, ssm, {**versions, **keys})


def test_a_wrong_checksum_is_refused_before_anything_is_changed(controller: Controller, folder: Folder) -> None:
    before = controller.footprint()
    controller.forget_calls()
    run = controller.enroll(**folder.variables, ecs_ssm_agent_checksum="0" * 64)
    assert run.code != 0
    assert "amazon-ssm-agent.deb is not used: its SHA-256 is" in run.said_of("node1"), run.text
    assert controller.calls().writes == {}
    assert differences(before, controller.footprint()) == []
    assert controller.lab.host("node1").run(f"ls -d {INCOMING}").returncode != 0


def test_what_is_not_in_the_folder_is_named(controller: Controller, folder: Folder) -> None:
    run = controller.enroll(**{**folder.variables, "ecs_ssm_agent_version": "9.9.9.9"})
    assert run.code != 0
    assert f"{folder.path}/amazon-ssm-eu-west-1/9.9.9.9/debian_amd64/amazon-ssm-agent.deb" in run.words, run.text


def test_the_folder_is_all_that_is_needed(controller: Controller, folder: Folder) -> None:
    checksum = hashlib.sha256(folder.ssm.read_bytes()).hexdigest()
    run = controller.enroll(**folder.variables, ecs_ssm_agent_checksum=checksum)
    assert run.code == 0, run.text
    instances_up(controller, "node1")
    assert "/aws/amazon-" not in (controller.lab.run_dir / "mirror.log").read_text()
    host = controller.lab.host("node1")
    assert host.run(f"ls -d {INCOMING}").returncode != 0
    shown = host.run("dpkg-query -W -f '${Version} ' amazon-ssm-agent amazon-ecs-init").stdout.split()
    assert sorted(shown) == [f"{ECS}-1", f"{SSM}-1"]
    # Both agents are signed by the same key; it is warned of, and not at every turn.
    assert 1 <= run.words.count("From then on what it signed is refused") <= 2, run.text


def test_nothing_is_fetched_when_the_versions_are_there(controller: Controller, folder: Folder) -> None:
    folder.path.rename(folder.path.with_name("gone"))
    run = controller.enroll(**folder.variables)
    assert run.code == 0, run.text
    assert run.changed() == {"node1": 0}, run.text
