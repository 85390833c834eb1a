# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a call: recognise, fault, verify, authorise, validate, answer, record."""

from __future__ import annotations

import json
import time
import traceback
import uuid
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from . import agent_sockets, control, messages, moto_bridge, operations
from .authentication import authenticate
from .authorization import NODE_KEY, UNSIGNED, authorise
from .calls import ANONYMOUS, HANDLERS, RULES, Call, Request
from .errors import AwsError, Dropped, SocketEnded, json_error, socket_error, xml_error
from .identities import Authorization, Credentials, identify, parse_authorization
from .recognition import is_websocket, read_request, recognise
from .shapes import QUERY_SERVICES, check_answer, operation_model, parse_query, validate
from .sockets import accept
from .state import State

Answer = tuple[int, list[tuple[str, str]], bytes]
JSON = "application/x-amz-json-1.1"
UNLOCKED = {("ec2messages", "GetMessages")}
SOCKETS = {("ssmmessages", "OpenControlChannel"), ("ecs", "Poll"), ("ecs", "StartTelemetrySession")}

__all__ = ["Application", "operations"]


class Application:
    """The WSGI application."""

    def __init__(self, state: State) -> None:
        self.state = state

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request.

        :raises ConnectionError: to make the server close the connection at once
        """
        request = read_request(environ)
        if request.path.startswith(control.PREFIX):
            status, headers, body = control.answer(self.state, request)
        else:
            try:
                status, headers, body = self.serve(request)
            except (Dropped, SocketEnded):
                raise ConnectionError from None
        headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def serve(self, request: Request) -> Answer:
        """Answer one call of AWS's API, and put it on record."""
        request_id = str(uuid.uuid4())
        call = Call("unknown", f"{request.method} {request.path}", {}, "", ANONYMOUS, request, self.state, request_id)
        code = ""
        unknown = False
        try:
            status, headers, body = self._perform(call)
        except AwsError as error:
            status, code = error.status, error.code
            unknown = status == 501
            headers, body = _error(call, error)
        except SocketEnded:
            raise  # it was recorded when it was opened
        except Dropped:
            self._record(call, 0, "ConnectionDropped", False)
            raise
        except Exception:  # a defect of the emulator must not look like a fault of AWS
            failure = AwsError("EmulatorFailure", traceback.format_exc(limit=-4), 501)
            status, code, unknown = failure.status, failure.code, True
            headers, body = _error(call, failure)
        self._record(call, status, code or _code_in(status, body), unknown)
        return status, [("x-amzn-RequestId", request_id), *headers], body

    def _record(self, call: Call, status: int, code: str, unknown: bool) -> None:
        entry = {
            "caller": call.caller.name,
            "service": call.service,
            "operation": call.operation,
            "region": call.region,
            "status": status,
            "code": code,
            "params": call.params,
        }
        self.state.journal.record(entry, call.caller.is_agent, unknown)

    def _perform(self, call: Call) -> Answer:
        request = call.request
        authorization = parse_authorization(request)
        call.service, call.operation, call.params = recognise(request, authorization)
        call.region = authorization.region if authorization else "us-east-1"
        with self.state.lock:
            call.caller, credentials = identify(self.state, authorization)
        if self.state.settings.delay_ms:
            time.sleep(self.state.settings.delay_ms / 1000)
        fault = self.state.faults.take(call.service, call.operation, (call.caller.kind, call.caller.name))
        if fault and fault.kind == "delay":
            time.sleep(fault.seconds)
            fault = None
        if fault and not fault.after:
            if fault.kind == "drop":
                raise Dropped
            raise fault.error(call.service)
        answer = self._answer(call, authorization, credentials)
        if fault:
            if fault.kind == "drop":
                raise Dropped
            raise fault.error(call.service)
        return answer

    def _answer(self, call: Call, authorization: Authorization | None, credentials: Credentials | None) -> Answer:
        key = (call.service, call.operation)
        if not (key in HANDLERS or key in SOCKETS or moto_bridge.implements(*key)):
            raise AwsError("NotImplemented", f"the emulator does not know {call.service}:{call.operation}", 501)
        with self.state.lock:
            if self.state.settings.strict:
                authenticate(call, authorization, credentials)
            _check_parameters(call)
            if self.state.settings.strict and key not in UNSIGNED | NODE_KEY:
                authorise(call)
        if key in SOCKETS:
            return self._socket(call)
        if key in UNLOCKED:
            return _success(call, HANDLERS[key](call))
        with self.state.lock:
            for check in RULES.get(key, []):
                check(call)
            if key in HANDLERS:
                return _success(call, HANDLERS[key](call))
            return moto_bridge.forward(call.request)

    def _socket(self, call: Call) -> Answer:
        """Check, upgrade, and serve the socket until it closes; the connection cannot be used any more then."""
        if call.service == "ssmmessages":
            error = messages.refused(call)
            if error:
                raise error
        else:
            agent_sockets.instance_of(call)
        self._record(call, 101, "", False)
        socket = accept(call.request.environ)
        if call.service == "ssmmessages":
            messages.control_channel(call, socket)
        else:
            agent_sockets.serve(call, socket)
        raise SocketEnded


def _check_parameters(call: Call) -> None:
    """Parse the Query protocol, and refuse what AWS's model does not allow."""
    model = operation_model(call.service, call.operation)
    if model is not None and model.input_shape is not None and call.service in QUERY_SERVICES:
        call.params = parse_query(model.input_shape, call.params)
    validate(call.service, call.operation, call.params)


def _success(call: Call, result: Any) -> Answer:
    if isinstance(result, tuple):
        return result
    if call.state.settings.check_answers:
        check_answer(call.service, call.operation, result)
    if call.service == "ssmmessages":
        return 201, [("Content-Type", "application/xml")], messages.control_channel_xml(result)
    return 200, [("Content-Type", JSON)], json.dumps(result).encode()


def _error(call: Call, error: AwsError) -> tuple[list[tuple[str, str]], bytes]:
    headers = [("Content-Type", JSON), ("x-amzn-ErrorType", error.code)]
    if is_websocket(call.request) and call.service == "ecs":
        return headers, socket_error(error)
    if call.request.headers.get("x-amz-target") or is_websocket(call.request) or call.service == "ssmmessages":
        return headers, json_error(error)
    return [("Content-Type", "text/xml")], xml_error(error, call.request_id)


def _code_in(status: int, body: bytes) -> str:
    """The error code in an answer that moto made."""
    if status < 400:
        return ""
    if body[:1] == b"{":
        return str(json.loads(body).get("__type", "")).rpartition("#")[2]
    return body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode(errors="replace")
