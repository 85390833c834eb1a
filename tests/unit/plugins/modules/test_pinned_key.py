# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module pinned_key with real gpg and throw-away keys."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.plugins.modules._run_module import run_tasks
from unit.plugins.modules.test_signed_download import Signer


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    """gpg with a home of its own."""
    # gpg's agent has a socket in its home, whose path must be short.
    home = Path(f"/tmp/pinned-{os.getpid()}")  # noqa: S108  # short, private (0700), and removed
    yield Signer(home)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def keys(signer: Signer) -> dict[str, str]:
    """Their fingerprints by name."""
    return {
        "good": signer.key("good"),
        "other": signer.key("other"),
        "soon": signer.key("soon", "20d"),
        "expired": signer.key("expired", "30d", "20240101T000000"),
    }


def check(tmp_path: Path, key: str, *fingerprints: str) -> dict[str, Any]:
    """The module's answer."""
    options = {"key": key, "fingerprints": list(fingerprints)}
    (done,), _printed = run_tasks(tmp_path, [{"onprem.ecs.pinned_key": options}])
    return done


def test_a_pinned_key_is_trusted_and_given_back(tmp_path: Path, signer: Signer, keys: dict[str, str]) -> None:
    text = signer.public(keys["good"])
    done = check(tmp_path, text, keys["other"], keys["good"].lower())
    assert done["changed"] is False and done["trusted"] == [keys["good"]]
    assert done["key"].strip() == text.strip()
    assert done["key_expires_at"] is not None and not done.get("warnings")


def test_a_key_that_is_not_pinned_is_refused(tmp_path: Path, signer: Signer, keys: dict[str, str]) -> None:
    done = check(tmp_path, signer.public(keys["other"]), keys["good"])
    assert done["failed"] and keys["other"] in done["msg"] and "not in fingerprints" in done["msg"]


def test_a_second_key_in_the_text_is_refused(tmp_path: Path, signer: Signer, keys: dict[str, str]) -> None:
    done = check(tmp_path, signer.public(keys["good"]) + signer.public(keys["other"]), keys["good"])
    assert done["failed"] and keys["other"] in done["msg"]


def test_an_expired_key_is_refused(tmp_path: Path, signer: Signer, keys: dict[str, str]) -> None:
    done = check(tmp_path, signer.public(keys["expired"]), keys["expired"])
    assert done["failed"] and "expired on 2024-01-31" in done["msg"]


def test_a_key_that_expires_soon_is_warned_of(tmp_path: Path, signer: Signer, keys: dict[str, str]) -> None:
    done = check(tmp_path, signer.public(keys["soon"]), keys["soon"])
    assert done["trusted"] == [keys["soon"]]
    assert keys["soon"] in str(done["warnings"]) and "days" in str(done["warnings"])


@pytest.mark.parametrize(
    ("key", "fingerprint", "words"),
    [("no key at all", "0" * 40, "holds no public key"), ("", "1A2B3C4D", "is no fingerprint")],
)
def test_what_is_no_key_or_no_fingerprint(tmp_path: Path, key: str, fingerprint: str, words: str) -> None:
    done = check(tmp_path, key, fingerprint)
    assert done["failed"] and words in done["msg"]
