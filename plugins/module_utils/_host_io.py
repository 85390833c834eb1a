# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The host as the modules see it: files below a root, and commands.

Everything that touches the machine goes through `Host`, so that tests give it another root and other answers.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
import typing as t

# What a shell started by sudo or by a minimal unit may lack.
SEARCH_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/snap/bin")

# Exit status of `Result` when there was no program or no end to it; a real program of ours never ends so.
NOT_FOUND = -127
TIMED_OUT = -124


class Result(t.NamedTuple):
    """How a command ended. ``rc`` is negative when it was ended by a signal, or is NOT_FOUND or TIMED_OUT."""

    rc: int
    out: str
    err: str


class Host:
    """The machine that the module runs on."""

    def __init__(self, root: str = "/") -> None:
        self.root = root

    def path(self, path: str) -> str:
        """Where the absolute path of the host is for us."""
        return path if self.root == "/" else os.path.join(self.root, path.lstrip("/"))

    def read(self, path: str, limit: int = 4 << 20) -> str | None:
        """The text of a file, at most its first ``limit`` bytes; None when it isn't there or may not be read."""
        data = self.read_bytes(path, limit)
        return None if data is None else data.decode("utf-8", "replace")

    def read_bytes(self, path: str, limit: int = 4 << 20) -> bytes | None:
        """As `read`, undecoded."""
        try:
            with open(self.path(path), "rb") as file:
                return file.read(limit)
        except OSError:
            return None

    def tail(self, path: str, limit: int = 64 << 10) -> str | None:
        """The last ``limit`` bytes of a file, from the first whole line on; None as in `read`."""
        try:
            with open(self.path(path), "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - limit))
                data = file.read(limit)
        except OSError:
            return None
        if size > limit:
            data = data.partition(b"\n")[2]
        return data.decode("utf-8", "replace")

    def exists(self, path: str) -> bool:
        """Whether there is anything at the path."""
        return os.path.exists(self.path(path))

    def executable(self, path: str) -> bool:
        """Whether the path is a program that can be started."""
        return os.path.isfile(self.path(path)) and os.access(self.path(path), os.X_OK)

    def names(self, path: str) -> list[str]:
        """The sorted names in a folder; none when it isn't there or may not be read."""
        try:
            return sorted(os.listdir(self.path(path)))
        except OSError:
            return []

    def size(self, path: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        try:
            return os.path.getsize(self.path(path))
        except OSError:
            return None

    def written_at(self, path: str) -> float | None:
        """When the file was last written, seconds since the epoch; None when it isn't there."""
        try:
            return os.stat(self.path(path)).st_mtime
        except OSError:
            return None

    def came_at(self, path: str) -> float | None:
        """When what is at the path came to this host, seconds since the epoch; None when it isn't there.

        Package managers keep the time at which a file was built, so the time of writing tells nothing. A link is not
        followed: what it leads to may be an image with times of its own, as of a snap.
        """
        try:
            return os.lstat(self.path(path)).st_ctime
        except OSError:
            return None

    def which(self, name: str) -> str | None:
        """The program's path by PATH and the usual folders."""
        return shutil.which(name, path=self.environment()["PATH"])

    def environment(self) -> dict[str, str]:
        """What commands run with: words in English, no colours, all the usual folders in PATH."""
        environment = dict(os.environ, LC_ALL="C", LANGUAGE="C", SYSTEMD_COLORS="0", SYSTEMD_PAGER="")
        given = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
        environment["PATH"] = os.pathsep.join(given + [folder for folder in SEARCH_PATH if folder not in given])
        return environment

    def run(self, *command: str, timeout: float = 30.0) -> Result:
        """Run a command without a terminal or input. Never raises for what the command does; see `Result`.

        The command line is in no message of ours: it may hold a secret.
        """
        program = command[0] if os.path.isabs(command[0]) else self.which(command[0])
        if program is None:
            return Result(NOT_FOUND, "", f"{command[0]} is not installed")
        try:
            done = subprocess.run(
                (program, *command[1:]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=self.environment(),
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            return Result(TIMED_OUT, _text(late.stdout), f"{command[0]} did not end within {timeout:g} s")
        except OSError as error:
            return Result(NOT_FOUND, "", f"{command[0]} cannot be started: {os.strerror(error.errno or errno.EIO)}")
        return Result(done.returncode, _text(done.stdout), _text(done.stderr))

    def is_root(self) -> bool:
        """Whether we may read the agents' private files."""
        return os.geteuid() == 0

    def machine(self) -> str:
        """The kernel's name of the architecture."""
        return os.uname().machine

    def is_64_bit(self) -> bool:
        """Whether the system's programs are, of which Python is one."""
        return sys.maxsize > 1 << 32

    def kernel(self) -> str:
        """The kernel's release."""
        return os.uname().release

    def room(self, path: str) -> tuple[int, int] | None:
        """The device that the path is on, or will be when it is made, and how many bytes are free for all users."""
        place = self.path(path)
        while not os.path.isdir(place) and place != os.path.dirname(place):
            place = os.path.dirname(place)
        try:
            volume = os.statvfs(place)
            return os.stat(place).st_dev, volume.f_bavail * volume.f_frsize
        except OSError:
            return None

    def clock_error(self) -> float | None:
        """By how many seconds the clock may be wrong, as the kernel estimates: it grows while nothing keeps it in step.

        None when the kernel does not say.
        """
        try:
            import ctypes  # noqa: PLC0415 - some small Pythons come without it

            # struct timex, more than long enough: modes = 0 only asks; maxerror is the fourth long.
            timex = (ctypes.c_long * 64)()
            if ctypes.CDLL(None).adjtimex(timex) < 0:
                return None
        except (ImportError, OSError, AttributeError):
            return None
        return float(timex[3]) / 1e6

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds on the clock that systemd's monotonic time stamps are of."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
