# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk that is full while a package is fetched. The module's own tests have the rest."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _host_download as download
from ansible_collections.onprem.ecs.plugins.module_utils import _host_fetch as fetch
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError


def full(*_arguments: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def request_for(folder: Path) -> download.Request:
    """What would be fetched; nothing gets as far as the keys."""
    return download.Request("http://127.0.0.1/a.deb", "http://127.0.0.1/a.sig", str(folder / "a.deb"), (), (), None)


@pytest.mark.parametrize("step", ["keys", "file"])
def test_a_full_disk_is_named_with_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr(download, "Verifier", full if step == "keys" else lambda *_arguments: None)
    folder = tmp_path / "cache"
    host: Any = None
    with pytest.raises(EcsError) as refused:
        download.download(host, request_for(folder), full)
    assert str(refused.value) == (
        f"dest: no file can be written beside {folder}/a.deb: No space left on device. See that there is room "
        "(df -h, df -i), and run again."
    )
    assert not folder.exists(), "something was left"


def test_a_broken_disk_is_not_told_as_a_full_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> None:
        raise OSError(errno.EIO, "Input/output error", "/var/cache/onprem.ecs/a.deb")

    monkeypatch.setattr(download, "Verifier", broken)
    host: Any = None
    with pytest.raises(EcsError, match=r"^dest: .*Input/output error: '/var/cache/onprem.ecs/a.deb'\.$"):
        download.download(host, request_for(tmp_path / "cache"), broken)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_full_disk_is_no_fault_of_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    served = tmp_path / "a.deb"
    served.write_bytes(b"x" * 100_000)
    with served.open("rb") as stream:
        monkeypatch.setattr(fetch, "fetch_url", lambda *_arguments, **_options: (stream, {"status": 200}))
        module: Any = SimpleNamespace(params={"timeout": 1, "ca_path": None})
        with pytest.raises(OSError, match="No space left"):
            fetch.fetch_with(module)(f"{scheme}://{served}", "/dev/full", 0)
