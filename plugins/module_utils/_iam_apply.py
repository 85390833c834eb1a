# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. IAM: a plan carried out."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, eventually
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Plan

#: IAM is at work on the same role: the same call is right a moment later.
BUSY = ("ConcurrentModification", "EntityTemporarilyUnmodifiable")

FULL = (
    "New policies are attached before old ones are detached, so that the role never has less than it needs: detach one "
    "that it can do without, or have the quota of managed policies for a role raised, and run this again"
)


def execute(aws: Aws, plan: Plan, done: list[str], fresh: bool = False) -> dict[str, t.Any] | None:
    """Carry out the plan in its order.

    :param done: the words of each change are added when it is made
    :param fresh: what it is about may have been made just now, so that IAM may not know it everywhere yet
    :return: the role that was created, as IAM answers it; None when none was
    """
    created = None
    for change in plan.ordered():
        answer = _write(aws, change, fresh or created is not None)
        done.append(change.words)
        if change.operation == "CreateRole":
            created = answer["Role"]
            _wait_for(aws, change)
    return created


def _write(aws: Aws, change: Change, fresh: bool) -> dict[str, t.Any]:
    """One write call. What IAM does not know yet, because it is only just made, is tried again."""
    passing = (*BUSY, "NoSuchEntity") if fresh else BUSY
    try:
        answer: dict[str, t.Any] = eventually(
            lambda: aws.call(change.service, change.operation, change.resource, **change.params),
            lambda error: error.code in passing,
            retries=6,
        )
    except AwsError as error:
        if error.code == "LimitExceeded" and change.operation == "AttachRolePolicy":
            raise error.with_remedy(FULL) from error
        raise
    return answer


def _wait_for(aws: Aws, change: Change) -> None:
    name = change.params["RoleName"]
    eventually(
        lambda: aws.call("iam", "GetRole", f"role {name}", RoleName=name), lambda error: error.code == "NoSuchEntity"
    )
