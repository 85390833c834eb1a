# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches that tests may set over HTTP (``POST /_emulator/settings``)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .clock import Clock


@dataclass
class Settings:
    """Every switch with its default; the names are those of the control API."""

    delay_ms: float = 0
    """Added to every call of AWS's API."""
    role_propagation_seconds: float = 0
    """So long is a new role unknown to SSM."""
    online_delay_seconds: float = 0
    """So long after its first report is a node still not Online."""
    connection_lost_seconds: float = 900
    """A node that has not reported for so long, and has no open channel, is ConnectionLost."""
    token_lifetime_seconds: float = 3600
    """Life of the credentials that a node gets."""
    message_poll_seconds: float = 15
    """How long GetMessages waits before it answers that there is nothing."""
    update_key_pair: bool = False
    """Nodes are told to change their key pair."""
    page_size_limit: int | None = None
    """Pages of lists hold no more than this, whatever the caller asks for."""
    latest_ssm_agent_version: str = "3.3.1142.0"
    """Agents below it are not IsLatestVersion."""
    canonical_documents: bool = False
    """Permissions documents come back rewritten: a list of one as the one, lists sorted; trust documents always do."""
    drop_attributes: list[str] = field(default_factory=list)
    """RegisterContainerInstance's answer leaves these attributes out."""
    check_answers: bool = False
    """The emulator holds its own answers against AWS's model; a defect is answered with 501."""
    strict: bool = True
    """Signatures are verified and nodes authorised."""

    def update(self, values: dict[str, Any], clock: Clock) -> None:
        """Set some switches.

        :raises ValueError: for a switch that does not exist
        """
        known = {one.name for one in fields(self)}
        for name, value in values.items():
            if name == "clock_offset_seconds":
                clock.offset = float(value)
            elif name in known:
                setattr(self, name, value)
            else:
                raise ValueError(f"no such setting: {name}; there are {', '.join(sorted(known))}, clock_offset_seconds")

    def dump(self, clock: Clock) -> dict[str, Any]:
        """All switches as they stand."""
        return {**asdict(self), "clock_offset_seconds": clock.offset}
