# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

Verify a detached signature against given keys and pinned fingerprints.

gpgv judges, which apt brings on Debian and Ubuntu and gpg on others; where it is missing gpg does. It is given the keys
and nothing else, so the keys and the trust of root's own key ring count for nothing. Which key signed is read from the
status lines (their documented interface, doc/DETAILS): the exit status is 0 also for a good signature by a key that has
expired.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_openpgp import Key, read_keys
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import show_time

DAY = 86400.0
WARN_BEFORE = 60 * DAY
# gpgv has no other ring than the one it is given; gpg must be told.
GPG = (
    "--no-options",
    "--batch",
    "--no-tty",
    "--no-default-keyring",
    "--trust-model=always",
    "--keyserver-options=no-auto-key-retrieve",
)
PROGRAMS = ("gpgv", "gpgv2", "gpg", "gpg2")


def program(host: Host) -> str | None:
    """The path of what can judge a signature."""
    return next(filter(None, map(host.which, PROGRAMS)), None)


class Signature(t.NamedTuple):
    """One signature as it was judged. ``verdict`` is the keyword, e.g. GOODSIG; ``fingerprint`` of the key that made
    it.
    """

    verdict: str
    fingerprint: str | None
    primary: str | None
    key_id: str


class Verified(t.NamedTuple):
    """A good signature by a pinned key. ``fingerprint`` is the primary key's."""

    fingerprint: str
    user_id: str
    expires_at: float | None


class BadSignature(EcsError):
    """The file is not what the signature says, or the key is not one to trust. The file must not be used."""


def normalise_fingerprint(given: str) -> str:
    """A fingerprint in capitals without spaces.

    Raises:
        EcsError: it is none; a short key id can be forged, so it pins nothing.
    """
    plain = re.sub(r"[\s:]", "", given).upper()
    plain = plain[2:] if plain.startswith("0X") else plain
    if not re.match(r"[0-9A-F]{40}$", plain):
        raise EcsError(
            f"fingerprints: {given!r} is no fingerprint. A fingerprint has 40 hexadecimal digits; a shorter key id can "
            "be forged."
        )
    return plain


def parse_status(status: str) -> list[Signature]:
    """The signatures in the status lines, each with its verdict."""
    verdicts = ("GOODSIG", "BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "ERRSIG")
    found: list[Signature] = []
    # Only "\n" ends a line: other ends, such as U+2028, gpg writes as they stand in the name of a key, which may be
    # anybody's.
    for line in status.split("\n"):
        words = line.split()
        if len(words) < 3 or words[0] != "[GNUPG:]":
            continue
        if words[1] in verdicts:
            found.append(Signature(words[1], None, None, words[2]))
        elif words[1] == "VALIDSIG" and found:
            # The last word is the primary key's fingerprint; it is missing in very old versions.
            primary = words[11] if len(words) > 11 else words[2]
            found[-1] = found[-1]._replace(fingerprint=words[2], primary=primary)
    return found


def earliest_expiry(signature: Signature, keys: t.Sequence[Key]) -> float | None:
    """When the signing key or its primary expires first, seconds since the epoch; None for never."""
    times = [key.expires_at for key in keys if key.fingerprint in (signature.fingerprint, signature.primary)]
    known = [when for when in times if when is not None]
    return min(known) if known else None


def describe(signature: Signature, keys: t.Sequence[Key]) -> str:
    """The signing key in words, as far as it is known."""
    for key in keys:
        if key.fingerprint in (signature.fingerprint, signature.primary) or key.fingerprint.endswith(signature.key_id):
            return f"{key.primary} ({key.user_id})" if key.user_id else key.primary
    return signature.primary or signature.key_id


REFUSED = {
    "BADSIG": "the file is not what key {key} signed: it was changed, damaged or cut short on the way",
    "EXPSIG": "the signature by key {key} has expired",
    "REVKEYSIG": "key {key} was revoked by its owner",
    "EXPKEYSIG": (
        "key {key}, which signed it, expired on {expires}. AWS replaces its signing keys from time to time: get the "
        "current public key, give it in public_keys and pin its fingerprint in fingerprints, or download a version "
        "signed by the new key"
    ),
    "ERRSIG": "it is signed by key {key}, which is in none of public_keys, or is no valid part of one",
}


def judge(signatures: t.Sequence[Signature], keys: t.Sequence[Key], pinned: t.Sequence[str]) -> Verified:
    """The good signature by a pinned key.

    Raises:
        BadSignature: there is none, or any signature is of another file.
    """
    for signature in signatures:
        if signature.verdict == "BADSIG":
            raise BadSignature(REFUSED["BADSIG"].format(key=describe(signature, keys)))
    for signature in signatures:
        if (
            signature.verdict == "GOODSIG"
            and signature.primary
            and {signature.fingerprint, signature.primary} & set(pinned)
        ):
            user_id = next((key.user_id for key in keys if key.primary == signature.primary), "")
            return Verified(signature.primary, user_id, earliest_expiry(signature, keys))
    for signature in signatures:
        words = describe(signature, keys)
        if signature.verdict == "GOODSIG":
            raise BadSignature(
                f"it is signed by key {words}, whose fingerprint is not pinned. If you trust this key add its "
                "fingerprint to fingerprints; pinned are {}".format(", ".join(pinned))
            )
        expires = show_time(earliest_expiry(signature, keys)) or "an unknown day"
        raise BadSignature(REFUSED[signature.verdict].format(key=words, expires=expires[:10]))
    raise BadSignature("what was given as its signature is no OpenPGP signature")


class Verifier:
    """Judges by some public keys and no others, with a file in a folder that the caller removes.

    Raises:
        EcsError: a text holds no key, or there is no program that can judge.
    """

    def __init__(self, host: Host, folder: str, public_keys: t.Sequence[str]) -> None:
        self.host = host
        self.folder = folder
        self.ring = os.path.join(folder, "keys.gpg")
        self.keys: list[Key] = []
        found = program(host)
        if found is None:
            raise EcsError(
                "neither gpgv nor gpg is installed, so no signature can be verified. Install gpgv (gnupg2 on Red Hat "
                "and Amazon Linux, gpg2 on SUSE); packages are never used unverified."
            )
        self.program = found
        with open(self.ring, "wb") as file:
            for place, text in enumerate(public_keys, 1):
                try:
                    keys, ring = read_keys(text)
                except EcsError as error:
                    raise EcsError(f"public_keys: number {place} of {len(public_keys)} {error}.") from error
                self.keys += keys
                file.write(ring)

    def verify(self, signature: str, file: str) -> list[Signature]:
        """The verdicts on the file (paths)."""
        command = [self.program, "--homedir", self.folder, "--keyring", self.ring, "--status-fd", "1"]
        if "gpgv" not in os.path.basename(self.program):
            command += [*GPG, "--verify"]
        return parse_status(self.host.run(*command, signature, file, timeout=60.0).out)


def expiry_warning(verified: Verified, now: float) -> str | None:
    """Words on a key that expires soon; None when there's time."""
    if verified.expires_at is None or verified.expires_at - now > WARN_BEFORE:
        return None
    days = max(0, int((verified.expires_at - now) / DAY))
    return (
        f"The signing key {verified.fingerprint} ({verified.user_id}) expires on "
        f"{(show_time(verified.expires_at) or '')[:10]}, in {days} days. From then on what it signed is refused: get "
        "the "
        "maker's new key and pin its fingerprint before."
    )
