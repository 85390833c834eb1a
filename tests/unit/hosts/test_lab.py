# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lab writes for its user, without starting one."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from hosts import lab, machine, mirror, paths
from hosts.standins import wire


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.RunDir:
    """A lab's folder."""
    monkeypatch.setenv("LAB_DIR", str(tmp_path))
    return paths.RunDir("one")


def test_inventory(run: paths.RunDir) -> None:
    group = json.loads(lab.inventory(run, {"node1": {"ip": "10.77.0.11"}}).removeprefix("---\n"))["all"]["children"][
        "ecs"
    ]
    assert group["hosts"] == {"node1": {"ansible_host": "10.77.0.11"}}
    assert (group["vars"]["ansible_user"], group["vars"]["ansible_become"]) == ("ansible", True)


def test_variables_are_those_of_a_private_mirror_and_private_endpoints(run: paths.RunDir) -> None:
    keys = {name: mirror.Key(f"text of {name}", name.upper()) for name in mirror.KEYS}
    found = json.loads(lab.variables(run, keys).removeprefix("---\n"))
    assert sorted(found) == [
        "ecs_agent_key",
        "ecs_agent_key_fingerprints",
        "ecs_ca_bundle",
        "ecs_endpoints",
        "ecs_engine_key_fingerprints",
        "ecs_engine_repository",
        "ecs_mirror",
        "ecs_region",
        "ecs_ssm_agent_key",
        "ecs_ssm_agent_key_fingerprints",
    ]
    assert found["ecs_agent_key_fingerprints"] == ["ECS"]
    assert set(found["ecs_endpoints"]) == {"ssm", "ec2messages", "ssmmessages", "ecs"}


def test_addresses_are_of_the_network_and_different() -> None:
    addresses = [paths.host_address(number) for number in range(1, 500)]
    assert addresses[0] == "10.77.0.11"
    assert len(set(addresses)) == len(addresses)
    assert paths.GATEWAY not in addresses


def test_a_lab_that_does_not_run(run: paths.RunDir) -> None:
    with pytest.raises(lab.LabError, match="python -m hosts start one"):
        lab.Lab("one").state()
    with pytest.raises(lab.LabError, match="not a lab's name"):
        lab.Lab.start("../x")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PROGRAMS", {"no-such-program": "its-package", "sh": "dash"})
    monkeypatch.setattr(machine, "FILES", {})
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(machine.MachineError, match=r"apt-get install -y --no-install-recommends its-package$"):
        machine.need()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(machine.MachineError, match="root is needed"):
        machine.need()


@pytest.mark.parametrize(
    ("url", "no_proxy", "proxied"),
    [
        ("https://ssm.eu-west-1.amazonaws.com/", "", True),
        ("https://ssm.eu-west-1.amazonaws.com/", ".amazonaws.com", False),
        ("https://10.1.2.3:4567/", "10.1.0.0/16", False),
        ("https://10.1.2.3:4567/", "10.2.0.0/16,other.example", True),
        ("http://169.254.170.2/", "169.254.169.254,169.254.170.2,/var/run/docker.sock", False),
        ("https://10.1.2.3:4567/", "169.254.169.254,/var/run/docker.sock", True),
        ("https://localhost:1/", "", False),
    ],
)
def test_proxies_are_found_as_go_does(url: str, no_proxy: str, proxied: bool) -> None:
    env = {"HTTPS_PROXY": "http://proxy.example:3128", "http_proxy": "proxy.example:3128", "NO_PROXY": no_proxy}
    assert wire.proxy_for(url, env) == (wire.Proxy("proxy.example", 3128) if proxied else None)


class Asked(http.server.BaseHTTPRequestHandler):
    """A proxy that notes who asks, and lets nobody through."""

    said: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        """Refuse."""
        self.said.append((self.command, self.headers["Proxy-Authorization"]))
        self.send_error(403)

    do_CONNECT = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_proxy_is_told_the_name_and_password_of_its_address() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://agent:p%40ss@127.0.0.1:{proxy.server_port}"
        env = {"http_proxy": address, "https_proxy": address}
        assert wire.request("GET", "http://ssm.example/", {}, env=env).status == 403
        with pytest.raises(wire.NetworkError):
            wire.request("GET", "https://ssm.example/", {}, env=env)
        caller = wire.Caller(wire.Credentials("key", "secret"), "eu-west-1", "ecs")
        with pytest.raises(wire.NetworkError):
            wire.websocket("wss://ecs.example/ws", caller, env)
        proxy.shutdown()
    known = "Basic " + base64.b64encode(b"agent:p@ss").decode()
    assert Asked.said == [("GET", known), ("CONNECT", known), ("CONNECT", known)]
