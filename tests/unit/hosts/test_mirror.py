# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package mirror: AWS's addresses, the right signatures, and the wrong ones."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts import machine, mirror
from hosts.paths import lab_dir

pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("gpg", "rpmbuild", "rpmsign", "createrepo_c", "apt-ftparchive")),
    reason=f"needs {' '.join(machine.missing_packages())}",
)

SSM = "amazon-ssm-eu-west-1/{version}/debian_amd64/amazon-ssm-agent.deb"
SSM_RPM = "amazon-ssm-us-gov-west-1/{version}/linux_arm64/amazon-ssm-agent.rpm"
ECS = "amazon-ecs-agent-eu-west-1/amazon-ecs-init-{version}.amd64.deb"
ECS_RPM = "amazon-ecs-agent-cn-north-1/amazon-ecs-init-{version}.x86_64.rpm"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A mirror made anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DIR", str(tmp_path_factory.mktemp("lab")))
        yield mirror.ensure(lambda _: None)
        assert lab_dir().name.startswith("lab")


@pytest.fixture(scope="module")
def url(made: Path) -> Iterator[str]:
    """The address of a server for it."""
    handler = type("Handler", (mirror.Handler,), {"top": made})
    with mirror.Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/aws"
        server.shutdown()


def get(url: str) -> bytes:
    """A file of the mirror."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def verify(folder: Path, url: str, name: str, suffix: str, key: str) -> str:
    """What gpg says of a package and its signature when it knows that key only."""
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    for file, address in (("key", f"{url}/keys/{key}.asc"), ("package", name), ("signature", name + suffix)):
        (folder / file).write_bytes(get(address))
    gpg = ["gpg", "--homedir", str(home), "--batch", "--no-autostart", "--status-fd", "1"]
    subprocess.run([*gpg, "--import", str(folder / "key")], check=True, capture_output=True)
    files = [str(folder / "signature"), str(folder / "package")]
    return subprocess.run([*gpg, "--verify", *files], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("version", ["latest", "3.3.1142.0", "3.3.987.0"])
@pytest.mark.parametrize("name", [SSM, SSM_RPM])
def test_ssm_packages_are_signed(url: str, made: Path, tmp_path: Path, name: str, version: str) -> None:
    said = verify(tmp_path, url, f"{url}/{name.format(version=version)}", ".sig", "ssm")
    assert "GOODSIG" in said
    assert mirror.keys(made)["ssm"].fingerprint in said


@pytest.mark.parametrize("version", ["latest", "1.105.1", "1.104.0"])
@pytest.mark.parametrize("name", [ECS, ECS_RPM])
def test_ecs_packages_are_signed_by_a_subkey(url: str, made: Path, tmp_path: Path, name: str, version: str) -> None:
    said = verify(tmp_path, url, f"{url}/{name.format(version=version)}", ".asc", "ecs")
    valid = next(line.split() for line in said.splitlines() if "VALIDSIG" in line)
    primary = mirror.keys(made)["ecs"].fingerprint
    assert valid[-1] == primary
    assert valid[2] != primary


def test_dockers_repository_is_signed(url: str, made: Path, tmp_path: Path) -> None:
    base = url.removesuffix("aws") + "docker/linux"
    assert get(f"{base}/debian/gpg") == get(f"{base}/rhel/gpg") == get(f"{url}/keys/docker.asc")
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--no-autostart", "--status-fd", "1"]
    subprocess.run([*gpg, "--import"], input=get(f"{base}/debian/gpg"), check=True, capture_output=True)
    release = get(f"{base}/debian/dists/bookworm/InRelease")
    done = subprocess.run([*gpg, "--decrypt"], input=release, check=True, capture_output=True)
    assert mirror.keys(made)["docker"].fingerprint in done.stdout.decode()
    assert b"Codename: bookworm" in done.stdout and b"stable/binary-amd64/Packages" in done.stdout
    assert b"Package: docker-ce\n" in get(f"{base}/debian/dists/bookworm/stable/binary-amd64/Packages")
    rpm = next((made / "docker/linux/rhel/9/x86_64/stable/Packages").glob("docker-ce-27*"))
    database = ["--define", f"_dbpath {tmp_path}/db"]
    said = subprocess.run(
        ["rpm", *database, "--query", "--info", "--package", str(rpm)], check=True, capture_output=True, text=True
    )
    assert "RSA/" in next(line for line in said.stdout.splitlines() if line.startswith("Signature"))


def test_the_latest_is_the_newer(url: str) -> None:
    assert get(f"{url}/{SSM.format(version='latest')}") == get(f"{url}/{SSM.format(version='3.3.1142.0')}")
    assert get(f"{url}/{ECS.format(version='latest')}") != get(f"{url}/{ECS.format(version='1.104.0')}")


@pytest.mark.parametrize(
    ("wrong", "key", "status"),
    [
        ("broken-signature", "ssm", "BADSIG"),
        ("other-key", "ssm", "ERRSIG"),
        ("other-key", "other", "GOODSIG"),
        ("expired-key", "expired", "EXPKEYSIG"),
    ],
)
def test_wrong_signatures(url: str, tmp_path: Path, wrong: str, key: str, status: str) -> None:
    assert status in verify(tmp_path, url, f"{url}/{wrong}/{SSM.format(version='latest')}", ".sig", key)


@pytest.mark.parametrize(
    "path", ["unsigned/" + ECS.format(version="latest") + ".asc", "keys/../../lock", "nothing/x/y"]
)
def test_what_is_not_there_is_forbidden(url: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{url}/{path}")
    assert caught.value.code == 403


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_a_deb_is_a_deb(made: Path) -> None:
    file = made / "amazon-ecs-agent" / "amazon-ecs-init-latest.amd64.deb"
    fields = subprocess.run(["dpkg-deb", "--field", str(file)], check=True, capture_output=True, text=True).stdout
    assert "Version: 1.105.1-1\n" in fields
    assert "docker.io" in fields
    listing = subprocess.run(["dpkg-deb", "--contents", str(file)], check=True, capture_output=True, text=True).stdout
    assert "./usr/libexec/amazon-ecs-init" in listing
    assert "./var/cache/ecs/ecs-agent.tar" in listing
    assert "RestartPreventExitStatus" not in unit(file)


def test_only_the_rpms_unit_knows_that_exit_status_5_is_final(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "ecs.rpm"
    shutil.copy(made / "amazon-ecs-agent" / "amazon-ecs-init-latest.x86_64.rpm", copy)
    subprocess.run(["rpm2archive", str(copy)], check=True, capture_output=True)
    with tarfile.open(f"{copy}.tgz") as archive:
        member = next(one for one in archive if one.name.endswith("/ecs.service"))
        file = archive.extractfile(member)
        text = file.read().decode() if file else ""
    assert "\nRestart=on-failure\nRestartPreventExitStatus=5\n" in text


def unit(deb: Path) -> str:
    """The unit file of ecs-init in a .deb."""
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], check=True, capture_output=True).stdout
    command = ["tar", "-xO", "./lib/systemd/system/ecs.service"]
    return subprocess.run(command, input=tar, check=True, capture_output=True).stdout.decode()
