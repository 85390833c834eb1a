# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

Keep the SSM agent's registration while a new one is tried.

The agent blanks the vault before it asks AWS, so a registration that fails takes the old one with it. The copy is made
whole before it gets its name: what has the name can be restored, also by the next run when this one was killed.
"""

from __future__ import annotations

import os
import shutil

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import (
    REGISTRATION_FILE,
    REGISTRATION_KEY,
    SSM_DATA,
    VAULT,
    Registration,
    parse_registration,
)

BACKUP = SSM_DATA + "/.registration-before"
UNFINISHED = BACKUP + ".new"
KEPT = (VAULT, REGISTRATION_FILE)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _copy(source: str, target: str) -> None:
    """Copy a file or a folder with its modes and times; nothing when there's none."""
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True)
    elif os.path.lexists(source):
        shutil.copy2(source, target)


def save(host: Host) -> None:
    """Keep a copy, private to root, beside the vault.

    Raises:
        EcsError: it cannot be kept, so nothing should be registered.
    """
    unfinished = host.path(UNFINISHED)
    try:
        _remove(unfinished)
        os.mkdir(unfinished, 0o700)
        for path in KEPT:
            _copy(host.path(path), os.path.join(unfinished, os.path.basename(path)))
        _remove(host.path(BACKUP))
        os.rename(unfinished, host.path(BACKUP))
    except OSError as error:
        raise EcsError(
            f"The registration that is there cannot be kept in {BACKUP} ({error}); nothing was changed."
        ) from error


def is_kept(host: Host) -> bool:
    """Whether there is a copy: a run is at work, or was killed."""
    return os.path.isdir(host.path(BACKUP))


def kept_registration(host: Host) -> Registration | None:
    """The registration in the copy; None when there is no copy, or no registration in it."""
    return parse_registration(host.read(os.path.join(BACKUP, os.path.relpath(REGISTRATION_KEY, SSM_DATA))))


def restore(host: Host) -> None:
    """Put the copy back in place of what is there, then drop it.

    The vault is last, and appears whole: when this is killed, either it is as good as the copy, or it is plain that the
    copy is still needed.

    Raises:
        EcsError: it cannot be put back; the copy stays.
    """
    backup = host.path(BACKUP)
    try:
        for path in reversed(KEPT):
            target, kept = host.path(path), os.path.join(backup, os.path.basename(path))
            _remove(target + ".new")
            _copy(kept, target + ".new")
            _remove(target)
            if os.path.lexists(target + ".new"):
                os.rename(target + ".new", target)
    except OSError as error:
        raise EcsError(f"The old registration cannot be put back from {BACKUP} to {SSM_DATA}: {error}.") from error
    drop(host)


def drop(host: Host) -> None:
    """Remove the copy, if any, and what a restore that was cut off has left.

    Raises:
        EcsError: it cannot be removed.
    """
    try:
        for path in (*(kept + ".new" for kept in KEPT), UNFINISHED, BACKUP):
            _remove(host.path(path))
    except OSError as error:
        raise EcsError(f"{BACKUP} holds a copy of the node's key and cannot be removed: {error}.") from error


def remove_vault(host: Host) -> None:
    """Remove the vault itself: only for a host whose agent is gone, and so cannot clear it.

    Raises:
        EcsError: it cannot be removed.
    """
    try:
        _remove(host.path(VAULT))
    except OSError as error:
        raise EcsError(f"{VAULT} holds the node's key and cannot be removed: {error}.") from error
