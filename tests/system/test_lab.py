# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labs themselves: closed, offline, and gone without a trace however they end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts import Lab, LabError
from hosts.holder import cgroup_dir, start_time


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with one host and no emulator."""
    Lab("system-lab").stop()
    lab = Lab.start("system-lab", hosts=1, emulator=False)
    try:
        yield lab
    finally:
        lab.stop()


def test_a_bare_host_gets_docker_from_the_mirror_and_nothing_from_outside(lab: Lab) -> None:
    node = lab.host("node1")
    assert node.run("command -v docker; command -v gpg").stdout == ""
    done = node.run("apt-get update && apt-get install -y docker.io gnupg && docker info && gpg --version")
    assert done.returncode == 0, done.stderr
    outside = node.run("curl --silent --show-error --max-time 20 https://192.0.2.10/")
    assert outside.returncode == 7, outside.stderr
    assert node.run("getent hosts ssm.eu-west-1.amazonaws.com").returncode == 2


def test_an_upgraded_agent_runs(lab: Lab) -> None:
    node = lab.host("node1")
    address = "http://10.77.0.1:8000/aws/amazon-ssm-eu-west-1/{}/debian_amd64/amazon-ssm-agent.deb"
    for version in ("3.3.987.0", "latest"):
        done = node.run(f"curl -sSfo /tmp/a.deb {address.format(version)} && apt-get install -y /tmp/a.deb")
        assert done.returncode == 0, done.stderr
        assert node.run("systemctl is-active amazon-ssm-agent").stdout == "active\n"
    assert node.run("amazon-ssm-agent -version").stdout == "SSM Agent version: 3.3.1142.0\n"


def test_a_host_more_and_one_less(lab: Lab) -> None:
    lab.add_host("node2")
    assert lab.run(["ansible", "node2", "-m", "ansible.builtin.ping"]).returncode == 0
    lab.host("node2").reboot()
    assert lab.run(["ansible", "ecs", "-m", "ansible.builtin.ping"]).returncode == 0
    lab.remove_host("node2")
    with pytest.raises(LabError, match="no host node2"):
        lab.host("node2")


def test_a_command_dies_with_its_caller(lab: Lab) -> None:
    process = lab.popen(["sleep", "4711"])
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _bytes(path) == b"sleep\x004711\x00"]


def _bytes(path: Path) -> bytes:
    """A file that may go at any moment."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_killed_holder_leaves_nothing_running() -> None:
    lab = Lab.start("system-killed", hosts=1, emulator=False)
    try:
        folder = str(lab.run_dir.path)
        ids = json.loads(lab.run_dir.holder.read_text())
        os.kill(ids["holder"], signal.SIGKILL)
        until = time.monotonic() + 10
        while start_time(ids["init"]) and time.monotonic() < until:
            time.sleep(0.1)
        assert not lab.running
        assert not (cgroup_dir(lab.name) / "holder" / "cgroup.procs").read_text()
        assert folder not in Path("/proc/mounts").read_text()
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if folder.encode() in _bytes(path)]
    finally:
        lab.stop()
    assert not lab.run_dir.path.exists()
    assert not cgroup_dir(lab.name).exists()
