# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No test fails because the machine is busy, and the AWS SDK reads its data once for all tests."""

from __future__ import annotations

from functools import cache

import botocore.session
from botocore.loaders import create_loader
from hypothesis import HealthCheck, settings

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# Each client of each module that is run would read endpoints and models anew, half of the time of these tests.
botocore.session.create_loader = cache(create_loader)
