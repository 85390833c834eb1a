# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. IAM: what is there, read call by call, and how it is shown."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _iam_plan, _iam_wanted, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import (
    Options,
    Where,
    regions_of_services,
    service_template,
)
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan


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
    others = _others_in_profile(aws, wanted, found)
    if others:
        raise EcsError(
            f"instance profile {wanted.profile} holds the role {others[0]}, and a profile holds one role only"
        )
    return (str(wanted.profile),) if others is not None else ()


def empty_profiles(aws: Aws, wanted: Wanted, found: Found | None) -> tuple[str, ...]:
    """The wanted instance profile, if it is there and holds no role, as a deletion that was cut off leaves it."""
    return (str(wanted.profile),) if _others_in_profile(aws, wanted, found) == [] else ()


def _others_in_profile(aws: Aws, wanted: Wanted, found: Found | None) -> list[str] | None:
    """The roles in the wanted instance profile; None when there is none, or this role is known to be in it."""
    profile = wanted.profile
    if not profile or (found and profile in found.profiles):
        return None
    try:
        answer = aws.call("iam", "GetInstanceProfile", f"instance profile {profile}", InstanceProfileName=profile)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return None
        raise
    return [str(role["RoleName"]) for role in answer["InstanceProfile"]["Roles"]]


def missing_policies(aws: Aws, plan: Plan) -> list[str]:
    """The policies that are to be attached and are not there: asked before the first write."""
    wanted = [
        change.params[key]
        for change in plan.changes
        for key in ("PolicyArn", "PermissionsBoundary")
        if key in change.params and change.operation != "DetachRolePolicy"
    ]
    return [arn for arn in dict.fromkeys(wanted) if not _policy_is_there(aws, arn)]


def _policy_is_there(aws: Aws, arn: str) -> bool:
    try:
        aws.call("iam", "GetPolicy", f"policy {arn}", PolicyArn=arn)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return False
        raise
    return True


def policy_document(aws: Aws, arn: str) -> _policy.Document:
    """What a managed policy allows now: the document of its default version, two calls. Empty when it is not there."""
    who = f"policy {arn}"
    try:
        version = aws.call("iam", "GetPolicy", who, PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = aws.call("iam", "GetPolicyVersion", who, PolicyArn=arn, VersionId=version)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return {}
        raise
    return _policy.parse(answer["PolicyVersion"]["Document"], who)


def where(aws: Aws, options: Options, found: Found | None) -> Where:
    """Account and partition, from the role's ARN or else the caller's; and the Regions that the documents name.

    Without the option ``regions`` they are the Region of the connection and those that the role is for already, by its
    trust or by its policies: hosts in two Regions can share a role, and neither run takes the other's away. A role that
    was for every Region stays so: who lives on it elsewhere cannot be known here.
    """
    if found is None:
        caller = aws.caller()
        place = Where(caller.partition, caller.account, ())
    else:
        place = Where(found.role["Arn"].split(":")[1], found.role["Arn"].split(":")[4], ())
    if options["regions"]:
        return replace(place, regions=tuple(sorted(set(options["regions"]))))
    if found is not None:
        place = _so_far(options, place, found)
    here = {aws.region_or_none} if aws.region_or_none else set()
    return replace(place, regions=tuple(sorted({*place.regions, *here})))


def _so_far(options: Options, place: Where, found: Found) -> Where:
    """With the Regions that the role's trust and its policies of the catalogue name."""
    kind = _catalog.KINDS[options["kind"]]
    named = {*_policy.source_regions(found.trust, kind.source)} if kind.regional else set()
    named |= {*regions_of_services(kind, place.partition, _policy.trusted_services(found.trust)).values()}
    known = _iam_wanted.known_regions(options, place, found.inline)
    trusted = {name for name in named if _policy.has_wildcard(name)}
    if _trusted_from_everywhere(service_template(kind, place.partition), kind.source, found):
        trusted = {"*"}
    wild = {name for name in known if _policy.has_wildcard(name)}
    # What AWS's policy allowed in every Region that trusts the role, the one in its place allows there, too.
    if _iam_wanted.replaces_aws_policies(options, place, found.attached):
        wild |= trusted
    return replace(
        place,
        regions=tuple(sorted(name for name in named | known if not _policy.has_wildcard(name))),
        wild=tuple(sorted(wild)),
        trusted=tuple(sorted(trusted)),
    )


def _trusted_from_everywhere(service: str, source: str, found: Found) -> bool:
    """True unless the Regions are known from which alone the service can assume the role.

    A condition that is not known here, as one on the organisation, leaves them all: who uses it elsewhere goes on.
    Other accounts lose nothing by what takes its place: a role cannot be passed to a service in another account.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    trusted = service in _policy.trusted_services(found.trust)
    return trusted and not _policy.may_reach(found.trust, service, source)


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


def documents_of_principals(
    aws: Aws, principals: t.Iterable[Principal], policy: str
) -> dict[Principal, _policy.Document | None]:
    """The inline policy of this name of each principal, or None; one call each."""
    return {principal: _document_of(aws, principal, policy) for principal in principals}


def _document_of(aws: Aws, principal: Principal, policy: str) -> _policy.Document | None:
    what = f"policy {policy} of {principal}"
    try:
        answer = aws.call("iam", principal.operation("Get", "Policy"), what, PolicyName=policy, **principal.params)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return None
        raise
    return _policy.parse(answer["PolicyDocument"], f"the inline {what}")


def is_there(aws: Aws, principal: Principal) -> bool:
    """Whether there is such a role, user or group.

    :raises EcsError: it is a role of AWS's, which can be given nothing
    """
    few: dict[str, t.Any] = {"MaxItems": 1} if principal.type == "group" else {}
    try:
        found = aws.call("iam", principal.operation("Get"), str(principal), **principal.params, **few)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return False
        raise
    path = found.get("Role", {}).get("Path", "")
    if path.startswith(_catalog.RESERVED_PATHS):
        raise EcsError(
            f"{principal} is AWS's own (path {path}), so no policy can be given to it here: leave it out. That of a "
            "permission set gets its policies in IAM Identity Center"
        )
    return True
