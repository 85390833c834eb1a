# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private mount and network namespaces in which a module may read and write /etc, /root, /run and /var as on a host.

What is written there goes to a throw-away layer. Programs in the folder ``bin`` come first in PATH: they stand for
systemctl, the package manager and the SSM agent.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from unit.plugins.modules._run_module import run_tasks

SETUP = r"""
set -eu
layer=$1; shift
mount -t tmpfs tmpfs "$layer"
for place in /etc /root /run /var; do
  mkdir -p "$layer$place/upper" "$layer$place/work"
  mount -t overlay overlay -o "lowerdir=$place,upperdir=$layer$place/upper,workdir=$layer$place/work" "$place"
done
rm -rf /var/lib/amazon /var/lib/ecs /etc/ecs /etc/amazon /root/.aws
cp -a "$SANDBOX_FILES/." /
ip link set lo up 2>/dev/null || true
"$@"
status=$?
# What a test wants to look at afterwards.
cp -a /var/lib/amazon "$SANDBOX_AFTER/" 2>/dev/null || true
cp -a /root/.aws "$SANDBOX_AFTER/aws" 2>/dev/null || true
exit $status
"""

AGENT = r"""#!/bin/sh
# The SSM agent's -register: it blanks the vault before it asks, whatever comes of it.
vault=/var/lib/amazon/ssm/Vault/Store
echo "agent $*" >> "$SANDBOX_AFTER/commands"
code= id= region= yes= clear=
while [ $# -gt 0 ]; do
  case $1 in
    -code) code=$2; shift ;; -id) id=$2; shift ;; -region) region=$2; shift ;; -y) yes=1 ;; -clear) clear=1 ;;
  esac
  shift
done
mkdir -p "$vault"
if [ -z "$clear" ] && [ -z "$yes" ] && [ -s "$vault/RegistrationKey" ]; then
  echo "Registration failed due to EOF"; exit 1
fi
: > "$vault/RegistrationKey"; : > "$vault/InstanceFingerprint"
[ -z "$clear" ] || exit 0
case $(cat "$SANDBOX_FILES/outcome") in
  mi-*) node=$(cat "$SANDBOX_FILES/outcome")
    echo "{\"instanceID\":\"$node\",\"region\":\"$region\",\"privateKey\":\"PRIVATEprivatePRIVATE\"}" \
      > "$vault/RegistrationKey"
    echo "{\"ManagedInstanceID\":\"$node\",\"Region\":\"$region\"}" > /var/lib/amazon/ssm/registration
    echo "Successfully registered the instance with AWS SSM using Managed instance-id: $node" ;;
  killed) kill -9 $PPID; exit 1 ;;
  *) echo "Error occurred fetching the seelog config file path" >&2
    echo "2026-11-21 16:48:00 ERROR error registering the instance with AWS SSM. $(cat "$SANDBOX_FILES/outcome")" >&2
    echo "code was $code" >&2; exit 1 ;;
esac
"""

SYSTEMCTL = r"""#!/bin/sh
echo "systemctl $*" >> "$SANDBOX_AFTER/commands"
case $1 in
  show) shift; for unit in "$@"; do case $unit in --*) ;; *)
      if [ -f "$SANDBOX_FILES/units/$unit" ]; then cat "$SANDBOX_FILES/units/$unit"; else
        printf 'Id=%s\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n' "$unit"; fi; echo ;; esac; done ;;
  restart) [ ! -e "$SANDBOX_FILES/restart-fails" ] || { echo "Job for $2 failed." >&2; exit 1; } ;;
esac
"""


class Sandbox:
    """A host to run modules on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files, self.after = folder / "files", folder / "after"
        for made in (self.files, self.after, folder / "layer", folder / "bin"):
            made.mkdir()
        self.program("amazon-ssm-agent", AGENT)
        self.program("systemctl", SYSTEMCTL)

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def put(self, path: str, text: str, age: float = 0.0) -> None:
        """A file of the host, last written ``age`` seconds ago."""
        target = self.files / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        os.utime(target, (time.time() - age, time.time() - age))

    def unit(self, name: str, text: str) -> None:
        self.put(f"/units/{name}", text)

    def keep(self) -> None:
        """The next run starts from what the last one left below /var/lib/amazon and /root/.aws."""
        for kept, place in (
            (self.after / "amazon", self.files / "var/lib/amazon"),
            (self.after / "aws", self.files / "root/.aws"),
        ):
            shutil.rmtree(place, ignore_errors=True)
            if kept.exists():
                shutil.copytree(kept, place)

    def commands(self) -> list[str]:
        """The commands that were run, apart from questions, since the last time."""
        log = self.after / "commands"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith("systemctl show")]

    def run(self, *tasks: dict[str, Any], check: bool = False) -> tuple[list[dict[str, Any]], str]:
        """The tasks' results, and all that was printed."""
        for kept in ("amazon", "aws"):
            shutil.rmtree(self.after / kept, ignore_errors=True)
        return run_tasks(
            self.folder,
            list(tasks),
            *(["--check", "--diff"] if check else []),
            before=(*unshare(), "sh", "-c", SETUP, "sandbox", str(self.folder / "layer")),
            environment={
                "SANDBOX_FILES": str(self.files),
                "SANDBOX_AFTER": str(self.after),
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            },
        )


def unshare() -> tuple[str, ...]:
    """The command that makes the namespaces; an ordinary user becomes root in them."""
    return (
        "unshare",
        "--mount",
        "--net",
        "--propagation",
        "private",
        *([] if os.geteuid() == 0 else ["--map-root-user"]),
    )


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A sandbox; skips the test where the system allows none."""
    tried = subprocess.run(
        [*unshare(), "sh", "-c", 'mkdir "$0" "$0/l" && mount -t tmpfs tmpfs "$0/l" && mkdir "$0/l/u" "$0/l/w" && '
         'mount -t overlay o -o "lowerdir=/etc,upperdir=$0/l/u,workdir=$0/l/w" /etc', str(tmp_path / "try")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode != 0:
        pytest.skip(f"no mount namespaces here: {tried.stderr.strip()}")
    made = tmp_path / "sandbox"
    made.mkdir()
    return Sandbox(made)
