# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container engine."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest
from unit.plugins.module_utils._host_double import DEBIAN_12, NOW, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_engine import read_engine
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Result
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import Installed
from ansible_collections.onprem.ecs.plugins.module_utils._host_system import read_system
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit

NONE = Unit("docker.service")
MASKED = NONE._replace(masked=True)
RUNS = Unit("docker.service", loaded=True, enabled=True, active=True, sub_state="running")
FAILED = RUNS._replace(active=False, sub_state="failed", result="exit-code")


@pytest.mark.parametrize(
    ("unit", "packages", "name", "version", "reason"),
    [
        (RUNS, {"docker.io": "20.10.24+dfsg1-1+b3"}, "docker.io", "20.10.24", None),
        (RUNS, {"docker-ce": "5:27.3.1-1~debian.12~bookworm", "docker.io": "20.10"}, "docker-ce", "27.3.1", None),
        (RUNS, {"moby-engine": "24.0.5-1.fc40"}, "moby-engine", "24.0.5", None),
        (RUNS, {}, None, None, None),
        (RUNS, {"docker-stable": "24.0.9_ce-1"}, "docker-stable", "24.0.9", None),
        (NONE, {}, None, None, "Docker is not installed"),
        (NONE, {"podman-docker": "4.9"}, None, None, "podman-docker stands in for it"),
        (NONE, {"docker.io": "20.10.24"}, "docker.io", "20.10.24", "there is no docker.service"),
        (MASKED, {"docker.io": "20.10.24"}, "docker.io", "20.10.24", "docker.service is masked"),
        (
            FAILED,
            {"docker.io": "20.10.24"},
            "docker.io",
            "20.10.24",
            "docker.service is not running (failed, exit-code)",
        ),
    ],
)
def test_engine(
    tmp_path: Path, unit: Unit, packages: dict[str, str], *, name: str | None, version: str | None, reason: str | None
) -> None:
    host = FakeHost(tmp_path)
    found = read_engine(host, read_system(host), {"docker.service": unit}, Installed(packages))
    assert (found["name"], found["version"], found["installed"]) == (name, version, unit.loaded or name is not None)
    assert (found["reason"] is None) if reason is None else (reason in found["reason"])
    assert found["active"] is unit.active and found["enabled"] is unit.enabled


@pytest.mark.parametrize(
    ("system", "packages", "provides", "suits"),
    [
        ("debian", {"docker.io": "20.10.24"}, "", True),
        ("debian", {"docker-ce": "5:27.3.1-1"}, "", True),
        # Of Microsoft's repository; and one that no package brought.
        ("debian", {"moby-engine": "25.0.3"}, "", False),
        ("debian", {"moby-engine": "25.0.3"}, "docker.io, container-runtime (= 2)", True),
        ("debian", {"moby-engine": "25.0.3"}, "container-runtime (= 2), docker-engine (= 25.0.3)", True),
        # The agent's package wants a version of that one.
        ("debian", {"moby-engine": "25.0.3"}, "docker-engine, container-runtime (= 2)", False),
        ("debian", {"moby-engine": "25.0.3"}, "docker (= 25.0.3)", False),
        ("debian", {}, "", False),
        ("fedora", {"moby-engine": "25.0.3"}, "", True),
    ],
)
def test_apt_would_put_another_docker_in_its_place(
    tmp_path: Path, system: str, packages: dict[str, str], provides: str, suits: bool
) -> None:
    host = FakeHost(tmp_path)
    host.put("/etc/os-release", release(system, "12"))
    host.answers["dpkg-query"] = lambda _command: Result(0, provides, "")
    found = read_engine(host, read_system(host), {"docker.service": RUNS}, Installed(packages))
    assert found["suits_agent"] is suits


@pytest.mark.parametrize("unit", [RUNS, NONE])
def test_a_package_that_dpkg_has_not_finished(tmp_path: Path, unit: Unit) -> None:
    host, units = FakeHost(tmp_path), {"docker.service": unit}
    half = Installed({}, unfinished=frozenset({"docker.io"}))
    found = read_engine(host, read_system(host), units, half)
    assert (found["name"], found["version"], found["unfinished"]) == ("docker.io", None, True)
    assert found["installed"] is unit.loaded and not found["held"]
    whole = Installed({"docker.io": "20.10.24"}, unfinished=frozenset({"docker-ce"}))
    assert read_engine(host, read_system(host), units, whole)["unfinished"] is False


HELD = {
    "dpkg": ({"docker-ce": "5:27.3.1-1"}, frozenset({"docker-ce"}), "", "", True),
    "dpkg, all of them": (
        {"docker-ce": "5:27.3.1-1", "containerd.io": "1.7", "docker-ce-cli": "5:27.3.1-1"},
        frozenset({"docker-ce", "containerd.io", "docker-ce-cli"}),
        "",
        "",
        True,
    ),
    # As by a run that was killed between two of them: an upgrade of that one restarts Docker as well.
    "dpkg, but one": (
        {"docker-ce": "5:27.3.1-1", "containerd.io": "1.7"},
        frozenset({"docker-ce"}),
        "",
        "",
        False,
    ),
    "dpkg, another package": ({"docker-ce": "5:27.3.1-1"}, frozenset({"docker-ce-cli"}), "", "", False),
    "no package": ({}, frozenset(), "exclude=docker-ce", "", False),
    "dnf": ({"docker-ce": "27.3.1-1"}, frozenset(), "[docker-ce-stable]\nexclude=docker-ce docker-ce-cli\n", "", True),
    "dnf, only the client": ({"docker-ce": "27.3.1-1"}, frozenset(), "exclude=docker-ce-cli\n", "", False),
    "dnf, a pattern": ({"docker-ce": "27.3.1-1"}, frozenset(), "excludepkgs = kernel*, docker-*\n", "", True),
    "dnf, the next line": ({"docker-ce": "27.3.1-1"}, frozenset(), "exclude=kernel\n  docker-ce\n", "", True),
    "dnf, another word": ({"docker-ce": "27.3.1-1"}, frozenset(), "exclude=kernel\nname=docker-ce\n", "", False),
    "zypper": ({"docker": "27.3.1-1"}, frozenset(), "", "\ntype: package\nsolvable_name: docker\n\n", True),
    "zypper, another": ({"docker": "27.3.1-1"}, frozenset(), "", "solvable_name: docker-compose\n", False),
}


@pytest.mark.parametrize("file", ["/etc/yum.repos.d/docker-ce.repo", "/etc/dnf/dnf.conf", "/etc/yum.conf"])
@pytest.mark.parametrize("name", HELD)
def test_held(tmp_path: Path, name: str, file: str) -> None:
    packages, held, repository, locks, expected = HELD[name]
    host = FakeHost(tmp_path)
    host.put("/etc/os-release", DEBIAN_12)
    host.put(file, repository)
    host.put("/etc/zypp/locks", locks)
    found = read_engine(host, read_system(host), {"docker.service": RUNS}, Installed(packages, held))
    assert found["held"] is expected


def release(identity: str, version: str = "", *, like: str = "", **more: str) -> str:
    """An os-release file."""
    lines = {"ID": identity, "VERSION_ID": version, "ID_LIKE": like, **more}
    return "".join(f'{name}="{value}"\n' for name, value in lines.items() if value)


#: Every Linux in AWS's list, and some that are made from them: os-release, package manager, the distribution's package,
#: the folder of Docker's repository for x86_64, how one version is asked for.
DEB = "{name}=5:{version}[-~]*?"
RPM = "{name}-{version}"
SYSTEMS = {
    "Amazon Linux 2": (release("amzn", "2", like="centos rhel fedora"), "yum", "docker", None, None),
    "Amazon Linux 2023": (release("amzn", "2023", like="fedora"), "dnf", "docker", None, None),
    "CentOS Stream 9": (release("centos", "9", like="rhel fedora"), "dnf", None, "linux/centos/9/x86_64/stable", RPM),
    "RHEL 7": (release("rhel", "7.9", like="fedora"), "yum", None, None, None),
    "RHEL 8": (release("rhel", "8.10", like="fedora"), "dnf", None, "linux/rhel/8/x86_64/stable", RPM),
    "RHEL 9": (release("rhel", "9.4", like="fedora"), "dnf", None, "linux/rhel/9/x86_64/stable", RPM),
    "AlmaLinux 9": (release("almalinux", "9.4", like="rhel"), "dnf", None, "linux/rhel/9/x86_64/stable", RPM),
    "Fedora 32": (release("fedora", "32"), "dnf", None, "linux/fedora/32/x86_64/stable", RPM),
    "Fedora 33": (release("fedora", "33"), "dnf", None, "linux/fedora/33/x86_64/stable", RPM),
    "Fedora 40": (release("fedora", "40"), "dnf", None, "linux/fedora/40/x86_64/stable", RPM),
    "Tumbleweed": (release("opensuse-tumbleweed", "20261120", like="opensuse suse"), "zypper", "docker", None, None),
    "SLES 15": (release("sles", "15.6", like="suse"), "zypper", "docker", None, None),
    "Ubuntu 18": (
        release("ubuntu", "18.04", like="debian", VERSION_CODENAME="bionic", UBUNTU_CODENAME="bionic"),
        "apt",
        "docker.io",
        "linux/ubuntu",
        DEB,
    ),
    "Ubuntu 20": (
        release("ubuntu", "20.04", like="debian", VERSION_CODENAME="focal", UBUNTU_CODENAME="focal"),
        "apt",
        "docker.io",
        "linux/ubuntu",
        DEB,
    ),
    "Ubuntu 22": (
        release("ubuntu", "22.04", like="debian", VERSION_CODENAME="jammy", UBUNTU_CODENAME="jammy"),
        "apt",
        "docker.io",
        "linux/ubuntu",
        DEB,
    ),
    "Ubuntu 24": (
        release("ubuntu", "24.04", like="debian", VERSION_CODENAME="noble", UBUNTU_CODENAME="noble"),
        "apt",
        "docker.io",
        "linux/ubuntu",
        DEB,
    ),
    "Debian 10": (release("debian", "10", VERSION_CODENAME="buster"), "apt", "docker.io", "linux/debian", DEB),
    "Debian 11": (release("debian", "11", VERSION_CODENAME="bullseye"), "apt", "docker.io", "linux/debian", DEB),
    "Debian 12": (DEBIAN_12, "apt", "docker.io", "linux/debian", DEB),
    "Debian sid": (release("debian"), "apt", "docker.io", None, None),
    "Mint 21": (
        release("linuxmint", "21.3", like="ubuntu debian", VERSION_CODENAME="virginia", UBUNTU_CODENAME="jammy"),
        "apt",
        "docker.io",
        "linux/ubuntu",
        DEB,
    ),
    "Arch": (release("arch"), None, None, None, None),
}
CODENAMES = {"Mint 21": "jammy", "Debian 12": "bookworm", "Debian 10": "buster", "Ubuntu 24": "noble", "RHEL 9": ""}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(("machine", "basearch"), [("x86_64", "x86_64"), ("aarch64", "aarch64")])
def test_where_docker_can_come_from(tmp_path: Path, name: str, machine: str, basearch: str) -> None:
    text, manager, package, folder, exact = SYSTEMS[name]
    host = FakeHost(tmp_path)
    host.architecture = machine
    host.put("/etc/os-release", text)
    system = read_system(host)
    assert system.package_manager == manager
    assert system.codename == CODENAMES.get(name, system.codename)
    sources = read_engine(host, system, {"docker.service": NONE}, Installed({}))["sources"]
    own, docker = sources["distribution"], sources["docker"]
    assert (own and own["packages"]) == ([package] if package else None)
    assert own is None or own["exact"].startswith("{name}")
    assert (docker and docker["folder"]) == (folder and folder.replace("x86_64", basearch))
    assert (docker and docker["exact"]) == exact
    assert docker is None or docker["packages"] == ["docker-ce", "docker-ce-cli", "containerd.io"]


@pytest.mark.parametrize(
    ("source", "version", "shown", "meant"),
    [
        ("distribution", "20.10.24", "20.10.24+dfsg1-1+deb12u1+b6", True),
        ("distribution", "24.0.7", "24.0.7-0ubuntu2~22.04.1", True),
        ("distribution", "20.10.2", "20.10.24+dfsg1-1+deb12u1", False),
        ("distribution", "20.10", "20.10.24+dfsg1-1+deb12u1", False),
        ("docker", "27.3.1", "5:27.3.1-1~debian.12~bookworm", True),
        ("docker", "20.10.24", "5:20.10.24~3-0~debian-bookworm", True),
        ("docker", "20.10.2", "5:20.10.24~3-0~debian-bookworm", False),
    ],
)
def test_an_exact_version_of_a_deb(tmp_path: Path, source: str, version: str, shown: str, *, meant: bool) -> None:
    """Ansible's module compares as the shell does, and so does apt itself where the last character is no asterisk."""
    host = FakeHost(tmp_path)
    host.put("/etc/os-release", DEBIAN_12)
    found = read_engine(host, read_system(host), {"docker.service": NONE}, Installed({}))["sources"][source]
    pattern = found["exact"].format(name="docker", version=version).partition("=")[2]
    assert fnmatch(shown, pattern) is meant and not pattern.endswith("*")


def test_no_repository_for_another_architecture(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.architecture = "riscv64"
    host.put("/etc/os-release", DEBIAN_12)
    assert read_engine(host, read_system(host), {"docker.service": NONE}, Installed({}))["sources"]["docker"] is None


@pytest.mark.parametrize(("started", "expected"), [(-10.0, True), (10.0, False), (None, False)])
def test_a_proxy_that_is_newer_than_docker(tmp_path: Path, started: float | None, expected: bool) -> None:
    host = FakeHost(tmp_path)
    host.put("/etc/os-release", DEBIAN_12)
    host.put("/etc/systemd/system/docker.service.d/onprem-ecs.conf", "[Service]\n", NOW - 60)
    unit = RUNS._replace(started_at=None if started is None else NOW - 60 + started)
    found = read_engine(host, read_system(host), {"docker.service": unit}, Installed({}))
    assert found["needs_restart"] is expected


URL = "https://download.docker.com/linux/debian"
MIRROR = "http://mirror.example/docker/linux/debian"
GPG = "signed-by=/etc/apt/keyrings/docker.gpg"
ASC = "/etc/apt/keyrings/docker.asc"
DEB822 = "Types: deb\nURIs: {url}\nSuites: {suite}\nComponents: stable\n"
#: A file of apt, what is in it, and the addresses that it names with another key.
APT_FILES = {
    "older instructions": ("docker.list", f"deb [arch=amd64 {GPG}] {URL} bookworm stable\n", [URL]),
    "a slash, and sources": ("x.list", f"deb-src [ {GPG} ] {URL}/ bookworm stable\n", [URL]),
    "a mirror": ("x.list", f"deb [{GPG}] {MIRROR} bookworm stable test\n", [MIRROR]),
    "twice": ("x.list", f"deb [{GPG}] {URL} bookworm stable\ndeb-src [{GPG}] {URL} bookworm stable\n", [URL]),
    "the same key": ("docker.list", f"deb [arch=amd64 signed-by={ASC}] {URL} bookworm stable\n", []),
    "no key": ("docker.list", f"deb [arch=amd64] {URL} bookworm stable\n", []),
    "no options": ("docker.list", f"deb {URL} bookworm stable\n", []),
    "switched off": ("docker.list", f"# deb [{GPG}] {URL} bookworm stable\n", []),
    "another suite": ("docker.list", f"deb [{GPG}] {URL} bullseye stable\n", []),
    "another repository": ("x.list", f"deb [{GPG}] https://archive.example/debian bookworm main\n", []),
    "no file of apt": ("docker.list.save", f"deb [{GPG}] {URL} bookworm stable\n", []),
    "the role's own": ("docker.sources", DEB822.format(url=URL, suite="bookworm") + "Signed-By: /x.gpg\n", []),
    "deb822": ("x.sources", DEB822.format(url=URL, suite="bullseye bookworm") + "Signed-By: /x.gpg\n", [URL]),
    "deb822, the same key": ("x.sources", DEB822.format(url=URL, suite="bookworm") + f"signed-by: {ASC}\n", []),
    "deb822, off": ("x.sources", "Enabled: no\n" + DEB822.format(url=URL, suite="bookworm") + "Signed-By: /x\n", []),
    "deb822, the second": (
        "x.sources",
        f"# ours\nURIs: http://x/debian\nSuites: x\n\n{DEB822.format(url=URL, suite='bookworm')}"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==\n",
        [URL],
    ),
}


@pytest.mark.parametrize("name", APT_FILES)
def test_files_of_apt_with_another_key(tmp_path: Path, name: str) -> None:
    file, text, expected = APT_FILES[name]
    host = FakeHost(tmp_path)
    host.put("/etc/os-release", DEBIAN_12)
    host.put(f"/etc/apt/sources.list.d/{file}", text)
    found = read_engine(host, read_system(host), {"docker.service": NONE}, Installed({}))["other_keys"]
    assert found == [{"file": f"/etc/apt/sources.list.d/{file}", "uri": uri} for uri in expected]


def test_the_main_file_of_apt(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.put("/etc/os-release", DEBIAN_12)
    host.put("/etc/apt/sources.list", f"deb [{GPG}] {URL} bookworm stable\n")
    found = read_engine(host, read_system(host), {"docker.service": NONE}, Installed({}))["other_keys"]
    assert found == [{"file": "/etc/apt/sources.list", "uri": URL}]


@pytest.mark.parametrize("folder", ["/snap/docker/current", "/var/lib/snapd/snap/docker/current"])
def test_a_snap_is_no_docker(tmp_path: Path, folder: str) -> None:
    host = FakeHost(tmp_path)
    host.put("/etc/os-release", DEBIAN_12)
    host.put(f"{folder}/meta/snap.yaml", "name: docker\n")
    found = read_engine(host, read_system(host), {"docker.service": NONE}, Installed({}))
    assert found["snap"] and not found["installed"] and "but as a snap" in found["reason"]
    found = read_engine(host, read_system(host), {"docker.service": RUNS}, Installed({"docker.io": "20.10.24"}))
    assert found["snap"] and found["installed"] and found["reason"] is None
