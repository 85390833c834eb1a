# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user at the controller of a lab: runs playbooks, asks AWS, looks at the hosts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import yaml
from readme_blocks import write_files

from hosts import Lab

CLUSTER = "shop"
ENROLL = "onprem.ecs.enroll"
#: The tree of collections that these tests are a part of.
COLLECTIONS = Path(__file__).resolve().parents[5]
#: Seconds after which a playbook is taken for hanging.
PATIENCE = 420

#: A call of AWS with what is on the command line.
CALL = """
import boto3, json, sys
service, operation, options = sys.argv[1:]
answer = getattr(boto3.client(service), operation)(**json.loads(options))
print(json.dumps(answer, default=str))
"""

#: What enrolling leaves on a host, and nothing else does. (Ansible's own folder for temporary files does not count.)
FOOTPRINT = (
    "dpkg-query -W -f '${Package} ${Version} ${Status}\\n'; "
    "find /etc/ecs /etc/amazon /var/lib/amazon /var/lib/ecs /var/cache/onprem.ecs /var/log/ecs /var/log/amazon "
    "/mnt/ecs /etc/apparmor.d/ecs-agent-default /etc/systemd/system /root /etc/docker "
    "! -path /root ! -path '/root/.ansible*' "
    "-exec ls -ld --time-style=full-iso {} + 2>/dev/null"
)


@dataclass(frozen=True)
class Run:
    """One ``ansible-playbook``: its exit code and what it wrote."""

    code: int
    text: str
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """What it wrote, with every run of white space as one space, so that line breaks do not matter."""
        return " ".join(self.text.replace("\\n", " ").replace('\\"', '"').split())

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of the PLAY RECAP for each host."""
        _before, _heading, recap = self.text.rpartition("PLAY RECAP")
        return {
            match[1]: {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", match[2])}
            for match in re.finditer(r"^(\S+)\s+: (ok=.*)$", recap, re.MULTILINE)
        }

    def changed(self) -> dict[str, int]:
        """How many tasks changed something, for each host."""
        return {host: counts["changed"] for host, counts in self.recap.items()}

    def said_of(self, host: str) -> str:
        """What the failures of this host say."""
        found = re.findall(rf"^(?:fatal|failed|\[ERROR\]).*?\[{re.escape(host)}\b.*$", self.text, re.MULTILINE)
        return " ".join(" ".join(found).replace("\\n", " ").replace('\\"', '"').split())


@dataclass(frozen=True)
class Calls:
    """How often the controller called AWS."""

    reads: int
    writes: dict[str, int]
    by_name: dict[str, int]


@dataclass(frozen=True)
class Controller:
    """The user of one lab. ``home`` is the home folder: whatever Ansible keeps for a user is there.

    ``pipelining`` is Ansible's setting. It is off by default, and quicker.
    """

    lab: Lab
    home: Path
    pipelining: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What is set besides the lab's own environment."""
        return {
            "HOME": str(self.home),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CONFIG": str(self.home / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": str(self.pipelining),
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "LC_ALL": "C.UTF-8",
            "AWS_CONFIG_FILE": os.devnull,
        }

    @property
    def group(self) -> dict[str, Any]:
        """The group ``ecs`` of the lab's inventory: hosts with their addresses, and how to log in."""
        inventory = yaml.safe_load((self.lab.run_dir / "inventory.yml").read_text())
        found: dict[str, Any] = inventory["all"]["children"]["ecs"]
        return found

    @property
    def variables(self) -> dict[str, Any]:
        """The collection's variables for this lab: endpoints, mirror and keys."""
        found: dict[str, Any] = yaml.safe_load((self.lab.run_dir / "vars.yml").read_text())
        return found

    def command(self, playbook: str, *options: str, **variables: Any) -> list[str]:
        """The command line that runs a playbook with the lab's variables; ``variables`` count more.

        The program is that of the variable ``ANSIBLE_PLAYBOOK``, when it is set: for another ansible-core.
        """
        given = {"ecs_cluster": CLUSTER, **variables}
        extra = ["-e", f"@{self.lab.run_dir / 'vars.yml'}", "-e", json.dumps(given)]
        return [os.environ.get("ANSIBLE_PLAYBOOK", "ansible-playbook"), playbook, *extra, *options]

    def play(self, playbook: str, *options: str, env: Mapping[str, str] | None = None, **variables: Any) -> Run:
        """Run a playbook to its end; the Run, whatever became of it."""
        return self.run(self.command(playbook, *options, **variables), env)

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> Run:
        """Run a command to its end; the Run, whatever became of it."""
        whole = {**self.environment, **(env or {})}
        began = time.monotonic()
        done = self.lab.run(command, env=whole, cwd=self.home, timeout=PATIENCE)
        return Run(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def enroll(self, *options: str, env: Mapping[str, str] | None = None, **variables: Any) -> Run:
        """Run ``onprem.ecs.enroll``."""
        return self.play(ENROLL, *options, env=env, **variables)

    def write_inventory(self, name: str, group: Mapping[str, Any]) -> str:
        """Write an inventory with this group ``ecs``; its path."""
        path = self.home / f"{name}.json"
        path.write_text(json.dumps({"all": {"children": {"ecs": group}}}))
        return str(path)

    def write_play(self, name: str, plays: Sequence[Mapping[str, Any]]) -> str:
        """Write a playbook of the user's own; its path."""
        path = self.home / f"{name}.yml"
        path.write_text(yaml.safe_dump(list(plays), sort_keys=False))
        return str(path)

    def ask(self, module: str, **options: Any) -> Any:
        """What a module that runs on the controller returns."""
        words = ["ansible", "localhost", "-m", module, "-a", json.dumps(options), "-o"]
        done = self.lab.run(words, env={**self.environment, "ANSIBLE_INVENTORY": "localhost,"}, cwd=self.home)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout[done.stdout.index("{") :])

    def call_aws(self, service: str, operation: str, **options: Any) -> Any:
        """Call AWS as an administrator would, by boto3; the answer."""
        done = self.lab.run(
            [sys.executable, "-c", CALL, service, operation, json.dumps(options)], env=self.environment, check=True
        )
        return json.loads(done.stdout)

    def kill_when(
        self, ready: Callable[[], bool], *, everything: bool, playbook: str = ENROLL, **variables: Any
    ) -> Run:
        """Start a playbook, and kill it as soon as ``ready()``; what it had written by then.

        SIGKILL goes to its process group, as from a shell. Ansible's workers are in groups of their own and finish
        their task. With ``everything`` they are killed as well, as when the controller loses its power.

        :raises AssertionError: when it ended by itself before
        """
        log = self.home / "killed.log"
        began = time.monotonic()
        with log.open("w") as output:
            process = self.lab.popen(
                self.command(playbook, **variables),
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                while not ready():
                    time.sleep(0.2)
                    assert process.poll() is None, f"it ended before it could be killed:\n{log.read_text()[-4000:]}"
                    assert time.monotonic() < began + PATIENCE, f"the point did not come:\n{log.read_text()[-4000:]}"
            finally:
                workers = descendants(process.pid) if everything else []
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                for worker in workers:
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
                code = process.wait()
        return Run(code, log.read_text(), time.monotonic() - began)

    def state(self) -> dict[str, Any]:
        """The whole AWS account."""
        found: dict[str, Any] = self.lab.emulator("GET", "state")
        return found

    def codes(self) -> list[str]:
        """Every activation code that AWS ever gave out."""
        found: list[str] = self.lab.emulator("GET", "secrets")["activation_codes"]
        return found

    def calls(self) -> Calls:
        """The calls of the controller since `forget_calls`."""
        counts = self.lab.emulator("GET", "calls")
        return Calls(counts["reads"], counts["writes_by_operation"], counts["calls"])

    def forget_calls(self) -> None:
        """Count from zero."""
        self.lab.emulator("DELETE", "calls")

    def footprint(self, *names: str) -> dict[str, str]:
        """Packages and files of each host (of all, when none is named), to be compared with a later look."""
        chosen = [host for host in self.lab.hosts() if not names or host.name in names]
        return {host.name: host.run(FOOTPRINT).stdout for host in chosen}

    def files(self) -> list[Path]:
        """The user's files, and every temporary file of this machine that is not older than the lab."""
        since = self.lab.run_dir.holder.stat().st_mtime
        found = {path for path in self.home.rglob("*") if path.is_file()}
        for top in (Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - where programs put theirs
            found |= {path for path in files_below(top) if _is_since(path, since)}
        return sorted(found)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The lines of two footprints that differ, marked as in a diff."""
    changes = []
    for host in sorted({*before, *after}):
        old, new = (look.get(host, "").splitlines() for look in (before, after))
        changes += [f"{host} {line}" for line in unified_diff(old, new, n=0, lineterm="") if line[0] in "+-"]
    return changes


def descendants(process: int) -> list[int]:
    """The processes that this one has started, and those that they have, and so on."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it has ended in between
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
    return found


def files_below(top: Path) -> Iterator[Path]:
    """Whatever is no folder below this one, without what is mounted there: to read a /proc can take for ever."""
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not os.path.ismount(Path(folder, name))]
        yield from (Path(folder, name) for name in names)


def _is_since(path: Path, since: float) -> bool:
    """Whether this is a file that was written since then."""
    try:
        return path.is_file() and not path.is_symlink() and path.stat().st_mtime >= since
    except OSError:
        return False  # it has gone


def run_task(controller: Controller, name: str, instance: str) -> str:
    """Start a task that belongs to no service on a container instance; its ARN."""
    container = {"name": name, "image": "busybox", "memory": 16, "essential": True}
    controller.call_aws(
        "ecs",
        "register_task_definition",
        family=name,
        containerDefinitions=[container],
        requiresCompatibilities=["EXTERNAL"],
    )
    answer = controller.call_aws(
        "ecs", "start_task", cluster=CLUSTER, taskDefinition=name, containerInstances=[instance]
    )
    return str(answer["tasks"][0]["taskArn"])


def stop_task(controller: Controller, arn: str) -> None:
    """Stop a task."""
    controller.call_aws("ecs", "stop_task", cluster=CLUSTER, task=arn)


def instance_of(controller: Controller, name: str) -> dict[str, Any]:
    """The container instance of a host."""
    state = controller.state()
    (node,) = (one for one in state["managed_nodes"] if one["ComputerName"] == name)
    found: dict[str, Any]
    (found,) = (
        one
        for one in state["container_instances"]
        if one["ec2InstanceId"] == node["InstanceId"] and one["status"] != "INACTIVE"
    )
    return found


def instances_up(controller: Controller, *hosts: str) -> None:
    """Assert that AWS knows exactly these hosts, each once, online, active and connected, and no activation."""
    state = controller.state()
    nodes = {node["InstanceId"]: node for node in state["managed_nodes"]}
    names = sorted(str(node.get("ComputerName")) for node in nodes.values())
    assert names == sorted(hosts), f"managed nodes: {names}"
    assert {node["PingStatus"] for node in nodes.values()} == {"Online"}, nodes
    members = state["container_instances"]
    assert sorted(one["ec2InstanceId"] for one in members) == sorted(nodes), members
    for one in members:
        assert (one["status"], one["agentConnected"], one["clusterName"]) == ("ACTIVE", True, CLUSTER), one
    assert state["activations"] == []


def readme_user(user: Controller) -> tuple[str, ...]:
    """Do what README asks for: save its files and the signing keys.

    README's hosts and its AWS are not there: the options that are returned name a second inventory, which says how the
    lab's hosts are reached, and sets what a user with a private mirror and private endpoints would set as well.
    """
    write_files(user.home)
    group, variables = user.group, user.variables
    for name, agent in (("ecs_ssm_agent_key", "ssm"), ("ecs_agent_key", "ecs")):
        (user.home / f"amazon-{agent}-agent.asc").write_text(variables.pop(name))
    variables.pop("ecs_region")
    group["hosts"] = {f"{name}.example.com": address for name, address in group["hosts"].items()}
    group["vars"].update(variables)
    return ("-i", user.write_inventory("lab", group))
