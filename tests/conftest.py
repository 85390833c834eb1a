# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where tests find the collection and the test equipment."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
COLLECTIONS = TESTS.parents[3]

for place in (str(TESTS), str(COLLECTIONS)):
    if place not in sys.path:
        sys.path.insert(0, place)
