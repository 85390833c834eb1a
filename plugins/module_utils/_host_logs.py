# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What the agents logged lately: the journal of their units and their own files.
"""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import ECS, SSM
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import parse_time

LINES = 200
FILES = {
    SSM: ("/var/log/amazon/ssm/amazon-ssm-agent.log", "/var/log/amazon/ssm/errors.log"),
    ECS: ("/var/log/ecs/ecs-init.log", "/var/log/ecs/ecs-agent.log"),
}
# A refusal of the SSM agent's first call after a start is no error to it, so only its whole log has it. Nothing else of
# that log counts: it quotes what commands of others were told as well.
HIBERNATES = re.compile(r"\S+ \S+ INFO (?:\[[^]]*\] )*Entering SSM Agent hibernate - ")
# Told when it goes on, as at a start without a refusal.
WAKES = re.compile(r"\S+ \S+ INFO (?:\[[^]]*\] )*Starting Agent: ")
ALL = re.compile("")


def read_journal(host: Host, units: t.Sequence[str], since: float | None = None) -> list[str]:
    """The last messages of the units, oldest first; ``since`` in seconds since the epoch."""
    command = ["journalctl", "--no-pager", "--quiet", "--output=cat", f"--lines={LINES}"]
    if since is not None:
        command.append(f"--since=@{since:.0f}")
    for unit in units:
        command.append("--unit=" + unit)
    return host.run(*command).out.splitlines()


def line_time(line: str) -> float | None:
    """When a line of an agent's log was written: the ECS agent says so in UTC, the SSM agent in the host's time. None:
    not said.
    """
    match = re.search(r"\btime=\"?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)|^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\b", line)
    if not match:
        return parse_time(line.split(" ", maxsplit=1)[0])
    if match.group(1):
        return parse_time(match.group(1))
    try:
        return time.mktime(time.strptime(match.group(2), "%Y-%m-%d %H:%M:%S"))
    except (ValueError, OverflowError):
        return None


def recent(lines: t.Sequence[str], since: float | None) -> list[str]:
    """The lines from the first that is not older than ``since``; a line without a time belongs to the one before it."""
    kept = []
    old = False
    for line in lines:
        written = line_time(line)
        if written is not None:
            old = since is not None and written < since - 1.0
        if not old:
            kept.append(line)
    return kept


def read_refusals(host: Host, service: str, since: float) -> list[str]:
    """The agent's lines that were surely written after ``since``, oldest first. Only files are read, so ask it at any
    time.

    The ECS agent begins a new file each hour, and tells no more than once an hour that it is refused.
    """
    path = FILES[service][1]
    found = [told for file in (*_file_before(host, path), path) for told in _surely_after(host, file, since)]
    if service == SSM:
        found += _surely_after(host, FILES[SSM][0], since, HIBERNATES)
    return [line for _written, line in sorted(found, key=lambda told: told[0])]


def read_hibernation(host: Host, started_at: float) -> str | None:
    """What keeps the SSM agent that was started then asleep: the line that says so; None when it is awake.

    Asleep it only asks every now and then, in the end once an hour, whether AWS takes its call.
    """
    asleep: str | None = None
    # The log tells whole seconds.
    for _written, line in _surely_after(host, FILES[SSM][0], started_at - 1.0):
        if HIBERNATES.match(line):
            asleep = line
        elif WAKES.match(line):
            asleep = None
    return asleep


def _file_before(host: Host, path: str) -> list[str]:
    """The file that the agent wrote before it began this one; its name has the hour, or a number that goes up: 9, 10.

    The number of files is limited, and the oldest go.
    """
    folder, _slash, name = path.rpartition("/")
    others = [f"{folder}/{other}" for other in host.names(folder) if other.startswith(name + ".")]
    return sorted(others, key=lambda other: host.written_at(other) or 0.0)[-1:]


def _surely_after(host: Host, path: str, since: float, only: re.Pattern[str] = ALL) -> list[tuple[float, str]]:
    """The last lines of a file that were written after ``since``, with their times; of these the ones that begin so."""
    if (host.written_at(path) or 0.0) < since:
        return []
    lines = [line for line in (host.tail(path) or "").splitlines() if only.match(line)]
    return [(written, line) for written, line in _timed(lines) if written is not None and written >= since]


def _timed(lines: t.Iterable[str]) -> t.Iterator[tuple[float | None, str]]:
    """Each line with its time; one without belongs to the one before it."""
    time_of_line: float | None = None
    for line in lines:
        written = line_time(line)
        time_of_line = time_of_line if written is None else written
        yield time_of_line, line


def read_logs(host: Host, service: str, units: t.Sequence[str], since: float | None = None) -> list[str]:
    """What the service logged: the journal, and then its own files, which say more; oldest first, the files together.

    So what ecs-init says of now is not behind what the agent has said before.

    A file that was last written before ``since`` says nothing about now.
    """
    told: list[tuple[float | None, str]] = []
    for path in FILES.get(service, ()):
        if since is None or (host.written_at(path) or 0.0) >= since:
            told += _timed(recent((host.tail(path) or "").splitlines()[-LINES:], since))
    return read_journal(host, units, since) + [line for _written, line in sorted(told, key=lambda one: one[0] or 0.0)]
