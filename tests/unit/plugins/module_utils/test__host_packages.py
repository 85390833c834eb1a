# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Package versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Result
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import (
    Installed,
    install_commands,
    parse_dpkg,
    parse_dpkg_held,
    parse_dpkg_unfinished,
    parse_rpm,
    read_packages,
    upstream_version,
)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.3.1142.0-1", "3.3.1142.0"),
        ("1.105.1-1", "1.105.1"),
        ("20.10.24+dfsg1-1+b3", "20.10.24"),
        ("5:27.3.1-1~debian.12~bookworm", "27.3.1"),
        ("26.1.4-1.amzn2023.0.1", "26.1.4"),
        ("git-abc", "git-abc"),
    ],
)
def test_upstream_version(version: str, expected: str) -> None:
    assert upstream_version(version) == expected


@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,4}){0,3}", fullmatch=True), st.integers(0, 9))
def test_epoch_and_release_are_left_out(version: str, number: int) -> None:
    assert upstream_version(f"{number}:{version}-{number}~x") == version


def test_dpkg_knows_packages_that_are_not_installed() -> None:
    text = "amazon-ssm-agent\t3.3.1142.0-1\tii \ndocker.io\t20.10.24\trc \ndocker-ce\t\tun \nheld\t1.0\thi \n"
    assert parse_dpkg_held(text) == {"held"}
    assert parse_dpkg(text) == {"amazon-ssm-agent": "3.3.1142.0-1", "held": "1.0"}


def test_dpkg_knows_packages_that_it_has_not_finished() -> None:
    text = "".join(f"{status}\t1.0\t{status} \n" for status in ("ii", "iU", "iF", "iH", "iW", "rH", "hU", "rc", "un"))
    assert parse_dpkg_unfinished(text) == {"iU", "iF", "iH", "iW", "rH"}
    assert parse_dpkg(text) == {"ii": "1.0"}


@pytest.mark.parametrize(("names", "interrupted"), [([], False), (["tmp.i"], False), (["0000", "tmp.i"], True)])
def test_dpkg_was_stopped_where_its_journal_has_entries(tmp_path: Path, names: list[str], interrupted: bool) -> None:
    host = FakeHost(tmp_path)
    journal = tmp_path / "var/lib/dpkg/updates"
    journal.mkdir(parents=True)
    for name in names:
        (journal / name).touch()
    host.answers["dpkg-query"] = lambda _command: Result(0, "", "")
    assert read_packages(host, "deb", ["docker.io"]).interrupted is interrupted


def test_rpm_says_what_is_not_installed_on_the_same_stream() -> None:
    text = "amazon-ssm-agent\t3.3.1142.0-1\npackage docker-ce is not installed\n"
    assert parse_rpm(text) == {"amazon-ssm-agent": "3.3.1142.0-1"}


def test_one_call_of_the_right_program(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.answers["rpm"] = lambda _command: Result(1, "amazon-ecs-init\t1.105.1-1\n", "")
    assert read_packages(host, "rpm", ["amazon-ecs-init", "docker"]) == Installed({"amazon-ecs-init": "1.105.1-1"})
    assert len(host.commands) == 1 and host.commands[0][-2:] == ("amazon-ecs-init", "docker")
    assert read_packages(host, None, ["x"]) == Installed({})
    assert read_packages(host, "deb", ["x"]) == Installed({})


@pytest.mark.parametrize("manager", ["dnf", "yum", "zypper"])
def test_rpm_packages_are_installed_by_a_command_that_asks_nothing(manager: str) -> None:
    found = install_commands(manager)
    for command in (found["install"], found["install_file"]):
        assert command is not None and manager in command[:3] and "install" in command
        assert {"--assumeyes", "--non-interactive"} & set(command)
    # What comes from a repository is verified by the package manager: nobody else does.
    assert "--no-gpg-checks" not in (found["install"] or []) and "--nogpgcheck" not in (found["install"] or [])


@pytest.mark.parametrize("manager", ["apt", None])
def test_apt_is_left_to_its_module(manager: str | None) -> None:
    assert set(install_commands(manager).values()) == {None}


def test_zypper_succeeds_with_more_codes_than_one() -> None:
    assert install_commands("dnf")["install_codes"] == install_commands("yum")["install_codes"] == [0]
    # 104 is "not found", 107 is "a script of the package failed".
    assert install_commands("zypper")["install_codes"] == [0, 102, 103, 106]
