# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of another account than the hosts are in are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _account
from ansible_collections.onprem.ecs.plugins.module_utils._aws import AwsError, Caller, NoAnswer
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

OURS, THEIRS = "222233334444", "111122223333"


OUR_CLUSTER = f"arn:aws:ecs:eu-west-1:{OURS}:cluster/shop"
SILENCE = NoAnswer("sts", "GetCallerIdentity", "the caller", "ConnectTimeoutError", "Connect timeout on endpoint URL")
DENIED = AwsError("ecs", "ListClusters", "the clusters", "AccessDeniedException", "no")


class Connection:
    """A caller in a Region with clusters, or with an error in their place; what was asked is noted."""

    def __init__(
        self, region: str = "eu-west-1", clusters: AwsError | tuple[str, ...] = (), silence: AwsError | None = None
    ) -> None:
        self.region = region
        self.clusters = clusters
        self.silence = silence
        self.asked: list[str] = []

    def pages(self, service: str, operation: str, key: str, resource: str, **params: Any) -> Iterator[str]:
        """ListClusters."""
        self.asked.append(operation)
        if isinstance(self.clusters, AwsError):
            raise self.clusters
        yield from self.clusters

    def caller(self) -> Caller:
        """Who calls."""
        self.asked.append("GetCallerIdentity")
        if self.silence:
            raise self.silence
        partition = "aws-cn" if self.region.startswith("cn-") else "aws"
        return Caller(OURS, partition, f"arn:{partition}:iam::{OURS}:user/me")


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
    assert connection.asked == []


def test_the_same_account() -> None:
    assert check(Connection(), OURS, (arn(), arn(name="two"))) == ""
    china = Connection("cn-north-1")
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


@pytest.mark.parametrize("silence", [None, SILENCE])
def test_a_cluster_tells_the_account(silence: AwsError | None) -> None:
    """A controller in a network of its own may reach ECS and not STS."""
    connection = Connection(clusters=(OUR_CLUSTER,), silence=silence)
    assert check(connection, OURS, (arn(),)) == ""
    assert f"account_id is {THEIRS}, and these credentials are of {OURS} ({OUR_CLUSTER})" in check(connection, THEIRS)
    assert connection.asked == ["ListClusters"] * 2
    china = Connection("cn-north-1", (OUR_CLUSTER.replace("arn:aws:", "arn:aws-cn:"),), silence)
    assert check(china, OURS, (arn(region="cn-north-1", partition="aws-cn"),)) == ""


@pytest.mark.parametrize("clusters", [(), DENIED])
def test_where_no_cluster_tells_it_sts_does(clusters: AwsError | tuple[str, ...]) -> None:
    connection = Connection(clusters=clusters)
    assert check(connection, OURS) == ""
    assert connection.asked == ["ListClusters", "GetCallerIdentity"]
    assert f"these credentials are of {OURS} (arn:aws:iam::{OURS}:user/me)" in check(connection, THEIRS)


@pytest.mark.parametrize(
    ("clusters", "why"),
    [
        ((), "there is no cluster in eu-west-1"),
        (DENIED, "The caller lacks the permission ecs:ListClusters on the clusters"),
    ],
)
def test_nobody_tells_it(clusters: AwsError | tuple[str, ...], why: str) -> None:
    told = check(Connection(clusters=clusters, silence=SILENCE), OURS)
    assert told.startswith("sts:GetCallerIdentity failed for the caller: ConnectTimeoutError: Connect timeout")
    assert why in told
    assert "let the controller reach STS" in told and told.endswith("Nothing was changed")


def test_what_sts_refuses_is_told_as_it_is() -> None:
    refused = AwsError("sts", "GetCallerIdentity", "the caller", "InvalidClientTokenId", "no such key")
    assert check(Connection(clusters=DENIED, silence=refused), OURS) == str(refused)


def test_another_region() -> None:
    connection = Connection()
    elsewhere = arn(region="us-east-1")
    told = check(connection, None, (arn(), elsewhere))
    assert told.startswith(f"{elsewhere} is in the Region us-east-1, and this task works in eu-west-1: set region.")
    assert connection.asked == []


@pytest.mark.parametrize("malformed", ["", "1234", "1234567890123", "12345678901a", "123456789012\n", "١٢٣٤٥٦٧٨٩٠١٢"])
def test_malformed(malformed: str) -> None:
    with pytest.raises(EcsError, match="is not the id of an account: 12 digits"):
        _account.wanted(malformed)


def test_well_formed() -> None:
    assert _account.wanted("012345678901") == "012345678901"
    assert _account.wanted(None) is None
