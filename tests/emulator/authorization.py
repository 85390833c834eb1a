# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May the caller do this? The policies of roles and users, read from IAM, decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import ecs_resources
from .calls import Call, Caller, partition_of
from .constants import ACCOUNT
from .errors import AwsError
from .policies import Question, decide
from .roles import find_role, iam

if TYPE_CHECKING:
    from moto.iam.models import Role, User

UNSIGNED = {("ssm", "RegisterManagedInstance")}
NODE_KEY = {("ssm", "RequestManagedInstanceRoleToken"), ("ssm", "UpdateManagedInstancePublicKey")}
FREE = {("sts", "GetCallerIdentity")}
"""Allowed whatever the policies say."""


def _policy_documents(holder: Role | User) -> list[str]:
    documents = [_default(policy) for policy in holder.managed_policies.values()]
    policies: Any = holder.policies
    return documents + list(policies.values())


def _default(policy: Any) -> str:
    for version in policy.versions:
        if version.version_id == policy.default_version_id:
            return str(version.document)
    return '{"Statement": []}'


def _boundary(partition: str, arn: str | None) -> list[str] | None:
    if not arn:
        return None
    policy = iam(partition).managed_policies.get(arn)
    return [_default(policy)] if policy else []


def documents_of(caller: Caller, partition: str) -> tuple[list[str], list[str] | None]:
    """The identity policies of a caller, and the documents of its boundary if it has one."""
    if caller.kind == "user":
        user = iam(partition).get_user(caller.name)
        documents = _policy_documents(user)
        for group in iam(partition).get_groups_for_user(caller.name):
            documents += _policy_documents(group)  # type: ignore[arg-type]  # moto's groups have the same members
        return documents, _boundary(partition, getattr(user, "permissions_boundary_arn", None))
    role = find_role(partition, caller.arn.split("/")[1])
    if role is None:
        return [], None
    return _policy_documents(role), _boundary(partition, role.permissions_boundary_arn)


def is_allowed(caller: Caller, partition: str, question: Question) -> bool:
    """The decision for one action on one resource."""
    if caller.kind == "controller":
        return True
    documents, boundary = documents_of(caller, partition)
    if decide(documents, question) != "allow":
        return False
    return boundary is None or decide(boundary, question) == "allow"


def _principal(call: Call) -> str:
    """As conditions know the caller: a session is its role."""
    if call.caller.kind not in ("role", "node"):
        return call.caller.arn
    role = find_role(call.partition, call.caller.arn.split("/")[1])
    return str(role.arn) if role else call.caller.arn


def demand(call: Call, action: str, resource: str, context: dict[str, Any] | None = None) -> None:
    """Refuse unless the caller may do an action on a resource.

    :raises AwsError: AccessDenied, by the name that the protocol gives it
    """
    if not call.state.settings.strict:
        return
    everywhere: dict[str, Any] = {
        "aws:RequestedRegion": call.region,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalArn": _principal(call),
        "aws:ResourceAccount": ACCOUNT,
        "aws:SecureTransport": str(call.request.scheme == "https").lower(),
        "aws:username": call.caller.name if call.caller.kind == "user" else None,
    }
    known = {key: value for key, value in {**everywhere, **(context or {})}.items() if value is not None}
    if is_allowed(call.caller, partition_of(call.region), Question(action, resource, known)):
        return
    message = (
        f"User: {call.caller.arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    if call.service in ("iam", "sts"):
        raise AwsError("AccessDenied", message, 403)
    raise AwsError("AccessDeniedException", message)


def authorise(call: Call) -> None:
    """Refuse what the caller's policies do not allow, on every resource that the call names."""
    if (call.service, call.operation) in FREE or call.caller.kind == "controller":
        return
    action = f"{call.service}:{call.operation}"
    for resource, context in _targets(call):
        demand(call, action, resource, context)
    tags = call.params.get("tags") or call.params.get("Tags")
    if call.service == "ecs" and tags and call.operation != "TagResource":
        context = {**_tag_context(tags), "ecs:CreateAction": call.operation}
        demand(call, "ecs:TagResource", ecs_resources.created(call), context)
    if call.service == "iam" and tags and call.operation.startswith("Create"):
        for resource, context in _targets(call):
            demand(call, f"iam:Tag{call.operation.removeprefix('Create')}", resource, context)


def _tag_context(tags: list[dict[str, str]]) -> dict[str, Any]:
    pairs = {tag.get("key", tag.get("Key", "")): tag.get("value", tag.get("Value", "")) for tag in tags}
    return {**{f"aws:RequestTag/{k}": v for k, v in pairs.items()}, "aws:TagKeys": list(pairs)}


def _targets(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    finder = {"ecs": ecs_resources.targets, "ssm": _ssm_targets, "iam": _iam_targets}.get(call.service)
    tags = call.params.get("tags") or call.params.get("Tags")
    context = _tag_context(tags) if isinstance(tags, list) else {}
    found = list(finder(call)) if finder else []
    for resource, more in found or [("*", {})]:
        yield resource, {**context, **more}


def _ssm_targets(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    kind, tagged = call.params.get("ResourceType"), call.params.get("ResourceId")
    node = call.params.get("InstanceId") or (tagged if kind == "ManagedInstance" else None)
    parameter = tagged if kind == "Parameter" else call.params.get("Name") if "Parameter" in call.operation else None
    if node:
        found = call.state.nodes.get(node)
        tags = {
            f"{kind}:ResourceTag/{k}": v for k, v in (found.tags if found else {}).items() for kind in ("aws", "ssm")
        }
        yield call.arn("ssm", f"managed-instance/{node}"), tags
    elif parameter:
        yield call.arn("ssm", f"parameter/{parameter.lstrip('/')}"), {}


IAM_NAMES: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "RoleName": ("role", find_role),
    "UserName": ("user", lambda partition, name: iam(partition).users.get(name)),
    "GroupName": ("group", lambda partition, name: iam(partition).groups.get(name)),
    "InstanceProfileName": ("instance-profile", lambda partition, name: iam(partition).instance_profiles.get(name)),
}


def _iam_targets(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    conditions = {
        "iam:PolicyARN": call.params.get("PolicyArn"),
        "iam:PermissionsBoundary": call.params.get("PermissionsBoundary"),
    }
    for member, (kind, find) in IAM_NAMES.items():
        name = call.params.get(member)
        if name:
            found = find(call.partition, name)
            path = call.params.get("Path", "/") if call.operation.startswith("Create") else "/"
            arn = found.arn if found else call.arn("iam", f"{kind}{path}{name}", region="")
            yield str(arn), conditions
            return
    if call.params.get("PolicyArn"):
        yield call.params["PolicyArn"], {}
    elif call.params.get("PolicyName"):
        yield call.arn("iam", f"policy{call.params.get('Path', '/')}{call.params['PolicyName']}", region=""), {}


def demand_pass_role(call: Call, role_arn: str, service: str) -> None:
    """Refuse unless the caller may hand a role to a service.

    :raises AwsError: AccessDenied
    """
    demand(call, "iam:PassRole", role_arn, {"iam:PassedToService": service})
