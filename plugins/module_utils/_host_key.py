# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Check that a public key is the one that was pinned."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_openpgp import Key, armour, read_keys
from ansible_collections.onprem.ecs.plugins.module_utils._host_signature import (
    Verified,
    expiry_warning,
    normalise_fingerprint,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import show_time


def judge_keys(keys: t.Sequence[Key], pinned: t.Sequence[str], now: float) -> list[Key]:
    """The primary keys, all of them pinned and good.

    Raises:
        EcsError: one is not pinned (a package manager would trust each key in the text), or has expired.
    """
    primaries = [key for key in keys if key.fingerprint == key.primary]
    for key in primaries:
        name = f"{key.fingerprint} ({key.user_id})"
        if key.fingerprint not in pinned:
            raise EcsError(
                f"The key {name} is not trusted: its fingerprint is not in fingerprints, which has "
                f"{', '.join(pinned)}. If it is its owner's key, by a source other than the one of the key, add it."
            )
        if key.expires_at is not None and key.expires_at <= now:
            raise EcsError(
                f"The key {name} expired on {(show_time(key.expires_at) or '')[:10]}. Get its owner's current key."
            )
    return primaries


def pinned_key(host: Host, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the module pinned_key does, from its options to its answer.

    Raises:
        EcsError: the text holds no key, one that is not pinned, or one that has expired.
    """
    pinned = [normalise_fingerprint(given) for given in options["fingerprints"]]
    try:
        found, ring = read_keys(options["key"])
    except EcsError as error:
        raise EcsError(f"key: the text {error}.") from error
    keys = judge_keys(found, pinned, host.now())
    warnings = [expiry_warning(Verified(key.fingerprint, key.user_id, key.expires_at), host.now()) for key in keys]
    times = [key.expires_at for key in keys if key.expires_at is not None]
    return {
        "changed": False,
        "trusted": [key.fingerprint for key in keys],
        # Written anew from what was read: another reader cannot find more in the text than was checked.
        "key": armour(ring),
        "key_expires_at": show_time(min(times)) if times else None,
        "warnings": [warning for warning in warnings if warning],
    }
