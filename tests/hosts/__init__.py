# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away systemd hosts, the emulator and a package mirror in one closed network: the lab of the tests.

``python -m hosts`` is the command line (docs/test-hosts.md); `Lab` is the same for tests.
"""

from __future__ import annotations

from .lab import Host, Lab, LabError

__all__ = ["Host", "Lab", "LabError"]
