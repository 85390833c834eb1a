# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. IAM: read a managed policy, carry out the plan for it, show it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _iam_apply,
    _iam_policy_plan,
    _iam_policy_wanted,
    _iam_read,
    _policy,
)
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, Module
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Options, Where
from ansible_collections.onprem.ecs.plugins.module_utils._iam_policy_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_policy_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan

#: The members of ListEntitiesForPolicy, and what they are called in each.
LISTS = {
    "PolicyRoles": ("role", "RoleName"),
    "PolicyUsers": ("user", "UserName"),
    "PolicyGroups": ("group", "GroupName"),
}
PERMISSIONS, BOUNDARY = "PermissionsPolicy", "PermissionsBoundary"


@dataclass
class Run:
    """One run of the module: how the policy was at first, and what has been done."""

    first: dict[str, t.Any] | None = None
    """The sections of the policy when it was first looked at."""
    done: list[str] = field(default_factory=list)


def manage_policy(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The work of the module ``ecs_iam_policy``."""
    _iam_policy_wanted.check(module.params, aws.region_or_none or "")
    wanted = _iam_policy_wanted.wanted(module.params, where(aws, module.params))
    run = Run()
    try:
        return _iam_apply.replanned(lambda: _round(aws, run, module, wanted), _race)
    except AwsError as error:
        error.result.update(changed=bool(run.done), changes=run.done)
        raise _explained(error, wanted) from error
    except EcsError as error:
        # A refusal may come in a later round as well, when something was done before.
        error.result.update(changed=bool(run.done), changes=run.done)
        raise


def where(aws: Aws, options: Options) -> Where:
    """Account and partition of the caller, and the Regions that the options name."""
    caller = aws.caller()
    regions = options["regions"] or ([aws.region_or_none] if aws.region_or_none else [])
    return Where(caller.partition, caller.account, tuple(sorted(set(regions))))


def _race(error: AwsError) -> bool:
    return _iam_apply.is_race(error) or (error.code == "LimitExceeded" and error.operation == "CreatePolicyVersion")


def _explained(error: AwsError, wanted: Wanted) -> EcsError:
    """IAM compares names without path and case: a name can be taken where the ARN finds nothing."""
    if (error.operation, error.code) != ("CreatePolicy", "EntityAlreadyExists"):
        return error
    return EcsError(
        f"{error}. There is no {wanted.arn}, so the account has a policy of this name under another path, or in "
        "another case: give its path in the option path, or choose another name",
        **error.result,
    )


def _round(aws: Aws, run: Run, module: Module, wanted: Wanted) -> dict[str, t.Any]:
    """Look, plan and do it, once."""
    found = read(aws, wanted)
    plan = _plan(wanted, found)
    _verify_holders(aws, module, run, wanted, found)
    _tell_of_description(module, run, wanted, found)
    if run.first is None:
        run.first = _iam_policy_plan.sections(found)
    plan = Plan(plan.changes, run.first, plan.after)
    if module.check_mode:
        return _result(wanted, found, plan, plan.words())
    if wanted.document is not None and found is not None and not run.first and not run.done:
        run.done.insert(0, f"create policy {wanted.name}: another controller did, while this task ran")
        plan = Plan(plan.changes, run.first, _iam_policy_plan.sections(_iam_policy_plan.becomes(wanted, found)))
    told = _told(_iam_apply.execute(aws, plan, run.done))
    if not run.done and any(plan.diff().values()):
        run.done.append(f"{'change' if plan.after else 'delete'} policy {wanted.name}: {_iam_apply.MEANWHILE}")
    return _result(wanted, found, plan, run.done, told)


def _told(answers: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """What IAM has told of the policy while it was made or changed: members of GetPolicy's ``Policy``."""
    told = dict(answers["CreatePolicy"]["Policy"]) if "CreatePolicy" in answers else {}
    if "CreatePolicyVersion" in answers:
        told["DefaultVersionId"] = answers["CreatePolicyVersion"]["PolicyVersion"]["VersionId"]
    return told


def _plan(wanted: Wanted, found: Found | None) -> Plan:
    if wanted.document is None:
        return _iam_policy_plan.absent(wanted, found)
    return _iam_policy_plan.present(wanted, found)


# What is -----------------------------------------------------------------------------------------------------------


def read(aws: Aws, wanted: Wanted) -> Found | None:
    """The policy, or None. Two calls; more only for what is asked: who has it, and its versions."""
    who, arn = f"policy {wanted.name}", wanted.arn
    try:
        policy = aws.call("iam", "GetPolicy", who, PolicyArn=arn)["Policy"]
        version = policy["DefaultVersionId"]
        answer = aws.call("iam", "GetPolicyVersion", who, PolicyArn=arn, VersionId=version)["PolicyVersion"]
        found = Found(policy, _policy.parse(answer["Document"], f"version {version} of {who}"))
        absent = wanted.document is None
        if absent or wanted.attach_to is not None:
            found = replace(found, holders=holders(aws, who, arn, PERMISSIONS))
        if absent:
            found = replace(found, boundary_of=holders(aws, who, arn, BOUNDARY))
        if absent or _iam_policy_plan.new_version(wanted, found):
            versions = tuple(aws.pages("iam", "ListPolicyVersions", "Versions", who, PolicyArn=arn))
            found = replace(found, versions=versions)
    except AwsError as error:
        if error.code == "NoSuchEntity" and error.operation != "GetPolicyVersion":
            return None
        raise
    return found


def holders(aws: Aws, who: str, arn: str, usage: str) -> frozenset[Principal]:
    """Who has the policy.

    :param usage: PERMISSIONS, as permissions; BOUNDARY, as the permissions boundary
    """
    found: set[Principal] = set()
    marker: dict[str, str] = {}
    while True:
        params = {"PolicyArn": arn, "PolicyUsageFilter": usage, **marker}
        page = aws.call("iam", "ListEntitiesForPolicy", who, **params)
        for key, (kind, name) in LISTS.items():
            found.update(Principal(kind, one[name]) for one in page.get(key, []))
        if not page.get("IsTruncated"):
            return frozenset(found)
        marker = {"Marker": page["Marker"]}


def _verify_holders(aws: Aws, module: Module, run: Run, wanted: Wanted, found: Found | None) -> None:
    """Those who are to get the policy are there: asked before the first write, so that nothing is left half done.

    In check mode an earlier task may be going to make them: a warning then.

    :raises EcsError: one is not
    """
    if wanted.document is None or not wanted.attach_to:
        return
    already = (found.holders if found else None) or frozenset()
    for holder in sorted(wanted.attach_to - already):
        if _iam_read.is_there(aws, holder):
            continue
        words = f"attach_to: there is no {holder} in the account"
        if not module.check_mode:
            raise EcsError(f"{words}, so nothing was changed", changed=bool(run.done), changes=run.done)
        module.warn(f"{words}; the task fails unless one is made before it")


def _tell_of_description(module: Module, run: Run, wanted: Wanted, found: Found | None) -> None:
    if wanted.document is None or found is None or wanted.description is None:
        return
    has = found.policy.get("Description", "")
    if has != wanted.description and run.first is None:
        module.warn(
            f"policy {wanted.name} keeps its description {has!r}: IAM cannot change it to {wanted.description!r}. "
            "Leave the option description out, or delete the policy first"
        )


# What is shown -----------------------------------------------------------------------------------------------------


def _result(
    wanted: Wanted,
    found: Found | None,
    plan: Plan,
    words: t.Sequence[str],
    told: t.Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """The result of the module: the policy as it is after the plan, done or not."""
    policy = {}
    if wanted.document is not None:
        after = _iam_policy_plan.becomes(wanted, found)
        known = {key: value for key, value in (told or {}).items() if key not in ("Tags", "Description")}
        policy = shown(replace(after, policy={**after.policy, **known}))
    return {"changed": bool(words), "changes": list(words), "diff": plan.diff(), "iam_policy": policy}


def shown(found: Found) -> dict[str, t.Any]:
    """A policy as the module returns it: AWS's names in snake_case, document and tags as they are."""
    policy = found.policy
    result: dict[str, t.Any] = {
        "policy_name": policy["PolicyName"],
        "path": policy["Path"],
        "arn": policy["Arn"],
        "description": policy.get("Description", ""),
        "policy_document": found.document,
        "tags": found.tags,
    }
    if policy.get("PolicyId"):
        result["policy_id"] = policy["PolicyId"]
    if policy.get("DefaultVersionId"):
        result["default_version_id"] = policy["DefaultVersionId"]
    if policy.get("CreateDate"):
        result["create_date"] = policy["CreateDate"].isoformat()
    if found.holders is not None:
        result["attached_to"] = [{"type": holder.type, "name": holder.name} for holder in sorted(found.holders)]
    return result
