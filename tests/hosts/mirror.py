# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package mirror: AWS's buckets with the stand-in packages, and the small Debian archive of the hosts."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import shutil
import socketserver
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import docker_repository, images, packages, signing
from .paths import HERE, cache_dir, locked

# The test keys: who they stand for. Only the first three are in the collection's variables.
KEYS = ("ssm", "ecs", "docker", "other", "expired")
# No file can be there: a folder of that name would be listed.
NOTHING = "/dev/null/nothing"
# Trees with something wrong in them, each below its own prefix.
BROKEN = ("broken-signature", "unsigned", "other-key", "expired-key")


@dataclass(frozen=True)
class Key:
    """A public signing key: its armoured text and the fingerprint of its primary key."""

    text: str
    fingerprint: str


def folder() -> Path:
    """The mirror's files; another folder for other stand-ins, so that a running lab keeps what it began with."""
    digest = hashlib.sha256()
    for file in sorted(
        [
            *HERE.joinpath("standins").rglob("*"),
            *(HERE / f"{n}.py" for n in ("packages", "mirror", "signing", "docker_repository")),
        ]
    ):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.name.encode() + file.read_bytes())
    return cache_dir() / "mirror" / digest.hexdigest()[:8]


def keys(top: Path) -> dict[str, Key]:
    """The keys of a mirror by their names in `KEYS`."""
    found: dict[str, str] = json.loads((top / "keys" / "fingerprints.json").read_text())
    return {name: Key((top / "keys" / f"{name}.asc").read_text(), found[name]) for name in KEYS}


def ensure(say: Callable[[str], None] = print) -> Path:
    """Make packages, keys and signatures unless they are cached; their folder."""
    top = folder()
    with locked():
        if not top.exists():
            _make(top, say)
    return top


def _make(top: Path, say: Callable[[str], None]) -> None:
    """Make the mirror; its folder appears when it is whole."""
    began = time.monotonic()
    work = cache_dir() / "work" / "mirror"
    shutil.rmtree(work, ignore_errors=True)
    _build_packages(work)
    with signing.signer() as signer:
        _sign(work, signer)
        docker_repository.build(work / "docker", signer)
    top.parent.mkdir(parents=True, exist_ok=True)
    work.rename(top)
    say(f"package mirror: made in {time.monotonic() - began:.0f} s")


def prune() -> None:
    """Remove mirrors of older stand-ins."""
    for place in (cache_dir() / "mirror").glob("*"):
        if place != folder():
            shutil.rmtree(place)


def _build_packages(top: Path) -> None:
    """All packages under their addresses: each version by its number, the last one as latest, too."""
    for debian, red_hat in packages.ARCHITECTURES.items():
        for version in packages.SSM_VERSIONS:
            ssm = top / "amazon-ssm" / version
            packages.build_deb(packages.ssm_agent(version), debian, ssm / f"debian_{debian}" / "amazon-ssm-agent.deb")
            packages.build_rpm(packages.ssm_agent(version), red_hat, ssm / f"linux_{debian}" / "amazon-ssm-agent.rpm")
        for version in packages.ECS_VERSIONS:
            ecs = top / "amazon-ecs-agent"
            packages.build_deb(
                packages.ecs_init(version, rpm=False), debian, ecs / f"amazon-ecs-init-{version}.{debian}.deb"
            )
            packages.build_rpm(
                packages.ecs_init(version, rpm=True), red_hat, ecs / f"amazon-ecs-init-{version}.{red_hat}.rpm"
            )
    shutil.copytree(top / "amazon-ssm" / packages.SSM_VERSIONS[-1], top / "amazon-ssm" / "latest")
    for file in (top / "amazon-ecs-agent").glob(f"*-{packages.ECS_VERSIONS[-1]}.*"):
        shutil.copy(file, file.with_name(file.name.replace(packages.ECS_VERSIONS[-1], "latest")))


def _sign(top: Path, signer: signing.Signer) -> None:
    """Sign everything rightly, and in a tree of its own each wrong way."""
    fingerprints = {name: signer.make(name, subkey=name == "ecs", expired=name == "expired") for name in KEYS}
    built = [*top.glob("amazon-*/**/*.deb"), *top.glob("amazon-*/**/*.rpm")]
    for wrong in BROKEN:
        for file in built:
            place = top / wrong / file.relative_to(top)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(file)
    foreign = top / "foreign"
    foreign.write_text("another file\n")
    for file in built:
        name = file.relative_to(top)
        ecs = name.parts[0] == "amazon-ecs-agent"
        own, armor = ("ecs" if ecs else "ssm"), ecs
        signature = name.with_name(name.name + (".asc" if ecs else ".sig"))
        signer.sign(own, file, top / signature, armor=armor)
        signer.sign(own, foreign, top / "broken-signature" / signature, armor=armor)
        signer.sign("other", file, top / "other-key" / signature, armor=armor)
        signer.sign("expired", file, top / "expired-key" / signature, armor=armor, expired=True)
    foreign.unlink()
    public = top / "keys"
    public.mkdir()
    for who in KEYS:
        (public / f"{who}.asc").write_text(signer.export(who))
    (public / "fingerprints.json").write_text(json.dumps(fingerprints, indent=2) + "\n")


def locate(path: str, top: Path) -> Path | None:
    """The file behind a path of the mirror; None when there can be none.

    ``/archive/SUITE/…`` is the Debian archive of that suite; ``/docker/…`` is Docker's; ``/aws/…`` are the buckets,
    the same for every region.
    """
    parts = [unquote(part) for part in urlsplit(path).path.split("/") if part not in {"", "."}]
    if ".." in parts or len(parts) < 3:
        return None
    if parts[0] == "archive" and parts[1] in images.SUITES:
        return images.Image(parts[1]).archive.joinpath(*parts[2:])
    if parts[0] == "docker":
        return top.joinpath(*parts)
    if parts[0] == "aws":
        return top.joinpath(*(re.sub(r"^(amazon-ssm|amazon-ecs-agent)-[a-z0-9-]+$", r"\1", part) for part in parts[1:]))
    return None


class Handler(http.server.SimpleHTTPRequestHandler):
    """Static files by `locate`."""

    protocol_version = "HTTP/1.1"
    top = Path(NOTHING)

    def translate_path(self, path: str) -> str:
        """The file to send."""
        found = locate(path, self.top)
        return str(found) if found and found.is_file() else NOTHING

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A bucket says 403 for an object that is not there, as S3 does to who may not list it."""
        hidden = code == 404 and self.path.startswith("/aws/")
        super().send_error(403 if hidden else code, message if not hidden else "Forbidden", explain)

    def log_message(self, format: str, *args: object) -> None:
        """One line a request on stdout."""
        print(f"{self.address_string()} {format % args}", flush=True)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """One thread a connection."""

    daemon_threads = True
    request_queue_size = 128


def serve(host: str, port: int, top: Path, ready: Path) -> int:
    """Serve a mirror's folder until killed; the ready file is written once the address is bound."""
    Handler.top = top
    with Server((host, port), Handler) as server:
        ready.write_text(f"{server.server_address[1]}\n")
        server.serve_forever()
    return 0
