# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which operation of which service an HTTP request asks for."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from .calls import Request
from .errors import AwsError
from .identities import Authorization

TARGETS = {
    "AmazonSSM": "ssm",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "EC2WindowsMessageDeliveryService": "ec2messages",
    "secretsmanager": "secretsmanager",
}
CONTROL_CHANNEL = re.compile(r"^/v1/control-channel/(?P<node>[^/]+)$")


def read_request(environ: dict[str, Any]) -> Request:
    """The request with its body, also a chunked one."""
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    chunked = environ.get("wsgi.input_terminated")
    body = stream.read(int(length)) if length else (stream.read() if chunked else b"")
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    path, _unused, query = environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")
    return Request(environ["REQUEST_METHOD"], path, query, headers, body, environ["wsgi.url_scheme"], environ)


def is_websocket(request: Request) -> bool:
    """True when the caller wants to upgrade the connection."""
    return request.headers.get("upgrade", "").lower() == "websocket"


def _no_number(text: str) -> None:
    """Python reads NaN and Infinity, which are no JSON.

    :raises ValueError: always
    """
    raise ValueError(text)


def _json_body(request: Request) -> dict[str, Any]:
    try:
        params = json.loads(request.body or b"{}", parse_constant=_no_number)
    except ValueError:
        raise AwsError("SerializationException", "The body is not JSON.") from None
    if not isinstance(params, dict):
        raise AwsError("SerializationException", "The body is not a JSON object.")
    return params


def recognise(request: Request, authorization: Authorization | None) -> tuple[str, str, dict[str, Any]]:
    """Service, operation and parameters; those of the Query protocol are still flat."""
    target = request.headers.get("x-amz-target")
    if target:
        prefix, _unused, operation = target.rpartition(".")
        return TARGETS.get(prefix, prefix), operation, _json_body(request)
    channel = CONTROL_CHANNEL.match(unquote(request.path))
    if channel:
        operation = "OpenControlChannel" if is_websocket(request) else "CreateControlChannel"
        return "ssmmessages", operation, {**_json_body(request), "InstanceId": channel["node"]}
    if is_websocket(request) and request.path == "/ws":
        acs = "sendCredentials=" in request.query
        return "ecs", "Poll" if acs else "StartTelemetrySession", {}
    flat = dict(parse_qsl(request.query, keep_blank_values=True))
    if "form-urlencoded" in request.headers.get("content-type", ""):
        flat.update(parse_qsl(request.body.decode(), keep_blank_values=True))
    service = authorization.service if authorization else "unsigned"
    return service, flat.get("Action", f"{request.method} {request.path}"), flat
