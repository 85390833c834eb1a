# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Passwords in addresses, as of a proxy or a mirror, are not shown."""

from __future__ import annotations

import re

#: User and password in an address. The last @ ends them: Go and Python take one before it for a part of the password.
PASSWORD = re.compile(r"(://)[^/\s]+@")


def hide_passwords(text: str) -> str:
    """The text without users and passwords in its addresses."""
    return PASSWORD.sub(r"\1***@", text)
