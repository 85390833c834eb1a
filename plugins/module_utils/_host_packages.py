# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

Versions of installed packages, all of them with one call, and the commands that install packages.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host


def upstream_version(version: str) -> str:
    """The maker's part of a package version: ``5:20.10.24+dfsg1-1+b3`` is ``20.10.24``, as AWS's addresses have it."""
    without_epoch = version.rpartition(":")[2]
    match = re.match(r"\d+(?:\.\d+)*", without_epoch)
    return match.group(0) if match else without_epoch


def parse_dpkg(text: str) -> dict[str, str]:
    """Installed packages in the answer of `DPKG`: a package that was removed and kept its configuration is not
    installed.
    """
    found = {}
    for line in text.splitlines():
        name, _tab, rest = line.partition("\t")
        version, _tab, status = rest.partition("\t")
        if status[1:2] == "i":
            found[name] = version
    return found


def parse_dpkg_held(text: str) -> frozenset[str]:
    """The packages in the answer of `DPKG` that an upgrade leaves as they are."""
    rows = (line.split("\t") for line in text.splitlines())
    return frozenset(row[0] for row in rows if len(row) == 3 and row[2][:2] == "hi")


def parse_rpm(text: str) -> dict[str, str]:
    """Installed packages in the answer of `RPM`; rpm says "is not installed" on the same stream."""
    pairs = (line.partition("\t") for line in text.splitlines() if "\t" in line)
    return {name: version for name, _tab, version in pairs}


def parse_dpkg_unfinished(text: str) -> frozenset[str]:
    """The packages in the answer of `DPKG` that are being installed at the moment, or that dpkg was stopped at.

    Not those that are held: somebody works on them who knows of the hold, and apt would refuse to go on.
    """
    rows = (line.split("\t") for line in text.splitlines())
    return frozenset(row[0] for row in rows if len(row) == 3 and re.match("[^h][^nci]", row[2]))


DPKG = ("dpkg-query", "--show", "--showformat=${Package}\\t${Version}\\t${db:Status-Abbrev}\\n")
#: What dpkg does is first written here, in files that have numbers for names. While there is one, apt refuses to begin.
DPKG_JOURNAL = "/var/lib/dpkg/updates"
RPM = ("rpm", "--query", "--queryformat=%{NAME}\\t%{VERSION}-%{RELEASE}\\n")


#: It does not wait for another that is at work, unless it is told to, in seconds.
ZYPPER = ("env", "ZYPP_LOCK_TIMEOUT=300", "zypper")
# Commands for rpm, not Ansible's modules: those need the package manager's Python library for the very Python that
# Ansible runs with, and on systems such as RHEL 8, Amazon Linux 2 and SLES 15 that one is too old for Ansible.
INSTALL: dict[str, tuple[str, ...]] = {
    "dnf": ("dnf", "--assumeyes", "install"),
    "yum": ("yum", "--assumeyes", "install"),
    # An exact version may be an older one.
    "zypper": (*ZYPPER, "--non-interactive", "install", "--oldpackage"),
}
# For a file whose signature was verified before, by a key that rpm's database need not know. dnf and yum go on
# verifying what the file depends on; zypper has no such choice, so it takes that by the indexes that it has verified.
INSTALL_FILE: dict[str, tuple[str, ...]] = {
    "dnf": ("dnf", "--assumeyes", "--setopt=localpkg_gpgcheck=0", "install"),
    "yum": ("yum", "--assumeyes", "--setopt=localpkg_gpgcheck=0", "install"),
    "zypper": (
        *(*ZYPPER, "--non-interactive", "--no-refresh", "--no-gpg-checks"),
        *("install", "--allow-unsigned-rpm", "--oldpackage"),
    ),
}


# zypper has other codes of success: restart the machine (102), or zypper (103); a repository was left out (106).
INSTALL_CODES = {"dnf": (0,), "yum": (0,), "zypper": (0, 102, 103, 106)}


def install_commands(package_manager: str | None) -> dict[str, list[t.Any] | None]:
    """Both commands and the codes that they end with, by their names in what ecs_host_info returns.

    None where a module of Ansible's does it (apt).
    """
    tables: dict[str, dict[str, tuple[t.Any, ...]]] = {
        "install": INSTALL,
        "install_file": INSTALL_FILE,
        "install_codes": INSTALL_CODES,
    }
    manager = package_manager or ""
    return {name: list(table[manager]) if manager in table else None for name, table in tables.items()}


class Installed(t.NamedTuple):
    """Versions as the package manager writes them; and, known for deb only, which of the packages it holds, which it
    has not finished with, and whether it was stopped at its work.
    """

    versions: dict[str, str]
    held: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    interrupted: bool = False


def read_packages(host: Host, package_format: str | None, names: t.Sequence[str]) -> Installed:
    """Those of ``names`` that are installed."""
    if package_format == "deb":
        answer = host.run(*DPKG, *names).out
        interrupted = any(name.isdigit() for name in host.names(DPKG_JOURNAL))
        return Installed(parse_dpkg(answer), parse_dpkg_held(answer), parse_dpkg_unfinished(answer), interrupted)
    if package_format == "rpm":
        return Installed(parse_rpm(host.run(*RPM, *names).out))
    return Installed({})
