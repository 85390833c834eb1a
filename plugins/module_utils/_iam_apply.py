# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. IAM: a plan carried out, again when others work on the same."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, eventually
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Plan

#: Another controller was faster between our look and our write: look again and plan again.
RACES = ("EntityAlreadyExists", "NoSuchEntity")
#: With a pause before each but the first: what was made a moment ago a look may still miss.
ROUNDS = 4

#: Something new is on what shall be deleted, or IAM still counts what was taken from it a moment ago: wait before.
CONFLICT = "DeleteConflict"
PAUSES = 6

#: IAM is at work on the same role or policy: the same call is right a moment later.
BUSY = ("ConcurrentModification", "EntityTemporarilyUnmodifiable")

#: What is made by them IAM may not know everywhere yet.
MAKING = ("CreateRole", "CreatePolicy", "CreateInstanceProfile")

FULL = (
    "A role has 10 managed policies at most until the quota is raised. New policies are attached before old ones are "
    "detached, so that the role never has less than it needs: name fewer, detach one that it can do without, or have "
    "the quota of managed policies for a role raised, and run this again"
)
LONG = (
    "A trust document has 2048 characters at most until the quota is raised: name fewer regions, set trust_conditions "
    "to a block with a wildcard, or have the quota of the length of role trust policies raised, and run this again"
)

CROWDED = (
    "The inline policies of a role have 10240 characters together at most, and new ones are put before old ones are "
    "removed, so that the role never has less than it needs: put the new document under the name of the old policy, "
    "which replaces it in one call, remove first a policy that the role can do without, or use a managed policy, and "
    "run this again"
)

PEOPLE = (
    "The inline policies of a user have 2048 characters together at most, those of a group 5120: let a group or a role "
    "pass it in the place of the user, or leave it out of pass_role_to and attach a managed policy, of which one is "
    "for several roles (ecs_iam_policy with kind: pass_role), and run this again"
)

#: What IAM says of a name that is taken, where a call with the name has found nothing.
TAKEN = (
    "There is none that is spelled so, and IAM knows no case in names: give the name in the spelling that it has in "
    "the account, or choose another"
)

#: What no call tells to have done, and yet it is done.
MEANWHILE = "another controller did, while this task ran, or the answer to a call of this task was lost"

#: How IAM calls the quota of a trust document; CreateRole meets others, too.
TRUST_QUOTA = "ACLSizePerRole"

Result = t.TypeVar("Result")


def is_race(error: AwsError) -> bool:
    """True when the plan was made for what is no longer so."""
    # A profile holds one role: somebody has put one into it, perhaps this one by a call whose answer was lost.
    filled = (error.operation, error.code) == ("AddRoleToInstanceProfile", "LimitExceeded")
    return filled or error.code in RACES


def replanned(work: t.Callable[[], Result], again: t.Callable[[AwsError], bool] = is_race) -> Result:
    """Look, plan and do it; from the start when it ends with an error for which ``again`` holds, a few times."""
    answer: Result = eventually(lambda: _without_conflict(work), again, retries=ROUNDS)
    return answer


def _without_conflict(work: t.Callable[[], Result]) -> Result:
    """The same after a pause, and from the start as well, while IAM refuses a deletion."""
    answer: Result = eventually(work, lambda error: error.code == CONFLICT, retries=PAUSES)
    return answer


def execute(aws: Aws, plan: Plan, done: list[str], fresh: bool = False) -> dict[str, dict[str, t.Any]]:
    """Carry out the plan in its order.

    :param done: the words of each change are added when it is made
    :param fresh: what it is about may have been made just now, so that IAM may not know it everywhere yet
    :return: IAM's answers by operation, of each the last
    """
    answers: dict[str, dict[str, t.Any]] = {}
    for change in plan.ordered():
        answers[change.operation] = _write(aws, change, fresh)
        done.append(change.words)
        fresh = fresh or change.operation in MAKING
        _wait_for(aws, change.operation, answers[change.operation])
    return answers


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
        remedy = _remedy(change, error)
        if remedy:
            raise error.with_remedy(remedy) from error
        raise
    return answer


def _remedy(change: Change, error: AwsError) -> str:
    """What to do about a name that is taken, or a quota of a role; empty for other refusals."""
    if error.code == "EntityAlreadyExists" and change.operation in ("CreateRole", "CreateInstanceProfile"):
        return TAKEN
    if error.code != "LimitExceeded":
        return ""
    # A policy that is given to many is not exchanged for another.
    if change.operation == "AttachRolePolicy" and change.resource.startswith("role "):
        return FULL
    if change.operation == "PutRolePolicy":
        return CROWDED
    if change.operation in ("PutUserPolicy", "PutGroupPolicy"):
        return PEOPLE
    return LONG if TRUST_QUOTA in (error.aws_message or "") else ""


def _wait_for(aws: Aws, operation: str, answer: t.Mapping[str, t.Any]) -> None:
    """Until IAM knows what was just made: the next task may name it."""
    if operation not in ("CreateRole", "CreatePolicy"):
        return
    what, named = ("Role", "RoleName") if operation == "CreateRole" else ("Policy", "Arn")
    name = answer[what][named]
    params = {"RoleName" if what == "Role" else "PolicyArn": name}
    eventually(
        lambda: aws.call("iam", f"Get{what}", f"{what.lower()} {name}", **params),
        lambda error: error.code == "NoSuchEntity",
    )
