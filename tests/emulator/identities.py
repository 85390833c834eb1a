# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signed a call: the controller, a node, or a user or role session that was made in moto."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.sts.models import sts_backends

from .calls import ANONYMOUS, Caller, Request, partition_of
from .constants import ACCESS_KEY, ACCOUNT, CONTROLLER, SECRET_KEY
from .nodes import session_arn
from .roles import iam

if TYPE_CHECKING:
    from .state import State

CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
SIGNED_HEADERS = re.compile(r"SignedHeaders=([^,\s]+)")
SIGNATURE = re.compile(r"Signature=([^,\s]+)")


@dataclass(frozen=True)
class Authorization:
    """The Authorization header, taken apart."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def parse_authorization(request: Request) -> Authorization | None:
    """The Authorization header of SigV4, or None when there is none that can be read."""
    text = request.headers.get("authorization", "")
    credential, headers, signature = (p.search(text) for p in (CREDENTIAL, SIGNED_HEADERS, SIGNATURE))
    if not (credential and headers and signature):
        return None
    return Authorization(
        access_key=credential["key"],
        date=credential["date"],
        region=credential["region"],
        service=credential["service"],
        signed_headers=tuple(headers.group(1).split(";")),
        signature=signature.group(1),
    )


@dataclass(frozen=True)
class Credentials:
    """What a key's signatures are checked with."""

    secret_key: str
    token: str | None = None
    expires: float | None = None


def identify(state: State, authorization: Authorization | None) -> tuple[Caller, Credentials | None]:
    """The caller behind a key, and the key's secret; no secret for nodes' own keys and unknown ones."""
    if authorization is None:
        return ANONYMOUS, None
    key, partition = authorization.access_key, partition_of(authorization.region)
    if key == ACCESS_KEY:
        arn = f"arn:{partition}:iam::{ACCOUNT}:user/{CONTROLLER}"
        return Caller("controller", CONTROLLER, arn, key), Credentials(SECRET_KEY)
    if key.startswith("mi-"):
        return Caller("node", key, "", key), None
    if key in state.sessions:
        session = state.sessions[key]
        arn = session_arn(partition, session.role, session.instance_id)
        return (
            Caller("node", session.instance_id, arn, key),
            Credentials(session.secret_key, session.token, session.expires),
        )
    return _of_moto(key, partition)


def _of_moto(key: str, partition: str) -> tuple[Caller, Credentials | None]:
    """Access keys of IAM users, and sessions of AssumeRole."""
    user = iam(partition).get_user_from_access_key_id(key)
    if user is not None:
        secret = user.get_access_key_by_id(key).secret_access_key
        return Caller("user", user.name, user.arn, key), Credentials(secret)
    role = sts_backends[ACCOUNT][partition].get_assumed_role_from_access_key(key)
    if role is not None:
        expires = role.expiration.timestamp()
        return Caller("role", role.role_arn, role.arn, key), Credentials(
            role.secret_access_key, role.session_token, expires
        )
    return Caller("anonymous", key, "", key), None
