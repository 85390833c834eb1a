# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Download a file and use it only when its signature is good."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_fetch import NO_ROOM
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_signature import (
    BadSignature,
    Verified,
    Verifier,
    expiry_warning,
    judge,
    normalise_fingerprint,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import show_time

# A detached signature has some hundred bytes; an error page in its place may be any size.
SIGNATURE_LIMIT = 64 << 10
NO_LIMIT = 0

# Writes what an address holds to a path, at most so many bytes (NO_LIMIT: all). Raises EcsError.
Fetch = t.Callable[[str, str, int], None]


class Request(t.NamedTuple):
    """What is wanted. ``checksum``: SHA-256 in hexadecimal, or None."""

    url: str
    signature_url: str
    dest: str
    public_keys: tuple[str, ...]
    fingerprints: tuple[str, ...]
    checksum: str | None


def parse_request(options: t.Mapping[str, t.Any]) -> Request:
    """The options, checked.

    Raises:
        EcsError: what is wrong and what is allowed.
    """
    for name in ("url", "signature_url"):
        if not re.match(r"(?:https?://|file:///|/)", options[name]):
            raise EcsError(f"{name}: {options[name]!r} is neither an http, https or file address nor an absolute path.")
    for name in ("public_keys", "fingerprints"):
        if not options[name]:
            raise EcsError(f"{name}: give at least one; nothing is used unverified.")
    checksum = (options["checksum"] or "").lower()
    checksum = checksum[7:] if checksum.startswith("sha256:") else checksum
    if checksum and not re.match(r"[0-9a-f]{64}$", checksum):
        raise EcsError(f"checksum: {options['checksum']!r} is no SHA-256, which has 64 hexadecimal digits.")
    if os.path.isdir(options["dest"]) or not os.path.isabs(options["dest"]):
        raise EcsError(f"dest: {options['dest']} must be the absolute path of a file, not a folder.")
    return Request(
        options["url"],
        options["signature_url"],
        options["dest"],
        tuple(options["public_keys"]),
        tuple(normalise_fingerprint(given) for given in options["fingerprints"]),
        checksum or None,
    )


def sha256(path: str) -> str:
    """The SHA-256 of a file in hexadecimal."""
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            hashed.update(part)
    return hashed.hexdigest()


def check_sum(request: Request, path: str) -> None:
    """Compare the checksum, if one was given.

    Raises:
        BadSignature: it is another.
    """
    found = sha256(path)
    if request.checksum and found != request.checksum:
        raise BadSignature(f"its SHA-256 is {found}, not {request.checksum} as checksum says")


def already_there(request: Request, verifier: Verifier, signature: str) -> Verified | None:
    """The verdict on the file that is at ``dest`` already; None when it must be downloaded."""
    if not os.path.isfile(request.dest):
        return None
    try:
        check_sum(request, request.dest)
        return judge(verifier.verify(signature, request.dest), verifier.keys, request.fingerprints)
    except BadSignature:
        return None


def place(path: str, dest: str) -> None:
    """Move the verified file to its place in one step, readable for all: package managers drop root's rights.

    Raises:
        EcsError: it cannot be put there.
    """
    try:
        os.chmod(path, 0o644)
        os.replace(path, dest)
    except OSError as error:
        raise EcsError(f"dest: the verified file cannot be put at {dest}: {error}.") from error


def download(host: Host, request: Request, fetch: Fetch) -> tuple[bool, Verified]:
    """Get the file, verify it, put it at ``dest``. Whether it changed, and the verdict.

    Raises:
        EcsError: it cannot be fetched, or it must not be used; then nothing is left.
    """
    folder = os.path.dirname(request.dest)
    missing = not os.path.isdir(folder)
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        work = tempfile.mkdtemp(prefix=".signed-download-", dir=folder)
    except OSError as error:
        raise EcsError(f"dest: no file can be made beside {request.dest}: {error}.") from error
    try:
        verifier = Verifier(host, work, request.public_keys)
        signature = os.path.join(work, "signature")
        fetch(request.signature_url, signature, SIGNATURE_LIMIT)
        verified = already_there(request, verifier, signature)
        if verified:
            return False, verified
        path = os.path.join(work, os.path.basename(request.dest))
        fetch(request.url, path, NO_LIMIT)
        try:
            check_sum(request, path)
            verified = judge(verifier.verify(signature, path), verifier.keys, request.fingerprints)
        except BadSignature as error:
            raise BadSignature(f"{request.url} is not used: {error} (signature {request.signature_url}).") from error
        place(path, request.dest)
        return True, verified
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise EcsError(f"dest: {error}.") from error
        raise EcsError(
            f"dest: no file can be written beside {request.dest}: {error.strerror}. See that there is room (df -h, "
            "df -i), and run again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if missing and not os.listdir(folder):
            os.rmdir(folder)


def signed_download(host: Host, options: t.Mapping[str, t.Any], check: bool, fetch: Fetch) -> dict[str, t.Any]:
    """What the module signed_download does, from its options to its answer.

    Raises:
        EcsError: see `parse_request` and `download`.
    """
    request = parse_request(options)
    if check:
        there = os.path.isfile(request.dest)
        return {"changed": not there, "dest": request.dest, "fingerprint": None, "key_expires_at": None, "warnings": []}
    changed, verified = download(host, request, fetch)
    warning = expiry_warning(verified, host.now())
    return {
        "changed": changed,
        "dest": request.dest,
        "fingerprint": verified.fingerprint,
        "key_expires_at": show_time(verified.expires_at),
        "warnings": [warning] if warning else [],
    }
