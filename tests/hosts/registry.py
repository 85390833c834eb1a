# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image registry in a lab: the program is the one of the Debian archive, the images are the lab's own."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import machine
from .lab import Lab
from .paths import GATEWAY, cache_dir, locked

ADDRESS = f"{GATEWAY}:5000"
START_SECONDS = 30


def ensure(say: Callable[[str], None] = print) -> Path:
    """Fetch the program unless it is cached; its path. It is not installed: nothing of it runs outside of a lab.

    Raises:
        machine.MachineError: it cannot be had.
    """
    program = cache_dir() / "registry" / "docker-registry"
    with locked():
        if not program.exists():
            began = time.monotonic()
            _fetch(program)
            say(f"image registry: fetched in {time.monotonic() - began:.0f} s")
    return program


def _fetch(program: Path) -> None:
    """Take the program out of its package."""
    work = cache_dir() / "work" / "registry"
    shutil.rmtree(work, ignore_errors=True)
    main, _unused = machine.archives()
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--components=main", "--include=docker-registry"]
    command += ["bookworm", str(work), f"deb {main} bookworm main"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise machine.MachineError(f"mmdebstrap failed for docker-registry:\n{done.stderr[-3000:]}")
    program.parent.mkdir(parents=True, exist_ok=True)
    (work / "usr/bin/docker-registry").rename(program)
    shutil.rmtree(work)


@contextmanager
def serve(lab: Lab) -> Iterator[None]:
    """Run an empty registry in the lab at `ADDRESS`, without TLS.

    Raises:
        RuntimeError: it did not start; the text is the end of its log.
    """
    folder = lab.run_dir / "registry"
    folder.mkdir()
    config, said = folder / "config.yml", folder / "log"
    storage = f"storage:\n  filesystem:\n    rootdirectory: {folder / 'images'}\n"
    config.write_text(f"version: 0.1\n{storage}http:\n  addr: {ADDRESS}\n")
    with said.open("wb") as log:
        process = lab.popen([str(ensure()), "serve", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until = time.monotonic() + START_SECONDS
        while "listening on" not in said.read_text():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the registry did not start:\n{said.read_text()[-3000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.kill()  # what it started in the lab goes with it
        process.wait()
        shutil.rmtree(folder)


def push(lab: Lab, image: str, name: str) -> str:
    """Bring an image of the lab into the registry; its whole name there, which podman in the lab does not know yet.

    As common systemd images it says that the control groups are a volume.
    """
    there = f"{ADDRESS}/{name}"
    recipe = f"FROM {image}\nVOLUME /sys/fs/cgroup\n"
    lab.run(["podman", "build", "--quiet", "--tag", there, "-"], stdin=recipe, check=True)
    # zstd is quicker than gzip by half
    lab.run(["podman", "push", "--quiet", "--tls-verify=false", "--compression-format=zstd", there], check=True)
    lab.run(["podman", "rmi", there], check=True)
    return there
