# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the packages of the stand-in agents, as .deb and as .rpm: names, files and scripts as the real ones have."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from .paths import HERE

SSM_VERSIONS = ("3.3.987.0", "3.3.1142.0")
ECS_VERSIONS = ("1.104.0", "1.105.1")
# Debian's name of an architecture -> rpm's.
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
MAINTAINER = "onprem.ecs contributors <noreply@example.invalid>"

# The real packages stop a running agent before and start it after.
SSM_POSTINST = """#!/bin/sh
echo "Starting agent"
if [ "$(cat /proc/1/comm)" = systemd ]; then
    systemctl daemon-reload
    systemctl enable amazon-ssm-agent
    systemctl start amazon-ssm-agent
fi
"""
# The real one asks snapd; there is none on the hosts, and the folder says the same.
SSM_PREINST = """#!/bin/sh
if [ -e /snap/amazon-ssm-agent ]; then
    echo "amazon-ssm-agent is installed as a snap already: remove that first" >&2
    exit 1
fi
echo "Preparing for install"
if [ "$(cat /proc/1/comm)" = systemd ] && [ -e /lib/systemd/system/amazon-ssm-agent.service ]; then
    systemctl stop amazon-ssm-agent
    systemctl daemon-reload
fi
exit 0
"""
SSM_PRERM = """#!/bin/sh
# rpm runs this of the old package after the new one has started its agent
[ "$1" = 1 ] && exit 0
echo "Stopping agent"
if [ "$(cat /proc/1/comm)" = systemd ]; then
    systemctl stop amazon-ssm-agent
    systemctl disable amazon-ssm-agent
    systemctl daemon-reload
fi
"""
# The unit of ecs-init is neither enabled nor started by its package.
ECS_POSTINST = """#!/bin/sh
[ -d /run/systemd/system ] && systemctl daemon-reload
exit 0
"""
ECS_PRERM = """#!/bin/sh
[ "$1" = remove ] || [ "$1" = 0 ] || exit 0
[ -d /run/systemd/system ] && systemctl stop ecs.service
exit 0
"""


@dataclass(frozen=True)
class Package:
    """A package, independent of its format."""

    name: str
    version: str
    summary: str
    depends: str
    files: dict[str, tuple[str, int]] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    conffiles: tuple[str, ...] = ()
    """What dpkg leaves there until the package is purged; of no meaning for an rpm."""


def _launcher(home: str, call: str) -> str:
    """A program that finds its parts in ``home``."""
    return f'#!/usr/bin/python3\nimport sys\n\nsys.dont_write_bytecode = True\nsys.path.insert(0, "{home}")\n{call}\n'


def _modules(home: str, names: tuple[str, ...]) -> dict[str, tuple[str, int]]:
    """The stand-in's parts."""
    found = {}
    for name in ("__init__", "wire", *names):
        found[f"{home}/standins/{name}.py"] = ((HERE / "standins" / f"{name}.py").read_text(), 0o644)
    return found


def _homes(home: str) -> dict[str, int]:
    """Its folders: an rpm removes only those that it lists."""
    return {home: 0o755, f"{home}/standins": 0o755}


def _unit(name: str, **values: str) -> str:
    """A unit file with @NAME@ replaced."""
    text = (HERE / "standins" / "files" / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def ssm_agent(version: str) -> Package:
    """``amazon-ssm-agent``."""
    home = "/usr/lib/amazon-ssm-agent"
    agent = f'from standins.ssm_agent import main\n\nsys.exit(main(sys.argv[1:], "{version}"))'
    cli = f'from standins.ssm_cli import main\n\nsys.exit(main(sys.argv[1:], "{version}"))'
    return Package(
        name="amazon-ssm-agent",
        version=f"{version}-1",
        summary="Amazon SSM Agent (stand-in for tests)",
        depends="python3, python3-cryptography, python3-websocket",
        files={
            "/usr/bin/amazon-ssm-agent": (_launcher(home, agent), 0o755),
            "/usr/bin/ssm-cli": (_launcher(home, cli), 0o755),
            # What ECS Exec runs in containers. Nothing here does.
            "/usr/bin/ssm-agent-worker": (f"#!/bin/sh\n# {version}\nexit 1\n", 0o755),
            "/usr/bin/ssm-session-worker": (f"#!/bin/sh\n# {version}\nexit 1\n", 0o755),
            "/lib/systemd/system/amazon-ssm-agent.service": (_unit("amazon-ssm-agent.service"), 0o644),
            "/etc/amazon/ssm/amazon-ssm-agent.json.template": ("{}\n", 0o644),
            **_modules(home, ("ssm_files", "ssm_agent", "ssm_cli")),
        },
        folders={**_homes(home), "/var/lib/amazon/ssm": 0o700, "/var/log/amazon/ssm": 0o755},
        scripts={"preinst": SSM_PREINST, "postinst": SSM_POSTINST, "prerm": SSM_PRERM},
        # As the real one does, its unit among them.
        conffiles=(
            "/lib/systemd/system/amazon-ssm-agent.service",
            "/etc/amazon/ssm/amazon-ssm-agent.json.template",
        ),
    )


def ecs_init(version: str, *, rpm: bool) -> Package:
    """``amazon-ecs-init``. Only the rpm's unit knows that exit code 5 is final."""
    home = "/usr/lib/amazon-ecs-init"
    program = "/usr/libexec/amazon-ecs-init"
    agent = f'["/usr/bin/python3", "{home}/amazon-ecs-agent"]'
    init = f'from standins.ecs_init import main\n\nsys.exit(main(sys.argv[1:], "{version}", {agent}))'
    run = f'from standins.ecs_agent import main\n\nsys.exit(main("{version}"))'
    prevent = "RestartPreventExitStatus=5\n" if rpm else ""
    docker = "" if rpm else ", docker-ce (>= 17.12.0) | docker-engine (>= 1.6.0) | docker-ee | docker.io"
    return Package(
        name="amazon-ecs-init",
        version=f"{version}-1",
        summary="Starts the Amazon ECS Agent (stand-in for tests)",
        # The real .deb leaves iptables to Docker's packages.
        depends="python3, python3-websocket, systemd" + docker,
        files={
            program: (_launcher(home, init), 0o755),
            f"{home}/amazon-ecs-agent": (_launcher(home, run), 0o755),
            "/lib/systemd/system/ecs.service": (_unit("ecs.service", PREVENT=prevent), 0o644),
            "/var/cache/ecs/ecs-agent.tar": (f"the image of amazon-ecs-agent {version}\n", 0o644),
            "/var/cache/ecs/state": ("2\n", 0o644),
            **_modules(home, ("ecs_files", "ecs_init", "ecs_agent")),
        },
        folders={
            **_homes(home),
            "/etc/ecs": 0o755,
            "/var/lib/ecs": 0o755,
            "/var/lib/ecs/data": 0o700,
            "/var/log/ecs": 0o755,
        },
        scripts={"postinst": ECS_POSTINST, "prerm": ECS_PRERM},
    )


def _lay_out(package: Package, top: Path) -> None:
    """Write the package's tree."""
    for folder, mode in package.folders.items():
        place = top / folder.lstrip("/")
        place.mkdir(parents=True)
        place.chmod(mode)
    for name, (text, mode) in package.files.items():
        place = top / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)


def _tar(root: Path) -> bytes:
    """A tar of a tree, all of it root's."""
    buffer = io.BytesIO()

    def owner(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        tar.add(root, ".", filter=owner)
    return buffer.getvalue()


def build_deb(package: Package, architecture: str, target: Path) -> None:
    """Write a .deb: an ar archive of two tars; no tool of Debian's is needed."""
    with TemporaryDirectory(prefix="onprem-ecs-") as temporary:
        tree, control = Path(temporary, "tree"), Path(temporary, "control")
        for folder in (tree, control):
            folder.mkdir()
        _lay_out(package, tree)
        (control / "control").write_text(
            f"Package: {package.name}\nVersion: {package.version}\nArchitecture: {architecture}\n"
            f"Maintainer: {MAINTAINER}\nSection: admin\nPriority: optional\nDepends: {package.depends}\n"
            f"Description: {package.summary}\n"
        )
        if package.conffiles:
            (control / "conffiles").write_text("".join(f"{name}\n" for name in package.conffiles))
        for name, text in package.scripts.items():
            (control / name).write_text(text)
            (control / name).chmod(0o755)
        parts = {"debian-binary": b"2.0\n", "control.tar.gz": _tar(control), "data.tar.gz": _tar(tree)}
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in parts.items():
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))


def build_rpm(package: Package, architecture: str, target: Path) -> None:
    """Write a .rpm with rpmbuild. What Debian's names in ``depends`` provide is no requirement of an rpm."""
    with TemporaryDirectory(prefix="onprem-ecs-") as temporary:
        top, tree = Path(temporary), Path(temporary, "tree")
        _lay_out(package, tree)
        version, _unused, release = package.version.partition("-")
        listed = [f"%attr({mode:04o}, root, root) {name}" for name, (_unused, mode) in package.files.items()]
        listed += [f"%dir %attr({mode:04o}, root, root) {name}" for name, mode in package.folders.items()]
        names = {"preinst": "pre", "postinst": "post", "prerm": "preun"}
        scripts = "".join(f"%{names[key]}\n{text.split(chr(10), 1)[1]}\n" for key, text in package.scripts.items())
        (top / "package.spec").write_text(
            f"Name: {package.name}\nVersion: {version}\nRelease: {release}\nSummary: {package.summary}\n"
            f"License: GPL-3.0-or-later\nAutoReqProv: no\nRequires: python3\n%description\n{package.summary}\n"
            f"%install\ncp -a {tree}/. %{{buildroot}}\n{scripts}%files\n" + "\n".join(listed) + "\n"
        )
        command = ["rpmbuild", "-bb", "--quiet", "--target", architecture, "--define", f"_topdir {top}/rpm"]
        for macro in ("__os_install_post %{nil}", "_build_id_links none", "debug_package %{nil}"):
            command += ["--define", macro]
        command += ["--define", f"_dbpath {top}/db", str(top / "package.spec")]
        subprocess.run(command, check=True, capture_output=True, text=True)
        made = next((top / "rpm").rglob("*.rpm"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made, target)
