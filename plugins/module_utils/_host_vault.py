# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What the SSM agent keeps on disk: its registration and its running identity.

The truth on the registration is a non-empty ``instanceID`` in the vault's RegistrationKey. The file ``registration``
beside it is written once, never read by the agent, and goes stale. The private key in RegistrationKey never leaves this
file.
"""

from __future__ import annotations

import calendar
import json
import re
import time
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host

SSM_DATA = "/var/lib/amazon/ssm"
VAULT = SSM_DATA + "/Vault"
REGISTRATION_KEY = VAULT + "/Store/RegistrationKey"
FINGERPRINT = VAULT + "/Store/InstanceFingerprint"
REGISTRATION_FILE = SSM_DATA + "/registration"
IDENTITY = SSM_DATA + "/runtimeconfig/identity_config.json"


class Registration(t.NamedTuple):
    """The node that the vault holds the key of. ``written_at``: seconds since the epoch."""

    instance_id: str
    region: str
    written_at: float = 0.0


class Identity(t.NamedTuple):
    """What the running agent last said of itself. Times in seconds since the epoch.

    ``expires_at``: None without credentials. ``written_at``: when it last got credentials.
    """

    instance_id: str
    share_file: str
    expires_at: float | None
    written_at: float = 0.0


def parse_time(text: str) -> float | None:
    """An RFC 3339 time as Go writes it (nanoseconds, Z or an offset) in seconds since the epoch; None for Go's zero
    time.
    """
    match = re.match(
        r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?\s*(?:[Zz]|([+-])(\d\d):?(\d\d))?$", text.strip()
    )
    if not match or match.group(1) == "0001":
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    seconds = calendar.timegm((year, month, day, hour, minute, second)) + float(fraction or 0)
    if sign:
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds -= offset if sign == "+" else -offset
    return seconds


def show_time(seconds: float | None) -> str | None:
    """The time as ISO 8601 in UTC, to the second."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _object(text: str | None) -> dict[str, t.Any]:
    """The JSON object in the text; empty when it holds none, as a file that is being written may."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def parse_registration(text: str | None, written_at: float = 0.0) -> Registration | None:
    """The registration in RegistrationKey; None when it is blank, which is what a failed or cleared registration
    leaves.
    """
    found = _object(text)
    instance_id, region = found.get("instanceID"), found.get("region")
    if not isinstance(instance_id, str) or not instance_id.strip():
        return None
    return Registration(instance_id.strip(), region.strip() if isinstance(region, str) else "", written_at)


def parse_identity(text: str | None, written_at: float = 0.0) -> Identity | None:
    """What identity_config.json says; None when there is nothing usable in it."""
    found = _object(text)
    instance_id = found.get("InstanceId")
    if not isinstance(instance_id, str) or not instance_id:
        return None
    share_file, expires = found.get("ShareFile"), found.get("CredentialsExpiresAt")
    return Identity(
        instance_id,
        share_file if isinstance(share_file, str) else "",
        parse_time(expires) if isinstance(expires, str) else None,
        written_at,
    )


def read_registration(host: Host) -> Registration | None:
    """The registration of the vault."""
    return parse_registration(host.read(REGISTRATION_KEY), host.written_at(REGISTRATION_KEY) or 0.0)


def read_identity(host: Host) -> Identity | None:
    """The identity of the running agent, or of the last that ran."""
    return parse_identity(host.read(IDENTITY), host.written_at(IDENTITY) or 0.0)


def is_other_machine(fingerprint: str | None, machine_id: str | None) -> bool:
    """Whether the vault was made with another machine-id (a cloned disk): AWS then refuses the node.

    A threshold of -1 tells the agent not to compare.
    """
    found = _object(fingerprint)
    hashes = found.get("hardwareHash")
    # The agent keeps the file's text as it is, in some versions with its line end.
    saved = hashes.get("machine-id") if isinstance(hashes, dict) else None
    current = (machine_id or "").strip()
    if found.get("similarityThreshold") == -1 or not isinstance(saved, str):
        return False
    saved = saved.strip()
    return bool(re.match(r"[0-9a-f]{32}$", saved) and re.match(r"[0-9a-f]{32}$", current) and saved != current)
