# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the collection to where Ansible looks for collections: ``.build/tree/ansible_collections/onprem/ecs``.

What git tracks or would track is copied, nothing else, so the copy is what a clone would hold. Files that have gone are
removed from the copy; files that are the same are left alone.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def tracked() -> list[Path]:
    """The files of the work tree that git tracks or would track, relative to its top."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [Path(name) for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def copy_to(top: Path) -> Path:
    """Make ``top/ansible_collections/onprem/ecs`` equal to the work tree; its path."""
    collection = top / "ansible_collections" / "onprem" / "ecs"
    wanted = set(tracked())
    if not (collection / ".git").is_dir():
        # ansible-test and ansible-lint ask git for the files; the work tree around the copy would tell them "ignored".
        subprocess.run(["git", "init", "-q", str(collection)], check=True)
    for name in wanted:
        target = collection / name
        if not target.exists() or not filecmp.cmp(ROOT / name, target, shallow=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    for old in [path for path in collection.rglob("*") if path.is_file() or path.is_symlink()]:
        name = old.relative_to(collection)
        if name not in wanted and name.parts[0] != ".git":
            old.unlink()
    return collection


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / ".build" / "tree", help="the folder for ansible_collections")
    copy_to(parser.parse_args().to)


if __name__ == "__main__":
    main()
