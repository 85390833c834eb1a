# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``ansible-test sanity`` where only package registries can be reached.

ansible-test fetches a script that puts pip into its virtual environments from a server of its own. Python brings pip
along, so a script that uses this is put where ansible-test keeps the fetched one, unless it is there already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ansible

# The name of the script depends on the version of pip that this ansible-core wants, and only this module knows it.
from ansible_test._internal.python_requirements import (  # type: ignore[import-untyped]  # ansible-core has no types
    get_venv_packages,
)
from tree import ROOT, copy_to

GET_PIP = "import ensurepip\nensurepip.bootstrap(default_pip=True)\n"


class _ThisPython:
    """What ansible-test asks of a Python."""

    version = ".".join(map(str, sys.version_info[:2]))


def path_without_shims() -> str:
    """The PATH with pyenv's shims, which fail for versions that are not chosen, replaced by the Pythons themselves."""
    if not shutil.which("pyenv"):
        return os.environ["PATH"]
    root = Path(subprocess.run(["pyenv", "root"], check=True, capture_output=True, text=True).stdout.strip())
    pythons = [str(path) for path in sorted(root.glob("versions/*/bin"))]
    others = [place for place in os.environ["PATH"].split(":") if place != str(root / "shims")]
    return ":".join(others + pythons)


def main() -> None:
    """Prepare a copy of the collection beside those that it imports, then become ansible-test there."""
    collection = copy_to(ROOT / ".build" / "sanity")
    amazon = collection.parents[1] / "amazon"
    if not amazon.exists():
        amazon.symlink_to(Path(ansible.__file__).parents[1] / "ansible_collections" / "amazon")
    os.chdir(collection)
    os.environ["PATH"] = path_without_shims()
    version = get_venv_packages(_ThisPython())["pip"].replace(".", "_")
    script = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version}.py"
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(GET_PIP, encoding="utf-8")
    os.execvp("ansible-test", ["ansible-test", "sanity", "--color", "no", *sys.argv[1:]])  # noqa: S606  # no shell wanted


if __name__ == "__main__":
    main()
