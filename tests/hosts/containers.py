# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman inside of private namespaces: its configuration, its stores, its hosts.

Why each of these settings is as it is stands beside it; they were found on machines with few privileges (no systemd as
PID 1, no CAP_SYS_RESOURCE, cgroup v1 and v2 side by side) and hold on ordinary ones.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .paths import GATEWAY, HERE, SUBNET, graph_dir

NETWORK = "lab"


def _limits() -> tuple[int, int]:
    """The hard limits of open files and of processes: a container cannot be given more than there is."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    return files, most if processes in (resource.RLIM_INFINITY, -1) else min(processes, most)


def configure(folder: Path, graph: Path, images: Path | None = None) -> dict[str, str]:
    """Write podman's configuration into a folder; the environment that makes podman use it.

    ``graph`` is the store for containers, ``images`` a second one that is only read.
    """
    files, processes = _limits()
    containers = folder / "containers.conf"
    containers.write_text(
        f"""[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
    )
    extra = f'additionalimagestores = ["{images}"]\n' if images else ""
    storage = folder / "storage.conf"
    storage.write_text(
        f"""[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "{graph}"
[storage.options]
{extra}"""
    )
    graph.mkdir(parents=True, exist_ok=True)
    return {"CONTAINERS_CONF": str(containers), "CONTAINERS_STORAGE_CONF": str(storage)}


def unshare(*, net: bool) -> list[str]:
    """The start of a command that runs the rest as PID 1 of new namespaces and kills it when it is killed itself."""
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    return [*command, *(["--net", "--cgroup"] if net else []), "--"]


def on_shared_store(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run podman on the shared image store, alone: nothing else may write to it."""
    with TemporaryDirectory(prefix="onprem-ecs-") as temporary:
        folder = Path(temporary)
        env = {**os.environ, **configure(folder, graph_dir()), "TMPDIR": temporary}
        prepare = "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm"
        shell = ["sh", "-c", f'{prepare} && exec "$@"', "sh", *command]
        return subprocess.run([*unshare(net=False), *shell], env=env, capture_output=True, text=True, check=False)


def podman(env: Mapping[str, str], *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run podman; raises CalledProcessError with its words in ``stderr``."""
    return subprocess.run(
        ["podman", "--log-level=error", *arguments], env=dict(env), capture_output=True, text=True, check=check
    )


def create_network(env: Mapping[str, str]) -> None:
    """The bridge on which hosts, emulator and mirror meet."""
    podman(env, "network", "create", "--subnet", SUBNET, "--gateway", GATEWAY, NETWORK)


def _hardware(address: str) -> str:
    """A hardware address that stays over a reboot: with another one each time, neighbours would send to the old."""
    return "02:4d:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def run_host(
    env: Mapping[str, str], image: str, name: str, address: str, folder: Path, *, guise: str | None = None
) -> None:
    """Start a host, which boots afterwards; in the guise of another system, when there is one.

    ``folder`` has ``lab_keys`` (who may log in) and gets the host's ``/var/lib/docker``, which must be a real file
    system for overlay2.
    """
    docker = folder / "docker" / name
    docker.mkdir(parents=True, exist_ok=True)
    podman(
        env,
        *("run", "--detach", "--privileged", "--systemd=always", "--cgroupns=private"),
        *(
            "--name",
            name,
            "--hostname",
            name,
            "--network",
            NETWORK,
            "--ip",
            address,
            "--mac-address",
            _hardware(address),
        ),
        *("--volume", f"{docker}:/var/lib/docker", "--volume", f"{folder / 'lab_keys'}:/etc/ssh/lab_keys:ro"),
        *(("--volume", f"{HERE / 'guises'}:/usr/lib/guises:ro") if guise else ()),
        *("--tmpfs", "/tmp:mode=1777", image),  # noqa: S108 - a path in the host
        *(("sh", "/usr/lib/guises/dress.sh", guise) if guise else ()),
    )


def remove_host(env: Mapping[str, str], name: str, folder: Path) -> None:
    """Remove a host with all that it has."""
    podman(env, "rm", "--force", "--time", "0", "--volumes", name)
    shutil.rmtree(folder / "docker" / name, ignore_errors=True)
