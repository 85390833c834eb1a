# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

Credentials on the host that stand in the way of the managed node's own.

The SSM agent writes the node's credentials to /root/.aws/credentials, and the ECS agent uses them. Credentials of
another origin there, or in the ECS agent's configuration, would be overwritten, or be used in their place.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_agent import CONFIG_FILES, parse_config
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import Ssm

SHARED = "/root/.aws/credentials"
STATIC_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


class Conflict(t.NamedTuple):
    """Where credentials of another origin are, and how we know. Never what they are."""

    path: str
    reason: str


def profiles(text: str) -> dict[str, set[str]]:
    """The names of the settings in each profile of a credentials file; the values are not kept."""
    found: dict[str, set[str]] = {}
    current: set[str] | None = None
    for line in text.splitlines():
        section = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        setting = re.match(r"\s*([A-Za-z_]\w*)\s*=", line)
        if section:
            current = found.setdefault(section.group(1), set())
        elif setting:
            current = found.setdefault("default", set()) if current is None else current
            current.add(setting.group(1).lower())
    return found


def foreign(text: str | None, ssm: Ssm, written_at: float) -> str | None:
    """Why the shared credentials file is not the SSM agent's own; None when it is, or when it is empty.

    The agent's file holds temporary credentials in ``[default]``, and the agent says in identity_config.json that it
    shares them there. It says so just after it wrote them, so for a moment only the age of the file can tell.
    """
    found = profiles(text or "")
    if not found:
        return None
    if found.get("default") and "aws_session_token" not in found["default"]:
        return "it holds permanent credentials in its profile [default], where the SSM agent would write the node's"
    if ssm.identity and ssm.identity.share_file == SHARED:
        return None
    started = ssm.unit.started_at if ssm.unit.active else None
    if ssm.registration and started is not None and written_at >= started:
        return None
    return "the SSM agent of this host did not write it, and would overwrite it with the node's credentials"


def is_agents_own(host: Host, ssm: Ssm) -> bool:
    """Whether there are credentials, and the SSM agent wrote them, and nothing else is beside them."""
    text = host.read(SHARED) or ""
    return set(profiles(text)) == {"default"} and foreign(text, ssm, host.written_at(SHARED) or 0.0) is None


def find_conflict(host: Host, ssm: Ssm) -> Conflict | None:
    """The first conflict on this host."""
    reason = foreign(host.read(SHARED), ssm, host.written_at(SHARED) or 0.0)
    if reason:
        return Conflict(SHARED, reason)
    for path in CONFIG_FILES:
        names = [name for name in STATIC_KEYS if parse_config(host.read(path) or "").get(name)]
        if names:
            return Conflict(
                path, "it sets {}, which the ECS agent would use in place of the node's".format(", ".join(names))
            )
    return None
