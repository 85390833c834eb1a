# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for tests: files below a folder, commands with prepared answers, a clock of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import NOT_FOUND, Host, Result

Answer = Callable[[tuple[str, ...]], Result]

NOW = 1_795_279_680.0  # 2026-11-21T16:48:00Z
CGROUP_2 = "cpuset cpu io memory hugetlb pids rdma misc\n"
NODE = "mi-0123456789abcdef0"
OTHER_NODE = "mi-0fedcba9876543210"
MACHINE_ID = "0123456789abcdef0123456789abcdef"
# It stands for the private key: no answer of a module may hold it.
PRIVATE_KEY = "MIIEpAIBAAKCAQEAprivatePRIVATEprivate"

DEBIAN_12 = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
"""


class FakeHost(Host):
    """See the module. ``answers``: the program's name to what it answers; any other program is not installed."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.answers: dict[str, Answer] = {}
        self.commands: list[tuple[str, ...]] = []
        self.came: dict[str, float] = {}
        self.clock = NOW
        self.root_user = True
        self.architecture = "x86_64"
        self.wide = True
        self.release = "6.1.0-28-amd64"
        self.programs = {"apt-get", "dnf", "yum", "zypper", "iptables"}
        self.rooms: dict[str, tuple[int, int]] = {}
        self.error: float | None = 0.5

    def put(self, path: str, text: str, written_at: float | None = None) -> None:
        target = Path(self.path(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        os.utime(target, (written_at or self.clock, written_at or self.clock))

    def install(self, path: str, at: float) -> None:
        """A file of a package: installed at that time, built long before. The kernel's time of it cannot be set."""
        self.put(path, "", NOW - 9e7)
        self.came[path] = at

    def came_at(self, path: str) -> float | None:
        return self.came.get(path)

    def register(self, node: str = NODE, region: str = "eu-west-1", written_at: float = NOW - 3600) -> None:
        """A vault as the SSM agent makes it."""
        key = {"instanceID": node, "region": region, "privateKey": PRIVATE_KEY, "privateKeyType": "Rsa"}
        self.put("/var/lib/amazon/ssm/Vault/Store/RegistrationKey", json.dumps(key), written_at)
        fingerprint = {"fingerprint": "6c7aca51", "hardwareHash": {"machine-id": MACHINE_ID}, "similarityThreshold": 40}
        self.put("/var/lib/amazon/ssm/Vault/Store/InstanceFingerprint", json.dumps(fingerprint), written_at)
        self.put(
            "/var/lib/amazon/ssm/registration", json.dumps({"ManagedInstanceID": node, "Region": region}), written_at
        )

    def run_as(
        self, node: str = NODE, expires: str = "2026-11-21T17:40:00.123456789Z", written_at: float = NOW - 60
    ) -> None:
        """The identity that a running agent writes, and the credentials."""
        identity = {"InstanceId": node, "ShareFile": "/root/.aws/credentials", "CredentialsExpiresAt": expires}
        self.put("/var/lib/amazon/ssm/runtimeconfig/identity_config.json", json.dumps(identity), written_at)
        self.put("/root/.aws/credentials", CREDENTIALS, written_at)

    def run(self, *command: str, timeout: float = 30.0) -> Result:
        self.commands.append(command)
        name = Path(command[0]).name
        if name not in self.answers:
            return Result(NOT_FOUND, "", f"{name} is not installed")
        return self.answers[name](command)

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.answers or name in self.programs else None

    def is_root(self) -> bool:
        return self.root_user

    def machine(self) -> str:
        return self.architecture

    def kernel(self) -> str:
        return self.release

    def is_64_bit(self) -> bool:
        return self.wide

    def room(self, path: str) -> tuple[int, int] | None:
        return self.rooms.get(path, (1, 50 << 30))

    def clock_error(self) -> float | None:
        return self.error

    def now(self) -> float:
        return self.clock

    def monotonic(self) -> float:
        return self.clock - NOW + 10_000.0

    def sleep(self, seconds: float) -> None:
        self.clock += seconds


CREDENTIALS = """[default]
aws_access_key_id     = ASIAQQQQQQQQQQQQQQQQ
aws_secret_access_key = wJalrXUtnFEMIwJalrXUtnFEMIwJalrXUtnFEMI0
aws_session_token     = IQoJb3JpZ2luX2VjEXAMPLETOKEN
"""


def block(name: str, **changed: object) -> str:
    """One unit in the answer of ``systemctl show``: it runs, unless changed. ``started`` in seconds since the epoch."""
    unit: dict[str, object] = {
        "load": "loaded",
        "active": "active",
        "sub": "running",
        "file": "enabled",
        "started": NOW - 1800,
        "status": 0,
    }
    unit.update(changed)
    started = unit["started"]
    monotonic = int((started - NOW + 10_000.0) * 1e6) if isinstance(started, float) else 0
    return (
        f"Result={unit.get('result', 'success')}\nNRestarts={unit.get('restarts', 0)}\n"
        f"ExecMainStartTimestampMonotonic={monotonic}\n"
        f"ExecMainStatus={unit['status']}\nId={name}\nLoadState={unit['load']}\nActiveState={unit['active']}\n"
        f"SubState={unit['sub']}\nUnitFileState={unit['file']}\n" + ("Job=77\n" if unit.get("job") else "")
    )


def not_found(name: str) -> str:
    return block(name, load="not-found", active="inactive", sub="dead", file="", started=None)


def systemctl(**units: str) -> Answer:
    """``systemctl show`` with the given blocks, by the unit's name with ``_`` for ``-`` and without ``.service``."""

    def answer(command: tuple[str, ...]) -> Result:
        if command[1] != "show":
            return Result(0, "", "")
        names = [word for word in command[2:] if not word.startswith("--")]
        keys = [name.replace(".service", "").replace("-", "_").replace(".", "_") for name in names]
        return Result(0, "\n".join(units.get(key, not_found(name)) for key, name in zip(keys, names, strict=True)), "")

    return answer


def dpkg(**packages: str) -> Answer:
    """``dpkg-query`` that knows the given packages, by name with ``_`` for ``-`` and ``.``."""
    lines = "".join(f"{name}\t{version}\tii \n" for name, version in packages.items())
    known = lines.replace("docker_io", "docker.io").replace("_", "-")
    return lambda _command: Result(1, known, "dpkg-query: no packages found matching docker-ce\n")


def healthy(root: Path) -> FakeHost:
    """An external instance as it should be, but for the ECS agent's introspection, which is a socket."""
    host = FakeHost(root)
    host.put("/etc/os-release", DEBIAN_12)
    host.put("/sys/fs/cgroup/cgroup.controllers", CGROUP_2)
    host.put("/etc/machine-id", MACHINE_ID + "\n")
    Path(host.path("/run/systemd/system")).mkdir(parents=True)
    Path(host.path("/var/lib")).mkdir(parents=True)
    host.register()
    host.run_as()
    host.put("/var/lib/ecs/ecs.config", "AWS_DEFAULT_REGION=eu-west-1\nECS_EXTERNAL=true\n")
    host.put("/etc/ecs/ecs.config", "ECS_CLUSTER=default\n")
    host.answers["systemctl"] = systemctl(
        amazon_ssm_agent=block("amazon-ssm-agent.service"),
        docker=block("docker.service"),
        ecs=block("ecs.service"),
        systemd_timesyncd=block("systemd-timesyncd.service"),
    )
    host.answers["dpkg-query"] = dpkg(
        amazon_ssm_agent="3.3.1142.0-1", amazon_ecs_init="1.105.1-1", docker_io="20.10.24+dfsg1-1+b3"
    )
    return host
