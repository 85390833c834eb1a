# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own time, which tests can move."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class Clock:
    """The real time plus an offset in seconds."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.offset

    def set(self, now: float) -> None:
        """Let it be ``now`` (seconds since the epoch) at this moment."""
        self.offset = now - time.time()

    def datetime(self) -> datetime:
        """The same as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.now(), tz=timezone.utc)
