# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The account that hosts are in, and the one that the caller is in.

In another account a host that is alive looks like one that is gone, and to take it out would be no change.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, Caller, NoAnswer
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

ACCOUNT_ID = re.compile(r"[0-9]{12}\Z")


def wanted(account_id: str | None) -> str | None:
    """The option ``account_id``.

    :raises EcsError: for what is no account's id
    """
    if account_id is not None and not ACCOUNT_ID.match(account_id):
        raise EcsError(f"account_id: {account_id!r} is not the id of an account: 12 digits, in YAML with quotes")
    return account_id


def check(aws: Aws, account_id: str | None, arns: t.Iterable[str] = ()) -> None:
    """Refuse to work elsewhere than where ``account_id`` and ``arns`` are. AWS is only asked when one is given.

    :raises EcsError: with what is where
    """
    # What is no ARN is refused by AWS.
    arns = [one for one in arns if one.count(":") > 4]
    elsewhere = [one for one in arns if one.split(":")[3] != aws.region]
    if elsewhere:
        raise EcsError(
            f"{_first(elsewhere)} in the Region {elsewhere[0].split(':')[3]}, and this task works in {aws.region}: "
            "set region. Nothing was changed"
        )
    if not account_id and not arns:
        return
    caller = _caller(aws)
    told = _stranger(caller, account_id, arns)
    if told:
        raise EcsError(
            f"{told}, and these credentials are of {_where(caller.partition, caller.account)} ({caller.arn}): use "
            "those of the account that the hosts are in. Nothing was changed"
        )


def _caller(aws: Aws) -> Caller:
    """Whose the credentials are. A cluster tells it as well as STS, which a controller in a closed net cannot reach.

    :raises AwsError: when neither does
    """
    try:
        cluster = next(aws.pages("ecs", "ListClusters", "clusterArns", "the clusters", maxResults=1), None)
        why = f"there is no cluster in {aws.region}"
    except AwsError as error:
        cluster, why = None, str(error)
    if cluster:
        return Caller(cluster.split(":")[4], cluster.split(":")[1], cluster)
    try:
        return aws.caller()
    except NoAnswer as error:
        raise error.with_remedy(
            f"The account must be known, and no cluster tells it either: {why}. Allow ecs:ListClusters where there is "
            "a cluster, or let the controller reach STS. Nothing was changed"
        ) from error


def _stranger(caller: Caller, account_id: str | None, arns: t.Sequence[str]) -> str | None:
    """What is in another account than the caller, in words; None when nothing is."""
    if account_id not in (None, caller.account):
        return f"account_id is {account_id}"
    others = [one for one in arns if (one.split(":")[1], one.split(":")[4]) != (caller.partition, caller.account)]
    if not others:
        return None
    _arn, partition, _service, _region, account = others[0].split(":")[:5]
    return f"{_first(others)} in the account {_where(partition, account)}"


def _where(partition: str, account: str) -> str:
    return account if partition == "aws" else f"{account} in the partition {partition}"


def _first(arns: t.Sequence[str]) -> str:
    return f"{arns[0]} is" if len(arns) == 1 else f"{arns[0]} and {len(arns) - 1} more are"
