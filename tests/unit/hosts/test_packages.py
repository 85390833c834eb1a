# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts of the stand-ins' packages, run on a host of files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hosts.packages import ssm_agent

UNIT = "lib/systemd/system/amazon-ssm-agent.service"


class Scripts:
    """Runs a package's scripts with the host's paths in a folder, and keeps what they ask systemd for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.put("proc/1/comm", "systemd\n")
        self.put("bin/systemctl", f'#!/bin/sh\necho "$*" >> {self.calls}\n').chmod(0o755)

    def put(self, name: str, text: str = "") -> Path:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the SSM agent's package."""
        text = ssm_agent("3.3.1142.0").scripts[name]
        for folder in ("/snap/", "/proc/", "/lib/"):
            text = text.replace(f" {folder}", f" {self.root}{folder}")
        path = self.put(f"scripts/{name}", text)
        env = {"PATH": f"{self.root}/bin:/usr/bin:/bin"}
        return subprocess.run(
            ["sh", str(path), *words], env=env, capture_output=True, text=True, check=False, timeout=30
        )

    def systemctl(self) -> list[str]:
        """What systemd was asked for."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    """A host that runs systemd, and nothing else."""
    return Scripts(tmp_path)


def test_the_agent_is_not_installed_beside_a_snap(scripts: Scripts) -> None:
    """Nothing is stopped either: the unit is the snap's."""
    scripts.put("snap/amazon-ssm-agent/current/amazon-ssm-agent")
    scripts.put(UNIT)
    done = scripts.run("preinst", "install")
    assert (done.returncode, done.stdout, scripts.systemctl()) == (1, "", [])
    assert "amazon-ssm-agent is installed as a snap already" in done.stderr


@pytest.mark.parametrize("other", [False, True], ids=["no snaps", "another snap"])
def test_the_agent_is_installed_without_its_snap(scripts: Scripts, other: bool) -> None:
    if other:
        scripts.put("snap/core22/current/meta/snap.yaml")
    done = scripts.run("preinst", "install")
    assert (done.returncode, done.stderr, scripts.systemctl()) == (0, "", [])


def test_an_upgrade_stops_the_agent_before(scripts: Scripts) -> None:
    scripts.put(UNIT)
    assert scripts.run("preinst", "upgrade", "3.3.987.0-1").returncode == 0
    assert scripts.systemctl() == ["stop amazon-ssm-agent", "daemon-reload"]
