# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as AWS words them, and how each protocol writes them."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape


class AwsError(Exception):
    """An answer that refuses: code and message as AWS gives them."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class SocketEnded(Exception):
    """A websocket was served and is closed: there is nothing to answer any more."""


def json_error(error: AwsError) -> bytes:
    """The body of an error in the JSON protocols."""
    return json.dumps({"__type": error.code, "message": error.message}).encode()


def socket_error(error: AwsError) -> bytes:
    """The body of a refused websocket of ECS: nothing but the code as the name of the message, or no agent reads it."""
    return json.dumps({error.code: error.message}).encode()


def xml_error(error: AwsError, request_id: str) -> bytes:
    """The body of an error in the Query protocol."""
    kind = "Sender" if error.status < 500 else "Receiver"
    return (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
