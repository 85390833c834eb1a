# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: TLS, callers that keep silent, many at once, and the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from cryptography import x509

import emulator
from emulator.certificates import make_certificates
from emulator.client import Client


def test_tls(aws: Client) -> None:
    ecs = aws.boto("ecs", endpoint_url=aws.server.tls_url, verify=aws.server.ca)
    assert ecs.list_clusters()["clusterArns"] == []
    assert ecs.discover_poll_endpoint()["endpoint"] == f"{aws.server.tls_url}/"


def shake_hands(server: emulator.Emulator, name: str) -> None:
    """Open a TLS connection, and verify that the server's certificate is for that name."""
    context = ssl.create_default_context(cafile=server.ca)
    with socket.create_connection(("127.0.0.1", server.tls_port or 0)) as plain:
        context.wrap_socket(plain, server_hostname=name).close()


def test_the_certificate_is_for_the_names_with_the_port_and_without(aws: Client) -> None:
    """The ECS agent verifies HOST:PORT where its websocket's address has a port."""
    port = aws.server.tls_port or 0
    for name in ("127.0.0.1", f"127.0.0.1:{port}", "localhost", f"localhost:{port}"):
        shake_hands(aws.server, name)
    for name in (f"127.0.0.1:{port + 1}", f"other.example:{port}", "127.0.0.2"):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(aws.server, name)


def test_the_authority_stays_when_the_names_change(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, ["10.0.0.1"], 4567)
    before, authority = files[0].read_bytes(), (tmp_path / "ca.pem").read_bytes()
    assert make_certificates(tmp_path, ["10.0.0.1"], 4567) == files and files[0].read_bytes() == before
    make_certificates(tmp_path, ["10.0.0.1", "::1"], 443)
    assert files[0].read_bytes() != before and (tmp_path / "ca.pem").read_bytes() == authority
    assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("ca.key", "server.key")] == ["0o600"] * 2
    names = x509.load_pem_x509_certificate(files[0].read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert {"10.0.0.1:443", "[::1]:443"} < set(names.value.get_values_for_type(x509.DNSName))


def test_websocket_over_tls(aws: Client) -> None:
    """Both sides talk at once."""
    aws.boto("ecs").create_cluster(clusterName="lab")
    node = aws.node().come_online()
    arn = node.join().json()["containerInstance"]["containerInstanceArn"]
    node.tls = True
    socket = node.acs(arn)
    assert json.loads(socket.recv())["type"] == "HeartbeatMessage"
    for number in range(200):
        socket.ping(str(number))
        assert socket.recv_data(control_frame=True) == (10, str(number).encode())
    aws.boto("ecs").deregister_container_instance(cluster="lab", containerInstance=arn)
    assert json.loads(socket.recv())["type"] == "InactiveInstanceException"


def test_silent_caller_stops_nobody(aws: Client) -> None:
    port = aws.server.tls_port
    assert port
    silent = [socket.create_connection(("127.0.0.1", port)) for _unused in range(5)]
    start = time.monotonic()
    assert requests.get(f"{aws.server.tls_url}/_emulator/health", verify=aws.server.ca, timeout=5).ok
    assert time.monotonic() - start < 2
    for one in silent:
        one.close()


def test_many_at_once(aws: Client) -> None:
    ssm, role = aws.boto("ssm"), aws.role()
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: ssm.create_activation(IamRole=role)["ActivationId"], range(64)))
    assert len(set(made)) == 64
    assert aws.control("GET", "calls")["calls"]["ssm:CreateActivation"] == 64


def test_long_poll_holds_up_nobody(aws: Client) -> None:
    node = aws.node().come_online()
    aws.control("POST", "settings", {"message_poll_seconds": 1})
    with ThreadPoolExecutor(1) as pool:
        start = time.monotonic()
        poll = pool.submit(node.call, "ec2messages", "GetMessages", {"Destination": node.instance_id})
        aws.boto("ssm").describe_activations()
        assert not poll.done()
        assert poll.result().status == 200
    assert time.monotonic() - start >= 1


def test_command_line(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ready = tmp_path / "ready.json"
    command = [
        sys.executable,
        "-m",
        "emulator",
        "--port",
        str(port),
        "--tls-port",
        "0",
        "--tls-dir",
        str(tmp_path / "tls"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(emulator.__file__).parents[1])}
    start = time.monotonic()
    with subprocess.Popen([*command, "--ready-file", str(ready)], env=environment, stdout=subprocess.PIPE) as process:
        while not (ready.exists() and ready.read_text()):
            assert time.monotonic() - start < 20
            assert process.poll() is None
            time.sleep(0.05)
        where = json.loads(ready.read_text())
        assert where["url"] == f"http://127.0.0.1:{port}"
        assert requests.get(f"{where['tls_url']}/_emulator/health", verify=where["ca"], timeout=5).ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
