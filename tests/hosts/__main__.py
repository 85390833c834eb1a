# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m hosts``: the labs' command line."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import containers, holder, images, lab, machine, mirror
from .lab import Lab, LabError
from .paths import RunDir


def _parser() -> argparse.ArgumentParser:
    """All commands that a person types."""
    parser = argparse.ArgumentParser(
        prog="python -m hosts", description="Throw-away systemd hosts with an AWS emulator."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="install with apt what is missing on this machine")
    made = commands.add_parser("images", help="make the images and packages, unless they are cached")
    made.add_argument("suite", nargs="*", default=["bookworm"], help=", ".join(images.systems()))
    start = commands.add_parser("start", help="start a lab and wait until its hosts have booted")
    start.add_argument("name")
    start.add_argument("--hosts", type=int, default=2)
    start.add_argument("--suite", default="bookworm", choices=images.systems())
    start.add_argument("--bare", action="store_true", help="without the emulator")
    start.add_argument("--uplink", action="store_true", help="with a way out to this machine's network")
    run = commands.add_parser("exec", help="run a command inside of the lab")
    run.add_argument("name")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    for name, text in (
        ("env", "print the lab's environment for a shell"),
        ("shell", "open a shell inside of the lab"),
        ("stop", "stop a lab and remove all that it had"),
    ):
        commands.add_parser(name, help=text).add_argument("name")
    commands.add_parser("list", help="the labs that there are")
    cleaned = commands.add_parser("clean", help="stop all labs; the caches stay")
    cleaned.add_argument("--all", action="store_true", help="the caches go, too")
    host = commands.add_parser("host", help="change a host of a running lab")
    host.add_argument("name")
    host.add_argument("action", choices=["add", "remove", "stop", "start", "reboot", "run"])
    host.add_argument("host")
    host.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser


def _say(text: str) -> None:
    """Tell a person at once."""
    print(text, flush=True)


def _words(words: list[str]) -> list[str]:
    """A command without the ``--`` before it."""
    return words[1:] if words[:1] == ["--"] else words


def _host(arguments: argparse.Namespace) -> int:
    """The command ``host``."""
    here = Lab(arguments.name)
    if arguments.action == "add":
        here.add_host(arguments.host)
    elif arguments.action == "remove":
        here.remove_host(arguments.host)
    elif arguments.action == "run":
        command = [
            "podman",
            "--log-level=error",
            "exec",
            "--interactive",
            here.host(arguments.host).name,
            *_words(arguments.words),
        ]
        os.environ.update(here.podman_env())
        lab.exec_(arguments.name, command)
    else:
        getattr(here.host(arguments.host), arguments.action)()
    return 0


def _list() -> int:
    """The command ``list``."""
    for one in lab.running():
        hosts = ", ".join(host.name for host in one.hosts()) if one.running else "not running"
        _say(f"{one.name}: {hosts}")
    return 0


def _start(arguments: argparse.Namespace) -> int:
    """The command ``start``."""
    Lab.start(
        arguments.name,
        arguments.hosts,
        arguments.suite,
        emulator=not arguments.bare,
        uplink=arguments.uplink,
        say=_say,
    )
    _say(f"lab {arguments.name} runs. Its files are in {RunDir(arguments.name).path}")
    return 0


def _images(arguments: argparse.Namespace) -> int:
    """The command ``images``."""
    machine.need()
    for suite in arguments.suite:
        images.ensure(suite, _say)
    mirror.ensure(_say)
    return 0


def _install() -> int:
    """The command ``install``."""
    done = machine.install()
    _say(f"installed: {' '.join(done)}" if done else "nothing is missing")
    return 0


def _clean(arguments: argparse.Namespace) -> int:
    """The command ``clean``."""
    lab.clean(caches=arguments.all)
    return 0


def _do(name: str, action: str, *values: str) -> int:
    """What runs inside of a lab's namespaces on behalf of a command outside."""
    env = dict(os.environ)
    run = RunDir(name)
    if action == "add":
        holder.start_host(env, run, values[1], values[0], values[2])
        holder.wait_for_boot(env, values[0])
    elif action == "remove":
        containers.remove_host(env, values[0], run.path)
    elif action == "stop":
        containers.podman(env, "stop", "--time", "15", values[0])
    elif action == "start":
        containers.podman(env, "start", values[0])
        holder.wait_for_boot(env, values[0])
    elif action == "wait":
        holder.wait_for_boot(env, values[0])
    else:
        raise LabError(f"no such action: {action}")
    return 0


def _internal(words: list[str]) -> int | None:
    """The commands that the labs give themselves; None for any other."""
    command = words[0] if words else ""
    if command == "_hold":
        return holder.hold(words[1], json.loads(words[2]))
    if command == "_inside":
        return holder.inside(words[1], json.loads(words[2]))
    if command == "_mirror":
        return mirror.serve(words[1], int(words[2]), Path(words[3]), Path(words[4]))
    if command == "_do":
        return _do(*words[1:])
    return None


def _public(words: list[str]) -> int:
    """The commands that a person types."""
    arguments = _parser().parse_args(words)
    name = getattr(arguments, "name", "")
    simple: dict[str, Callable[[], int]] = {
        "install": _install,
        "images": lambda: _images(arguments),
        "start": lambda: _start(arguments),
        "list": _list,
        "clean": lambda: _clean(arguments),
        "host": lambda: _host(arguments),
    }
    if arguments.command in simple:
        return simple[arguments.command]()
    if arguments.command == "exec":
        lab.exec_(name, _words(arguments.words))
    elif arguments.command == "shell":
        lab.exec_(name, [os.environ.get("SHELL", "/bin/sh")])
    elif arguments.command == "env":
        sys.stdout.write(lab.quoted_env(Lab(name)))
    elif arguments.command == "stop":
        Lab(name).stop()
    return 0


def main(words: list[str]) -> int:
    """Run a command; its exit code."""
    try:
        code = _internal(words)
        return _public(words) if code is None else code
    except (LabError, machine.MachineError, RuntimeError) as error:
        print(f"hosts: {error}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"hosts: {' '.join(map(str, error.cmd))}: {error.stderr or error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
