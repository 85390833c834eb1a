# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. IAM: read a role, carry out the plan for it, show it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _iam_guard, _iam_plan, _iam_wanted, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, Module, eventually
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Options, Where
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Plan

#: Another controller was faster between our look and our write: look again and plan again.
RACES = ("EntityAlreadyExists", "NoSuchEntity", "DeleteConflict")
#: IAM is at work on the same role: the same call is right a moment later.
BUSY = ("ConcurrentModification", "EntityTemporarilyUnmodifiable")
ROUNDS = 3


@dataclass
class Run:
    """One run of a module for a role: what it was asked, how the role was at first, and what has been done."""

    options: Options
    first: dict[str, t.Any] | None = None
    """The sections of the role when it was first looked at."""
    done: list[str] = field(default_factory=list)


def manage_role(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The work of the module ``ecs_iam_role``."""
    run = Run(module.params)
    _iam_wanted.check(run.options, aws.region_or_none or "")
    for left in reversed(range(ROUNDS)):
        try:
            return _round(aws, run, module)
        except AwsError as error:
            if error.code not in RACES or not left:
                error.result.update(changed=bool(run.done), changes=run.done)
                raise
    raise EcsError(f"role {run.options['name']} changes faster than it can be read")  # for mypy: the last round ended


def _round(aws: Aws, run: Run, module: Module) -> dict[str, t.Any]:
    """Look, plan and do it, once."""
    options = run.options
    profiles = options["state"] == "absent" or bool(_iam_wanted.profile_name(options))
    found = read(aws, _iam_wanted.role_name(options), profiles)
    wanted = _iam_wanted.wanted(options, where(aws, options, found))
    plan = _plan(aws, options, wanted, found)
    if plan.changes and found is not None:
        _protect(aws, module, wanted, found)
    if run.first is None:
        run.first = _iam_plan.sections(found)
    if module.check_mode:
        return _result(run, wanted, found, Plan(plan.changes, run.first, plan.after), plan.words())
    created = execute(aws, plan, run.done)
    if created:
        found = Found({**created, "AssumeRolePolicyDocument": wanted.trust})
    elif found is not None and not run.first and options["state"] == "present":
        run.done.insert(0, f"create role {wanted.name}: another controller did, while this task ran")
    return _result(run, wanted, found, Plan(plan.changes, run.first, plan.after), run.done)


def _plan(aws: Aws, options: Options, wanted: Wanted, found: Found | None) -> Plan:
    if options["state"] == "absent":
        return _iam_plan.absent(wanted, found)
    plan = _iam_plan.present(wanted, found, existing_profiles(aws, wanted, found))
    verify_policies(aws, plan)
    return plan


def _protect(aws: Aws, module: Module, wanted: Wanted, found: Found) -> None:
    """Refuse what would break running work, or warn of it when the user wants it all the same.

    :raises EcsError: names who uses the role and the way out
    """
    use = _iam_guard.find_use(aws, module.params, wanted, found)
    if use and module.params["protect"]:
        raise EcsError(use.refusal(wanted.name))
    if use:
        module.warn(use.warning(wanted.name))


# What is -----------------------------------------------------------------------------------------------------------


def read(aws: Aws, name: str, profiles: bool) -> Found | None:
    """The role, or None. Three calls, one more for the instance profiles, and one for each inline policy."""
    who = f"role {name}"
    try:
        role = aws.call("iam", "GetRole", who, RoleName=name)["Role"]
        attached = aws.pages("iam", "ListAttachedRolePolicies", "AttachedPolicies", who, RoleName=name)
        inline = aws.pages("iam", "ListRolePolicies", "PolicyNames", who, RoleName=name)
        return Found(
            role,
            {policy["PolicyArn"]: policy["PolicyName"] for policy in attached},
            {str(policy): _inline(aws, name, str(policy)) for policy in inline},
            _profiles(aws, name) if profiles else (),
        )
    except AwsError as error:
        if error.code == "NoSuchEntity" and error.operation != "GetRolePolicy":
            return None
        raise


def _inline(aws: Aws, name: str, policy: str) -> _policy.Document:
    answer = aws.call("iam", "GetRolePolicy", f"policy {policy} of role {name}", RoleName=name, PolicyName=policy)
    return _policy.parse(answer["PolicyDocument"], f"the inline policy {policy} of role {name}")


def _profiles(aws: Aws, name: str) -> tuple[str, ...]:
    found = aws.pages("iam", "ListInstanceProfilesForRole", "InstanceProfiles", f"role {name}", RoleName=name)
    return tuple(profile["InstanceProfileName"] for profile in found)


def existing_profiles(aws: Aws, wanted: Wanted, found: Found | None) -> tuple[str, ...]:
    """The wanted instance profile, if it is there without the role: asked for only when it would have to be made.

    :raises EcsError: another role is in it
    """
    profile = wanted.profile
    if not profile or (found and profile in found.profiles):
        return ()
    try:
        answer = aws.call("iam", "GetInstanceProfile", f"instance profile {profile}", InstanceProfileName=profile)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return ()
        raise
    others = [role["RoleName"] for role in answer["InstanceProfile"]["Roles"]]
    if others:
        raise EcsError(f"instance profile {profile} holds the role {others[0]}, and a profile holds one role only")
    return (profile,)


def verify_policies(aws: Aws, plan: Plan) -> None:
    """Every policy that is to be attached is there: asked before the first write, so that nothing is left half done.

    :raises EcsError: one is not
    """
    wanted = [
        change.params[key]
        for change in plan.changes
        for key in ("PolicyArn", "PermissionsBoundary")
        if key in change.params and change.operation != "DetachRolePolicy"
    ]
    for arn in dict.fromkeys(wanted):
        try:
            aws.call("iam", "GetPolicy", f"policy {arn}", PolicyArn=arn)
        except AwsError as error:
            if error.code != "NoSuchEntity":
                raise
            raise EcsError(
                f"the managed policy {arn} does not exist. A policy of AWS that is not in the catalogue is named "
                "by its ARN (arn:aws:iam::aws:policy/...), an own one with a path by path/name"
            ) from error


def where(aws: Aws, options: Options, found: Found | None) -> Where:
    """Account and partition, from the role's ARN or else the caller's; and the Regions that the documents name.

    Without the option ``regions`` they are the Region of the connection and those that the role trusts already: hosts
    in two Regions can share a role, and neither run takes the other's away.
    """
    if found is None:
        caller = aws.caller()
        partition, account = caller.partition, caller.account
    else:
        partition, account = found.role["Arn"].split(":")[1], found.role["Arn"].split(":")[4]
    regions = set(options["regions"] or [])
    if not regions:
        regions = {aws.region_or_none} if aws.region_or_none else set()
        kind = _catalog.KINDS[options["kind"]]
        if found is not None and kind.regional:
            regions.update(_policy.source_regions(found.trust, kind.source))
    return Where(partition, account, tuple(sorted(regions)))


# What is done ------------------------------------------------------------------------------------------------------


def execute(aws: Aws, plan: Plan, done: list[str]) -> dict[str, t.Any] | None:
    """Carry out the plan in its order.

    :param done: the words of each change are added when it is made
    :return: the role that was created, as IAM answers it; None when none was
    """
    created = None
    for change in plan.ordered():
        answer = _write(aws, change, fresh=created is not None)
        done.append(change.words)
        if change.operation == "CreateRole":
            created = answer["Role"]
            _wait_for(aws, change)
    return created


def _write(aws: Aws, change: Change, fresh: bool) -> dict[str, t.Any]:
    """One write call. What IAM does not know yet, because it is only just made, is tried again."""
    passing = (*BUSY, "NoSuchEntity") if fresh else BUSY
    answer: dict[str, t.Any] = eventually(
        lambda: aws.call(change.service, change.operation, change.resource, **change.params),
        lambda error: error.code in passing,
        retries=6,
    )
    return answer


def _wait_for(aws: Aws, change: Change) -> None:
    name = change.params["RoleName"]
    eventually(
        lambda: aws.call("iam", "GetRole", f"role {name}", RoleName=name), lambda error: error.code == "NoSuchEntity"
    )


# What is shown -----------------------------------------------------------------------------------------------------


def _result(run: Run, wanted: Wanted, found: Found | None, plan: Plan, words: t.Sequence[str]) -> dict[str, t.Any]:
    """The result of the module: the role as it is after the plan, done or not."""
    role = shown(_iam_plan.becomes(wanted, found)) if run.options["state"] == "present" else {}
    return {"changed": bool(words), "changes": list(words), "diff": plan.diff(), "iam_role": role}


def shown(found: Found) -> dict[str, t.Any]:
    """A role as the modules return it: AWS's names in snake_case, documents and tags as they are."""
    role = found.role
    result: dict[str, t.Any] = {
        "role_name": role["RoleName"],
        "path": role["Path"],
        "arn": role["Arn"],
        "assume_role_policy_document": _policy.parse(role["AssumeRolePolicyDocument"], "the trust document"),
        "description": role.get("Description", ""),
        "max_session_duration": role.get("MaxSessionDuration", _iam_plan.DEFAULT_SESSION),
        "tags": found.tags,
        "attached_managed_policies": [
            {"policy_name": name, "policy_arn": arn} for arn, name in sorted(found.attached.items())
        ],
        "inline_policies": [
            {"policy_name": name, "policy_document": document} for name, document in sorted(found.inline.items())
        ],
        "instance_profiles": [{"instance_profile_name": name} for name in found.profiles],
    }
    if found.boundary:
        result["permissions_boundary"] = {
            "permissions_boundary_type": "Policy",
            "permissions_boundary_arn": found.boundary,
        }
    if role.get("RoleId"):
        result["role_id"] = role["RoleId"]
    if role.get("CreateDate"):
        result["create_date"] = role["CreateDate"].isoformat()
    used = role.get("RoleLastUsed") or {}
    if used.get("LastUsedDate"):
        result["role_last_used"] = {
            "last_used_date": used["LastUsedDate"].isoformat(),
            "region": used.get("Region", ""),
        }
    return result
