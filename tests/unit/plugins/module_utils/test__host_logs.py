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
from ansible_collections.onprem.ecs.plugins.module_utils._host_logs import line_time, read_logs, read_refusals, recent


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


def test_the_files_of_a_service_are_one_story(tmp_path: Path) -> None:
    """What ecs-init says of now is not behind what the agent has said at an earlier start."""

    def utc(seconds: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    host = FakeHost(tmp_path)
    host.put("/var/log/ecs/ecs-init.log", f"{utc(NOW - 200)} first\n{utc(NOW - 5)} last\n")
    host.put("/var/log/ecs/ecs-agent.log", f"time={utc(NOW - 90)} then\nbelongs to then\n")
    lines = read_logs(host, "ecs", ["ecs.service"], NOW - 600)
    assert [line.split()[-1] for line in lines] == ["first", "then", "then", "last"]


FOLDER = "/var/log/amazon/ssm/"
ASLEEP = "INFO [ssm-agent-worker] Entering SSM Agent hibernate - InvalidInstanceId: Not existing InstanceId mi-0\n"


def test_refusals_are_the_errors_and_what_the_ssm_agent_was_told_at_its_start(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    again, code = "\tstatus code: 400, request id: 1", "InvalidInstanceId: Not existing InstanceId"
    log = [
        f"{local(NOW - 900)}.1234 {ASLEEP}",
        f"{local(NOW - 40)}.1234 INFO [ssm-agent-worker] Create new startup processor\n",
        f"{local(NOW - 40)}.1234 {ASLEEP}{again}\n",
        # What a command of somebody was told, or wrote.
        f"{local(NOW - 30)}.1234 INFO [ssm-document-worker] {code}\n{code}\n",
        f"{local(NOW - 30)}.1234 INFO [ssm-document-worker] read: {local(NOW - 900)} {ASLEEP}",
        f"{local(NOW - 30)}.1234 WARN [ssm-agent-worker] {code}\n",
    ]
    host.put(FOLDER + "amazon-ssm-agent.log", "".join(log))
    errors = [f"{local(NOW - at)}.1234 ERROR [CredentialRefresher] {code}" for at in (600, 50, 5)]
    host.put(FOLDER + "errors.log", "".join(f"{error}\n{again}\n" for error in errors))
    told = [errors[1], again, f"{local(NOW - 40)}.1234 {ASLEEP}".strip(), errors[2], again]
    assert read_refusals(host, "ssm", NOW - 60) == told
    host.put(FOLDER + "amazon-ssm-agent.log", "".join(log), NOW - 70)
    assert read_refusals(host, "ssm", NOW - 60) == [line for line in told if "hibernate" not in line]


def test_the_ecs_agents_log_is_read_whole(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    line = f"level=info time={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(NOW))} msg=x"
    host.put("/var/log/ecs/ecs-agent.log", line + "\n")
    host.put("/var/log/ecs/ecs-init.log", line + "\n")
    assert read_refusals(host, "ecs", NOW - 60) == [line]


def test_the_file_before_is_the_one_that_was_written_last(tmp_path: Path) -> None:
    """The agents number their files upwards and keep the last ones: 10 is newer than 9."""
    host = FakeHost(tmp_path)
    for number, age in ((8, 50), (9, 40), (10, 30)):
        host.put(FOLDER + f"errors.log.{number}", f"{local(NOW - age)} ERROR in {number}\n", NOW - age)
    host.put(FOLDER + "errors.log", f"{local(NOW - 20)} ERROR now\n")
    assert [line.split()[-1] for line in read_refusals(host, "ssm", NOW - 60)] == ["10", "now"]


def test_nothing_to_read(tmp_path: Path) -> None:
    assert read_logs(FakeHost(tmp_path), "ssm", ["a.service"]) == []
