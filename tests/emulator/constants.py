# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one account that the emulator knows before anything has been created in it."""

from __future__ import annotations

ACCOUNT = "123456789012"
"""Number of the emulated account."""

ACCESS_KEY = "AKIAEMULATOR00000001"
"""Access key of the controller: a user that may do everything, and whose calls are counted."""

SECRET_KEY = "emulator/secret/key/for/tests/000000000001"
"""Secret of :data:`ACCESS_KEY`."""

CONTROLLER = "controller"
"""Name of the user behind :data:`ACCESS_KEY`."""
