# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``ansible-playbook`` against the emulator, as a user would, and read what it did.

The program is the one beside this Python, or that of the variable ``ANSIBLE_PLAYBOOK``: so the same tests run with
another ansible-core, whose own Python then runs the modules too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import emulator

COLLECTION = Path(__file__).resolve().parents[1]
REGION = "eu-west-1"
#: Seconds after which a playbook is taken for hanging.
PATIENCE = 600

Play = dict[str, Any]
Result = dict[str, Any]


def program(name: str) -> str:
    """The path of ``ansible-playbook``, ``ansible-doc`` … of the ansible-core under test."""
    chosen = os.environ.get("ANSIBLE_PLAYBOOK") or str(Path(sys.executable).parent / "ansible-playbook")
    found = shutil.which(chosen) or shutil.which("ansible-playbook")
    if not found:
        raise FileNotFoundError("ansible-playbook: neither beside Python nor on the PATH")
    return str(Path(found).parent / name)


def environment(home: Path) -> dict[str, str]:
    """The environment of a user with an AWS key, and without any setting of the machine that runs the tests."""
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or str(COLLECTION.parents[2])
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        # Compiled once for all runs of a test session, whose folders are side by side: the modules' imports take time.
        "PYTHONPYCACHEPREFIX": str(home.parent / "pycache"),
        "ANSIBLE_PIPELINING": "1",
        "NO_PROXY": "127.0.0.1",
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_NOCOLOR": "1",
        "AWS_ACCESS_KEY_ID": emulator.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": emulator.SECRET_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass
class Run:
    """What one ``ansible-playbook`` did."""

    code: int
    text: str
    results: list[Result]
    """The result of each task in its order, with the task's name under ``task`` and the module's under ``action``."""

    def named(self, task: str) -> Result:
        """The result of the task with this name.

        :raises StopIteration: when no task of this name ran
        """
        return next(result for result in self.results if result["task"] == task)

    def explain(self) -> str:
        """The tasks that failed, or all of the output when none did."""
        failed = [result for result in self.results if result.get("failed")]
        return json.dumps(failed, indent=1) if failed else self.text[-4000:]


class Playbooks:
    """Writes plays to a folder and runs them.

    :param url: the emulator's address
    :param folder: the folder for plays, which is the user's home at the same time
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        (folder / "ansible.cfg").touch()

    def emulator(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the emulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def local(self, tasks: list[Any], **play: Any) -> Play:
        """A play on localhost. Region and endpoint come from the action group: a module that is not in it fails."""
        python = str(Path(program("python")))
        variables = {"ansible_python_interpreter": python, "emulator_url": self.url, **play.pop("vars", {})}
        return {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": variables,
            "module_defaults": {"group/onprem.ecs.aws": {"region": REGION, "endpoint_url": self.url}},
            "tasks": tasks,
            **play,
        }

    def run(self, plays: list[Play], *options: str, name: str = "play") -> Run:
        """Run plays; the Run, whatever became of it."""
        path = self.folder / f"{name}.yml"
        path.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
        return self.run_file(str(path), "-i", "localhost,", *options)

    def run_file(self, *arguments: str, **environ: str) -> Run:
        """``ansible-playbook`` with these arguments."""
        done = subprocess.run(
            [program("ansible-playbook"), *arguments],
            cwd=self.folder,
            env={**environment(self.folder), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return Run(done.returncode, done.stdout, _results(done.stdout))


def _results(text: str) -> list[Result]:
    """The results in the output of the callback ``ansible.posix.json``; warnings stand before it."""
    start = text.find("\n{") + 1 if not text.startswith("{") else 0
    try:
        told, _end = json.JSONDecoder().raw_decode(text[start:])
    except json.JSONDecodeError:
        return []  # it ended before the first task, or only looked at the syntax
    return [
        {"task": task["task"]["name"], **result}
        for play in told["plays"]
        for task in play["tasks"]
        for result in task["hosts"].values()
    ]
