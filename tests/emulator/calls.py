# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of AWS's API: what was asked, by whom, and how to register a function that answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .constants import ACCOUNT

if TYPE_CHECKING:
    from .state import State


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came over the wire."""

    method: str
    path: str
    """Raw, as sent, without the query."""
    query: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    scheme: str
    environ: dict[str, Any]

    @property
    def origin(self) -> str:
        """Scheme and host under which the caller reached the emulator, without a slash at the end."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"


@dataclass(frozen=True)
class Caller:
    """Who signed the call."""

    kind: str
    """controller, node, user, role or anonymous"""
    name: str
    arn: str = ""
    access_key: str = ""

    @property
    def is_agent(self) -> bool:
        """True for the programs on the hosts, whose calls are counted apart."""
        return self.kind in ("node", "anonymous")


ANONYMOUS = Caller("anonymous", "anonymous")


@dataclass
class Call:
    """A call that has been recognised."""

    service: str
    operation: str
    params: dict[str, Any]
    region: str
    caller: Caller
    request: Request
    state: State
    request_id: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def partition(self) -> str:
        """aws, aws-cn, aws-us-gov …, by the region."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """An ARN in this account; region is the call's unless given."""
        return f"arn:{self.partition}:{service}:{self.region if region is None else region}:{ACCOUNT}:{resource}"


def arn_in(region: str, service: str, resource: str) -> str:
    """An ARN in this account and a region."""
    return f"arn:{partition_of(region)}:{service}:{region}:{ACCOUNT}:{resource}"


def partition_of(region: str) -> str:
    """The partition that a region belongs to."""
    for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc")):
        if region.startswith(prefix):
            return partition
    return "aws"


Handler = Callable[[Call], Any]
HANDLERS: dict[tuple[str, str], Handler] = {}
"""Operations that the emulator answers itself; all others are moto's."""

RULES: dict[tuple[str, str], list[Handler]] = {}
"""Checks made before moto sees a call; they raise AwsError."""


def operation(service: str, *names: str) -> Callable[[Handler], Handler]:
    """Register a function as the answer to operations of a service."""

    def register(function: Handler) -> Handler:
        for name in names:
            HANDLERS[service, name] = function
        return function

    return register


def rule(service: str, *names: str) -> Callable[[Handler], Handler]:
    """Register a check to be made before an operation is performed."""

    def register(function: Handler) -> Handler:
        for name in names:
            RULES.setdefault((service, name), []).append(function)
        return function

    return register
