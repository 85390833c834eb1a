# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

Which system this is, and whether AWS supports it as an external instance.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _host_signature
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host

# AWS's list of Linux systems for external instances, for x86_64 and arm64 alike: os-release ID to major versions.
# "*" is a rolling release.
SUPPORTED: dict[str, tuple[str, ...]] = {
    "amzn": ("2", "2023"),
    "centos": ("9",),
    "debian": ("10", "11", "12"),
    "fedora": ("32", "33", "40"),
    "opensuse-tumbleweed": ("*",),
    "rhel": ("7", "8", "9"),
    "sles": ("15",),
    "ubuntu": ("18", "19", "20", "21", "22", "23", "24"),
}

SUPPORTED_WORDS = (
    "Amazon Linux 2 and 2023, CentOS Stream 9, Debian 10 to 12, Fedora 32, 33 and 40, openSUSE Tumbleweed, RHEL 7 to "
    "9, SLES 15, "
    "Ubuntu 18 to 24"
)

# AWS wants Docker to be there before on these: neither the system nor the installer brings one.
ENGINE_NOT_PROVIDED = ("rhel",)

FAMILIES = {
    "debian": ("debian", "ubuntu"),
    "suse": ("suse", "opensuse", "sles", "sles_sap", "opensuse-tumbleweed", "opensuse-leap"),
    "redhat": ("rhel", "fedora", "centos", "amzn", "almalinux", "rocky", "ol"),
}

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

# Systems of the Red Hat family that have yum and no dnf.
YUM_ONLY = {"amzn": "2", "centos": "7", "ol": "7", "rhel": "7"}

DMI = "/sys/class/dmi/id/"


class System(t.NamedTuple):
    """What the roles must know of the machine.

    ``family``, ``package_format`` and ``package_manager`` are None when unknown. ``base`` and ``codename`` are what
    Ubuntu's and Debian's archives go by: a derivative such as Mint names the Ubuntu that it is made from. ``machine``
    tells it from all others as long as it runs, or is None.
    """

    distribution: str
    version: str
    base: str
    codename: str
    family: str | None
    architecture: str
    package_format: str | None
    package_manager: str | None
    verifier: bool
    systemd: bool
    supported: bool
    ec2: bool
    machine: str | None

    @property
    def major(self) -> str:
        """The major version."""
        return self.version.split(".")[0]


def parse_os_release(text: str) -> dict[str, str]:
    """The variables of an os-release file; quotes and backslashes as a shell takes them."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"""\s*([A-Za-z][A-Za-z0-9_]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))\s*$""", line)
        if match:
            name, double, single, bare = match.groups()
            found[name] = (
                re.sub(r"\\(.)", r"\1", double) if double is not None else single if single is not None else bare
            )
    return found


def family_of(release: dict[str, str]) -> str | None:
    """``debian``, ``redhat`` or ``suse`` by ID, else by the first known word of ID_LIKE."""
    for word in [release.get("ID", "").lower(), *release.get("ID_LIKE", "").lower().split()]:
        for family, members in FAMILIES.items():
            if word in members:
                return family
    return None


def package_manager_of(release: dict[str, str]) -> str | None:
    """``apt``, ``dnf``, ``yum`` or ``zypper``."""
    family = family_of(release)
    if family == "redhat":
        name, major = release.get("ID", "").lower(), release.get("VERSION_ID", "").split(".")[0]
        return "yum" if YUM_ONLY.get(name) == major else "dnf"
    return {"debian": "apt", "suse": "zypper"}.get(family or "")


def is_supported(release: dict[str, str]) -> bool:
    """Whether AWS lists this system. Derivatives (AlmaLinux, Rocky, Mint) are not in the list."""
    versions = SUPPORTED.get(release.get("ID", "").lower(), ())
    return "*" in versions or release.get("VERSION_ID", "").split(".")[0] in versions


def is_ec2(dmi: dict[str, str | None], hypervisor_uuid: str | None) -> bool:
    """Whether the firmware says that this is an EC2 instance: Nitro names the vendor, Xen a UUID of ec2…."""
    vendors = (dmi.get("sys_vendor"), dmi.get("board_vendor"), dmi.get("bios_vendor"))
    if any((vendor or "").strip() == "Amazon EC2" for vendor in vendors):
        return True
    if (hypervisor_uuid or "").strip().lower().startswith("ec2"):
        return True
    # A Xen guest shows its UUID in DMI too; the UUID of another maker may start with ec2 by chance, so the BIOS must
    # agree.
    return (dmi.get("product_uuid") or "").lower().startswith("ec2") and "amazon" in (
        dmi.get("bios_version") or ""
    ).lower()


def read_system(host: Host) -> System:
    """Look at the machine: only files are read."""
    release = parse_os_release(host.read("/etc/os-release") or host.read("/usr/lib/os-release") or "")
    family = family_of(release)
    files = ("sys_vendor", "board_vendor", "bios_vendor", "bios_version", "product_uuid")
    dmi = {name: host.read(DMI + name, 256) for name in files}
    return System(
        distribution=release.get("ID", "unknown").lower(),
        version=release.get("VERSION_ID", ""),
        base="ubuntu" if release.get("UBUNTU_CODENAME") else release.get("ID", "unknown").lower(),
        codename=release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", ""),
        family=family,
        # A 32-bit system may well run on a 64-bit kernel, as on many a Raspberry Pi.
        architecture=ARCHITECTURES.get(host.machine(), "other") if host.is_64_bit() else "other",
        package_format=None if family is None else "deb" if family == "debian" else "rpm",
        package_manager=package_manager_of(release),
        verifier=_host_signature.program(host) is not None,
        systemd=host.exists("/run/systemd/system"),
        supported=is_supported(release),
        ec2=is_ec2(dmi, host.read("/sys/hypervisor/uuid", 64)),
        machine=_running(host),
    )


def _running(host: Host) -> str | None:
    """One machine since it was started. Machines from one image may share the first of these, containers the second.

    Hashed, as systemd wants nobody to see a machine-id.
    """
    # The kernel refuses to be asked for much.
    marks = [host.read(f"/{name}", 256) for name in ("etc/machine-id", "proc/sys/kernel/random/boot_id")]
    if not all(marks):
        return None
    marks.append(host.read("/proc/sys/kernel/hostname", 256))
    return hashlib.sha256(" ".join(str(mark) for mark in marks).encode()).hexdigest()[:32]
