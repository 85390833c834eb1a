# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account and a package mirror for scenarios whose hosts are not in a lab.

``start FOLDER ADDRESS`` starts the emulator and the mirror in the background, where containers reach them, and writes
the collection's variables to ``FOLDER/vars.yml``; ``stop FOLDER`` ends both and removes the folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from hosts import mirror  # noqa: E402 - it is found only now
from hosts.paths import EMULATOR_PORT, MIRROR_PORT, REGION  # noqa: E402

START_SECONDS = 60
#: Not AWS's own, for which an ordinary user has no right.
TLS_PORT = 4567


def variables(folder: Path, address: str, keys: dict[str, mirror.Key]) -> dict[str, object]:
    """What a user with private endpoints and a private mirror would set."""
    endpoint = f"https://{address}:{TLS_PORT}"
    return {
        "ecs_region": REGION,
        "ecs_mirror": f"http://{address}:{MIRROR_PORT}/aws",
        "ecs_endpoints": dict.fromkeys(("ssm", "ec2messages", "ssmmessages", "ecs"), endpoint),
        "ecs_ca_bundle": str(folder / "tls" / "ca.pem"),
        "ecs_engine_repository": f"http://{address}:{MIRROR_PORT}/docker",
        "ecs_engine_key_fingerprints": [keys["docker"].fingerprint],
        "ecs_ssm_agent_key": keys["ssm"].text,
        "ecs_ssm_agent_key_fingerprints": [keys["ssm"].fingerprint],
        "ecs_agent_key": keys["ecs"].text,
        "ecs_agent_key_fingerprints": [keys["ecs"].fingerprint],
    }


def start(folder: Path, address: str) -> None:
    """Start both, and wait until they listen.

    Raises:
        SystemExit: one of them did not start; the text is the end of its log.
    """
    stop(folder)
    folder.mkdir(parents=True)
    top = mirror.ensure()
    emulator = ["-m", "emulator", "--host", address, "--port", str(EMULATOR_PORT), "--tls-port", str(TLS_PORT)]
    commands = {
        "emulator": [*emulator, "--tls-dir", str(folder / "tls"), "--ready-file", str(folder / "emulator.ready")],
        "mirror": ["-m", "hosts", "_mirror", address, str(MIRROR_PORT), str(top), str(folder / "mirror.ready")],
    }
    running = {name: _spawn(folder, name, command) for name, command in commands.items()}
    (folder / "pids.json").write_text(json.dumps([process.pid for process in running.values()]))
    until = time.monotonic() + START_SECONDS
    for name, process in running.items():
        while not (folder / f"{name}.ready").exists():
            if process.poll() is not None or time.monotonic() > until:
                said = (folder / f"{name}.log").read_text()[-3000:]
                stop(folder)
                sys.exit(f"the {name} did not start:\n{said}")
            time.sleep(0.05)
    (folder / "vars.yml").write_text(
        "---\n" + json.dumps(variables(folder, address, mirror.keys(top)), indent=2) + "\n"
    )


def _spawn(folder: Path, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    """Start a server that stays when this program ends."""
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
            start_new_session=True,
        )


def stop(folder: Path) -> None:
    """End what runs for this folder and remove it. It is no error when nothing runs."""
    file = folder / "pids.json"
    for pid in json.loads(file.read_text()) if file.exists() else []:
        # The number may be another process's by now.
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(folder).encode() in command.read_bytes():
            os.kill(pid, signal.SIGTERM)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1] == "start":
        start(Path(sys.argv[2]).resolve(), sys.argv[3])
    else:
        stop(Path(sys.argv[2]).resolve())
