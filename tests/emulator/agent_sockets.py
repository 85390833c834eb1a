# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ECS agent's websockets: ACS, by which it takes orders, and TCS, by which it tells its metrics."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import replace
from urllib.parse import parse_qs

from .calls import Call
from .container_instances import ContainerInstance
from .errors import AwsError
from .identities import identify, parse_authorization
from .scheduler import settle
from .signatures import Signed, verify
from .sockets import ConnectionClosed, Socket

HEARTBEAT_SECONDS = 30
ACKNOWLEDGED = {
    "PublishMetricsRequest": "AckPublishMetric",
    "PublishHealthRequest": "AckPublishHealth",
    "PublishInstanceStatusRequest": "AckPublishInstanceStatus",
}
PUBLISHED = re.compile(rf'"type":\s*"({"|".join(ACKNOWLEDGED)})"')


def _heartbeat() -> str:
    return json.dumps({"type": "HeartbeatMessage", "message": {"healthy": True, "messageId": str(uuid.uuid4())}})


def is_acs(query: dict[str, list[str]]) -> bool:
    """ACS is asked with ``sendCredentials``; TCS names its cluster and instance otherwise."""
    return "sendCredentials" in query or "containerInstanceArn" in query


def instance_of(call: Call) -> ContainerInstance:
    """The container instance whose agent opens the socket.

    :raises AwsError: when it is not known, or not the caller's
    """
    query = parse_qs(call.request.query)
    arn = (query.get("containerInstanceArn") or query.get("containerInstance") or [""])[0]
    instance = call.state.instance_of_arn(arn)
    if instance is None:
        # Each has its own word for it.
        code = "InvalidInstanceException" if is_acs(query) else "InvalidParameterException"
        raise AwsError(code, "Container instance not found.")
    if call.caller.kind == "node" and instance.instance_id != call.caller.name:
        raise AwsError("AccessDeniedException", f"{call.caller.arn} may not speak for {arn}", 403)
    if not instance.is_registered:
        raise AwsError("InactiveInstanceException", "Container instance is not active.")
    return instance


def _note_versions(instance: ContainerInstance, query: dict[str, list[str]]) -> None:
    for name in ("agentVersion", "agentHash", "dockerVersion"):
        if query.get(name):
            instance.version_info[name] = query[name][0]


def serve(call: Call, socket: Socket) -> None:
    """Serve one socket until either side closes it."""
    query = parse_qs(call.request.query)
    instance = instance_of(call)
    sockets = instance.acs_sockets if is_acs(query) else instance.tcs_sockets
    with call.state.lock:
        sockets.add(socket)
        if is_acs(query):
            _note_versions(instance, query)
            settle(call.state, call.region)
    try:
        while socket.connected:
            socket.send(_heartbeat())
            _answer_for(call, socket, HEARTBEAT_SECONDS)
    except (ConnectionClosed, OSError):
        return
    finally:
        with call.state.lock:
            sockets.discard(socket)


def _answer_for(call: Call, socket: Socket, seconds: float) -> None:
    """Take what the agent sends for so long; its metrics are acknowledged."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        text = socket.receive(timeout=left)
        published = PUBLISHED.search(text) if isinstance(text, str) else None
        if not isinstance(text, str) or published is None:
            continue
        try:
            _verify_metrics(call, text)
        except AwsError as error:
            socket.close(1008, error.code)
            return
        socket.send(json.dumps({"type": ACKNOWLEDGED[published.group(1)], "message": {"message": "OK"}}))


def _verify_metrics(call: Call, text: str) -> None:
    """Metrics come signed: headers, an empty line, and the message; signed as a GET of the socket's own address.

    :raises AwsError: when the signature is wrong
    """
    if not call.state.settings.strict:
        return
    head, _unused, body = text.partition("\r\n\r\n")
    headers = {name.lower(): value for name, _unused, value in (line.partition(": ") for line in head.split("\r\n"))}
    request = replace(call.request, headers=headers, body=body.encode())
    authorization = parse_authorization(request)
    caller, credentials = identify(call.state, authorization)
    verify(Signed("ecs", request, authorization), caller, credentials, call.state.clock.now())
