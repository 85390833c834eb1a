# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes that keep a lab alive.

``hold`` runs outside, detached: it makes the namespaces and waits. ``inside`` is PID 1 of them: it starts the mirror,
the emulator and the hosts, and reaps. Everything in the lab is below that PID 1, which the kernel kills when the holder
dies, however it dies: a kill -9 leaves no process, no mount and no network, only files that ``clean`` removes.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import containers, images
from .paths import (
    CGROUP,
    EMULATOR_PORT,
    EMULATOR_TLS_PORT,
    GATEWAY,
    MIRROR_PORT,
    TESTS,
    RunDir,
    graph_dir,
    host_address,
    lab_dir,
)

PR_SET_PDEATHSIG = 1
BOOT_SECONDS = 60
# An address that has no route, so that asking for a foreign name fails at once. (Podman drops loopback addresses and
# puts public servers in their place.)
NO_RESOLVER = "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n"


def die_with_parent() -> None:
    """For the child, before exec: be killed when the parent is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def cgroup_dir(name: str) -> Path:
    """The lab's cgroup (version 2), whether that hierarchy is alone or beside version 1."""
    top = Path("/sys/fs/cgroup/unified")
    folder = hashlib.sha256(str(lab_dir()).encode()).hexdigest()[:6]  # two checkouts may have labs of the same name
    return (top if top.is_dir() else Path("/sys/fs/cgroup")) / CGROUP / f"{name}-{folder}"


def remove_cgroup(name: str) -> None:
    """Kill what is left in the lab's cgroup and remove it."""
    top = cgroup_dir(name)
    if not top.is_dir():
        return
    kill = top / "cgroup.kill"
    if kill.exists():
        try:
            kill.write_text("1")
        except OSError as error:
            # holder and stop may both be here: it goes meanwhile
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise
    for _unused in range(50):
        # os.walk passes over what goes meanwhile
        for folder, _unused1, _unused2 in os.walk(top, topdown=False):
            _rmdir(Path(folder))
        if not top.exists():
            break
        time.sleep(0.1)
    _rmdir(top.parent)


def _rmdir(folder: Path) -> None:
    """Remove a cgroup if it is empty and still there."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def hold(name: str, settings: dict[str, Any]) -> int:
    """Make the namespaces of the lab and stay until it ends; the exit code of its PID 1."""
    run = RunDir(name)
    instances = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(instances.read_text()) < 4096:
        instances.write_text("8192")  # systemd takes several a host; 128 ends at about 20 hosts
    group = cgroup_dir(name)
    group.mkdir(parents=True, exist_ok=True)

    def join() -> None:
        die_with_parent()
        (group / "cgroup.procs").write_text("0")

    inner = [sys.executable, "-m", "hosts", "_inside", name, json.dumps(settings)]
    outer = subprocess.Popen(
        [*containers.unshare(net=True), *inner],
        preexec_fn=join,  # noqa: PLW1509 - a process with one thread
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    signal.signal(signal.SIGTERM, lambda *_: outer.kill())
    first = _child_of(outer)
    run.holder.write_text(json.dumps({"holder": os.getpid(), "init": first, "started": start_time(first)}))
    if settings["uplink"] and first:
        _uplink(run, first)
    code = outer.wait()
    remove_cgroup(name)
    return code


def _child_of(process: subprocess.Popen[bytes]) -> int:
    """The PID 1 of the namespaces as this side numbers it; 0 when it ended before."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        found = children.read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.01)
    return 0


def start_time(pid: int) -> str:
    """When the process was started, in clock ticks: a process id comes again, this pair does not. '' if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]  # a dead one that nobody has reaped yet is gone as well


def _uplink(run: RunDir, first: int) -> None:
    """Give the lab a way out to the network of this machine."""
    with (run / "slirp.log").open("wb") as log:
        subprocess.Popen(
            ["slirp4netns", "--configure", "--mtu=1400", "--disable-host-loopback", str(first), "tap0"],
            preexec_fn=die_with_parent,  # noqa: PLW1509 - a process with one thread
            stdout=log,
            stderr=log,
        )


def inside(name: str, settings: dict[str, Any]) -> int:
    """PID 1 of the lab: start everything, say so in ``lab.json``, then reap until killed."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    run = RunDir(name)
    began = time.monotonic()
    _prepare(settings["uplink"])
    env = {**os.environ, **containers.configure(run.path, run / "store", graph_dir())}
    (run / "podman.json").write_text(json.dumps({key: env[key] for key in env if key.startswith("CONTAINERS_")}))
    waits: list[Callable[[], None]] = [_start_mirror(run, settings["mirror"])]
    if settings["emulator"]:
        waits.append(_start_emulator(run))
    containers.create_network(env)
    hosts = {f"node{number}": host_address(number) for number in range(1, settings["hosts"] + 1)}
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda item: start_host(env, run, settings["suite"], *item), hosts.items()))
        list(pool.map(lambda host: wait_for_boot(env, host), hosts))
    for wait in waits:
        wait()
    from .lab import write_files  # noqa: PLC0415 - lab needs this file to start a lab

    write_files(run, {**settings, "host": {key: {"ip": ip, "suite": settings["suite"]} for key, ip in hosts.items()}})
    print(f"ready after {time.monotonic() - began:.1f} s", flush=True)
    _reap()
    return 0


def _prepare(uplink: bool) -> None:
    """Mounts and network of the new namespaces."""
    for command in (
        "mount -t sysfs sysfs /sys",
        # A pure version 2 view that starts at the lab's own cgroup. Never bind the machine's own: it would change it.
        "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
        "mount -t tmpfs tmpfs /dev/shm",
        "ip link set lo up",
    ):
        subprocess.run(command.split(), check=True)
    resolver = Path("/etc/resolv.conf")
    there = resolver.read_text() if resolver.exists() else ""
    # Sockets and locks of podman, runc, netavark, ssh: all below /run, none of them the machine's.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    for folder in ("netns", "containers", "lock", "lab"):
        Path("/run", folder).mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    subprocess.run(["mount", "--make-rshared", "/run/netns"], check=True)
    text = "nameserver 10.0.2.3\n" if uplink else NO_RESOLVER
    real = Path(os.path.realpath(resolver))
    if real.is_relative_to("/run"):
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(text)
    elif there:
        Path("/run/lab/resolv.conf").write_text(text)
        subprocess.run(["mount", "--bind", "/run/lab/resolv.conf", str(real)], check=True)
    for name, value in (("ip_forward", "1"), ("ip_nonlocal_bind", "1")):
        # nonlocal: mirror and emulator bind the bridge's address before netavark has made the bridge
        Path("/proc/sys/net/ipv4", name).write_text(value)
    # No process may stand in a cgroup that has children with controllers.
    leaf = Path("/sys/fs/cgroup/holder")
    leaf.mkdir(exist_ok=True)
    (leaf / "cgroup.procs").write_text("0")


def _spawn(run: RunDir, name: str, command: list[str], env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a server of the lab with its own log."""
    with (run / f"{name}.log").open("wb") as log:
        whole = {**os.environ, "PYTHONPATH": str(TESTS), **(env or {})}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=whole, cwd="/")


def _ready(run: RunDir, name: str, process: subprocess.Popen[bytes], file: Path, seconds: float) -> None:
    """Wait for a server's ready file; raises RuntimeError with the end of its log."""
    until = time.monotonic() + seconds
    while not file.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the {name} did not start:\n{(run / f'{name}.log').read_text()[-3000:]}")
        time.sleep(0.05)


def _start_mirror(run: RunDir, top: str) -> Callable[[], None]:
    """Start the package mirror; what waits for it."""
    ready = run / "mirror.ready"
    command = [sys.executable, "-m", "hosts", "_mirror", GATEWAY, str(MIRROR_PORT), top, str(ready)]
    process = _spawn(run, "mirror", command)
    return lambda: _ready(run, "mirror", process, ready, 20)


def _start_emulator(run: RunDir) -> Callable[[], None]:
    """Start the AWS emulator, strict and with TLS; what waits for it."""
    ready = run / "emulator.ready"
    command = [sys.executable, "-m", "emulator", "--host", GATEWAY, "--port", str(EMULATOR_PORT)]
    command += ["--tls-port", str(EMULATOR_TLS_PORT), "--tls-dir", str(run / "tls"), "--ready-file", str(ready)]
    process = _spawn(run, "emulator", command)
    return lambda: _ready(run, "emulator", process, ready, 60)


def start_host(env: dict[str, str], run: RunDir, suite: str, name: str, address: str) -> None:
    """Start one host from the image of that suite or guise."""
    guise = suite if suite in images.GUISES else None
    try:
        containers.run_host(env, images.image_of(suite).tag, name, address, run.path, guise=guise)
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"host {name} did not start: {error.stderr}") from error


def wait_for_boot(env: dict[str, str], name: str) -> None:
    """Wait until systemd says that the host is up and ssh answers; raises RuntimeError."""
    until = time.monotonic() + BOOT_SECONDS
    check = "systemctl is-system-running --wait; systemctl is-active --quiet ssh"
    while True:
        done = containers.podman(env, "exec", name, "sh", "-c", check, check=False)
        state = done.stdout.strip()
        if done.returncode == 0:
            return
        if time.monotonic() > until:
            failed = containers.podman(env, "exec", name, "systemctl", "--failed", "--no-legend", check=False)
            raise RuntimeError(f"host {name} did not boot ({state}): {failed.stdout or done.stderr}")
        time.sleep(0.2)


def _reap() -> None:
    """Wait for children for ever: as PID 1 we inherit all orphans of the lab."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(1)


def remove_files(run: RunDir) -> None:
    """Remove what a lab had on disk."""
    shutil.rmtree(run.path, ignore_errors=True)
