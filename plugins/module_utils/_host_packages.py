# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Versions of installed packages, all of them with one call."""

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


def parse_rpm(text: str) -> dict[str, str]:
    """Installed packages in the answer of `RPM`; rpm says "is not installed" on the same stream."""
    pairs = (line.partition("\t") for line in text.splitlines() if "\t" in line)
    return {name: version for name, _tab, version in pairs}


DPKG = ("dpkg-query", "--show", "--showformat=${Package}\\t${Version}\\t${db:Status-Abbrev}\\n")
RPM = ("rpm", "--query", "--queryformat=%{NAME}\\t%{VERSION}-%{RELEASE}\\n")


def read_packages(host: Host, package_format: str | None, names: t.Sequence[str]) -> dict[str, str]:
    """The versions of those of ``names`` that are installed, as the package manager writes them."""
    if package_format == "deb":
        return parse_dpkg(host.run(*DPKG, *names).out)
    if package_format == "rpm":
        return parse_rpm(host.run(*RPM, *names).out)
    return {}
