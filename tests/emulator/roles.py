# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other services ask of IAM: does a role exist, and whom does it trust."""

from __future__ import annotations

import json
from datetime import timezone

from moto.iam.models import IAMBackend, Role, iam_backends

from .calls import Call
from .constants import ACCOUNT
from .errors import AwsError
from .policies import Question, as_list, decide

UNKNOWN_ROLE = "Nonexistent role or missing ssm service principal in trust policy"


def iam(partition: str) -> IAMBackend:
    """moto's IAM of the account."""
    return iam_backends[ACCOUNT][partition]


def find_role(partition: str, name: str) -> Role | None:
    """The role of this name; a path before it is cut off."""
    short = name.rpartition("/")[2]
    for role in iam(partition).get_roles():
        if role.name == short:
            return role
    return None


def ssm_name(role: Role) -> str:
    """What SSM calls a role: its name with the path before it, without the slash in front."""
    return f"{role.path}{role.name}".lstrip("/")


def trusts(document: str, service: str) -> bool:
    """True when a trust document lets a service assume the role. Conditions are not looked at."""
    try:
        statements = as_list(json.loads(document)["Statement"])
    except (ValueError, KeyError, TypeError):
        return False
    for statement in statements:
        principal = statement.get("Principal")
        services = as_list(principal.get("Service")) if isinstance(principal, dict) else []
        actions = [str(action).lower() for action in as_list(statement.get("Action"))]
        if (
            statement.get("Effect") == "Allow"
            and service in services
            and {"sts:assumerole", "sts:*", "*"} & set(actions)
        ):
            return True
    return False


def trusted_role(call: Call, name: str, service: str) -> Role:
    """The role that SSM calls so, when a service may assume it. A path is not left out.

    :raises AwsError: when there is none, it is too new to be known yet, or it does not trust the service
    """
    role = find_role(call.partition, name)
    if role is None or ssm_name(role) != name or not trusts(role.assume_role_policy_document, service):
        raise AwsError("ValidationException", UNKNOWN_ROLE)
    age = call.state.clock.datetime() - role.create_date.replace(tzinfo=timezone.utc)
    if age.total_seconds() < call.state.settings.role_propagation_seconds:
        raise AwsError("ValidationException", UNKNOWN_ROLE)
    return role


def assumable_by_ssm(call: Call, role: Role, instance_id: str) -> bool:
    """True when the role's trust document, with its conditions, lets SSM assume it for a node."""
    context: dict[str, str | list[str]] = {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": call.arn("ssm", f"managed-instance/{instance_id}"),
    }
    question = Question("sts:AssumeRole", "", context, principal="ssm.amazonaws.com")
    return decide([role.assume_role_policy_document], question) == "allow"


def role_of_arn(partition: str, arn: str) -> Role | None:
    """The role of exactly this ARN."""
    role = find_role(partition, arn)
    return role if role is not None and role.arn == arn else None
