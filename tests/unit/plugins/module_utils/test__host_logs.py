# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which log lines count."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import NOW, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Result
from ansible_collections.onprem.ecs.plugins.module_utils._host_logs import line_time, read_logs, recent


def local(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def test_line_times() -> None:
    assert line_time('level=error time=2026-11-21T16:48:00Z msg="x"') == NOW
    assert line_time(f"{local(NOW)} ERROR x") == NOW
    assert line_time("2026-11-21T16:48:00Z [ERROR] x") == NOW
    assert line_time("no time") is None
    assert line_time("9999-99-99 99:99:99 x") is None


@given(st.text())
def test_any_line(line: str) -> None:
    line_time(line)


def test_lines_of_before_do_not_count_nor_what_belongs_to_them() -> None:
    lines = [f"{local(NOW - 500)} ERROR old", "  its second line", f"{local(NOW)} ERROR new", "  and its second"]
    assert recent(lines, NOW - 10) == lines[2:]
    assert recent(lines, None) == lines
    assert recent(["untimed"], NOW) == ["untimed"]


def test_journal_first_then_the_agents_files_unless_they_are_old(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.answers["journalctl"] = lambda _command: Result(0, "from the journal\n", "")
    host.put("/var/log/ecs/ecs-agent.log", f"time={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(NOW))} now\n")
    host.put("/var/log/ecs/ecs-init.log", "long ago\n", NOW - 900)
    lines = read_logs(host, "ecs", ["ecs.service"], NOW - 60)
    assert [line.split()[-1] for line in lines] == ["journal", "now"]
    assert f"--since=@{NOW - 60:.0f}" in host.commands[0] and "--unit=ecs.service" in host.commands[0]
    assert len(read_logs(host, "ecs", ["ecs.service"])) == 3


def test_nothing_to_read(tmp_path: Path) -> None:
    assert read_logs(FakeHost(tmp_path), "ssm", ["a.service"]) == []
