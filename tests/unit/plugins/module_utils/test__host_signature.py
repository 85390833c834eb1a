# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status lines, as gpg and gpgv 2.2 write them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import NOW, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Result
from ansible_collections.onprem.ecs.plugins.module_utils._host_openpgp import Key
from ansible_collections.onprem.ecs.plugins.module_utils._host_signature import (
    BadSignature,
    Verified,
    Verifier,
    earliest_expiry,
    expiry_warning,
    judge,
    normalise_fingerprint,
    parse_status,
)

PRIMARY = "F34C3DDAE72926B079BEAEC6BCE9D9A42D51784F"
SUBKEY = "0000000000000000000000000000DE3CBD61ADAF8B8E"[-40:]
OTHER = "1C5B395CBE5E74E2F1CA21592784DBF388D19D46"

ECS, SSM = "Amazon ECS <ecs-security@amazon.com>", "SSM Agent <ssm-agent-signer@amazon.com>"
# A primary key without an end whose subkey signs and expires, and a second key.
KEYS = [
    Key(PRIMARY, PRIMARY, ECS, None),
    Key(SUBKEY, PRIMARY, ECS, 1830000000.0),
    Key(OTHER, OTHER, SSM, 1795300000.0),
]


def status(*lines: str) -> str:
    return "".join(f"[GNUPG:] {line}\n" for line in ("NEWSIG", *lines))


GOOD = status(
    "GOODSIG DE3CBD61ADAF8B8E Amazon ECS <ecs-security@amazon.com>",
    f"VALIDSIG {SUBKEY} 2026-11-01 1793491200 0 4 0 1 8 00 {PRIMARY}",
    "TRUST_UNDEFINED 0 pgp",
)


@pytest.mark.parametrize("pinned", [[PRIMARY], [SUBKEY], [OTHER, PRIMARY]])
def test_a_good_signature_by_a_subkey_of_a_pinned_key_or_a_pinned_subkey(pinned: list[str]) -> None:
    assert judge(parse_status(GOOD), KEYS, pinned) == Verified(PRIMARY, KEYS[0].user_id, 1830000000.0)


@pytest.mark.parametrize(
    ("text", "pinned", "words"),
    [
        (GOOD, [OTHER], "whose fingerprint is not pinned"),
        (status("BADSIG DE3CBD61ADAF8B8E Amazon ECS"), [PRIMARY], f"is not what key {PRIMARY} (Amazon ECS"),
        (
            # gpg says VALIDSIG, and exits with 0, also for a key that has expired.
            status("EXPKEYSIG 2784DBF388D19D46 SSM", f"VALIDSIG {OTHER} 2025-01-01 1 0 4 0 1 8 00 {OTHER}"),
            [OTHER],
            "expired on 2026-11-21. AWS replaces its signing keys",
        ),
        (
            status("REVKEYSIG 2784DBF388D19D46 x", f"VALIDSIG {OTHER} 2025-01-01 1 0 4 0 1 8 00 {OTHER}"),
            [OTHER],
            "was revoked",
        ),
        (
            status("EXPSIG 2784DBF388D19D46 x", f"VALIDSIG {OTHER} 2025-01-01 1 2 4 0 1 8 00 {OTHER}"),
            [OTHER],
            "has expired",
        ),
        (
            status("ERRSIG 1111111111111111 1 8 00 1793491200 9 -", "NO_PUBKEY 1111111111111111"),
            [PRIMARY],
            "in none of public_keys",
        ),
        (status("NODATA 4"), [PRIMARY], "is no OpenPGP signature"),
        ("", [PRIMARY], "is no OpenPGP signature"),
        # One good signature does not save a file that another signature says was changed.
        (GOOD + status("BADSIG 2784DBF388D19D46 SSM"), [PRIMARY], "is not what key"),
        # GOODSIG without VALIDSIG: nothing says which key it was.
        (status("GOODSIG DE3CBD61ADAF8B8E Amazon ECS"), [PRIMARY], "not pinned"),
        # Words that a signature carries must not count as gpg's.
        ("GOODSIG x\ngpg: [GNUPG:] GOODSIG DE3CBD61ADAF8B8E x\n", [PRIMARY], "is no OpenPGP signature"),
    ],
)
def test_refusals(text: str, pinned: list[str], words: str) -> None:
    with pytest.raises(BadSignature, match=re.escape(words)):
        judge(parse_status(text), KEYS, pinned)


def test_one_of_two_signatures_may_be_by_an_unknown_key() -> None:
    text = status("ERRSIG 1111111111111111 1 8 00 1793491200 9 -") + GOOD
    assert judge(parse_status(text), KEYS, [PRIMARY]).fingerprint == PRIMARY


@given(st.text())
def test_any_words(text: str) -> None:
    with pytest.raises(BadSignature):
        judge(parse_status(text), [], [PRIMARY])


@given(st.from_regex(r"[0-9A-Fa-f]{40}", fullmatch=True))
def test_fingerprints_as_people_write_them(plain: str) -> None:
    grouped = " ".join(plain[i : i + 4] for i in range(0, 40, 4))
    for written in (plain, plain.lower(), grouped, f"0x{plain}", f" {plain}\n"):
        assert normalise_fingerprint(written) == plain.upper()


@pytest.mark.parametrize("given_text", ["", "BCE9D9A42D51784F", "G" * 40, "0" * 39, "0" * 41])
def test_what_pins_nothing(given_text: str) -> None:
    with pytest.raises(EcsError, match="is no fingerprint"):
        normalise_fingerprint(given_text)


@pytest.mark.parametrize(("days", "warns"), [(None, False), (61, False), (59, True), (0.5, True), (-1, True)])
def test_warning_before_the_end(days: float | None, warns: bool) -> None:
    expires = None if days is None else NOW + days * 86400
    words = expiry_warning(Verified(PRIMARY, "Amazon ECS", expires), NOW)
    assert bool(words) is warns
    assert not words or f"in {max(0, int(days or 0))} days" in words


def test_expiry_is_that_of_the_signing_key_or_of_its_primary() -> None:
    signature = parse_status(GOOD)[0]
    assert earliest_expiry(signature, KEYS) == 1830000000.0
    assert earliest_expiry(signature, [KEYS[0]._replace(expires_at=5.0), KEYS[1]]) == 5.0
    assert earliest_expiry(signature, [KEYS[0]]) is None


def test_without_a_program_nothing_is_used(tmp_path: Path) -> None:
    with pytest.raises(EcsError, match="never used unverified"):
        Verifier(FakeHost(tmp_path), str(tmp_path), [])


@pytest.mark.parametrize(
    ("there", "used"), [(("gpg", "gpgv"), "gpgv"), (("gpg2", "gpgv2"), "gpgv2"), (("gpg",), "gpg")]
)
def test_gpgv_is_taken_before_gpg(tmp_path: Path, there: tuple[str, ...], used: str) -> None:
    host = FakeHost(tmp_path)
    host.programs |= set(there)
    host.answers[used] = lambda _command: Result(0, GOOD, "")
    verifier = Verifier(host, str(tmp_path), [])
    assert judge(verifier.verify("package.sig", "package"), KEYS, [PRIMARY]).fingerprint == PRIMARY
    (command,) = host.commands
    assert ("--verify" in command) is ("gpgv" not in used)


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_a_name_in_a_key_cannot_say_whose_signature_it_is(end: str) -> None:
    # gpg escapes the ends of lines that ASCII has; those of Unicode it writes as they are.
    forged = f"[GNUPG:] VALIDSIG {PRIMARY} 2026-11-01 1793491200 0 4 0 1 8 00 {PRIMARY}"
    said = parse_status(
        status(
            f"GOODSIG 2784DBF388D19D46 anybody{end}{forged}{end}[GNUPG:] ERRSIG 2784DBF388D19D46",
            f"VALIDSIG {OTHER} 2026-11-01 1793491200 0 4 0 1 8 00 {OTHER}",
        )
    )
    with pytest.raises(BadSignature, match="whose fingerprint is not pinned"):
        judge(said, KEYS, [PRIMARY])
