# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module host_files in a folder of its own. As root, as on hosts: it gives its files to root."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from unit.plugins.modules._run_module import run_tasks

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
TEXT = "HTTPS_PROXY=http://me:hunter2@or3@proxy:3128\nECS_CLUSTER=shop\n"


def write(tmp_path: Path, *files: dict[str, Any], options: tuple[str, ...] = ()) -> tuple[dict[str, Any], str]:
    """The module's answer, and all that was printed."""
    (done,), printed = run_tasks(tmp_path, [{"onprem.ecs.host_files": {"files": list(files)}}], "--diff", *options)
    return done, printed


def kept(path: Path) -> tuple[str, int, int]:
    """What a file holds, its mode, and when it was written."""
    return path.read_text(), stat.S_IMODE(path.stat().st_mode), path.stat().st_mtime_ns


def test_files_and_their_folders(tmp_path: Path) -> None:
    source, config, copy = tmp_path / "source", tmp_path / "etc/ecs/ecs.config", tmp_path / "var/copy"
    source.write_text("authorities\n")
    files: list[dict[str, Any]] = [
        {"dest": str(config), "content": TEXT, "mode": "0600"},
        {"dest": str(copy), "src": str(source), "mode": "0755"},
    ]
    told = [f"write {config}", f"write {copy}"]
    done, _printed = write(tmp_path, *files, options=("--check",))
    assert done["changed"] and done["changes"] == told and not config.parent.exists()
    os.umask(0o077)
    done, _printed = write(tmp_path, *files)
    assert done["changed"] and done["changes"] == told
    assert kept(config)[:2] == (TEXT, 0o600) and kept(copy)[:2] == ("authorities\n", 0o755)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (config.parent, config.parent.parent)] == [0o755, 0o755]
    assert list(config.parent.iterdir()) == [config]
    before = kept(config)
    done, _printed = write(tmp_path, *files)
    assert not done["changed"] and done["changes"] == done["diff"] == [] and kept(config) == before


def test_the_diff_has_lines_and_no_passwords(tmp_path: Path) -> None:
    plain, secret = tmp_path / "plain", tmp_path / "secret"
    plain.write_text("ECS_CLUSTER=old\n")
    files: list[dict[str, Any]] = [
        {"dest": str(plain), "content": TEXT},
        {"dest": str(secret), "content": "KEY=s3cr3t\nB=1\n", "secret": True},
    ]
    done, printed = write(tmp_path, *files)
    shown = done["diff"][0]["prepared"]
    assert "-ECS_CLUSTER=old\n" in shown and "+ECS_CLUSTER=shop\n" in shown and "http://***@proxy" in shown
    assert done["diff"][1]["prepared"] == f"write {secret}\n"
    assert "hunter2" not in printed and "s3cr3t" not in printed


def test_mode_and_owner_alone_leave_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a text\n")
    os.chown(file, 1, 1)
    file.chmod(0o666)
    written = file.stat().st_mtime_ns
    done, _printed = write(tmp_path, {"dest": str(file), "content": "a text\n", "mode": "0600"})
    assert done["changes"] == [f"set owner and mode of {file}"]
    assert kept(file) == ("a text\n", 0o600, written) and (file.stat().st_uid, file.stat().st_gid) == (0, 0)


def test_what_is_not_wanted_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a text\n")
    gone = {"dest": str(file), "state": "absent"}
    done, _printed = write(tmp_path, gone, options=("--check",))
    assert done["changes"] == [f"remove {file}"] and file.exists()
    done, _printed = write(tmp_path, gone)
    assert done["changed"] and not file.exists()
    done, _printed = write(tmp_path, gone)
    assert not done["changed"]


def test_bad_options_change_nothing(tmp_path: Path) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"dest": "relative", "content": "a text"}, "must be an absolute path, and relative is none"),
        ({"mode": "0999", "content": "a text"}, "must be three or four octal digits"),
        ({"mode": "u+r", "content": "a text"}, "must be three or four octal digits"),
        ({"content": "text", "src": "/etc/hostname"}, "needs one of content and src"),
        ({}, "needs one of content and src, or the state absent"),
        ({"src": "/no/such/file"}, "/no/such/file, the src of"),
        ({"dest": "/etc", "content": "a text"}, "/etc cannot be read: Is a directory"),
    ]
    good = tmp_path / "good"
    first, second = {"dest": str(good), "content": "a text"}, {"dest": str(tmp_path / "bad")}
    lists = [[first, {**second, **options}] for options, _words in bad]
    found, _printed = run_tasks(tmp_path, [{"onprem.ecs.host_files": {"files": files}} for files in lists], "--diff")
    for done, (_options, words) in zip(found, bad, strict=True):
        assert done["failed"] and words in done["msg"], done
    assert not good.exists()


def test_the_same_file_twice(tmp_path: Path) -> None:
    file = {"dest": str(tmp_path / "file"), "content": "a text"}
    done, _printed = write(tmp_path, file, file)
    assert done["failed"] and "twice" in done["msg"]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done, _printed = write(tmp_path, {"dest": str(tmp_path / "file/below"), "content": "a text"})
    assert done["failed"] and f"{tmp_path}/file/below cannot be read: Not a directory" in done["msg"]


def test_a_program_is_copied_and_not_shown(tmp_path: Path) -> None:
    source, program = tmp_path / "source", tmp_path / "bin/program"
    source.write_bytes(b"\x7fELF\0" + bytes(3 << 20))
    done, _printed = write(tmp_path, {"dest": str(program), "src": str(source), "mode": "0755"})
    assert done["diff"] == [{"prepared": f"write {program}\n"}]
    assert program.read_bytes() == source.read_bytes() and os.access(program, os.X_OK)
