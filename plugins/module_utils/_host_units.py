# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The state of systemd units, all of them with one call."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,Job,"
    "Result,ExecMainStatus,ExecMainStartTimestampMonotonic,NRestarts"
)
#: Where systemd starts a unit again and again, what ended it is at most so many seconds older than its last start.
CYCLE = 60.0
#: What dpkg has masked as it removed the package; its next installation unmasks it.
MASKED_BY_DPKG = "/var/lib/systemd/deb-systemd-helper-masked/"


class Unit(t.NamedTuple):
    """A unit. ``started_at`` is when its main process started, seconds since the epoch, or None when it has not.

    A ``masked`` one has been forbidden to start. ``restarts`` counts those by systemd itself since somebody started it;
    ``job`` tells whether a start or stop waits.
    """

    name: str
    loaded: bool = False
    masked: bool = False
    enabled: bool = False
    active: bool = False
    sub_state: str = "dead"
    result: str = "success"
    exit_status: int = 0
    started_at: float | None = None
    restarts: int = 0
    job: bool = False

    def troubled_since(self) -> float | None:
        """From when on the unit's log tells what is wrong with it; None when it was never started."""
        return self.started_at - CYCLE if self.started_at is not None and self.restarts else self.started_at


def parse_show(text: str, names: t.Sequence[str], clock_offset: float = 0.0) -> dict[str, Unit]:
    """Read the answer of ``systemctl show`` for ``names``.

    The blocks are in the order of the names: an alias answers with the Id of another unit.
    ``clock_offset`` is what must be added to the monotonic clock (seconds) to have the time of day.
    """
    units = {name: Unit(name) for name in names}
    blocks = [block for block in text.replace("\r", "").split("\n\n") if block.strip()]
    for name, block in zip(names, blocks):
        shown = dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)
        started = _number(shown.get("ExecMainStartTimestampMonotonic"))
        units[name] = Unit(
            name=name,
            loaded=shown.get("LoadState") == "loaded",
            masked=shown.get("LoadState") == "masked",
            enabled=shown.get("UnitFileState") in ("enabled", "enabled-runtime"),
            active=shown.get("ActiveState") in ("active", "reloading"),
            sub_state=shown.get("SubState", "dead"),
            result=shown.get("Result", "success"),
            exit_status=_number(shown.get("ExecMainStatus")),
            started_at=started / 1e6 + clock_offset if started else None,
            restarts=_number(shown.get("NRestarts")),
            job=_number(shown.get("Job")) > 0,
        )
    return units


def read_units(host: Host, names: t.Sequence[str]) -> dict[str, Unit]:
    """Ask systemd for all the names at once; every name has an entry, also when there is no systemd."""
    offset = host.now() - host.monotonic()
    shown = host.run("systemctl", "show", "--no-pager", "--property=" + PROPERTIES, *names)
    units = parse_show(shown.out if shown.rc == 0 else "", names, offset)
    return {
        name: unit._replace(masked=unit.masked and not host.exists(MASKED_BY_DPKG + name))
        for name, unit in units.items()
    }


def is_outdated(host: Host, unit: Unit, files: t.Iterable[str], programs: t.Iterable[str] = ()) -> bool:
    """Whether the unit runs and has to restart: it started before one of the files that it reads was written, or before
    one of its programs was installed.

    So a run that was killed between writing a file, or installing a package, and restarting is noticed by the next one.
    A time in the future is one of a clock that was wrong, and tells nothing.
    """
    if not unit.active or unit.started_at is None:
        return False
    times = [*map(host.written_at, files), *map(host.came_at, programs)]
    return any(unit.started_at < since <= host.now() for since in times if since is not None)


def drop_ins(host: Host, unit: str) -> list[str]:
    """The files that an administrator put beside the unit, and their folder: its time tells when one was taken away."""
    folder = f"/etc/systemd/system/{unit}.d"
    return [folder, *(f"{folder}/{name}" for name in host.names(folder) if name.endswith(".conf"))]


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
