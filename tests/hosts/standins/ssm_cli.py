# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for ``ssm-cli``, of which only ``get-instance-information`` is there."""

from __future__ import annotations

import json
import os
import sys

from . import ssm_files as files

USAGE = "usage: ssm-cli [parameters] command\nThe available commands are: get-instance-information"


def main(words: list[str], version: str) -> int:
    """The program; its exit code. What it says of the configuration comes on stdout before the JSON."""
    _unused, lines = files.load_config()
    for line in lines:
        print(line)
    if words != ["get-instance-information"]:
        print(USAGE, file=sys.stderr)
        return 255
    denied = files.is_root()
    if denied:
        print(f"failed to load the vault: {denied}", file=sys.stderr)
        return 255
    registration = files.load_registration()
    if not registration.instance:
        print("Failed to get instance information: no identity found", file=sys.stderr)
        return 255
    found = {"instance-id": registration.instance, "region": registration.region, "release-version": version}
    print(json.dumps(found, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("STANDIN_VERSION", "3.3.1142.0")))
