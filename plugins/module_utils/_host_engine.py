# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The container engine: ECS needs Docker."""

from __future__ import annotations

import fnmatch
import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_apt import read_sources
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import Installed, upstream_version
from ansible_collections.onprem.ecs.plugins.module_utils._host_system import System
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit, is_outdated

UNIT = "docker.service"
# Packages that bring a Docker daemon, by the distributions' and by Docker's own names.
PACKAGES = ("docker-ce", "docker.io", "docker-ee", "moby-engine", "docker-engine", "docker", "docker-stable")
# One of these is what the ECS agent's deb wants; apt would install one beside any other Docker, or in its place. Of the
# first two it wants a version, which another package can only provide together with one.
WANTED_WITH_VERSION = ("docker-ce", "docker-engine")
WANTED_BY_AGENT = (*WANTED_WITH_VERSION, "docker-ee", "docker.io")
# It puts a program "docker" in place that is Podman: the ECS agent cannot use it.
IMPOSTOR = "podman-docker"
# Docker as a snap, on Ubuntu and elsewhere: it has a unit of another name, on which the ECS agent's does not wait.
SNAPS = ("/snap/docker/current", "/var/lib/snapd/snap/docker/current")

# The distribution's own Docker, by os-release ID. Fedora's runs with SELinux, which ECS does not support on external
# instances; RHEL, CentOS Stream and what is made from them have none.
DISTRIBUTION = {"amzn": "docker"}
DISTRIBUTION_BY_FAMILY = {"debian": "docker.io", "suse": "docker"}

# Docker's own repositories, https://download.docker.com: os-release ID to the folder below linux/ and the oldest major
# version. There is none for Amazon Linux, SLES and openSUSE.
REPOSITORIES = {
    "debian": ("debian", 10),
    "ubuntu": ("ubuntu", 18),
    "fedora": ("fedora", 32),
    "centos": ("centos", 7),
    "rhel": ("rhel", 8),
    "almalinux": ("rhel", 8),
    "rocky": ("rhel", 8),
    "ol": ("rhel", 8),
}
REPOSITORY_PACKAGES = ("docker-ce", "docker-ce-cli", "containerd.io")
# How a package manager is asked for one version, whatever the packager's release. SUSE's are such as 25.0.6_ce. What
# follows the version of a deb is no digit and no dot, so that 20.10.2 is not 20.10.24. Apt takes an asterisk at the end
# for the end of a plain beginning, in which brackets mean nothing: so there is a question mark.
EXACT = {
    "apt": "{name}={version}[-+~]*?",
    "dnf": "{name}-{version}",
    "yum": "{name}-{version}",
    "zypper": "{name}={version}_ce",
}
# Docker's packages for Debian and Ubuntu have had this epoch since 18.09. Before 23.0 they were 5:20.10.24~3-0~debian-…
EXACT_DOCKER_DEB = "{name}=5:{version}[-~]*?"
RPM_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
# Where dnf and yum are told what upgrades leave as it is: in the file of Docker's repository, or in their own.
EXCLUDE_FILES = ("/etc/yum.repos.d/docker-ce.repo", "/etc/dnf/dnf.conf", "/etc/yum.conf")
# The role container_engine writes the proxy of Docker there.
PROXY_FILE = f"/etc/systemd/system/{UNIT}.d/onprem-ecs.conf"
ZYPPER_LOCKS = "/etc/zypp/locks"
# The role writes Docker's repository and its key there, for apt.
APT_FILE = "/etc/apt/sources.list.d/docker.sources"
APT_KEY = "/etc/apt/keyrings/docker.asc"


def distribution_source(system: System) -> dict[str, t.Any] | None:
    """The distribution's Docker: its packages; None when it has none that the ECS agent can use."""
    name = DISTRIBUTION.get(system.distribution) or DISTRIBUTION_BY_FAMILY.get(system.family or "")
    if name is None:
        return None
    return {"packages": [name], "exact": EXACT[system.package_manager or ""], "folder": None}


def docker_source(system: System) -> dict[str, t.Any] | None:
    """Docker's own repository: its packages, and its folder below the base address; None when there is none."""
    folder, oldest = REPOSITORIES.get(system.base, ("", 0))
    deb = system.package_format == "deb"
    # A derivative numbers its own versions; the code name is the base's.
    old = system.base == system.distribution and (not system.major.isdigit() or int(system.major) < oldest)
    if not folder or old or system.architecture == "other" or (deb and not system.codename):
        return None
    if not deb:
        folder = f"{folder}/{system.major}/{RPM_ARCHITECTURES[system.architecture]}/stable"
    return {
        "packages": list(REPOSITORY_PACKAGES),
        "exact": EXACT_DOCKER_DEB if deb else EXACT[system.package_manager or ""],
        "folder": f"linux/{folder}",
    }


def excluded_packages(text: str) -> list[str]:
    """The patterns in all ``exclude`` of a file of dnf or yum; a value goes on in the lines that are indented."""
    values = re.findall(r"^exclude(?:pkgs)?[ \t]*=(.*(?:\n[ \t]+\S.*)*)", text, re.MULTILINE)
    return [pattern for value in values for pattern in re.split(r"[\s,]+", value) if pattern]


def is_held(host: Host, package: str | None, installed: Installed) -> bool:
    """Whether an upgrade of the system leaves the engine as it is, with the packages that restart it as well."""
    parts = REPOSITORY_PACKAGES if package == REPOSITORY_PACKAGES[0] else (package or "",)
    names = [name for name in parts if name in installed.versions]
    return bool(names) and all(_is_held(host, name, installed.held) for name in names)


def _is_held(host: Host, package: str, held: t.Collection[str]) -> bool:
    """Whether one package is held: by dpkg, dnf, yum or zypper."""
    if package in held:
        return True
    for file in EXCLUDE_FILES:
        if any(fnmatch.fnmatchcase(package, pattern) for pattern in excluded_packages(host.read(file) or "")):
            return True
    return bool(re.search(rf"^solvable_name:\s*{re.escape(package)}\s*$", host.read(ZYPPER_LOCKS) or "", re.MULTILINE))


def suits_agent(host: Host, package: str | None) -> bool:
    """Whether the ECS agent's deb can be installed without another Docker beside this one, or in its place."""
    if package is None or package in WANTED_BY_AGENT:
        return package is not None
    provided = host.run("dpkg-query", "--show", "--showformat=${Provides}", package).out
    rows = re.findall(r"([a-z0-9.+-]+)(?: \((= [^)]+)\))?(?:, |$)", provided.strip())
    return any(name in WANTED_BY_AGENT and (version or name not in WANTED_WITH_VERSION) for name, version in rows)


def other_keys(host: Host, system: System, source: dict[str, t.Any] | None) -> list[dict[str, str]]:
    """Files that name Docker's repository, or a mirror of it, with another key than the role does.

    Beside the role's own file apt would refuse every call for them, also calls that have nothing to do with Docker. It
    does not mind a file that names no key.
    """
    if source is None or system.package_manager != "apt":
        return []
    found = [
        {"file": file, "uri": one.uri}
        for file, sources in read_sources(host).items()
        for one in sources
        if one.uri.endswith("/" + source["folder"]) and one.suite == system.codename
        if file != APT_FILE and one.signed_by not in ("", APT_KEY)
    ]
    return [one for number, one in enumerate(found) if one not in found[:number]]


def _why_absent(packages: t.Collection[str], snap: bool) -> str:
    """Why there is no Docker, with what is there in its place."""
    reason = "Docker is not installed"
    if snap:
        return f"{reason} but as a snap, which the ECS agent cannot use"
    if IMPOSTOR in packages:
        reason += f" ({IMPOSTOR} stands in for it, which the ECS agent cannot use)"
    return reason


def read_engine(host: Host, system: System, units: t.Mapping[str, Unit], installed: Installed) -> dict[str, t.Any]:
    """The part ``engine`` of what the module returns; `version` is None for an engine that no package brought."""
    unit, packages = units[UNIT], installed.versions
    package = next((name for name in PACKAGES if name in packages), None)
    unfinished = None if package else next((name for name in PACKAGES if name in installed.unfinished), None)
    reason = None
    there = package is not None or unit.loaded
    snap = any(map(host.exists, SNAPS))
    source = docker_source(system)
    if not there:
        reason = _why_absent(packages, snap)
    elif unit.masked:
        reason = f"{UNIT} is masked"
    elif not unit.loaded:
        reason = f"{package} is installed, but there is no {UNIT}"
    elif not unit.active:
        reason = f"{UNIT} is not running ({unit.sub_state}, {unit.result})"
    return {
        "installed": there,
        "name": package or unfinished,
        "unfinished": unfinished is not None,
        "version": upstream_version(packages[package]) if package else None,
        "held": is_held(host, package, installed),
        "unit": UNIT,
        "enabled": unit.enabled,
        "active": unit.active,
        "needs_restart": is_outdated(host, unit, [PROXY_FILE]),
        "reason": reason,
        "suits_agent": system.package_format != "deb" or not there or suits_agent(host, package or unfinished),
        "snap": snap,
        "sources": {"distribution": distribution_source(system), "docker": source},
        "other_keys": other_keys(host, system, source),
    }
