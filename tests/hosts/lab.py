# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab as tests and the command line see it: start, run something in it, look at its hosts, stop."""

from __future__ import annotations

import ctypes
import http
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import holder, images, machine, mirror
from .paths import (
    EMULATOR_PORT,
    FIRST_HOST,
    GATEWAY,
    MIRROR_PORT,
    REGION,
    TESTS,
    RunDir,
    collections_dir,
    host_address,
    lab_dir,
)

START_SECONDS = 180
EMULATOR_SECONDS = 30
#: Linux's number for a network namespace.
CLONE_NEWNET = 0x40000000
EMULATOR_URL = f"http://{GATEWAY}:{EMULATOR_PORT}"
EMULATOR_TLS_URL = f"https://{GATEWAY}"
MIRROR_URL = f"http://{GATEWAY}:{MIRROR_PORT}"


class LabError(Exception):
    """The lab could not do what was asked; the text says why."""


@dataclass(frozen=True)
class Host:
    """One host of a lab."""

    lab: Lab
    name: str

    @property
    def address(self) -> str:
        """Its address in the lab's network."""
        return str(self.lab.state()["host"][self.name]["ip"])

    def run(self, command: str, *, check: bool = False, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the host as root, not over ssh."""
        whole = ["podman", "--log-level=error", "exec", "--interactive", self.name, "sh", "-c", command]
        return self.lab.run(whole, check=check, stdin=stdin, env=self.lab.podman_env())

    def wait(self) -> None:
        """Wait until it has booted."""
        self.lab.inside("wait", self.name)

    def stop(self) -> None:
        """Switch it off, as by its power button."""
        self.lab.inside("stop", self.name)

    def start(self) -> None:
        """Switch it on and wait until it has booted."""
        self.lab.inside("start", self.name)

    def reboot(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()


@dataclass(frozen=True)
class Lab:
    """A running lab. Everything that is in it is reached through `run`: its network is closed."""

    name: str

    @classmethod
    def start(
        cls,
        name: str,
        hosts: int = 2,
        suite: str = "bookworm",
        *,
        emulator: bool = True,
        uplink: bool = False,
        say: Callable[[str], None] = print,
    ) -> Lab:
        """Start a lab and wait until all of its hosts have booted.

        A lab of that name that died is cleared away; one that runs is an error.

        :param emulator: with the AWS emulator. :param uplink: with a way out to this machine's network.
        :raises LabError: with what the lab said last. :raises machine.MachineError: something is missing here.
        """
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
            raise LabError(f"not a lab's name: {name!r}. Small letters, digits and hyphens")
        machine.need()
        lab = cls(name)
        if lab.running:
            raise LabError(f"lab {name} runs already. Stop it with: python -m hosts stop {name}")
        lab.stop()
        images.ensure(suite, say)
        settings = {
            "hosts": hosts,
            "suite": suite,
            "emulator": emulator,
            "uplink": uplink,
            "mirror": str(mirror.ensure(say)),
        }
        run = RunDir(name)
        run.path.mkdir(parents=True, mode=0o755)
        _make_key(run)
        with run.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "hosts", "_hold", name, json.dumps(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(TESTS)},
                cwd="/",
            )
        until = time.monotonic() + START_SECONDS
        while not run.state.exists():
            if process.poll() is not None or time.monotonic() > until:
                said = run.log.read_text()[-4000:]
                lab.stop()
                raise LabError(f"lab {name} did not start:\n{said}")
            time.sleep(0.05)
        return lab

    @property
    def run_dir(self) -> RunDir:
        """Its files."""
        return RunDir(self.name)

    @property
    def first(self) -> int:
        """The process id of the lab's PID 1 as this machine numbers it; 0 when the lab is not alive."""
        try:
            ids = json.loads(self.run_dir.holder.read_text())
        except (OSError, ValueError):
            return 0
        pid = int(ids["init"])
        return pid if pid and holder.start_time(pid) == ids["started"] else 0

    @property
    def running(self) -> bool:
        """Alive and ready."""
        return bool(self.first) and self.run_dir.state.exists()

    def state(self) -> dict[str, Any]:
        """What ``lab.json`` holds: addresses and hosts. Raises LabError when the lab does not run."""
        if not self.running:
            raise LabError(f"lab {self.name} does not run. Start it with: python -m hosts start {self.name}")
        state: dict[str, Any] = json.loads(self.run_dir.state.read_text())
        return state

    def env(self) -> dict[str, str]:
        """The environment of a user of this lab, as in its file ``env``."""
        return dict(line.split("=", 1) for line in (self.run_dir / "env").read_text().splitlines())

    def podman_env(self) -> dict[str, str]:
        """What podman needs to see the lab's hosts."""
        found: dict[str, str] = json.loads((self.run_dir / "podman.json").read_text())
        return found

    def command(self, command: Sequence[str], cwd: Path | None = None) -> list[str]:
        """The command line that runs ``command`` inside of the lab; it is killed when its caller is."""
        first = self.first
        if not first:
            raise LabError(f"lab {self.name} does not run. Start it with: python -m hosts start {self.name}")
        enter = ["nsenter", "-t", str(first), "--mount", "--net", "--pid", "--cgroup", "--"]
        place = ["sh", "-c", 'cd "$0" && exec "$@"', str(cwd or Path.cwd())]
        return [*enter, "setpriv", "--pdeathsig", "KILL", "--", *place, *command]

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Start a command in the lab, in a process group of its own so that a test can kill all of it."""
        env = {**outside(), **self.env(), **(options.pop("env", None) or {})}
        options.setdefault("text", True)
        return subprocess.Popen(
            self.command(command, options.pop("cwd", None)), env=env, start_new_session=True, **options
        )

    def run(
        self,
        command: Sequence[str],
        *,
        check: bool = False,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the lab with its environment; output is captured."""
        whole = {**outside(), **self.env(), **(env or {})}
        return subprocess.run(
            self.command(command, cwd),
            env=whole,
            input=stdin or "",
            capture_output=True,
            text=True,
            check=check,
            timeout=timeout,
        )

    def emulator(self, method: str, path: str, body: Any = None) -> Any:
        """Call the emulator's control API, for example ``lab.emulator("GET", "calls")``; its JSON answer."""
        first = self.first
        if not first:
            raise LabError(f"lab {self.name} does not run. Start it with: python -m hosts start {self.name}")
        connection = http.client.HTTPConnection(GATEWAY, EMULATOR_PORT, timeout=EMULATOR_SECONDS)
        connection.sock = _connection(first)
        text = None if body is None else json.dumps(body)
        with closing(connection):
            connection.request(method, f"/_emulator/{path.lstrip('/')}", text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read().decode()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise LabError(f"the emulator of lab {self.name} says to {method} {path}: {answer.status} {said.strip()}")
        return json.loads(said) if said.strip() else None

    def inside(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of this package's own commands inside of the lab; raises LabError with what it said."""
        command = [sys.executable, "-m", "hosts", "_do", self.name, *arguments]
        done = self.run(command, env={**self.podman_env(), "PYTHONPATH": str(TESTS)}, cwd=Path("/"))
        if done.returncode != 0:
            raise LabError(f"{arguments[0]} in lab {self.name}: {(done.stderr or done.stdout).strip()}")
        return done

    def hosts(self) -> list[Host]:
        """Its hosts, in order."""
        return [Host(self, name) for name in self.state()["host"]]

    def host(self, name: str) -> Host:
        """The host of that name; raises LabError when there is none."""
        if name not in self.state()["host"]:
            raise LabError(f"lab {self.name} has no host {name}; it has {', '.join(self.state()['host'])}")
        return Host(self, name)

    def add_host(self, name: str, suite: str | None = None) -> Host:
        """Add a host and wait until it has booted."""
        state = self.state()
        if name in state["host"]:
            raise LabError(f"lab {self.name} has a host {name} already")
        suite = suite or str(state["suite"])
        images.ensure(suite)
        used = {host["ip"] for host in state["host"].values()}
        address = next(a for a in (host_address(n) for n in range(1, 1000 - FIRST_HOST)) if a not in used)
        self.inside("add", name, suite, address)
        state["host"][name] = {"ip": address, "suite": suite}
        write_files(self.run_dir, state)
        return Host(self, name)

    def remove_host(self, name: str) -> None:
        """Remove a host for good."""
        self.host(name)
        self.inside("remove", name)
        state = self.state()
        del state["host"][name]
        write_files(self.run_dir, state)

    def stop(self) -> None:
        """Stop it and remove all that it had. It is no error when it does not run."""
        run = self.run_dir
        if run.holder.exists():
            first = self.first
            if first:
                os.kill(first, signal.SIGKILL)
                while holder.start_time(first):
                    time.sleep(0.02)
        holder.remove_cgroup(self.name)
        holder.remove_files(run)


def running() -> list[Lab]:
    """All labs that have files, alive or not."""
    folder = lab_dir() / "run"
    return [Lab(path.name) for path in sorted(folder.iterdir())] if folder.is_dir() else []


def clean(*, caches: bool = False) -> None:
    """Stop all labs and remove what they left; with ``caches`` images, packages and keys too.

    What is cached from an older recipe goes in any case.
    """
    for lab in running():
        lab.stop()
    shutil.rmtree(lab_dir() / "run", ignore_errors=True)
    images.prune()
    mirror.prune()
    if caches:
        shutil.rmtree(lab_dir(), ignore_errors=True)


def _connection(first: int) -> socket.socket:
    """A connection to the emulator from within the lab's network.

    One thread enters that network for it. A process of its own for each call would take longer than all that it asks.
    """

    def enter() -> socket.socket:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/proc/{first}/ns/net").open("rb") as network:
            if libc.setns(network.fileno(), CLONE_NEWNET) != 0:
                raise LabError(f"the lab's network cannot be entered: {os.strerror(ctypes.get_errno())}")
        return socket.create_connection((GATEWAY, EMULATOR_PORT), timeout=EMULATOR_SECONDS)

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(enter).result()


def _make_key(run: RunDir) -> None:
    """The ssh key of this lab's controller."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(run / "id_ed25519")]
    subprocess.run(command, check=True)
    shutil.copy(run / "id_ed25519.pub", run / "lab_keys")


def write_files(run: RunDir, state: dict[str, Any]) -> None:
    """Write inventory, variables and environment of the lab, and last ``lab.json``: the sign that all is there."""
    (run / "inventory.yml").write_text(inventory(run, state["host"]))
    keys = mirror.keys(Path(state["mirror"]))
    (run / "vars.yml").write_text(variables(run, keys))
    env = environment(run, state["suite"])
    (run / "env").write_text("".join(f"{key}={value}\n" for key, value in env.items()))
    known = {
        "emulator_url": EMULATOR_URL,
        "emulator_tls_url": EMULATOR_TLS_URL,
        "emulator_ca": str(run / "tls" / "ca.pem"),
        "mirror_url": f"{MIRROR_URL}/aws",
        "region": REGION,
        "keys": {
            name: {"fingerprint": key.fingerprint, "url": f"{MIRROR_URL}/aws/keys/{name}.asc"}
            for name, key in keys.items()
        },
    }
    fresh = run / "lab.json.new"
    fresh.write_text(json.dumps({**state, **known}, indent=2) + "\n")
    fresh.rename(run.state)


def inventory(run: RunDir, hosts: Mapping[str, Mapping[str, str]]) -> str:
    """An Ansible inventory with the group ``ecs``. JSON is YAML."""
    shared = {
        "ansible_user": "ansible",
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(run / "id_ed25519"),
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        # In the lab's own /run: hosts of two labs have the same address, and must not share a connection.
        "ansible_control_path_dir": "/run/lab/ssh",
    }
    names = {name: {"ansible_host": host["ip"]} for name, host in hosts.items()}
    return "---\n" + json.dumps({"all": {"children": {"ecs": {"hosts": names, "vars": shared}}}}, indent=2) + "\n"


def variables(run: RunDir, keys: Mapping[str, mirror.Key]) -> str:
    """The collection's variables that a user with a private mirror and private endpoints would set as well."""
    values = {
        "ecs_region": REGION,
        "ecs_mirror": f"{MIRROR_URL}/aws",
        "ecs_endpoints": dict.fromkeys(("ssm", "ec2messages", "ssmmessages", "ecs"), EMULATOR_TLS_URL),
        "ecs_ca_bundle": str(run / "tls" / "ca.pem"),
        "ecs_engine_repository": f"{MIRROR_URL}/docker",
        "ecs_engine_key_fingerprints": [keys["docker"].fingerprint],
        "ecs_ssm_agent_key": keys["ssm"].text,
        "ecs_ssm_agent_key_fingerprints": [keys["ssm"].fingerprint],
        "ecs_agent_key": keys["ecs"].text,
        "ecs_agent_key_fingerprints": [keys["ecs"].fingerprint],
    }
    return "---\n" + json.dumps(values, indent=2) + "\n"


def environment(run: RunDir, suite: str) -> dict[str, str]:
    """The controller's environment: the emulator's key and address, where Ansible and podman find things."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIAEMULATOR00000001",
        "AWS_SECRET_ACCESS_KEY": "emulator/secret/key/for/tests/000000000001",
        "AWS_ENDPOINT_URL": EMULATOR_URL,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ANSIBLE_INVENTORY": str(run / "inventory.yml"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections_dir()),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": "/run/lab/ssh",
        "CONTAINERS_CONF": str(run / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(run / "storage.conf"),
        "NO_PROXY": f"{GATEWAY},localhost,127.0.0.1",
        "no_proxy": f"{GATEWAY},localhost,127.0.0.1",
        "LAB": run.name,
        "LAB_IMAGE": images.image_of(suite).tag,
        "LAB_VARS": str(run / "vars.yml"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
    }


def outside() -> dict[str, str]:
    """The caller's environment without what would lead to another AWS account than the emulator's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def exec_(name: str, command: Sequence[str]) -> None:
    """Become a command inside of the lab."""
    lab = Lab(name)
    whole = lab.command(command)
    os.execvpe(whole[0], whole, {**outside(), **lab.env()})  # noqa: S606 - the user's own command


def quoted_env(lab: Lab) -> str:
    """The lab's environment for a shell to read; a profile or token of the user's own goes."""
    own = [name for name in os.environ if name.startswith("AWS_") and name not in lab.env()]
    return "".join(f"unset {name}\n" for name in own) + "".join(
        f"export {key}={shlex.quote(value)}\n" for key, value in lab.env().items()
    )
