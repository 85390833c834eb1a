# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lab needs from the machine that it runs on, and how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# Program -> Debian package that has it.
PROGRAMS = {
    "podman": "podman",
    "runc": "runc",
    "iptables": "iptables",
    "nft": "nftables",
    "slirp4netns": "slirp4netns",
    "mmdebstrap": "mmdebstrap",
    "newuidmap": "uidmap",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "gpg": "gpg",
    "gpg-agent": "gpg-agent",
    "gpgv": "gpgv",
    "apt-ftparchive": "apt-utils",
    "rpmbuild": "rpm",
    "rpmsign": "rpm",
    "createrepo_c": "createrepo-c",
}
# Programs outside of PATH: file -> package.
FILES = {
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}


class MachineError(Exception):
    """The machine lacks something; the text says what, and what to type."""


def missing_packages() -> list[str]:
    """The Debian packages that are still to be installed."""
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    found = {package for name, package in PROGRAMS.items() if shutil.which(name, path=search) is None}
    found |= {package for name, package in FILES.items() if not Path(name).exists()}
    return sorted(found)


def install_command(packages: list[str]) -> list[str]:
    """The command that installs them."""
    return ["apt-get", "install", "-y", "--no-install-recommends", *packages]


def install() -> list[str]:
    """Install what is missing with apt; the packages that were installed.

    Raises `MachineError` when there is no apt or we are not root.
    """
    packages = missing_packages()
    if not packages:
        return []
    text = " ".join(install_command(packages))
    if shutil.which("apt-get") is None:
        raise MachineError(f"no apt on this machine. Install these programs by hand: {', '.join(packages)}")
    if os.geteuid() != 0:
        raise MachineError(f"root is needed. Type: sudo {text}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=env)
    subprocess.run(install_command(packages), check=True, env=env, stdout=subprocess.DEVNULL)
    return packages


def need() -> None:
    """Raise `MachineError` unless a lab can be run here."""
    if os.geteuid() != 0:
        raise MachineError("root is needed: namespaces, containers and cgroups. Type the same with sudo before it")
    packages = missing_packages()
    if packages:
        raise MachineError(f"missing on this machine. Type: {' '.join(install_command(packages))}")


def archives() -> tuple[str, str]:
    """The addresses of the Debian archive and of its security archive, as apt on this machine is set up.

    They are asked for and never written down, so that a machine with a mirror of its own needs no other setting.
    """
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], check=True, capture_output=True, text=True
    )
    addresses = sorted({line.rstrip("/") for line in listing.stdout.split()})
    main = [address for address in addresses if address.endswith("/debian")]
    security = [address for address in addresses if address.endswith("/debian-security")]
    if not main or not security:
        raise MachineError(
            "apt on this machine has no Debian archive (…/debian and …/debian-security) to take hosts from"
        )
    return main[0], security[0]
