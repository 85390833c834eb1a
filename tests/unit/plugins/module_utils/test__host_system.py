# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which system a host is, by real os-release files and firmware tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import DEBIAN_12, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_system import (
    family_of,
    is_ec2,
    is_supported,
    parse_os_release,
    read_system,
)

# The identifying lines of real os-release files: text, family, package format, whether AWS lists it.
SYSTEMS = {
    "debian 10": ('ID=debian\nVERSION_ID="10"', "debian", "deb", True),
    "debian 11": ('ID=debian\nVERSION_ID="11"', "debian", "deb", True),
    "debian 12": (DEBIAN_12, "debian", "deb", True),
    "debian 13": ('ID=debian\nVERSION_ID="13"', "debian", "deb", False),
    "debian sid": ('PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian', "debian", "deb", False),
    "ubuntu 16.04": ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="16.04"', "debian", "deb", False),
    "ubuntu 18.04": ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="18.04"', "debian", "deb", True),
    "ubuntu 20.04": ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="20.04"', "debian", "deb", True),
    "ubuntu 22.04": ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"', "debian", "deb", True),
    "ubuntu 24.04": ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"', "debian", "deb", True),
    "ubuntu 26.04": ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="26.04"', "debian", "deb", False),
    "mint": ('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="21.3"', "debian", "deb", False),
    "amazon 2": ('ID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"', "redhat", "rpm", True),
    "amazon 2023": ('ID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"', "redhat", "rpm", True),
    "centos stream 9": (
        'NAME="CentOS Stream"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="9"',
        "redhat",
        "rpm",
        True,
    ),
    "centos 7": ('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"', "redhat", "rpm", False),
    "rhel 7": ('ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="7.9"', "redhat", "rpm", True),
    "rhel 8": ('ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="8.10"', "redhat", "rpm", True),
    "rhel 9": ('ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"', "redhat", "rpm", True),
    "rhel 10": ('ID="rhel"\nID_LIKE="centos fedora"\nVERSION_ID="10.0"', "redhat", "rpm", False),
    "alma 9": ('ID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"', "redhat", "rpm", False),
    "fedora 32": ("ID=fedora\nVERSION_ID=32", "redhat", "rpm", True),
    "fedora 33": ("ID=fedora\nVERSION_ID=33", "redhat", "rpm", True),
    "fedora 39": ("ID=fedora\nVERSION_ID=39", "redhat", "rpm", False),
    "fedora 40": ("ID=fedora\nVERSION_ID=40", "redhat", "rpm", True),
    "sles 15.6": ('ID="sles"\nID_LIKE="suse"\nVERSION_ID="15.6"', "suse", "rpm", True),
    "sles 12": ('ID="sles"\nID_LIKE="suse"\nVERSION_ID="12.5"', "suse", "rpm", False),
    "tumbleweed": ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\nVERSION_ID="20261120"', "suse", "rpm", True),
    "leap": ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.6"', "suse", "rpm", False),
    "arch": ("ID=arch", None, None, False),
    "alpine": ("ID=alpine\nVERSION_ID=3.20.1", None, None, False),
    "nothing": ("", None, None, False),
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "other")])
def test_systems(tmp_path: Path, name: str, machine: str, architecture: str) -> None:
    text, *expected = SYSTEMS[name]
    host = FakeHost(tmp_path)
    host.architecture = machine
    host.put("/usr/lib/os-release", text)
    system = read_system(host)
    assert [system.family, system.package_format, system.supported] == expected
    assert system.architecture == architecture and not system.systemd and not system.ec2


def test_os_release_in_etc_counts_and_quotes_are_taken_as_a_shell_does(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.put("/usr/lib/os-release", "ID=other")
    host.put("/etc/os-release", '# a comment\nID=\'debian\'\nVERSION_ID="12"\nNAME="a \\"b\\""\nnot a line\n')
    assert read_system(host).distribution == "debian"
    assert parse_os_release('NAME="a \\"b\\" \\$c"')["NAME"] == 'a "b" $c'


@given(st.text())
def test_any_text_is_some_system(text: str) -> None:
    release = parse_os_release(text)
    assert family_of(release) in (None, "debian", "redhat", "suse")
    assert is_supported(release) in (True, False)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z_]{0,10}", fullmatch=True), st.text(st.characters(exclude_categories=["C", "Z"]))
    )
)
def test_what_is_written_in_single_quotes_is_read_back(values: dict[str, str]) -> None:
    plain = {name: value.replace("'", "") for name, value in values.items()}
    assert parse_os_release("".join(f"{name}='{value}'\n" for name, value in plain.items())) == plain


NOTHING: dict[str, str | None] = {}


@pytest.mark.parametrize(
    ("dmi", "hypervisor", "expected"),
    [
        ({"sys_vendor": "Amazon EC2\n", "product_uuid": "ec2abcde-1234"}, None, True),
        ({"board_vendor": "Amazon EC2"}, None, True),
        (NOTHING, "ec2e1916-9099-7caf-fd21-012345abcdef\n", True),
        ({"bios_version": "4.11.amazon", "product_uuid": "EC2E1916-9099-7CAF"}, None, True),
        ({"sys_vendor": "Dell Inc.", "product_uuid": "ec2e1916-4c4c-4544"}, None, False),
        ({"sys_vendor": "QEMU", "bios_version": "1.16"}, "00000000-0000", False),
        (NOTHING, None, False),
    ],
)
def test_ec2(dmi: dict[str, str | None], hypervisor: str | None, expected: bool) -> None:
    assert is_ec2(dmi, hypervisor) is expected


def test_ec2_and_systemd_are_read_from_the_host(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.put("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n")
    host.put("/run/systemd/system/x", "")
    system = read_system(host)
    assert system.ec2 and system.systemd


def test_one_machine_is_told_from_others_of_its_image_and_of_its_kernel(tmp_path: Path) -> None:
    def machine(name: str, machine_id: str, boot_id: str, hostname: str) -> str | None:
        host = FakeHost(tmp_path / name)
        host.put("/etc/machine-id", machine_id)
        host.put("/proc/sys/kernel/random/boot_id", boot_id)
        host.put("/proc/sys/kernel/hostname", hostname)
        return read_system(host).machine

    one = machine("one", "a" * 32, "boot", "rack-1")
    assert one is not None and "a" * 32 not in one
    assert machine("again", "a" * 32, "boot", "rack-1") == one
    others = {machine("image", "a" * 32, "other", "rack-1"), machine("kernel", "b" * 32, "boot", "rack-1")}
    others.add(machine("both", "a" * 32, "boot", "rack-2"))
    assert len(others) == 3 and not others & {one, None}
    assert machine("none", "", "boot", "rack-1") is None
