# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster query language."""

from __future__ import annotations

import pytest

from emulator.cluster_query import ClusterQuery
from emulator.errors import AwsError

INSTANCE = {
    "ec2InstanceId": "mi-1",
    "status": "ACTIVE",
    "agentConnected": True,
    "runningTasksCount": 2,
    "versionInfo": {"agentVersion": "1.105.1"},
    "attributes": [{"name": "rack", "value": "a1"}, {"name": "ssd"}],
}


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("", True),
        ("agentConnected == true", True),
        ("agentConnected == false", False),
        ("ec2InstanceId in ['mi-1', mi-2]", True),
        ("ec2InstanceId not_in [mi-1]", False),
        ("attribute:rack == a1", True),
        ("attribute:rack =~ a.*", True),
        ("attribute:rack !~ a.*", False),
        ("attribute:ssd exists", True),
        ("attribute:gpu exists", False),
        ("attribute:gpu !exists", True),
        ("attribute:gpu == x", False),
        ("agentVersion >= 1.99.0", True),
        ("runningTasksCount < 2", False),
        ("runningTasksCount > 10 or attribute:rack == a1", True),
        ("agentConnected == true and attribute:rack == b", False),
        ("not (attribute:rack == b or runningTasksCount == 9)", True),
        ("attribute:rack == b and attribute:rack == a1 or agentConnected == true", True),
        ("attribute:rack == 'a1'", True),
    ],
)
def test_expressions(expression: str, matches: bool) -> None:
    assert ClusterQuery(expression).matches(INSTANCE) is matches


@pytest.mark.parametrize("expression", ["agentConnected", "a ==", "(a == b", "a == b c", "a in b", "== b", "a ?? b"])
def test_what_cannot_be_understood(expression: str) -> None:
    with pytest.raises(AwsError, match="InvalidParameterException"):
        ClusterQuery(expression)
