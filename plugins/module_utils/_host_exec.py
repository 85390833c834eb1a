# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What ECS Exec needs on a host: programs of the SSM agent in a folder of the ECS agent, by version. The agent offers the
feature to tasks only when they are there as it starts.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import SNAP, Ssm

#: Bind-mounted into the containers of tasks, so a folder that is in use must stay.
FOLDER = "/var/lib/ecs/deps/execute-command/bin"
PROGRAMS = ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker")


def read_exec(host: Host, ssm: Ssm) -> dict[str, t.Any]:
    """The part ``exec`` of what the module returns on the ECS agent."""
    if ssm.source is None or not ssm.version:
        return {"source": None, "folder": None, "ready": False}
    source, folder = SNAP if ssm.source == "snap" else "/usr/bin", f"{FOLDER}/{ssm.version}"
    # They are the same programs when they are of the same size: a version has its own folder.
    sizes = [(host.size(f"{source}/{name}"), host.size(f"{folder}/{name}")) for name in PROGRAMS]
    return {
        "source": source if all(there for there, _copy in sizes) else None,
        "folder": folder,
        "ready": all(there and there == copy for there, copy in sizes),
    }
