# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: an empty account and two bare hosts become a cluster with two external instances. See ``make demo``.

The collection is installed from its tarball, and its playbook run as a user would. What is different from a real
account is in variables that users have too: the endpoints, the mirror and its signing keys.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from hosts import images, machine
from hosts.lab import Lab, LabError

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".build" / "demo"
NAME = "demo"
CLUSTER = "demo"
COLUMNS = ("host", "managed node", "SSM", "container instance", "ECS", "agent connected")


def say(text: str) -> None:
    """A line for the person who watches."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def playbook(lab: Lab) -> int:
    """Run ``onprem.ecs.enroll`` in the lab, its output as it comes; the exit code."""
    command = [
        "ansible-playbook",
        "onprem.ecs.enroll",
        "-e",
        f"@{lab.run_dir / 'vars.yml'}",
        "-e",
        f"ecs_cluster={CLUSTER}",
    ]
    print("$ " + " ".join(command), flush=True)
    return lab.popen(
        command, env={"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}, cwd=ROOT, stdin=subprocess.DEVNULL
    ).wait()


def table(lab: Lab) -> list[tuple[str, ...]]:
    """What AWS knows of each host, asked for with the collection's own module."""
    module = ["-m", "onprem.ecs.ecs_external_instance_info", "-a", f"cluster={CLUSTER}"]
    ask = ["ansible", "localhost", *module]
    asked = lab.run(ask, env={"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)})
    if asked.returncode:
        raise LabError(asked.stdout + asked.stderr)
    found = json.loads(asked.stdout[asked.stdout.index("{") :])["instances"]
    return [
        tuple(
            str(instance[key])
            for key in (
                "computer_name",
                "instance_id",
                "ping_status",
                "container_instance_arn",
                "ecs_status",
                "agent_connected",
            )
        )
        for instance in sorted(found, key=lambda one: str(one["computer_name"]))
    ]


def show(rows: list[tuple[str, ...]]) -> None:
    """Print the rows under their headings."""
    widths = [max(len(row[i]) for row in [COLUMNS, *rows]) for i in range(len(COLUMNS))]
    for row in (COLUMNS, tuple("-" * width for width in widths), *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def galaxy(words: list[str]) -> None:
    """Run ``ansible-galaxy collection``."""
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    subprocess.run(["ansible-galaxy", "collection", *words], check=True, stdout=subprocess.DEVNULL, env=env)


def run(tree: Path) -> int:
    """The demo; 0 only if both hosts are online, active and connected and the second run changed nothing."""
    began = time.monotonic()
    machine.install()
    images.ensure("bookworm", say)
    lab = Lab(NAME)
    if lab.running:
        lab.stop()
    say("Starting the AWS emulator, a package mirror and two systemd hosts")
    lab = Lab.start(NAME, hosts=2, say=say)
    shutil.rmtree(COLLECTIONS, ignore_errors=True)
    galaxy(["build", "--force", "--output-path", str(COLLECTIONS), str(tree)])
    tarball = next(COLLECTIONS.glob("onprem-ecs-*.tar.gz"))
    galaxy(["install", "--force", "--no-deps", "-p", str(COLLECTIONS), str(tarball)])

    say("First run: an empty account, two bare hosts")
    first = playbook(lab)
    lab.emulator("DELETE", "calls")
    say("Second run: nothing should be left to do")
    second = playbook(lab)
    calls = lab.emulator("GET", "calls")

    say("What AWS knows")
    rows = table(lab)
    show(rows)
    up = [row for row in rows if row[2:] == ("Online", row[3], "ACTIVE", "True")]
    print(f"\nThe second run made {calls['reads']} read calls and {calls['writes']} write calls to AWS: ", end="")
    print("it changed nothing." if not calls["writes"] else f"{calls['writes_by_operation']}")
    good = first == second == 0 and len(rows) == len(up) == 2 and not calls["writes"]
    print(f"{len(up)} of 2 hosts are external instances, after {time.monotonic() - began:.0f} s.")
    print("\nLook around: make demo-shell   then for example: ansible ecs -m ping")
    print("Tear down:   make clean")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(run(Path(sys.argv[1]).resolve()))
    except (LabError, machine.MachineError) as error:
        sys.exit(str(error))
