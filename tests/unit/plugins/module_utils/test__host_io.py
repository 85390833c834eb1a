# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and commands of the real machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import NOT_FOUND, TIMED_OUT, Host


def test_files_below_a_root(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/x").write_bytes(b"one\ntwo\xff\nthree\n")
    assert host.path("/etc/x") == str(tmp_path / "etc/x") and Host().path("/etc/x") == "/etc/x"
    assert host.read("/etc/x") == "one\ntwo�\nthree\n" and host.read("/etc/x", 3) == "one"
    assert host.tail("/etc/x", 9) == "three\n" and host.tail("/etc/x") == host.read("/etc/x")
    assert host.exists("/etc/x") and not host.exists("/etc/y")
    assert host.read("/etc/y") is None and host.tail("/etc/y") is None and host.written_at("/etc/y") is None
    assert host.read("/etc") is None
    written = host.written_at("/etc/x")
    assert written is not None and abs(written - host.now()) < 60
    assert not host.executable("/etc/x")
    (tmp_path / "etc/x").chmod(0o755)
    assert host.executable("/etc/x") and not host.executable("/etc")


def test_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    host = Host()
    assert host.run("sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")
    assert host.run("sh", "-c", "echo $LC_ALL; cat") == (0, "C\n", ""), "no input, words in English"
    assert host.run("no-such-program-at-all").rc == NOT_FOUND
    assert host.run("/etc/passwd").rc == NOT_FOUND
    assert host.run("sh", "-c", "kill -9 $$").rc == -9


def test_a_command_that_hangs_is_ended_and_its_words_are_kept_without_its_arguments() -> None:
    done = Host().run("sh", "-c", "echo before; exec sleep 60", "secret-argument", timeout=0.5)
    assert done.rc == TIMED_OUT and done.out == "before\n"
    assert "did not end within 0.5 s" in done.err and "secret" not in done.err


def test_folders_that_a_minimal_path_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert Host().which("sh") and Host().environment()["PATH"].startswith("/nowhere:")
    monkeypatch.delenv("PATH")
    assert Host().which("sh")
