# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The package sources of apt, in both of its formats."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host

MAIN = "/etc/apt/sources.list"
PARTS = "/etc/apt/sources.list.d"
LINE = re.compile(r"\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)")


class Source(t.NamedTuple):
    """One suite of a repository. ``signed_by`` is as it stands there: a path, fingerprints, a key; empty for none."""

    uri: str
    suite: str
    signed_by: str


def parse_list(text: str) -> list[Source]:
    """The sources in a file of one line for each (``*.list``)."""
    found = []
    for match in filter(None, map(LINE.match, text.splitlines())):
        options = dict(word.partition("=")[::2] for word in (match[1] or "").split())
        found.append(Source(match[2].rstrip("/"), match[3], options.get("signed-by", "")))
    return found


def parse_deb822(text: str) -> list[Source]:
    """The sources in a file of paragraphs (``*.sources``); those that are switched off are none."""
    found = []
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = re.findall(r"^([\w-]+):(.*(?:\n[ \t]+.*)*)", paragraph, re.MULTILINE)
        known = {name.lower(): " ".join(value.split()) for name, value in fields}
        if known.get("enabled", "yes").lower() in ("no", "false", "without", "off", "disable"):
            continue
        for uri in known.get("uris", "").split():
            suites = known.get("suites", "").split()
            found += [Source(uri.rstrip("/"), suite, known.get("signed-by", "")) for suite in suites]
    return found


def read_sources(host: Host) -> dict[str, list[Source]]:
    """The sources of each file that apt reads."""
    found = {MAIN: parse_list(host.read(MAIN) or "")}
    for name in host.names(PARTS):
        if name.endswith((".list", ".sources")):
            parse = parse_list if name.endswith(".list") else parse_deb822
            found[f"{PARTS}/{name}"] = parse(host.read(f"{PARTS}/{name}") or "")
    return found
