# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module signed_download with real gpg, throw-away keys and a local HTTP server."""

from __future__ import annotations

import hashlib
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from unit.plugins.modules._run_module import run_tasks

PACKAGE = b"a package\n" * 20_000


class Signer:
    """gpg with a home of its own, to make keys and signatures."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700, parents=True)

    def gpg(self, *arguments: str, stdin: str = "") -> str:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--pinentry-mode=loopback", "--passphrase="]
        done = subprocess.run([*command, *arguments], input=stdin, check=True, capture_output=True, text=True)
        return done.stdout

    def key(self, name: str, expires: str = "2y", made: str | None = None) -> str:
        """Make a key; its fingerprint. ``made``: the day (YYYYMMDDThhmmss) that gpg shall take for today."""
        clock = [f"--faked-system-time={made}"] if made else []
        self.gpg(*clock, "--quick-generate-key", f"{name} <{name}@example.com>", "rsa2048", "sign", expires)
        listing = self.gpg("--list-keys", "--with-colons", name)
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))

    def public(self, fingerprint: str) -> str:
        return self.gpg("--armor", "--export", fingerprint)

    def sign(self, file: Path, fingerprint: str, suffix: str, made: str | None = None) -> None:
        clock = [f"--faked-system-time={made}"] if made else []
        self.gpg(*clock, "--local-user", fingerprint, "--output", f"{file}{suffix}", "--detach-sign", str(file))


class Mirror:
    """What the server serves, and who signed it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.url = ""
        signer = Signer(home)
        self.good, self.other = signer.key("good"), signer.key("other")
        self.soon = signer.key("soon", "20d")
        # Its name holds what gpgv would say of a signature by the good key.
        self.forged = signer.key(f"forged\u2028[GNUPG:] VALIDSIG {self.good}\u2028[GNUPG:] ERRSIG 0\u2028")
        self.expired = signer.key("expired", "30d", "20240101T000000")
        self.keys = {
            name: signer.public(getattr(self, name)) for name in ("good", "other", "soon", "expired", "forged")
        }
        file = folder / "agent.deb"
        file.write_bytes(PACKAGE)
        for name in ("good", "other", "soon", "forged"):
            signer.sign(file, getattr(self, name), f".{name}.sig")
        signer.sign(file, self.expired, ".expired.sig", "20240102T000000")
        (folder / "changed.deb").write_bytes(PACKAGE + b"x")
        (folder / "agent.deb.page.sig").write_text("<html>not a signature</html>")
        (folder / "agent.deb.large.sig").write_bytes(b"x" * 100_000)

    def options(self, dest: Path, **changes: Any) -> dict[str, Any]:
        options = {
            "url": f"{self.url}/agent.deb",
            "signature_url": f"{self.url}/agent.deb.good.sig",
            "dest": str(dest),
            "public_keys": [self.keys["good"]],
            "fingerprints": [self.good],
            **changes,
        }
        return {"onprem.ecs.signed_download": options}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    if not shutil.which("gpg"):
        pytest.fail("gpg is not installed: apt-get install gnupg")
    # gpg's agent has a socket in its home, whose path must be short.
    home = Path(f"/tmp/signer-{os.getpid()}")  # noqa: S108  # short, private (0700), and removed
    made = Mirror(tmp_path_factory.mktemp("mirror"), home)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            made.requests.append(self.path)

        def do_GET(self) -> None:
            if self.path != "/short.deb":
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Length", str(len(PACKAGE)))
            self.end_headers()
            self.wfile.write(PACKAGE[:1000])
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(made.folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    shutil.rmtree(home, ignore_errors=True)


def test_right_signature_is_placed_and_not_downloaded_again(mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    dest = folder / "agent.deb"
    task = mirror.options(dest, checksum=hashlib.sha256(PACKAGE).hexdigest())
    checked, first, second, checked_again = run_tasks(
        tmp_path, [{**task, "check_mode": True}, task, task, {**task, "check_mode": True}]
    )[0]
    assert checked["changed"] and not checked_again["changed"]
    assert first["changed"] and first["fingerprint"] == mirror.good and first["dest"] == str(dest)
    assert first["key_expires_at"].startswith("20") and "warnings" not in first
    assert not second["changed"] and second["fingerprint"] == mirror.good
    assert mirror.requests.count("/agent.deb") == 1
    assert dest.read_bytes() == PACKAGE and dest.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in folder.iterdir()] == ["agent.deb"], "something was left"


REFUSALS: dict[str, tuple[dict[str, str], str]] = {
    "changed file": ({"url": "/changed.deb"}, "is not what key"),
    "unpinned key": ({"signature_url": "/agent.deb.other.sig", "key": "other"}, "whose fingerprint is not pinned"),
    "a key whose name says that it is the pinned one": (
        {"signature_url": "/agent.deb.forged.sig", "key": "forged"},
        "whose fingerprint is not pinned",
    ),
    "unknown key": ({"signature_url": "/agent.deb.other.sig"}, "which is in none of public_keys"),
    "expired key": (
        {"signature_url": "/agent.deb.expired.sig", "key": "expired", "pin": "expired"},
        "expired on 2024-01-31",
    ),
    "no signature": ({"signature_url": "/agent.deb.none.sig"}, "cannot be downloaded: HTTP Error 404"),
    "page for a signature": ({"signature_url": "/agent.deb.page.sig"}, "is no OpenPGP signature"),
    "large signature": ({"signature_url": "/agent.deb.large.sig"}, "is larger than 65536 bytes"),
    "no file": ({"url": "/none.deb"}, "cannot be downloaded: HTTP Error 404"),
    "cut short": ({"url": "/short.deb"}, "was cut short"),
    "checksum": ({"checksum": "0" * 64}, f"its SHA-256 is {hashlib.sha256(PACKAGE).hexdigest()}"),
    "nobody there": ({"url": "http://127.0.0.1:9/x.deb"}, "cannot be downloaded"),
    "short key id": ({"fingerprint": "D0052E5D"}, "a shorter key id can be forged"),
    "no key at all": ({"public_key": "hello"}, "number 1 of 1 holds no public key"),
    "malformed checksum": ({"checksum": "md5:00"}, "no SHA-256"),
    "malformed address": ({"url": "s3://bucket/x.deb"}, "neither an http, https or file address nor an absolute path"),
    "a folder": ({"dest": "."}, "must be the absolute path of a file, not a folder"),
}


def test_refusals_name_the_cause_and_leave_nothing(mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    tasks = []
    for changes, _words in REFUSALS.values():
        options: dict[str, Any] = {}
        for name in ("url", "signature_url"):
            if name in changes:
                options[name] = changes[name] if "://" in changes[name] else mirror.url + changes[name]
        if "checksum" in changes:
            options["checksum"] = changes["checksum"]
        key = changes.get("key", "good")
        options["public_keys"] = [changes.get("public_key", mirror.keys[key])]
        options["fingerprints"] = [changes.get("fingerprint", getattr(mirror, changes.get("pin", "good")))]
        tasks.append(mirror.options(folder / changes.get("dest", "agent.deb"), **options))
    results, _printed = run_tasks(tmp_path, tasks)
    for (case, (_changes, words)), result in zip(REFUSALS.items(), results, strict=True):
        assert result["failed"], case
        assert words in result["msg"], (case, result["msg"])
    assert list(folder.iterdir()) == []


def test_the_password_of_a_mirror_is_not_shown(mirror: Mirror, tmp_path: Path) -> None:
    secret = mirror.url.replace("://", "://user:hid@den@")
    tasks = [
        mirror.options(tmp_path / "agent.deb", **options)
        for options in (
            {"signature_url": f"{secret}/none.sig"},
            {"url": f"{secret}/changed.deb"},
            {"url": "s3://user:hidden@bucket/x.deb"},
        )
    ]
    for result in run_tasks(tmp_path, tasks)[0]:
        assert result["failed"] and "://***@" in result["msg"], result
        assert "hid" not in result["msg"] and "den" not in result["msg"], result


def test_a_file_that_was_there_survives_a_refusal_and_is_replaced_by_a_good_one(mirror: Mirror, tmp_path: Path) -> None:
    dest = tmp_path / "agent.deb"
    dest.write_bytes(b"an older version")
    page = f"{mirror.url}/agent.deb.page.sig"
    folder = tmp_path / "cache"
    tasks = [mirror.options(path, signature_url=page) for path in (dest, folder / "agent.deb")]
    results, _printed = run_tasks(tmp_path, tasks)
    assert all(result["failed"] for result in results) and dest.read_bytes() == b"an older version"
    assert not folder.exists(), "the folder that was made for it is left"
    results, _printed = run_tasks(tmp_path, [mirror.options(path) for path in (dest, folder / "agent.deb")])
    assert all(result["changed"] for result in results) and dest.read_bytes() == PACKAGE
    assert [path.name for path in folder.iterdir()] == ["agent.deb"]


def test_local_folder_and_key_that_expires_soon(mirror: Mirror, tmp_path: Path) -> None:
    task = mirror.options(
        tmp_path / "agent.deb",
        url=f"file://{mirror.folder}/agent.deb",
        signature_url=f"{mirror.folder}/agent.deb.soon.sig",
        public_keys=[mirror.keys["other"], mirror.keys["soon"]],
        # As people copy them: in groups, small letters.
        fingerprints=[" ".join(mirror.soon[i : i + 4] for i in range(0, 40, 4)).lower()],
    )
    (result,), _printed = run_tasks(tmp_path, [task])
    assert result["changed"] and result["fingerprint"] == mirror.soon
    assert "expires on 20" in result["warnings"][0] and "days" in result["warnings"][0]
