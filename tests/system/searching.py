# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search for secrets on hosts and on the controller."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from hosts import Host

#: Where a program could have left something, on a host: files, what each process was started with, and the journal.
SEARCH = r"""
set -u
cat > /run/patterns
grep --recursive --binary-files=text --files-with-matches --fixed-strings --file=/run/patterns \
  /etc /var /root /tmp /home /opt /run/user /dev/shm 2>/dev/null
for process in /proc/[0-9]*; do
  for file in cmdline environ; do
    tr '\0' '\n' < "$process/$file" 2>/dev/null | grep --quiet --fixed-strings --file=/run/patterns \
      && echo "$process/$file"
  done
done
journalctl --no-pager --all --output=export | grep --quiet --text --fixed-strings --file=/run/patterns && echo journal
rm /run/patterns
exit 0
"""


def spellings(secret: str) -> set[str]:
    """The secret as it is, and as programs write it: in JSON, in a URL, in base64 wherever it begins."""
    written = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), secret.replace("/", "\\/")}
    for lead in range(3):
        # The characters at both ends depend on what stands beside the secret, so they are cut off.
        text = base64.b64encode(b"\0" * lead + secret.encode()).decode().rstrip("=")
        written.add(text[(0, 2, 3)[lead] : -1])
    return written


def found_on(host: Host, secrets: list[str]) -> list[str]:
    """Where on a host one of the secrets is."""
    patterns = "".join(f"{spelling}\n" for secret in secrets for spelling in sorted(spellings(secret)))
    done = host.run(SEARCH, stdin=patterns)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def files_with(secrets: list[str], files: Iterable[Path]) -> list[str]:
    """The files, on the controller, that one of the secrets is in."""
    wanted = [spelling.encode() for secret in secrets for spelling in spellings(secret)]
    found = []
    for path in files:
        try:
            content = path.read_bytes()
        except OSError:
            continue  # another program's, and gone
        if any(spelling in content for spelling in wanted):
            found.append(str(path))
    return found
