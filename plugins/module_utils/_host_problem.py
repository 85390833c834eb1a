# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. What a problem is."""

from __future__ import annotations

import typing as t


class Problem(t.NamedTuple):
    """A problem. ``blocking``: nothing should be changed on this host before it is solved."""

    code: str
    what: str
    remedy: str
    blocking: bool
