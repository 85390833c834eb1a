# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STS: GetCallerIdentity, for every kind of caller."""

from __future__ import annotations

from xml.sax.saxutils import escape

from .calls import Call, operation
from .constants import ACCOUNT


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call) -> tuple[int, list[tuple[str, str]], bytes]:
    """Who calls. The partition is that of the region the call was signed for."""
    user_id = "AIDAEMULATOR000000001" if call.caller.kind == "controller" else call.caller.access_key
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{escape(call.caller.arn)}</Arn><UserId>{user_id}</UserId><Account>{ACCOUNT}</Account>"
        f"</GetCallerIdentityResult><ResponseMetadata><RequestId>{call.request_id}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )
    return 200, [("Content-Type", "text/xml")], body.encode()
