# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in pages, with opaque tokens."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

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
