# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of another account than the hosts are in are refused."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _account
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Caller
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

OURS, THEIRS = "222233334444", "111122223333"


class Connection:
    """A caller in a Region, who counts how often it is asked who it is."""

    def __init__(self, region: str = "eu-west-1", partition: str = "aws") -> None:
        self.region = region
        self.partition = partition
        self.asked = 0

    def caller(self) -> Caller:
        """Who calls."""
        self.asked += 1
        return Caller(OURS, self.partition, f"arn:{self.partition}:iam::{OURS}:user/me")


def arn(account: str = OURS, region: str = "eu-west-1", partition: str = "aws", name: str = "one") -> str:
    """The ARN of a container instance."""
    return f"arn:{partition}:ecs:{region}:{account}:container-instance/shop/{name}"


def check(connection: Connection, account_id: str | None = None, arns: tuple[str, ...] = ()) -> str:
    """The words of the refusal; empty when there is none."""
    try:
        _account.check(connection, account_id, arns)  # type: ignore[arg-type]  # a double
    except EcsError as error:
        return str(error)
    return ""


def test_nobody_is_asked_without_need() -> None:
    connection = Connection()
    assert check(connection) == ""
    assert check(connection, None, ("arn:aws",)) == ""
    assert connection.asked == 0


def test_the_same_account() -> None:
    assert check(Connection(), OURS, (arn(), arn(name="two"))) == ""
    china = Connection("cn-north-1", "aws-cn")
    assert check(china, OURS, (arn(region="cn-north-1", partition="aws-cn"),)) == ""


@pytest.mark.parametrize(
    ("account_id", "arns", "words"),
    [
        (THEIRS, (), f"account_id is {THEIRS}, and these credentials are of {OURS} (arn:aws:iam::{OURS}:user/me)"),
        (None, (arn(THEIRS),), f"{arn(THEIRS)} is in the account {THEIRS}, and these credentials are of {OURS} "),
        (OURS, (arn(), arn(THEIRS)), f"{arn(THEIRS)} is in the account {THEIRS}, and"),
        (None, (arn(THEIRS), arn(THEIRS, name="two")), f"{arn(THEIRS)} and 1 more are in the account {THEIRS}, and"),
        (None, (arn(partition="aws-cn"),), f"in the account {OURS} in the partition aws-cn, and these credentials"),
    ],
)
def test_another_account(account_id: str | None, arns: tuple[str, ...], words: str) -> None:
    assert words in check(Connection(), account_id, arns)


def test_another_region() -> None:
    connection = Connection()
    elsewhere = arn(region="us-east-1")
    told = check(connection, None, (arn(), elsewhere))
    assert told.startswith(f"{elsewhere} is in the Region us-east-1, and this task works in eu-west-1: set region.")
    assert connection.asked == 0


@pytest.mark.parametrize("malformed", ["", "1234", "1234567890123", "12345678901a", "123456789012\n", "١٢٣٤٥٦٧٨٩٠١٢"])
def test_malformed(malformed: str) -> None:
    with pytest.raises(EcsError, match="is not the id of an account: 12 digits"):
        _account.wanted(malformed)


def test_well_formed() -> None:
    assert _account.wanted("012345678901") == "012345678901"
    assert _account.wanted(None) is None
