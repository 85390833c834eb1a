# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in pages, with opaque tokens."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from .calls import Call
from .errors import AwsError

T = TypeVar("T")


def page(
    items: Sequence[T], size: int | None, token: str | None, limit: int | None, refusal: AwsError
) -> tuple[list[T], str | None]:
    """One page of a list.

    :param size: how many the caller wants, None for all
    :param token: where the last page ended
    :param limit: the emulator's own limit of a page, if any
    :param refusal: raised for a token that is not one of ours
    :returns: the page, and the token of the next one or None
    """
    start = 0
    if token:
        try:
            mark, _unused, number = base64.b64decode(token, validate=True).decode().partition(":")
            start = int(number)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise refusal from None
        if mark != "page":
            raise refusal
    count = min(n for n in (size, limit, len(items)) if n is not None)
    end = start + count
    more = end < len(items) and count > 0
    return list(items[start:end]), base64.b64encode(f"page:{end}".encode()).decode() if more else None


def ecs_page(call: Call, member: str, items: Sequence[Any], usual: int = 100, most: int = 100) -> dict[str, Any]:
    """One page as ECS answers it: ``maxResults`` from 1 to most.

    :param usual: how many it lists when it is not told
    :raises AwsError: InvalidParameterException
    """
    size = usual if call.params.get("maxResults") is None else call.params["maxResults"]
    if not 1 <= size <= most:
        raise AwsError("InvalidParameterException", f"maxResults must be between 1 and {most}.")
    bad = AwsError("InvalidParameterException", "Invalid token: nextToken")
    shown, token = page(items, size, call.params.get("nextToken"), call.state.settings.page_size_limit, bad)
    answer: dict[str, Any] = {member: shown}
    return {**answer, "nextToken": token} if token else answer
