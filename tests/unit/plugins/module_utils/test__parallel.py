# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same for many things at a time."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils._aws import AwsError, NoAnswer
from ansible_collections.onprem.ecs.plugins.module_utils._parallel import AT_ONCE, each

MANY = 50 * AT_ONCE


def test_results_are_in_the_order_of_the_items() -> None:
    assert each(lambda number: 2 * number, range(MANY)) == [2 * number for number in range(MANY)]


def test_what_is_refused_for_one_does_not_hold_back_the_others() -> None:
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        if number in (3, 7):
            raise AwsError("ssm", "Call", str(number), "Refused", "no")

    with pytest.raises(AwsError, match="failed for 3"):
        each(work, range(MANY))
    assert sorted(begun) == list(range(MANY))


def test_when_aws_is_not_reached_no_more_are_begun() -> None:
    """Each would wait as long: with a thousand nodes for hours."""
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        raise NoAnswer("ssm", "Call", str(number), "ConnectTimeoutError", "")

    with pytest.raises(NoAnswer):
        each(work, range(MANY))
    assert max(begun) < AT_ONCE
