# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator of the parts of AWS that ECS Anywhere needs; see docs/emulator.md."""

from __future__ import annotations

from .constants import ACCESS_KEY, ACCOUNT, SECRET_KEY
from .server import Emulator

__all__ = ["ACCESS_KEY", "ACCOUNT", "SECRET_KEY", "Emulator"]
