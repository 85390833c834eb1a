# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call at all: signatures, by kind of call."""

from __future__ import annotations

from .authorization import NODE_KEY, UNSIGNED
from .calls import Call
from .errors import AwsError
from .identities import Authorization, Credentials
from .signatures import MISMATCH, Signed, refusal, verify, verify_node


def authenticate(call: Call, authorization: Authorization | None, credentials: Credentials | None) -> None:
    """Refuse a call whose signature is missing, wrong, or of the wrong kind.

    :raises AwsError: as AWS refuses
    """
    key, now = (call.service, call.operation), call.state.clock.now()
    if key in UNSIGNED:
        return
    if key in NODE_KEY:
        if authorization is None:
            raise refusal(call.service, "missing", "Missing Authentication Token")
        node = call.state.nodes.get(authorization.access_key)
        if node is None or node.region != authorization.region:
            raise AwsError("InvalidInstanceId", f"Not existing InstanceId {authorization.access_key}")
        verify_node(call.request, authorization, node, now)
        return
    if authorization and authorization.access_key.startswith("mi-"):
        raise refusal(call.service, "mismatch", MISMATCH)
    verify(Signed(call.service, call.request, authorization), call.caller, credentials, now)
