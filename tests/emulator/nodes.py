# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed nodes of SSM: registration, the role's credentials, reports, and what administrators see and do."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .activations import redeem
from .authorization import demand_pass_role
from .calls import Call, operation
from .constants import ACCOUNT
from .errors import AwsError
from .pagination import page
from .roles import assumable_by_ssm, find_role, ssm_name, trusted_role
from .shapes import require, require_text
from .sockets import Socket, hang_up

REPORTED = (
    "AgentName",
    "AgentStatus",
    "AgentVersion",
    "ComputerName",
    "IPAddress",
    "PlatformName",
    "PlatformType",
    "PlatformVersion",
)
KEY_LETTERS = string.ascii_uppercase + "234567"
#: What the agents make and nothing else: what AWS would say to other kinds and sizes is not known.
KEY_TYPE, KEY_BITS = "Rsa", 2048


@dataclass
class Node:
    """A registered machine."""

    instance_id: str
    region: str
    activation_id: str
    iam_role: str
    fingerprint: str
    public_key: str
    registered: float
    name: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    reported: dict[str, str] = field(default_factory=dict)
    first_ping: float | None = None
    last_ping: float | None = None
    channels: set[Socket] = field(default_factory=set)
    forced_status: str | None = None

    def ping_status(self, call: Call) -> str:
        """Online or ConnectionLost, or what a test has forced."""
        settings, now = call.state.settings, call.state.clock.now()
        if self.forced_status:
            return self.forced_status
        if self.first_ping is None or self.last_ping is None or now < self.first_ping + settings.online_delay_seconds:
            return "ConnectionLost"
        fresh = now - self.last_ping < settings.connection_lost_seconds
        return "Online" if fresh or self.channels else "ConnectionLost"


@dataclass(frozen=True)
class NodeSession:
    """Credentials that a node holds for a while: a session of its role, named as the node."""

    access_key: str
    secret_key: str
    token: str
    expires: float
    instance_id: str
    role: str


def checked_public_key(text: str, kind: Any) -> str:
    """The key as sent, when it is said to be an RSA key and is one of 2048 bits in base64 SPKI form.

    :raises AwsError: InvalidPublicKey
    """
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise AwsError("InvalidPublicKey") from None
    if kind != KEY_TYPE or not isinstance(key, RSAPublicKey) or key.key_size != KEY_BITS:
        raise AwsError("InvalidPublicKey")
    return text


@operation("ssm", "RegisterManagedInstance")
def register_managed_instance(call: Call) -> dict[str, Any]:
    """A host becomes a node. Unsigned: the activation is the proof, and nothing of it is used by a refused call."""
    require(call.params, "ActivationCode", "ActivationId", "Fingerprint", "PublicKey")
    key = checked_public_key(call.params["PublicKey"], call.params.get("PublicKeyType"))
    if any(node.public_key == key for node in call.state.nodes.values()):
        raise AwsError("InstanceAlreadyRegistered")
    activation = redeem(call)
    node = Node(
        instance_id=f"mi-{uuid.uuid4().hex[:17]}",
        region=activation.region,
        activation_id=activation.activation_id,
        iam_role=activation.iam_role,
        fingerprint=call.params["Fingerprint"],
        public_key=key,
        registered=call.state.clock.now(),
        name=activation.default_instance_name,
        tags=dict(activation.tags),
    )
    call.state.nodes[node.instance_id] = node
    return {"InstanceId": node.instance_id}


def node_of(call: Call, instance_id: str) -> Node:
    """The node of this id in the call's region.

    :raises AwsError: InvalidInstanceId
    """
    node = call.state.nodes.get(instance_id)
    if node is None or node.region != call.region:
        raise AwsError("InvalidInstanceId", f"Not existing InstanceId {instance_id}")
    return node


def own_node(call: Call) -> Node:
    """The node that makes the call.

    :raises AwsError: InvalidInstanceId when it has been deregistered
    """
    return node_of(call, call.caller.name)


@operation("ssm", "RequestManagedInstanceRoleToken")
def request_role_token(call: Call) -> dict[str, Any]:
    """Credentials of the node's role, for a node that shows the fingerprint it registered with."""
    require(call.params, "Fingerprint")
    node = own_node(call)
    if call.params["Fingerprint"] != node.fingerprint:
        raise AwsError("MachineFingerprintDoesNotMatch", f"Fingerprint does not match for {node.instance_id}")
    role = find_role(call.partition, node.iam_role)
    if role is None or not assumable_by_ssm(call, role, node.instance_id):
        raise AwsError("AccessDeniedException", f"Systems Manager could not assume the role {node.iam_role}")
    used: Any = role  # moto declares the region of the last use as always None
    used.last_used, used.last_used_region = call.state.clock.datetime().replace(tzinfo=None), call.region
    settings, now = call.state.settings, call.state.clock.now()
    session = NodeSession(
        access_key="ASIA" + "".join(secrets.choice(KEY_LETTERS) for _unused in range(16)),
        secret_key=secrets.token_urlsafe(30),
        token=secrets.token_urlsafe(120),
        expires=now + settings.token_lifetime_seconds,
        instance_id=node.instance_id,
        role=node.iam_role,
    )
    call.state.sessions[session.access_key] = session
    return {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret_key,
        "SessionToken": session.token,
        "TokenExpirationDate": session.expires,
        "UpdateKeyPair": bool(settings.update_key_pair),
    }


@operation("ssm", "UpdateManagedInstancePublicKey")
def update_public_key(call: Call) -> dict[str, Any]:
    """The node changes its key pair; the call was signed with the old one."""
    require(call.params, "NewPublicKey", "NewPublicKeyType")
    own_node(call).public_key = checked_public_key(call.params["NewPublicKey"], call.params["NewPublicKeyType"])
    return {}


def reporting_node(call: Call, member: str) -> Node:
    """The node that a report is about; a node may speak only of itself."""
    instance_id = str(call.params.get(member))
    node = node_of(call, instance_id)
    if call.caller.kind == "node" and call.caller.name != instance_id:
        raise AwsError("AccessDeniedException", f"{call.caller.arn} may not speak for {instance_id}")
    return node


@operation("ssm", "UpdateInstanceInformation")
def update_instance_information(call: Call) -> dict[str, Any]:
    """A node reports that it lives; with an AgentStatus it is a ping."""
    require(call.params, "InstanceId")
    require_text(call.params, *REPORTED)
    node = reporting_node(call, "InstanceId")
    node.reported.update({name: call.params[name] for name in REPORTED if call.params.get(name)})
    if call.params.get("AgentStatus") == "Active":
        node.last_ping = call.state.clock.now()
        node.first_ping = node.first_ping or node.last_ping
    return {}


@operation("ssm", "ListInstanceAssociations")
def list_instance_associations(call: Call) -> dict[str, Any]:
    """Nothing is ever associated."""
    reporting_node(call, "InstanceId")
    return {"Associations": []}


def version_tuple(version: str) -> tuple[int, ...]:
    """For comparing: 3.3.1142.0 → (3, 3, 1142, 0)."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def describe(node: Node, call: Call) -> dict[str, Any]:
    """A node as DescribeInstanceInformation shows it."""
    version = node.reported.get("AgentVersion", "")
    latest = call.state.settings.latest_ssm_agent_version
    shown: dict[str, Any] = {
        "InstanceId": node.instance_id,
        "PingStatus": node.ping_status(call),
        "AgentVersion": version,
        "IsLatestVersion": bool(version) and version_tuple(version) >= version_tuple(latest),
        "ActivationId": node.activation_id,
        "IamRole": node.iam_role,
        "RegistrationDate": node.registered,
        "ResourceType": "ManagedInstance",
        "SourceId": node.instance_id,
        "SourceType": "AWS::SSM::ManagedInstance",
    }
    if node.last_ping is not None:
        shown["LastPingDateTime"] = node.last_ping
    if node.name is not None:
        shown["Name"] = node.name
    for name in ("PlatformType", "PlatformName", "PlatformVersion", "IPAddress", "ComputerName"):
        if node.reported.get(name):
            shown[name] = node.reported[name]
    return shown


FILTERS = {
    "SourceIds": "SourceId",
    "SourceTypes": "SourceType",
    "InstanceIds": "InstanceId",
    "AgentVersion": "AgentVersion",
    "PingStatus": "PingStatus",
    "PlatformTypes": "PlatformType",
    "ActivationIds": "ActivationId",
    "IamRole": "IamRole",
    "ResourceType": "ResourceType",
    "AssociationStatus": "AssociationStatus",
}


FILTER_VALUES = {
    "PingStatus": {"Online", "ConnectionLost", "Inactive"},
    "PlatformTypes": {"Windows", "Linux", "MacOS"},
    "ResourceType": {"EC2Instance", "ManagedInstance"},
    "AssociationStatus": {"Success", "Pending", "Failed"},
}


def _by_tag(key: str) -> bool:
    return key == "tag-key" or (key.startswith("tag:") and key != "tag:")


def _filters(call: Call) -> list[tuple[str, list[str]]]:
    """The filters of DescribeInstanceInformation.

    What is refused is documented; the words are ours, and so is the code for a mixture.

    :raises AwsError: for an unknown key or value, and for mixtures that AWS does not take
    """
    new, old = call.params.get("Filters") or [], call.params.get("InstanceInformationFilterList") or []
    if new and old:
        raise AwsError("ValidationException", "Filters and InstanceInformationFilterList can't be used together.")
    filters = [(one["Key"], one["Values"]) for one in new] + [(one["key"], one["valueSet"]) for one in old]
    for key, values in filters:
        if key not in FILTERS and not _by_tag(key):
            raise AwsError("InvalidFilterKey", f"The specified key isn't valid: {key}")
        wrong = set(values) - FILTER_VALUES.get(key, set(values))
        if wrong:
            raise AwsError("InvalidInstanceInformationFilterValue", f"The filter values aren't valid: {sorted(wrong)}")
    if len({_by_tag(key) for key, _values in filters}) > 1:
        raise AwsError("InvalidFilterKey", "Tag filters can't be combined with other filter types.")
    return filters


def _matches(node: Node, shown: dict[str, Any], key: str, values: list[str]) -> bool:
    if key == "tag-key":
        return any(value in node.tags for value in values)
    if _by_tag(key):
        return node.tags.get(key[4:]) in values
    return shown.get(FILTERS[key]) in values


@operation("ssm", "DescribeInstanceInformation")
def describe_instance_information(call: Call) -> dict[str, Any]:
    """Managed nodes of the region."""
    filters = _filters(call)
    found = []
    for node in call.state.nodes.values():
        shown = describe(node, call)
        if node.region == call.region and all(_matches(node, shown, key, values) for key, values in filters):
            found.append(shown)
    listed, token = page(
        found,
        call.params.get("MaxResults", 10),
        call.params.get("NextToken"),
        call.state.settings.page_size_limit,
        AwsError("InvalidNextToken", "The specified token isn't valid."),
    )
    answer: dict[str, Any] = {"InstanceInformationList": listed}
    return {**answer, "NextToken": token} if token else answer


@operation("ssm", "DeregisterManagedInstance")
def deregister_managed_instance(call: Call) -> dict[str, Any]:
    """Forget a node. Its agent learns of it when it asks for credentials next."""
    node = node_of(call, call.params["InstanceId"])
    del call.state.nodes[node.instance_id]
    hang_up(node.channels)
    return {}


@operation("ssm", "UpdateManagedInstanceRole")
def update_managed_instance_role(call: Call) -> dict[str, Any]:
    """Give a node another role, from its next credentials on."""
    node = node_of(call, call.params["InstanceId"])
    role = trusted_role(call, call.params["IamRole"], "ssm.amazonaws.com")
    demand_pass_role(call, role.arn, "ssm.amazonaws.com")
    node.iam_role = ssm_name(role)
    return {}


def session_arn(partition: str, role: str, instance_id: str) -> str:
    """The ARN under which a node's calls are made: it has no path."""
    return f"arn:{partition}:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{instance_id}"
