# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of the hosts, and the small package archive that the hosts install from.

One run of mmdebstrap makes both, from the archive that this machine itself uses; after that nothing needs the network.
An image is bare: systemd, ssh, Python, sudo. Docker, gnupg and so on are in the archive only, as on a real new host.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .paths import GATEWAY, HERE, MIRROR_PORT, cache_dir, graph_dir, locked

# python3-cryptography and python3-websocket are what the stand-in agents are written with.
BASE = [
    *("systemd", "systemd-sysv", "dbus", "python3", "python3-apt", "sudo", "iproute2", "ca-certificates", "procps"),
    *("openssh-server", "kmod", "curl", "less", "python3-cryptography", "python3-websocket"),
]
# What a role may install on a host, with all that it depends on.
ARCHIVE = [
    *("docker.io", "gnupg", "gpg", "gpgv", "jq", "curl", "wget", "iptables", "ca-certificates", "acl", "xz-utils"),
    *("unzip", "python3-cryptography", "python3-websocket", "rsync", "systemd-timesyncd"),
]
# What makes a Debian 12 pass for an RPM system; see el9/configure.sh.
EL9 = [
    *("dnf", "rpm", "python3-dnf", "python3-rpm", "createrepo-c", "gnupg", "docker.io", "iptables", "jq", "acl"),
    "zypper",
]
SUITES = {
    "bullseye": ARCHIVE,
    "bookworm": ARCHIVE,
    "trixie": [*ARCHIVE, "docker-cli"],
    "el9": EL9,
}
# Systems that are the one with the right name until they boot; see guises/dress.sh.
GUISES = {"amzn2": "el9", "sles15": "el9"}
# Units that make no sense in a container and only delay the boot.
MASKED = [
    *("getty@.service", "console-getty.service", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"),
    *("sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount", "systemd-binfmt.service"),
    *("dev-hugepages.mount", "systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer"),
]
# The user that Ansible comes as. Its key is another in each lab, so it is mounted and not in the image.
CONFIGURE = r"""
set -eu
root=$1
rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
: > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
chroot "$root" useradd --create-home --shell /bin/bash ansible
echo 'ansible ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/ansible"
chmod 0440 "$root/etc/sudoers.d/ansible"
printf '%s\n' 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/lab_keys' 'UseDNS no' 'MaxStartups 100:30:200' \
  > "$root/etc/ssh/sshd_config.d/lab.conf"
rm -f "$root"/etc/apt/sources.list.d/*
"""


@dataclass(frozen=True)
class Image:
    """The image of one suite; its key changes with its recipe."""

    suite: str

    @property
    def key(self) -> str:
        """Eight hex digits of all that the image is made from."""
        recipe = [BASE, SUITES[self.suite], MASKED, CONFIGURE, sources(self.suite)]
        if self.rpm:
            recipe += [file.read_text() for file in sorted((HERE / "el9").iterdir())]
        return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:8]

    @property
    def rpm(self) -> bool:
        """Whether it passes for an RPM system."""
        return self.suite == "el9"

    @property
    def index(self) -> Path:
        """The list of the cached packages: the sign that they are whole."""
        return self.archive / ("repodata/repomd.xml" if self.rpm else "Packages")

    @property
    def tar(self) -> Path:
        """The cached file system."""
        return cache_dir() / "images" / f"{self.suite}-{self.key}.tar"

    @property
    def archive(self) -> Path:
        """The folder of the cached packages with their index."""
        return cache_dir() / "archive" / f"{self.suite}-{self.key}"

    @property
    def tag(self) -> str:
        """What podman calls it."""
        return f"localhost/onprem-ecs-lab:{self.suite}-{self.key}"

    @property
    def imported(self) -> Path:
        """It is there when the shared image store has this image."""
        return graph_dir() / f"has-{self.suite}-{self.key}"


def sources(suite: str) -> str:
    """The only package source of a host: the lab's mirror, as apt or dnf has it."""
    if suite == "el9":
        address = f"http://{GATEWAY}:{MIRROR_PORT}/archive/{suite}"
        return f"[lab]\nname=lab\nbaseurl={address}\nenabled=1\ngpgcheck=0\n"
    return f"deb [trusted=yes] http://{GATEWAY}:{MIRROR_PORT}/archive/{suite} ./\n"


def image_of(system: str) -> Image:
    """The image of a suite or of a guise."""
    return Image(GUISES.get(system, system))


def systems() -> list[str]:
    """All suites and guises."""
    return sorted([*SUITES, *GUISES])


def ensure(system: str, say: Callable[[str], None] = print) -> Image:
    """Make the image of that system unless it is cached; the image. Raises `machine.MachineError`."""
    image = image_of(system)
    if image.suite not in SUITES:
        raise machine.MachineError(f"no such system: {system}. There are {', '.join(systems())}")
    with locked():
        _ensure(image, say)
    return image


def _ensure(image: Image, say: Callable[[str], None]) -> None:
    """Make what is missing of an image."""
    suite = image.suite
    if not image.tar.exists() or not image.index.exists():
        began = time.monotonic()
        say(f"image {suite}: making it from the package archive of this machine")
        _bootstrap(image)
        say(f"image {suite}: made in {time.monotonic() - began:.0f} s")
    if not image.imported.exists():
        began = time.monotonic()
        _import(image)
        say(f"image {suite}: imported in {time.monotonic() - began:.0f} s")


def prune() -> None:
    """Remove what was made by an older recipe."""
    current = {f"{suite}-{Image(suite).key}" for suite in SUITES}
    for place in [*(cache_dir() / "images").glob("*"), *(cache_dir() / "archive").glob("*")]:
        if place.name.removesuffix(".tar") not in current:
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    if {place.name.removeprefix("has-") for place in graph_dir().glob("has-*")} - current:
        # Whole, as podman would only do it bit by bit: the tars are still there to fill it again.
        shutil.rmtree(graph_dir(), ignore_errors=True)


def _bootstrap(image: Image) -> None:
    """Make the tar and the archive; both appear only when they are whole."""
    work = cache_dir() / "work" / image.suite
    shutil.rmtree(work, ignore_errors=True)
    packages = work / "archive"
    packages.mkdir(parents=True)
    main, security = machine.archives()
    base = "bookworm" if image.rpm else image.suite
    include = [*BASE, *(EL9 if image.rpm else [])]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--components=main", f"--include={','.join(include)}"]
    command += [f"--customize-hook={line}" for line in _hooks(image, work, packages)]
    tar = work / "image.tar"
    command += [base, str(tar), f"deb {main} {base} main", f"deb {security} {base}-security main"]
    # Not in /tmp, where whoever walks through the files would keep the new system's /proc from being unmounted.
    env = {**os.environ, "TMPDIR": str(work)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        raise machine.MachineError(f"mmdebstrap failed for {image.suite}:\n{done.stderr[-3000:]}")
    if not image.rpm:
        index(packages)
    for made, place in ((packages, image.archive), (tar, image.tar)):
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)
    shutil.rmtree(work)


def _hooks(image: Image, work: Path, packages: Path) -> list[str]:
    """What is done in the new tree ($1) before it is packed."""
    place = "etc/yum.repos.d/lab.repo" if image.rpm else "etc/apt/sources.list"
    source = work / "source"
    source.write_text(sources(image.suite))
    script = work / "configure.sh"
    script.write_text(CONFIGURE + f'mkdir -p "$(dirname "$root/{place}")"\ncp {source} "$root/{place}"\n')
    apt = 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get'
    wanted = " ".join(SUITES[image.suite])
    fetch = f"{apt} --yes --quiet --download-only --no-install-recommends --reinstall install {wanted}"
    archive = [
        f"{apt} clean",
        f"{fetch} >/dev/null",
        f'find "$1/var/cache/apt/archives" -maxdepth 1 -name "*.deb" -exec cp -t {packages} {{}} +',
    ]
    return [
        *([] if image.rpm else archive),
        f'sh {script} "$1"',
        f'chroot "$1" systemctl mask {" ".join(MASKED)}',
        # A fresh image's list folder is new, and Ansible's cache_valid_time would skip the first update.
        'touch -d @0 "$1/var/lib/apt/lists"',
        *([f'sh {HERE}/el9/configure.sh "$1" {HERE}/el9 {packages}'] if image.rpm else []),
    ]


def index(folder: Path) -> None:
    """Write ``Packages`` and ``Release`` for the .deb files of a folder."""
    for deb in folder.glob("*%3a*.deb"):  # an epoch's colon; a server would take it apart
        deb.rename(deb.with_name(deb.name.replace("%3a", "_")))
    for name, command in (("Packages", "packages"), ("Release", "release")):
        made = subprocess.run(["apt-ftparchive", command, "."], cwd=folder, check=True, capture_output=True)
        (folder / name).write_bytes(made.stdout)


def _import(image: Image) -> None:
    """Bring the tar into the shared image store."""
    command = ["podman", "import", "--quiet", "--change", 'CMD ["/lib/systemd/systemd"]']
    command += ["--change", "STOPSIGNAL SIGRTMIN+3", str(image.tar), image.tag]
    from .containers import on_shared_store  # noqa: PLC0415 - containers needs this file for its images

    done = on_shared_store(command)
    if done.returncode != 0:
        raise machine.MachineError(f"podman import failed for {image.suite}:\n{done.stderr[-3000:]}")
    image.imported.touch()
