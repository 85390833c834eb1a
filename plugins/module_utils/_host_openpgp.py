# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What a public key says of itself: its fingerprint, whose it is, when it expires (RFC 4880 and 9580, keys of version 4).

gpgv, which every Debian and Ubuntu with apt's own verifier has, judges signatures but lists no keys; gpg, which does,
brings a dozen packages to a host. Nothing here judges a signature: an end that a text claims for itself may warn or
refuse, and never makes anything good.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import struct
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

BLOCK = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
# Packets.
SIGNATURE, PUBLIC_KEY, USER_ID, PUBLIC_SUBKEY = 2, 6, 13, 14
# Those that a ring of public keys may have besides: marker, trust, a picture of the owner, padding, and what programs
# keep for themselves.
HARMLESS = (10, 12, 17, 21, *range(60, 64))
# Signatures by which a key speaks of itself: over its names, over itself, over a subkey.
OF_ITSELF = (0x10, 0x11, 0x12, 0x13, 0x18, 0x1F)
# Parts of such a signature.
MADE, KEY_EXPIRES_AFTER, ISSUER, ISSUER_FINGERPRINT = 2, 9, 16, 33


class Key(t.NamedTuple):
    """``expires_at``: seconds since the epoch, None for never. A subkey has the name of its primary key."""

    fingerprint: str
    primary: str
    user_id: str
    expires_at: float | None


class Part:
    """A key as it is read: what the packets after its own say of it."""

    def __init__(self, body: bytes, primary: Part | None) -> None:
        named = b"\x99" + struct.pack(">H", len(body)) + body
        self.fingerprint = hashlib.sha1(named).hexdigest().upper()  # noqa: S324 - the format says how a key is named
        self.created: int = struct.unpack(">I", body[1:5])[0]
        self.primary = primary or self
        self.user_id = ""
        # When the newest such signature was made, and after how many seconds the key expires by it.
        self.newest = (-1, 0)

    def hear(self, body: bytes) -> None:
        """A signature that follows the key. By others it counts for nothing."""
        if len(body) < 6 or body[0] != 4 or body[1] not in OF_ITSELF:
            return
        hashed, rest = counted(body[4:])
        said = dict(subpackets(hashed))
        by = {**dict(subpackets(counted(rest)[0])), **said}
        issuer = by.get(ISSUER_FINGERPRINT, b"")[1:] or by.get(ISSUER, b"")
        if not issuer or not self.primary.fingerprint.endswith(issuer.hex().upper()):
            return
        made, lasts = (number(said.get(kind, b"\0\0\0\0")) for kind in (MADE, KEY_EXPIRES_AFTER))
        self.newest = max(self.newest, (made, lasts))

    def key(self) -> Key:
        """What was read."""
        lasts = self.newest[1]
        return Key(
            self.fingerprint,
            self.primary.fingerprint,
            self.primary.user_id,
            float(self.created + lasts) if lasts else None,
        )


def number(data: bytes) -> int:
    """A big-endian number."""
    return int.from_bytes(data, "big")


def counted(data: bytes) -> tuple[bytes, bytes]:
    """What follows a length of two bytes, and what follows that."""
    end = 2 + number(data[:2])
    return data[2:end], data[end:]


def new_length(data: bytes, at: int) -> tuple[int, int]:
    """A length as subpackets and new packets have it, and where what it counts begins."""
    first = data[at]
    if first < 192:
        return first, at + 1
    if first == 255:
        return number(data[at + 1 : at + 5]), at + 5
    return ((first - 192) << 8) + data[at + 1] + 192, at + 2


def subpackets(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """The parts of a signature: kind and content."""
    at = 0
    while at < len(data):
        length, start = new_length(data, at)
        at = start + length
        if length:
            yield data[start] & 0x7F, data[start + 1 : at]


def packets(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """The packets: kind and content.

    Raises:
        ValueError, IndexError: they are damaged or cut short, or have no whole length, which keys must have.
    """
    at = 0
    while at < len(data):
        head = data[at]
        if head & 0x40:
            kind = head & 0x3F
            whole = not 224 <= data[at + 1] < 255
            length, start = new_length(data, at + 1)
        else:
            kind, size = head >> 2 & 0x0F, 1 << (head & 3)
            whole = size < 8
            start = at + 1 + size
            length = number(data[at + 1 : start])
        at = start + length
        if not head & 0x80 or not whole or at > len(data):
            raise ValueError("no whole packet")
        yield kind, data[start:at]


def dearmour(text: str) -> bytes:
    """The bytes of all key blocks in a text; none where there's no block."""
    found = b""
    for block in BLOCK.findall(text):
        lines = [line.strip() for line in block.splitlines()]
        # Without headers such as "Version: ...", and without the checksum.
        found += binascii.a2b_base64("".join(line for line in lines if ":" not in line and line[:1] != "="))
    return found


def armour(data: bytes) -> str:
    """The text of key packets, as gpg writes it."""
    checksum = 0xB704CE
    for byte in data:
        checksum ^= byte << 16
        for _bit in range(8):
            checksum <<= 1
            if checksum & 0x1000000:
                checksum ^= 0x1864CFB
    lines = [binascii.b2a_base64(data[at : at + 48]).decode() for at in range(0, len(data), 48)]
    end = binascii.b2a_base64(checksum.to_bytes(3, "big")).decode()
    name = "PGP PUBLIC KEY BLOCK-----"
    return f"-----BEGIN {name}\n\n{''.join(lines)}={end}-----END {name}\n"


def read_parts(ring: bytes) -> list[Part]:
    """The keys of a ring.

    Raises:
        EcsError: one is of a version that nothing here can name, or a secret key, so it must not be trusted.
        ValueError, IndexError, struct.error: it is damaged.
    """
    parts: list[Part] = []
    for kind, body in packets(ring):
        if kind in (PUBLIC_KEY, PUBLIC_SUBKEY):
            if body[0] != 4:
                raise EcsError(f"holds a key of OpenPGP's version {body[0]}; only version 4 can be used")
            parts.append(Part(body, parts[-1].primary if kind == PUBLIC_SUBKEY else None))
        elif kind == USER_ID and parts:
            parts[-1].user_id = parts[-1].user_id or body.decode("utf-8", "replace")
        elif kind == SIGNATURE and parts:
            parts[-1].hear(body)
        elif kind not in (SIGNATURE, USER_ID, *HARMLESS):
            # Such as a secret key: others trust it too, as sqv does, which apt has from Debian 13 on.
            raise EcsError(f"holds what is no part of a public key (an OpenPGP packet of the kind {kind})")
    return parts


def read_keys(text: str) -> tuple[list[Key], bytes]:
    """The keys in an armoured text, and the same as the key ring that gpgv takes.

    Raises:
        EcsError: it holds none, or is damaged; the message goes on from a name of the text.
    """
    try:
        ring = dearmour(text)
        parts = read_parts(ring)
    except (ValueError, IndexError, struct.error) as error:
        raise EcsError("is damaged or cut short") from error
    if not parts:
        raise EcsError("holds no public key. Give the text that starts with -----BEGIN PGP PUBLIC KEY BLOCK-----")
    return [part.key() for part in parts], ring
