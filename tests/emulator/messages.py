# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's message channels: ec2messages' long poll and the control channel of ssmmessages."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any
from xml.sax.saxutils import escape

from .calls import Call, operation
from .errors import AwsError
from .nodes import reporting_node
from .shapes import require
from .sockets import ConnectionClosed, Socket

POLL_STEP_SECONDS = 0.25


@operation("ec2messages", "GetMessages")
def get_messages(call: Call) -> dict[str, Any]:
    """Wait, then answer that there is nothing. Called without the lock."""
    with call.state.lock:
        reporting_node(call, "Destination")
    time.sleep(call.state.settings.message_poll_seconds)
    return {
        "Destination": call.params["Destination"],
        "Messages": [],
        "MessagesRequestId": call.params.get("MessagesRequestId"),
    }


@operation("ssmmessages", "CreateControlChannel")
def create_control_channel(call: Call) -> dict[str, Any]:
    """A token with which the node opens the websocket; the members are those that the agent's own model requires."""
    require(call.params, "MessageSchemaVersion", "RequestId")
    node = reporting_node(call, "InstanceId")
    token = f"TOKEN-{uuid.uuid4().hex}"
    call.state.control_tokens[token] = node.instance_id
    return {"MessageSchemaVersion": call.params["MessageSchemaVersion"], "TokenValue": token}


def control_channel(call: Call, socket: Socket) -> None:
    """Serve an open control channel until either side closes it."""
    node = reporting_node(call, "InstanceId")
    try:
        token = json.loads(socket.receive(timeout=30) or "")["TokenValue"]
    except ConnectionClosed:
        return
    except (ValueError, KeyError, TypeError):
        socket.close(1008, "the first message must bring the token")
        return
    if call.state.control_tokens.get(token) != node.instance_id:
        socket.close(1008, "the token is not this node's")
        return
    with call.state.lock:
        node.channels.add(socket)
    try:
        while socket.connected:
            socket.receive()
    except ConnectionClosed:
        return
    finally:
        with call.state.lock:
            node.channels.discard(socket)


def refused(call: Call) -> AwsError | None:
    """Why a control channel may not be opened, or None."""
    try:
        reporting_node(call, "InstanceId")
    except AwsError as error:
        return error
    return None


def control_channel_xml(result: dict[str, Any]) -> bytes:
    """The answer to CreateControlChannel, which is XML though the request is JSON."""
    return (
        f"<CreateControlChannelResponse><MessageSchemaVersion>{escape(result['MessageSchemaVersion'])}"
        f"</MessageSchemaVersion><TokenValue>{result['TokenValue']}</TokenValue></CreateControlChannelResponse>"
    ).encode()
