# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM refuses and moto lets pass; AWS's limits of a new account."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from moto.core.exceptions import ServiceException
from moto.iam.models import Role
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from .authorization import demand_pass_role
from .calls import Call, rule
from .constants import ACCOUNT, CONTROLLER
from .errors import AwsError
from .policies import Question, as_list, decide
from .roles import find_role, iam

TRUST_SIZE = 2048
MANAGED_SIZE = 6144
INLINE_SIZES = {"Role": 10240, "User": 2048, "Group": 5120}
ATTACHMENTS = 10
TAGS = 50
RESERVED_PATHS = ("/aws-service-role/", "/aws-reserved/")
SERVICE_PRINCIPAL = re.compile(r"[a-z0-9.-]+\.amazonaws\.(com|com\.cn|eu)")
PRINCIPAL_ARN = re.compile(rf"arn:[\w-]+:iam::{ACCOUNT}:(?P<kind>role|user)/(?P<name>.+)")


def _role(call: Call) -> Role:
    role = find_role(call.partition, call.params["RoleName"])
    if role is None or role.name != call.params["RoleName"]:
        raise AwsError("NoSuchEntity", f"The role with name {call.params['RoleName']} cannot be found.", 404)
    return role


def size(document: str) -> int:
    """Length of a document as IAM counts it: without white space."""
    return len(re.sub(r"\s", "", document))


def _check_principals(document: str, partition: str) -> None:
    for statement in as_list(json.loads(document).get("Statement")):
        principal = statement.get("Principal")
        if not isinstance(principal, dict):
            continue
        for service in as_list(principal.get("Service")):
            if not SERVICE_PRINCIPAL.fullmatch(service):
                raise AwsError("MalformedPolicyDocument", f'Invalid principal in policy: "SERVICE":"{service}"')
        for arn in as_list(principal.get("AWS")):
            if arn.startswith("arn:") and not arn.startswith(f"arn:{partition}:"):
                raise AwsError("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"')
            match = PRINCIPAL_ARN.fullmatch(arn)
            if not match or (match["kind"], match["name"]) == ("user", CONTROLLER):
                continue
            name = match["name"].rpartition("/")[2]
            known = find_role(partition, name) if match["kind"] == "role" else iam(partition).users.get(name)
            if known is None:
                raise AwsError("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"')


@rule("iam", "CreateRole", "UpdateAssumeRolePolicy")
def trust_document(call: Call) -> None:
    """A trust document is checked for its form, its size and its principals."""
    document = call.params.get("AssumeRolePolicyDocument") or call.params["PolicyDocument"]
    try:
        IAMTrustPolicyDocumentValidator(document).validate()
    except ServiceException as error:
        raise AwsError("MalformedPolicyDocument", str(error.message or "This policy contains invalid Json")) from None
    if any("Principal" not in s and "NotPrincipal" not in s for s in as_list(json.loads(document)["Statement"])):
        raise AwsError("MalformedPolicyDocument", "Missing required field Principal")
    if size(document) > TRUST_SIZE:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE}", 409)
    _check_principals(document, call.partition)
    _rewrite(call, document)


def canonical(value: Any, partition: str, member: str = "") -> Any:
    """A document as IAM gives it back: a list of one as the one, lists sorted, an account as the ARN of its root."""
    if isinstance(value, dict):
        return {key: canonical(item, partition, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [canonical(item, partition, member) for item in value]
        if member == "Statement":
            return items
        return items[0] if len(items) == 1 else sorted(items)
    if member == "AWS" and re.fullmatch(r"\d{12}", str(value)):
        return f"arn:{partition}:iam::{value}:root"
    return value


def _rewrite(call: Call, document: str) -> None:
    """Let moto store the canonical form of a document."""
    text = json.dumps(canonical(json.loads(document), call.partition))
    flat = [(k, text if v == document else v) for k, v in parse_qsl(call.request.body.decode(), keep_blank_values=True)]
    call.request = replace(call.request, body=urlencode(flat).encode())


@rule("iam", "CreatePolicy", "CreatePolicyVersion", "PutRolePolicy")
def rewritten(call: Call) -> None:
    """When asked for, permissions documents are rewritten too."""
    try:
        json.loads(call.params["PolicyDocument"])
    except ValueError:
        return  # moto refuses it
    if call.state.settings.canonical_documents:
        _rewrite(call, call.params["PolicyDocument"])


@rule("iam", "CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary")
def boundary(call: Call) -> None:
    """A permissions boundary must exist."""
    arn = call.params.get("PermissionsBoundary")
    if arn and arn not in iam(call.partition).managed_policies:
        raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)


@rule("iam", "CreatePolicy", "CreatePolicyVersion")
def managed_size(call: Call) -> None:
    """Managed policies have a size of their own."""
    if size(call.params["PolicyDocument"]) > MANAGED_SIZE:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_SIZE}", 409)


@rule("iam", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion", "TagPolicy")
def own_policy(call: Call) -> None:
    """AWS's own policies cannot be changed."""
    if ":iam::aws:policy/" in call.params["PolicyArn"]:
        raise AwsError("AccessDenied", f"Policy {call.params['PolicyArn']} is managed by AWS.", 403)


@rule("iam", "PutRolePolicy", "PutUserPolicy", "PutGroupPolicy")
def inline_size(call: Call) -> None:
    """All inline policies of a role, user or group have a size together."""
    kind = call.operation.removeprefix("Put").removesuffix("Policy")
    backend, name = iam(call.partition), call.params[f"{kind}Name"]
    holder: Any = {"Role": find_role(call.partition, name), "User": backend.users.get(name)}.get(
        kind, backend.groups.get(name)
    )
    if holder is None:
        raise AwsError("NoSuchEntity", f"The {kind.lower()} with name {name} cannot be found.", 404)
    others = sum(size(text) for other, text in holder.policies.items() if other != call.params["PolicyName"])
    if others + size(call.params["PolicyDocument"]) > INLINE_SIZES[kind]:
        message = f"Maximum policy size of {INLINE_SIZES[kind]} bytes exceeded for {kind.lower()} {name}"
        raise AwsError("LimitExceeded", message, 409)


@rule("iam", "AttachRolePolicy")
def attachments(call: Call) -> None:
    """Ten managed policies a role."""
    role = _role(call)
    if call.params["PolicyArn"] not in role.managed_policies and len(role.managed_policies) >= ATTACHMENTS:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {ATTACHMENTS}", 409)


@rule("iam", "DeletePolicy")
def policy_in_use(call: Call) -> None:
    """A policy goes only when nobody has it any more, and it has one version."""
    policy: Any = iam(call.partition).managed_policies.get(call.params["PolicyArn"])
    if policy is None:
        raise AwsError("NoSuchEntity", f"Policy {call.params['PolicyArn']} was not found.", 404)
    backend, arn = iam(call.partition), policy.arn
    holders: list[Any] = [*backend.get_roles(), *backend.users.values(), *backend.groups.values()]
    if any(arn in holder.managed_policies for holder in holders):
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if any(getattr(holder, "permissions_boundary_arn", None) == arn for holder in holders):
        raise AwsError("DeleteConflict", "Cannot delete a policy that is used as a permissions boundary.", 409)
    if len(policy.versions) > 1:
        message = (
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions."
        )
        raise AwsError("DeleteConflict", message, 409)


@rule("iam", "TagRole")
def tags_of_role(call: Call) -> None:
    """Fifty tags a role, whose keys have no case: a tag takes the place of one in another spelling."""
    role = _role(call)
    wanted = [tag["Key"].lower() for tag in call.params["Tags"]]
    if len(set(wanted)) < len(wanted):
        raise AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    others = [tag for tag in role.tags if tag["Key"].lower() not in wanted]
    if len(others) + len(wanted) > TAGS:
        raise AwsError("LimitExceeded", f"The number of tags has reached the maximum limit of {TAGS}.", 409)
    role.tags = others


@rule("iam", "CreateRole", "TagRole", "CreatePolicy", "TagPolicy", "CreateInstanceProfile", "TagInstanceProfile")
def reserved_tags(call: Call) -> None:
    """Tags in AWS's name are AWS's."""
    if any(tag["Key"].lower().startswith("aws:") for tag in call.params.get("Tags") or []):
        raise AwsError("InvalidInput", "Tag keys may not start with aws:")


@rule("iam", "CreateRole", "CreateInstanceProfile")
def name_without_case(call: Call) -> None:
    """Names are unique in an account, in upper and lower case."""
    backend = iam(call.partition)
    if call.operation == "CreateRole":
        what, name, taken = "Role with name", call.params["RoleName"], [one.name for one in backend.get_roles()]
    else:
        what, name, taken = "Instance Profile", call.params["InstanceProfileName"], list(backend.instance_profiles)
    if name.lower() in [one.lower() for one in taken]:
        raise AwsError("EntityAlreadyExists", f"{what} {name} already exists.", 409)


@rule("iam", "CreateRole")
def path_of_role(call: Call) -> None:
    """Paths of roles that are AWS's own are for nobody else."""
    if call.params.get("Path", "/").startswith(RESERVED_PATHS):
        raise AwsError("ValidationError", "The path is reserved for AWS.")


@rule(
    "iam",
    "DeleteRole",
    "UpdateAssumeRolePolicy",
    "AttachRolePolicy",
    "DetachRolePolicy",
    "PutRolePolicy",
    "DeleteRolePolicy",
    "PutRolePermissionsBoundary",
    "UpdateRole",
)
def linked_role(call: Call) -> None:
    """Service-linked roles belong to their service, others to IAM Identity Center."""
    if _role(call).path.startswith(RESERVED_PATHS):
        name = call.params["RoleName"]
        message = f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
        raise AwsError("UnmodifiableEntity", message)


@rule("iam", "RemoveRoleFromInstanceProfile")
def role_in_profile(call: Call) -> None:
    """What is not in the profile cannot be taken out."""
    name, role = call.params["InstanceProfileName"], call.params["RoleName"]
    profile = iam(call.partition).instance_profiles.get(name)
    if profile is None or role not in [one.name for one in profile.roles]:
        raise AwsError(
            "NoSuchEntity", f"The role with name {role} cannot be found in the instance profile {name}.", 404
        )


@rule("iam", "AddRoleToInstanceProfile")
def pass_to_ec2(call: Call) -> None:
    """Who puts a role into a profile hands it to EC2."""
    demand_pass_role(call, _role(call).arn, "ec2.amazonaws.com")


@rule("sts", "AssumeRole")
def assume_role(call: Call) -> None:
    """The role must be there, and trust the caller; a session is no longer than the role allows."""
    arn = call.params["RoleArn"]
    role = find_role(call.partition, arn)
    question = Question("sts:AssumeRole", "", {"sts:ExternalId": call.params.get("ExternalId", "")}, call.caller.arn)
    if role is None or role.arn != arn or decide([role.assume_role_policy_document], question) != "allow":
        message = f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise AwsError("AccessDenied", message, 403)
    if call.params.get("DurationSeconds", 3600) > int(role.max_session_duration or 3600):
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", message)
