# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for ecs-init prepares the host as was measured with the real one: in this process, on some files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from hosts.standins import ecs_files, ecs_init, wire

IMAGE_URL = "https://s3.us-east-1.amazonaws.com/amazon-ecs-agent-us-east-1/ecs-agent-latest.tar"
# Credentials of tasks come from the agent, whose own port nobody outside may reach.
RULES = [
    "-t nat {} PREROUTING -p tcp -d 169.254.170.2 --dport 80 -j DNAT --to-destination 127.0.0.1:51679",
    "-t nat {} OUTPUT -d 169.254.170.2 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 51679",
    "-t filter {} INPUT -p tcp ! -i lo --dport 51678 -j DROP",
]
# Keeps the rules in a file, and fails where iptables does.
IPTABLES = """#!/bin/sh
[ ! -e "$0.broken" ] || exit 3
touch "$0.rules"
rule=$(echo "$*" | sed 's/ -[CAD] / {} /')
case " $* " in
    *" -C "*) grep -qxF -e "$rule" "$0.rules" ;;
    *" -A "*) echo "$rule" >> "$0.rules" ;;
    *" -D "*) grep -vxF -e "$rule" "$0.rules" > "$0.fresh"; mv "$0.fresh" "$0.rules" ;;
    *) exit 2 ;;
esac
"""


class Place(NamedTuple):
    """Where the host's files are."""

    route: Path
    iptables: Path
    image: Path
    state: Path

    @property
    def rules(self) -> list[str]:
        """The packet filter's rules."""
        return Path(f"{self.iptables}.rules").read_text().splitlines()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A host with Docker and the package's image, whose way out is shut."""
    (tmp_path / "bin").mkdir()
    place = Place(*(tmp_path / name for name in ("route_localnet", "bin/iptables", "ecs-agent.tar", "state")))
    place.route.write_text("0\n")
    place.iptables.write_text(IPTABLES)
    place.iptables.chmod(0o755)
    place.image.write_text("the package's image\n")
    place.state.write_text("2\n")
    monkeypatch.setattr(ecs_init, "ROUTE", place.route)
    monkeypatch.setattr(ecs_files, "IMAGE", place.image)
    monkeypatch.setattr(ecs_files, "IMAGE_STATE", place.state)
    monkeypatch.setattr(ecs_files, "INIT_LOG", tmp_path / "log")
    monkeypatch.setattr(ecs_files, "EBS", tmp_path / "mnt/ecs/ebs")
    monkeypatch.setattr(ecs_files, "docker", lambda path: {"Version": "20.10.24"})
    monkeypatch.setenv("PATH", str(place.iptables.parent), prepend=":")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("ECS_SKIP_LOCALHOST_TRAFFIC_FILTER", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return place


def run(action: str) -> int:
    """``amazon-ecs-init ACTION``."""
    return ecs_init.main([action], "1.105.1", [])


def test_without_docker_it_gives_up_after_13_seconds(
    host: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seconds are those that it sleeps."""
    pauses: list[float] = []

    def silent(path: str) -> None:
        raise ecs_files.DockerError(f"Cannot connect to the Docker daemon: {path}")

    monkeypatch.setattr(ecs_files, "docker", silent)
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert run("pre-start") == 255
    assert sum(pauses) == 13
    assert "could not create docker client: Cannot connect to the Docker daemon" in capsys.readouterr().out
    assert host.route.read_text() == "0\n"


def test_it_goes_on_when_docker_answers(host: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def late(path: str) -> dict[str, str]:
        if len(pauses) < 2:
            raise ecs_files.DockerError(path)
        return {"Version": "20.10.24"}

    monkeypatch.setattr(ecs_files, "docker", late)
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert (run("pre-start"), len(pauses)) == (0, 2)


def test_the_way_to_the_credentials_is_made_once_and_taken_away(host: Place) -> None:
    assert run("pre-start") == 0
    assert (host.route.read_text(), host.rules) == ("1\n", RULES)
    assert run("pre-start") == 0
    assert host.rules == RULES
    assert run("post-stop") == 0
    assert (host.route.read_text(), host.rules) == ("0\n", [])


def test_without_the_traffic_filter(host: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECS_SKIP_LOCALHOST_TRAFFIC_FILTER", "true")
    assert run("pre-start") == 0
    assert host.route.read_text() == "0\n" and not Path(f"{host.iptables}.rules").exists()


def test_a_packet_filter_that_fails(host: Place, capsys: pytest.CaptureFixture[str]) -> None:
    Path(f"{host.iptables}.broken").touch()
    assert run("pre-start") == 255
    assert "could not create route to the credentials proxy: iptables -t nat -A PREROUTING" in capsys.readouterr().out


def test_the_cached_image_is_taken(host: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pre-start") == 0
    assert "Downloading" not in capsys.readouterr().out
    assert ecs_files.EBS.is_dir(), "the real one makes it, also where there are no volumes"


@pytest.mark.parametrize("name", ["image", "state"])
@pytest.mark.parametrize("content", [None, ""])
def test_without_a_cached_image_it_goes_to_us_east_1(
    host: Place, capsys: pytest.CaptureFixture[str], name: str, content: str | None
) -> None:
    """Whatever the region is. The tar alone is not enough, and neither is an empty file."""
    path: Path = getattr(host, name)
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert run("pre-start") == 255
    said = capsys.readouterr().out
    assert "could not download Amazon Elastic Container Service Agent" in said and f'"{IMAGE_URL}"' in said


def test_a_downloaded_image_is_cached(host: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def request(method: str, url: str, *_unused: object, **_more: object) -> wire.Answer:
        asked.append(f"{method} {url}")
        return wire.Answer(200 if len(asked) > 1 else 403, {}, b"a newer image\n")

    monkeypatch.setattr(wire, "request", request)
    host.state.write_text("")
    assert (run("pre-start"), host.state.read_text()) == (255, "")
    assert (run("pre-start"), run("pre-start")) == (0, 0)
    assert asked == [f"GET {IMAGE_URL}"] * 2
    assert host.image.read_text() == "a newer image\n" and host.state.read_text()


def test_an_image_that_cannot_be_loaded(host: Place, capsys: pytest.CaptureFixture[str]) -> None:
    host.image.write_text("the package's")
    assert (run("pre-start"), host.state.read_text()) == (255, "2\n")
    assert "could not load Amazon Elastic Container Service Agent into Docker" in capsys.readouterr().out
    host.image.write_text("the package's image\n")
    assert (run("pre-start"), host.state.read_text()) == (0, "1")
