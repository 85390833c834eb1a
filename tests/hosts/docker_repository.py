# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker's own repository, laid out and signed as https://download.docker.com, with packages that stand in for it.

The packages hold no Docker: the .deb puts the files of the distribution's ``docker.io`` in place, the .rpm a unit for
the Docker that the image has. Names, versions, layout, indexes and signatures are what a package manager meets at
Docker's.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from . import packages, signing

VERSIONS = ("27.2.1", "27.3.1")
SUITES = {"bullseye": 11, "bookworm": 12, "trixie": 13}
EL = "9"
KEY = "docker"
# Beside the package docker.io itself no docker-ce can be installed, so its files are taken from it.
POSTINST = """#!/bin/sh
set -eu
if [ "$1" = configure ]; then
    work=$(mktemp -d)
    cd "$work"
    apt-get download docker.io
    dpkg-deb -x docker.io_*.deb tree
    cp -a --remove-destination tree/usr/. /usr/
    cp -a --remove-destination tree/etc/. /etc/
    [ ! -d tree/lib ] || cp -a --remove-destination tree/lib/. /usr/lib/
    cd /
    rm -rf "$work"
    getent group docker >/dev/null || groupadd --system docker
    systemctl daemon-reload
    systemctl enable docker.service docker.socket
    systemctl restart docker.service
fi
"""
UNIT = """[Unit]
Description=Docker Application Container Engine (stand-in)
Wants=containerd.service
After=network.target containerd.service

[Service]
Type=notify
ExecStart=/usr/sbin/dockerd --host=unix:///var/run/docker.sock --containerd=/run/containerd/containerd.sock
Restart=always
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
"""


def _package(name: str, version: str, depends: str = "", postinst: str = "", *, unit: bool = False) -> packages.Package:
    """One of Docker's packages."""
    scripts = {"postinst": postinst} if postinst else {}
    files = {f"/usr/share/doc/{name}/stand-in": (f"{name} {version}\n", 0o644)}
    if unit:
        files["/usr/lib/systemd/system/docker.service"] = (UNIT, 0o644)
    return packages.Package(
        name=name, version=version, summary=f"{name} (stand-in)", depends=depends, files=files, scripts=scripts
    )


def build(top: Path, signer: signing.Signer) -> None:
    """Write all of it below a folder."""
    _build_debs(top / "linux" / "debian", signer)
    _build_rpms(top / "linux" / "rhel", signer)


def _run(*command: str, cwd: Path | None = None) -> str:
    """Run a command; its output."""
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def _build_debs(top: Path, signer: signing.Signer) -> None:
    """``pool`` and ``dists`` as apt wants them, each suite with its own packages."""
    for suite, number in SUITES.items():
        for architecture in packages.ARCHITECTURES:
            pool = f"pool/{suite}/{architecture}"
            for version in VERSIONS:
                full = f"5:{version}-1~debian.{number}~{suite}"
                needs = "containerd, runc, iptables, containerd.io, docker-ce-cli"
                for made in (_package("docker-ce", full, needs, POSTINST), _package("docker-ce-cli", full, "python3")):
                    target = top / pool / f"{made.name}_{version}_{architecture}.deb"
                    packages.build_deb(made, architecture, target)
            containerd = _package("containerd.io", "1.7.22-1", "python3")
            packages.build_deb(containerd, architecture, top / pool / f"containerd.io_{architecture}.deb")
            index = top / "dists" / suite / "stable" / f"binary-{architecture}"
            index.mkdir(parents=True)
            (index / "Packages").write_text(_run("apt-ftparchive", "packages", pool, cwd=top))
        options = {"Suite": suite, "Codename": suite, "Components": "stable", "Architectures": "amd64 arm64"}
        settings = [
            word for key, value in options.items() for word in ("-o", f"APT::FTPArchive::Release::{key}={value}")
        ]
        release = top / "Release"
        release.write_text(_run("apt-ftparchive", *settings, "release", f"dists/{suite}", cwd=top))
        signed = top / "dists" / suite / "InRelease"
        signer.gpg("--local-user", f"<{KEY}@example.invalid>", "--output", str(signed), "--clear-sign", str(release))
        release.unlink()
    (top / "gpg").write_text(signer.export(KEY))


def _build_rpms(top: Path, signer: signing.Signer) -> None:
    """Signed packages and ``repodata`` for each architecture."""
    for architecture in packages.ARCHITECTURES.values():
        folder = top / EL / architecture / "stable"
        made = [_package("containerd.io", f"1.7.22-1.el{EL}")]
        for version in VERSIONS:
            made.append(_package("docker-ce", f"{version}-1.el{EL}", unit=True))
            made.append(_package("docker-ce-cli", f"{version}-1.el{EL}"))
        for package in made:
            packages.build_rpm(package, architecture, folder / "Packages" / f"{package.name}-{package.version}.rpm")
        signing_as = ["--define", f"_gpg_name <{KEY}@example.invalid>", "--define", f"_gpg_path {signer.home}"]
        # rpm looks for gpg2, which Debian calls gpg.
        signing_as += ["--define", f"__gpg {shutil.which('gpg')}"]
        _run("rpmsign", "--addsign", *signing_as, *map(str, sorted((folder / "Packages").glob("*.rpm"))))
        _run("createrepo_c", "--quiet", str(folder))
    (top / "gpg").write_text(signer.export(KEY))
