# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSM hybrid activations: CreateActivation, DescribeActivations, DeleteActivation."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .authorization import demand_pass_role
from .calls import Call, operation
from .errors import AwsError
from .pagination import page
from .roles import ssm_name, trusted_role

DAY = 86400.0
RESERVED = "aws:"
LONGEST_LIFE = 30 * DAY
CODE_LETTERS = string.ascii_letters + string.digits + "+/"


@dataclass
class Activation:
    """What CreateActivation made. The code is shown once, and kept here to be compared."""

    activation_id: str
    code: str
    region: str
    iam_role: str
    registration_limit: int
    created: float
    expires: float
    description: str | None = None
    default_instance_name: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    registrations: int = 0

    def is_expired(self, now: float) -> bool:
        """True when no host can use it any more because of its age."""
        return now >= self.expires

    def describe(self, now: float) -> dict[str, Any]:
        """As DescribeActivations shows it."""
        shown: dict[str, Any] = {
            "ActivationId": self.activation_id,
            "IamRole": self.iam_role,
            "RegistrationLimit": self.registration_limit,
            "RegistrationsCount": self.registrations,
            "ExpirationDate": self.expires,
            "Expired": self.is_expired(now),
            "CreatedDate": self.created,
            "Tags": [{"Key": k, "Value": v} for k, v in self.tags.items()],
        }
        if self.description is not None:
            shown["Description"] = self.description
        if self.default_instance_name is not None:
            shown["DefaultInstanceName"] = self.default_instance_name
        return shown


def epoch(value: Any) -> float:
    """A timestamp of the JSON protocol in seconds since the epoch.

    :raises AwsError: SerializationException
    """
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise AwsError("SerializationException", f"{value} is not a timestamp") from None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    return float(value)


def check_tag_keys(keys: Iterable[str]) -> None:
    """AWS's own tags are nobody else's.

    :raises AwsError: ValidationException
    """
    if any(key.lower().startswith(RESERVED) for key in keys):
        raise AwsError("ValidationException", f"{RESERVED} prefixed tag key names are not allowed for external use.")


def _expiration(call: Call) -> float:
    now = call.state.clock.now()
    if call.params.get("ExpirationDate") is None:
        return now + DAY
    expires = epoch(call.params["ExpirationDate"])
    if expires <= now:
        raise AwsError("ValidationException", "The expiration date must be in the future")
    if expires > now + LONGEST_LIFE:
        raise AwsError("ValidationException", "The expiration date can not be more than 30 days in the future")
    return expires


@operation("ssm", "CreateActivation")
def create_activation(call: Call) -> dict[str, Any]:
    """Make an activation, when SSM may assume its role."""
    limit = call.params.get("RegistrationLimit", 1)
    check_tag_keys(tag["Key"] for tag in call.params.get("Tags") or [])
    expires = _expiration(call)
    role = trusted_role(call, call.params["IamRole"], "ssm.amazonaws.com")
    demand_pass_role(call, role.arn, "ssm.amazonaws.com")
    activation = Activation(
        activation_id=str(uuid.uuid4()),
        code="".join(secrets.choice(CODE_LETTERS) for _unused in range(20)),
        region=call.region,
        iam_role=ssm_name(role),
        registration_limit=limit,
        created=call.state.clock.now(),
        expires=expires,
        description=call.params.get("Description"),
        default_instance_name=call.params.get("DefaultInstanceName"),
        tags={tag["Key"]: tag["Value"] for tag in call.params.get("Tags") or []},
    )
    call.state.activations[activation.activation_id] = activation
    call.state.activation_codes.append(activation.code)
    return {"ActivationId": activation.activation_id, "ActivationCode": activation.code}


def _wanted(activation: Activation, filters: list[dict[str, Any]]) -> bool:
    members = {
        "ActivationIds": activation.activation_id,
        "DefaultInstanceName": activation.default_instance_name,
        "IamRole": activation.iam_role,
    }
    for one in filters:
        if one.get("FilterKey") not in members:
            raise AwsError("InvalidFilter", f"The filter name isn't valid: {one.get('FilterKey')}")
        if members[one["FilterKey"]] not in one.get("FilterValues", []):
            return False
    return True


@operation("ssm", "DescribeActivations")
def describe_activations(call: Call) -> dict[str, Any]:
    """Activations of the region, used-up and expired ones too, until they are deleted."""
    state = call.state
    filters = call.params.get("Filters") or []
    found = [a for a in state.activations.values() if a.region == call.region and _wanted(a, filters)]
    shown, token = page(
        found,
        call.params.get("MaxResults", 50),
        call.params.get("NextToken"),
        state.settings.page_size_limit,
        AwsError("InvalidNextToken", "The specified token isn't valid."),
    )
    answer: dict[str, Any] = {"ActivationList": [a.describe(state.clock.now()) for a in shown]}
    return {**answer, "NextToken": token} if token else answer


@operation("ssm", "DeleteActivation")
def delete_activation(call: Call) -> dict[str, Any]:
    """Delete an activation; nodes registered with it stay."""
    activation_id = call.params["ActivationId"]
    activation = call.state.activations.get(activation_id)
    if activation is None or activation.region != call.region:
        raise AwsError("InvalidActivation", f"Activation {activation_id} does not exist.")
    del call.state.activations[activation_id]
    return {}


def redeem(call: Call) -> Activation:
    """Use one registration of the activation that a host presents.

    :raises AwsError: InvalidActivation, ActivationExpired or RegistrationLimitExceeded; AWS leaves their messages empty
    """
    activation = call.state.activations.get(call.params["ActivationId"])
    if activation is None:  # the call is unsigned and so names no region: activations are looked up across them
        raise AwsError("InvalidActivation")
    if activation.code != call.params["ActivationCode"]:
        raise AwsError("InvalidActivation")
    if activation.is_expired(call.state.clock.now()):
        raise AwsError("ActivationExpired")
    if activation.registrations >= activation.registration_limit:
        raise AwsError("RegistrationLimitExceeded")
    activation.registrations += 1
    return activation
