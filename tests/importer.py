# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a built collection as Galaxy does when it is uploaded. Any warning or error of galaxy-importer fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """``importer.py TARBALL``: 0 when galaxy-importer has nothing to say."""
    with tempfile.TemporaryDirectory() as scratch:
        # The importer writes its result beside where it is called, and its linter a cache: both go with the folder.
        run = subprocess.run(
            [sys.executable, "-m", "galaxy_importer.main", str(Path(sys.argv[1]).resolve())],
            cwd=scratch,
            env={**os.environ, "GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": f"{scratch}/ansible"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    complaints = [line for line in run.stdout.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    print(run.stdout)
    if run.returncode or complaints or "Importing with galaxy-importer" not in run.stdout:
        print(f"galaxy-importer: exit code {run.returncode}, {len(complaints)} complaints", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
