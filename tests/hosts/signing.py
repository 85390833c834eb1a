# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away keys, and detached signatures by them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

# When the expired key was made and used; it held for a year.
LONG_AGO = "20200101T120000"


@dataclass(frozen=True)
class Signer:
    """Keys of one throw-away gpg home."""

    home: Path

    def gpg(self, *arguments: str) -> str:
        """Run gpg; its output. Raises CalledProcessError."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback"]
        command += ["--passphrase", ""]
        return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout

    def make(self, name: str, *, subkey: bool = False, expired: bool = False) -> str:
        """Make a key; the fingerprint of its primary key. With a subkey, that one signs."""
        when = ["--faked-system-time", LONG_AGO] if expired else []
        user = f"{name} (test key, trust it nowhere) <{name}@example.invalid>"
        usage = "cert" if subkey else "sign"
        self.gpg(*when, "--quick-generate-key", user, "rsa2048", usage, "1y" if expired else "0")
        fingerprint = self.fingerprint(name)
        if subkey:
            self.gpg("--quick-add-key", fingerprint, "rsa2048", "sign", "0")
        return fingerprint

    def fingerprint(self, name: str) -> str:
        """The fingerprint of that key's primary."""
        listing = self.gpg("--with-colons", "--list-keys", f"<{name}@example.invalid>")
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))

    def export(self, name: str) -> str:
        """The public key, armoured."""
        return self.gpg("--armor", "--export", f"<{name}@example.invalid>")

    def sign(self, name: str, file: Path, signature: Path, *, armor: bool, expired: bool = False) -> None:
        """Write a detached signature of a file."""
        signature.parent.mkdir(parents=True, exist_ok=True)
        when = ["--faked-system-time", LONG_AGO] if expired else []
        form = ["--armor"] if armor else []
        user = f"<{name}@example.invalid>"
        self.gpg(*when, *form, "--yes", "--local-user", user, "--output", str(signature), "--detach-sign", str(file))


@contextmanager
def signer() -> Iterator[Signer]:
    """A signer whose keys and gpg-agent are gone afterwards."""
    with TemporaryDirectory(prefix="onprem-ecs-gpg-") as temporary:
        home = Path(temporary)
        home.chmod(0o700)
        try:
            yield Signer(home)
        finally:
            subprocess.run(["gpgconf", "--homedir", temporary, "--kill", "all"], check=False, capture_output=True)
