# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The one exception that ends a module with words."""

from __future__ import annotations

import typing as t


class EcsError(Exception):
    """What was wrong, where, and what to do about it: shown to the user as it is.

    Raised anywhere below a module and caught once, in the module's ``main``. ``result`` is what the failed task returns
    besides its words, e.g. what was done until then.
    """

    def __init__(self, message: str, **result: t.Any) -> None:
        self.result = result
        super().__init__(message)
