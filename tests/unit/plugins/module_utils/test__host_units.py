# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemctl's answer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import NOW, FakeHost, block, not_found, systemctl

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import (
    Unit,
    drop_ins,
    is_outdated,
    parse_show,
    read_units,
)

# As systemd 252 answers: docker.service by an alias, and a unit that is not there.
SHOWN = """Result=success
NRestarts=3
ExecMainStartTimestampMonotonic=5000000
ExecMainStatus=0
Id=docker.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled

Result=exit-code
NRestarts=12
ExecMainStartTimestampMonotonic=0
ExecMainStatus=255
Id=ecs.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
UnitFileState=disabled

Result=success
Id=none.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
"""


@pytest.mark.parametrize(("restarts", "since"), [(0, 500.0), (1, 440.0)])
def test_who_is_started_again_by_systemd_is_troubled_for_longer(restarts: int, since: float) -> None:
    assert Unit("ecs.service", started_at=500.0, restarts=restarts).troubled_since() == since
    assert Unit("ecs.service", restarts=restarts).troubled_since() is None


def test_a_job_that_waits_is_seen() -> None:
    units = parse_show("Id=a\nJob=1234\n\nId=b\n", ["a", "b"])
    assert (units["a"].job, units["b"].job) == (True, False)


def test_blocks_belong_to_the_names_in_their_order() -> None:
    units = parse_show(SHOWN, ["alias.service", "ecs.service", "none.service"], clock_offset=100.0)
    alias, ecs, none = units["alias.service"], units["ecs.service"], units["none.service"]
    assert (alias.loaded, alias.enabled, alias.active, alias.started_at, alias.restarts) == (True, True, True, 105.0, 3)
    assert (ecs.active, ecs.enabled, ecs.sub_state, ecs.result, ecs.exit_status) == (
        False,
        False,
        "auto-restart",
        "exit-code",
        255,
    )
    assert ecs.started_at is None and not none.loaded


@given(st.text(), st.lists(st.text(min_size=1), unique=True))
def test_every_name_has_an_answer_whatever_comes(text: str, names: list[str]) -> None:
    assert list(parse_show(text, names)) == names


def test_one_call_for_all_and_none_without_systemd(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    assert not read_units(host, ["a.service"])["a.service"].loaded
    host.answers["systemctl"] = systemctl(a=block("a.service", started=NOW - 7), b=not_found("b.service"))
    units = read_units(host, ["a.service", "b.service"])
    assert len(host.commands) == 2
    started = units["a.service"].started_at
    assert started is not None and abs(started - (NOW - 7)) < 0.001 and not units["b.service"].loaded


@pytest.mark.parametrize(
    ("written", "active", "expected"),
    [
        (100.0, True, False),
        (300.0, True, True),
        (300.0, False, False),
        (99999999999.0, True, False),
        (None, True, False),
    ],
)
def test_a_unit_that_started_before_its_files_were_written(
    tmp_path: Path, written: float | None, active: bool, expected: bool
) -> None:
    host = Host(str(tmp_path))
    folder = tmp_path / "etc/systemd/system/ecs.service.d"
    folder.mkdir(parents=True)
    if written is not None:
        (folder / "own.conf").write_text("[Service]\n")
        os.utime(folder / "own.conf", (written, written))
    (folder / "notes.txt").write_text("not read by systemd")
    os.utime(folder, (100.0, 100.0))
    unit = Unit("ecs.service", loaded=True, active=active, started_at=200.0)
    assert is_outdated(host, unit, ["/etc/ecs/ecs.config", *drop_ins(host, unit.name)]) is expected


@pytest.mark.parametrize(("changed", "expected"), [(150.0, False), (250.0, True)])
def test_a_unit_that_started_before_one_of_its_files_was_taken_away(
    tmp_path: Path, changed: float, expected: bool
) -> None:
    folder = tmp_path / "etc/systemd/system/ecs.service.d"
    folder.mkdir(parents=True)
    os.utime(folder, (changed, changed))
    unit = Unit("ecs.service", loaded=True, active=True, started_at=200.0)
    assert is_outdated(Host(str(tmp_path)), unit, drop_ins(Host(str(tmp_path)), unit.name)) is expected


def test_a_unit_that_started_before_its_program_was_installed(tmp_path: Path) -> None:
    """A package's files are as old as its build; what counts is when they came to this host."""
    host = Host(str(tmp_path))
    program = tmp_path / "usr/bin/agent"
    program.parent.mkdir(parents=True)
    program.write_text("")
    os.utime(program, (100.0, 100.0))
    unit = Unit("agent.service", loaded=True, active=True, started_at=time.time() - 60)
    assert is_outdated(host, unit, [], ["/usr/bin/agent", "/usr/bin/none"])
    assert not is_outdated(host, unit, ["/usr/bin/agent"])
    assert not is_outdated(host, unit._replace(started_at=time.time() + 60), [], ["/usr/bin/agent"])
    assert not is_outdated(host, unit._replace(active=False), [], ["/usr/bin/agent"])


def test_a_snap_is_as_new_as_the_link_to_it(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    assert host.came_at("/current") is None
    (tmp_path / "current").symlink_to("11")
    assert host.came_at("/current") == (tmp_path / "current").lstat().st_ctime, "the image may not even be mounted"
