# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the system tests look for secrets."""

from __future__ import annotations

import os
from pathlib import Path

from system.controller import files_below


def test_what_is_mounted_is_left_out() -> None:
    """/dev is itself mounted, and has what is mounted below it."""
    mounted = Path("/dev/pts")
    assert os.path.ismount(mounted) and list(mounted.iterdir())
    found = list(files_below(Path("/dev")))
    assert Path("/dev/null") in found
    assert [path for path in found if mounted in path.parents] == []


def test_folders_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    assert list(files_below(tmp_path)) == [tmp_path / "a" / "b" / "c"]
