# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Public keys as gpg writes them, read as gpg reads them; and keys that somebody has tampered with."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.modules.test_signed_download import Signer

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_openpgp import (
    PUBLIC_SUBKEY,
    Key,
    armour,
    dearmour,
    packets,
    read_keys,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_signature import BadSignature, Verifier, judge

ALGORITHMS = {"rsa": "rsa2048", "edwards": "ed25519", "nist": "nistp384"}


class Keys:
    """Keys of many kinds, by name."""

    def __init__(self, home: Path) -> None:
        self.signer = Signer(home)
        self.fingerprints = {name: self.make(name, algorithm) for name, algorithm in ALGORITHMS.items()}
        self.fingerprints["never"] = self.make("never", "rsa2048", "never")
        self.fingerprints["old"] = self.make("old", "rsa2048", "30d", "20240101T000000")
        # Two names, a subkey that signs, and an end that was put off twice; another has signed it.
        whole = self.fingerprints["whole"] = self.make("whole", "ed25519", "1y")
        gpg = self.signer.gpg
        gpg("--quick-add-uid", whole, "The same <same@example.com>")
        gpg("--quick-add-key", whole, "rsa2048", "sign", "90d")
        gpg("--quick-add-key", whole, "cv25519", "encr", "never")
        gpg("--faked-system-time", "20300101T000000!", "--quick-set-expire", whole, "3y")
        gpg("--faked-system-time", "20310101T000000!", "--quick-set-expire", whole, "5y")
        gpg("--local-user", self.fingerprints["rsa"], "--quick-sign-key", whole)

    def make(self, name: str, algorithm: str, lasts: str = "2y", made: str | None = None) -> str:
        clock = [f"--faked-system-time={made}"] if made else []
        self.signer.gpg(*clock, "--quick-generate-key", f"{name} <{name}@example.com>", algorithm, "sign,cert", lasts)
        return self.listed(name)[0].fingerprint

    def listed(self, name: str) -> list[Key]:
        """The keys as gpg reads them."""
        found: list[Key] = []
        expires: float | None = None
        for line in self.signer.gpg("--list-keys", "--with-colons", f"<{name}@example.com>").splitlines():
            fields = line.split(":")
            if fields[0] in ("pub", "sub"):
                expires = float(fields[6]) if fields[6] else None
            elif fields[0] == "fpr":
                found.append(Key(fields[9], found[0].primary if found else fields[9], "", expires))
        return found

    def text(self, name: str) -> str:
        return self.signer.public(self.fingerprints[name])


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    # gpg's agent has a socket in its home, whose path must be short.
    home = Path(f"/tmp/openpgp-{os.getpid()}")  # noqa: S108  # short, private (0700), and removed
    yield Keys(home)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("name", [*ALGORITHMS, "never", "old", "whole"])
def test_a_key_is_read_as_gpg_reads_it(keys: Keys, name: str) -> None:
    found, ring = read_keys(keys.text(name))
    assert [key._replace(user_id="") for key in found] == keys.listed(name)
    assert {key.user_id.rpartition(" ")[2] for key in found} <= {f"<{name}@example.com>", "<same@example.com>"}
    assert armour(ring) == keys.text(name), "gpg writes the same text"


def test_the_key_of_many_parts(keys: Keys) -> None:
    found = read_keys(keys.text("whole"))[0]
    assert [key.primary for key in found] == [keys.fingerprints["whole"]] * 3
    assert [key.expires_at is None for key in found] == [False, False, True]


def test_several_keys_in_a_text_among_other_words(keys: Keys) -> None:
    block = keys.text("rsa").replace("BLOCK-----\n\n", "BLOCK-----\nVersion: GnuPG v2\nComment: x\n\n", 1)
    text = f"From: a mail\n\n{block}\r\nand another:\n{keys.text('old')}the end"
    assert [key.fingerprint for key in read_keys(text)[0]] == [keys.fingerprints["rsa"], keys.fingerprints["old"]]
    # As a page or a variable of YAML may have it.
    indented = "\r\n".join(f"  {line}" for line in keys.text("rsa").splitlines())
    assert read_keys(indented)[0] == read_keys(keys.text("rsa"))[0]


@pytest.mark.parametrize("version", [3, 5, 6])
def test_a_key_of_another_version_is_refused(keys: Keys, version: int) -> None:
    ring = bytearray(dearmour(keys.text("rsa")))
    ring[3] = version
    with pytest.raises(EcsError, match=f"version {version}"):
        read_keys(armour(bytes(ring)))


def test_what_programs_keep_beside_a_key_is_no_matter(keys: Keys) -> None:
    ring = dearmour(keys.text("rsa"))
    # Padding (21), and a packet for private use (61), each of one byte.
    assert read_keys(armour(ring + b"\xd5\x01x" + b"\xfd\x01x"))[0] == read_keys(armour(ring))[0]


def test_a_secret_key_beside_the_public_one_is_refused(keys: Keys) -> None:
    """Another reader would trust it as well: sqv, by which apt judges from Debian 13 on, does."""
    command = ["gpg", "--homedir", str(keys.signer.home), "--batch", "--pinentry-mode=loopback", "--passphrase="]
    found = subprocess.run(
        [*command, "--export-secret-keys", keys.fingerprints["edwards"]], check=True, capture_output=True
    )
    with pytest.raises(EcsError, match=r"no part of a public key .*kind 5"):
        read_keys(armour(dearmour(keys.text("rsa")) + found.stdout))


def test_a_text_that_is_cut_short(keys: Keys) -> None:
    ring = dearmour(keys.text("whole"))
    whole = {0}
    for kind, body in packets(ring):
        assert kind and ring.index(body) >= 0
        whole.add(ring.index(body) + len(body))
    for end in set(range(1, len(ring))) - whole:
        with pytest.raises(EcsError, match="damaged"):
            read_keys(armour(ring[:end]))
    with pytest.raises(EcsError, match="holds no public key"):
        read_keys(keys.text("whole")[:-50])


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    assert dearmour(armour(data)) == data
    try:
        assert read_keys(armour(data))[0]
    except EcsError:
        return


@given(st.data())
def test_any_change_of_a_key(keys: Keys, data: st.DataObject) -> None:
    ring = bytearray(dearmour(keys.text("whole")))
    for _change in range(data.draw(st.integers(1, 4))):
        ring[data.draw(st.integers(0, len(ring) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert read_keys(armour(bytes(ring)))[0]
    except EcsError:
        return


class Only(Host):
    """This machine with one of the programs."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self.program = program

    def which(self, name: str) -> str | None:
        return super().which(name) if name == self.program else None


def parts(ring: bytes) -> list[tuple[int, bytes]]:
    """The packets with their heads."""
    found, at = [], 0
    for kind, body in packets(ring):
        end = ring.index(body, at) + len(body)
        found.append((kind, ring[at:end]))
        at = end
    return found


@pytest.mark.parametrize("bound", [True, False], ids=["bound to another key", "not bound"])
@pytest.mark.parametrize("program", ["gpgv", "gpg"])
def test_a_subkey_that_somebody_has_added_makes_nothing_good(
    keys: Keys, tmp_path: Path, program: str, bound: bool
) -> None:
    file = tmp_path / "package"
    file.write_bytes(b"forged")
    # Signed by the subkey of "whole"; then that subkey is put behind "rsa", which is pinned.
    keys.signer.sign(file, keys.fingerprints["whole"], ".sig")
    added = parts(dearmour(keys.text("whole")))
    first = [kind for kind, _packet in added].index(PUBLIC_SUBKEY)
    stolen = b"".join(packet for _kind, packet in added[first : first + (2 if bound else 1)])
    text = armour(dearmour(keys.text("rsa")) + stolen)
    honest = Verifier(Only(program), str(tmp_path), [keys.text("whole")])
    primary = keys.fingerprints["whole"]
    assert judge(honest.verify(f"{file}.sig", str(file)), honest.keys, [primary]).fingerprint == primary
    forged = Verifier(Only(program), str(tmp_path), [text])
    assert len(forged.keys) == 2 and {key.primary for key in forged.keys} == {keys.fingerprints["rsa"]}
    with pytest.raises(BadSignature, match="no valid part of one"):
        judge(forged.verify(f"{file}.sig", str(file)), forged.keys, [keys.fingerprints["rsa"]])


@pytest.mark.parametrize("program", ["gpgv", "gpg"])
def test_what_an_expired_or_revoked_key_has_signed_is_refused(keys: Keys, tmp_path: Path, program: str) -> None:
    file = tmp_path / "package"
    file.write_bytes(b"a package")
    keys.signer.sign(file, keys.fingerprints["old"], ".old", "20240102T000000")
    verifier = Verifier(Only(program), str(tmp_path), [keys.text("old")])
    with pytest.raises(BadSignature, match="expired on 2024-01-31"):
        judge(verifier.verify(f"{file}.old", str(file)), verifier.keys, [keys.fingerprints["old"]])
    name = f"revoked-{program}"
    revoked = keys.fingerprints[name] = keys.make(name, "ed25519")
    keys.signer.sign(file, revoked, ".revoked")
    certificate = (keys.signer.home / "openpgp-revocs.d" / f"{revoked}.rev").read_text()
    # A colon guards it against being used by accident.
    keys.signer.gpg("--import", stdin=certificate.replace("\n:-----BEGIN", "\n-----BEGIN"))
    verifier = Verifier(Only(program), str(tmp_path), [keys.text(name)])
    with pytest.raises(BadSignature, match="revoked by its owner"):
        judge(verifier.verify(f"{file}.revoked", str(file)), verifier.keys, [revoked])
