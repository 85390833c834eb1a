# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed policies: what IAM refuses and moto lets pass, and who holds one, which moto does not tell whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from .calls import Call, operation, rule
from .errors import AwsError
from .iam_rules import ATTACHMENTS, TAGS
from .pagination import page
from .roles import iam

PERMISSIONS, BOUNDARY = "PermissionsPolicy", "PermissionsBoundary"
LISTS = {"Role": "PolicyRoles", "User": "PolicyUsers", "Group": "PolicyGroups"}


def _policy(call: Call) -> Any:
    arn = call.params["PolicyArn"]
    policy = iam(call.partition).managed_policies.get(arn)
    if policy is None:
        raise AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
    return policy


def _everybody(partition: str) -> Iterator[tuple[str, Any]]:
    backend = iam(partition)
    yield from (("Role", one) for one in backend.get_roles())
    yield from (("User", one) for one in backend.users.values())
    yield from (("Group", one) for one in backend.groups.values())


def _holders(call: Call, arn: str, usage: str) -> list[tuple[str, Any]]:
    """Who has a policy, as permissions or as the boundary."""
    if usage == BOUNDARY:
        return [found for found in _everybody(call.partition) if _boundary(found[1]) == arn]
    return [found for found in _everybody(call.partition) if arn in found[1].managed_policies]


def _boundary(holder: Any) -> str | None:
    found: str | None = getattr(holder, "permissions_boundary_arn", None)
    return found


@rule("iam", "CreatePolicy")
def name_of_policy(call: Call) -> None:
    """Names are unique in an account, whatever the path, and have no case."""
    name = call.params["PolicyName"]
    own = [one for arn, one in iam(call.partition).managed_policies.items() if ":iam::aws:" not in arn]
    if any(one.name.lower() == name.lower() for one in own):
        message = f"A policy called {name} already exists. Duplicate names are not allowed."
        raise AwsError("EntityAlreadyExists", message, 409)


@rule("iam", "TagPolicy")
def tags_of_policy(call: Call) -> None:
    """Fifty tags a policy; their keys have no case."""
    keys = {key.lower() for key in _policy(call).tags} | {tag["Key"].lower() for tag in call.params["Tags"]}
    if len(keys) > TAGS:
        raise AwsError("LimitExceeded", f"The number of tags has reached the maximum limit of {TAGS}.", 409)


@rule("iam", "AttachUserPolicy", "AttachGroupPolicy")
def attachments_of_people(call: Call) -> None:
    """Ten managed policies a user or group."""
    kind = call.operation.removeprefix("Attach").removesuffix("Policy")
    backend, name = iam(call.partition), call.params[f"{kind}Name"]
    people: dict[str, Any] = backend.users if kind == "User" else backend.groups
    held = people[name].managed_policies if name in people else {}
    if call.params["PolicyArn"] not in held and len(held) >= ATTACHMENTS:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPer{kind}: {ATTACHMENTS}", 409)


@rule("iam", "GetPolicy")
def counts(call: Call) -> None:
    """moto counts an attachment again when it is made again, and no boundaries."""
    policy = _policy(call)
    policy.attachment_count = len(_holders(call, policy.arn, PERMISSIONS))
    policy.permissions_boundary_usage_count = len(_holders(call, policy.arn, BOUNDARY))


@operation("iam", "ListEntitiesForPolicy")
def list_entities_for_policy(call: Call) -> tuple[int, list[tuple[str, str]], bytes]:
    """Who has a policy; both uses together when none is named, as AWS does."""
    arn = _policy(call).arn
    usages = [call.params["PolicyUsageFilter"]] if call.params.get("PolicyUsageFilter") else [PERMISSIONS, BOUNDARY]
    found = [one for usage in usages for one in _holders(call, arn, usage)]
    wanted, prefix = call.params.get("EntityFilter"), call.params.get("PathPrefix", "/")
    found = [one for one in found if wanted in (None, one[0]) and one[1].path.startswith(prefix)]
    refusal = AwsError("ValidationError", "Invalid Marker.")
    size = int(call.params.get("MaxItems", 100))
    shown, marker = page(found, size, call.params.get("Marker"), call.state.settings.page_size_limit, refusal)
    lists = "".join(f"<{LISTS[kind]}>{_members(kind, shown)}</{LISTS[kind]}>" for kind in LISTS)
    more = f"<IsTruncated>{str(bool(marker)).lower()}</IsTruncated>"
    more += f"<Marker>{escape(marker)}</Marker>" if marker else ""
    body = (
        '<ListEntitiesForPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<ListEntitiesForPolicyResult>{lists}{more}</ListEntitiesForPolicyResult>"
        f"<ResponseMetadata><RequestId>{call.request_id}</RequestId></ResponseMetadata>"
        "</ListEntitiesForPolicyResponse>"
    )
    return 200, [("Content-Type", "text/xml")], body.encode()


def _members(kind: str, shown: list[tuple[str, Any]]) -> str:
    return "".join(
        f"<member><{kind}Name>{escape(one.name)}</{kind}Name><{kind}Id>{escape(one.id)}</{kind}Id></member>"
        for other, one in shown
        if other == kind
    )
