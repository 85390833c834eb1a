# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module as a user does: a playbook on localhost, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COLLECTIONS = Path(__file__).resolve().parents[7]
FILTERS = Path(__file__).resolve().parent / "_filters"


def playbook(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A play with the tasks; what each returns is written to the file ``results``, also when it failed."""
    names = []
    play: list[dict[str, Any]] = []
    for number, task in enumerate(tasks):
        names.append(f"result_{number}")
        play.append({"name": f"Task {number}", "ignore_errors": True, "register": names[-1], **task})
    write = {"ansible.builtin.debug": {"msg": f"{{{{ [{', '.join(names)}] | to_json | keep(results) }}}}"}}
    return [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [*play, write]}]


def run_tasks(
    folder: Path,
    tasks: list[dict[str, Any]],
    *arguments: str,
    before: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> tuple[list[dict[str, Any]], str]:
    """Run the tasks in one playbook. The result of each, and all that was printed at ``-vvv``.

    ``before``: a command to start ansible-playbook by.
    """
    file, results = folder / "play.yml", folder / "results.json"
    file.write_text(json.dumps(playbook(tasks)))
    results.unlink(missing_ok=True)
    command = [
        *before,
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "localhost,",
        "-vvv",
        "-e",
        json.dumps({"results": str(results), "ansible_python_interpreter": sys.executable}),
        *arguments,
        str(file),
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_FILTER_PLUGINS": str(FILTERS),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert results.exists(), printed
    found: list[dict[str, Any]] = json.loads(results.read_text())
    for result in found:
        assert "Traceback" not in json.dumps(result), result
    return found, printed
