# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the tests talk with the emulator: as a controller by boto3, and as the agents do by hand."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import requests
import websocket
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .constants import ACCESS_KEY, SECRET_KEY
from .server import Emulator

REGION = "eu-west-1"
SSM_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
NODE_POLICIES = (
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
)
TARGETS = {
    "ssm": "AmazonSSM",
    "ecs": "AmazonEC2ContainerServiceV20141113",
    "ec2messages": "EC2WindowsMessageDeliveryService",
}
TARGET_TYPE = "application/x-amz-json-1.1"


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def send(address: tuple[str, int], method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Send exactly these headers; the body in chunks when they say so."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    chunked = headers.get("Transfer-Encoding") == "chunked"
    connection.endheaders(body if body or chunked else None, encode_chunked=chunked)
    answer = connection.getresponse()
    reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    connection.close()
    return reply


@dataclass
class Client:
    """Speaks with one emulator."""

    server: Emulator

    @property
    def address(self) -> tuple[str, int]:
        """Host and port without TLS."""
        return "127.0.0.1", self.server.port

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API, which must agree."""
        answer = requests.request(method, f"{self.server.url}/_emulator/{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def boto(self, service: str, region: str = REGION, retries: int = 1, **options: Any) -> Any:
        """A boto3 client; with the controller's key unless another is given."""
        given = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, **options}
        config = botocore.config.Config(
            retries={"total_max_attempts": retries}, read_timeout=20, parameter_validation=False
        )
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service
            **{"endpoint_url": self.server.url, "region_name": region, "config": config, **given},
        )

    def role(self, name: str = "ecsAnywhereRole", policies: tuple[str, ...] = NODE_POLICIES, **options: Any) -> str:
        """A role that SSM may assume; its name."""
        iam = self.boto("iam")
        iam.create_role(**{"RoleName": name, "AssumeRolePolicyDocument": SSM_TRUST, **options})
        for arn in policies:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        return name

    def node(self, **activation: Any) -> Node:
        """A node just registered, with a role unless one is named."""
        if "IamRole" not in activation:
            activation["IamRole"] = self.role()
        made = self.boto("ssm").create_activation(**activation)
        node = Node(self)
        reply = node.register(made["ActivationId"], made["ActivationCode"])
        assert reply.status == 200, reply.body
        return node


@dataclass
class Node:
    """A host with the two agents, as the emulator sees it."""

    client: Client
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    fingerprint: str = "6c7aca51-e1a8-47f3-a02d-f6b418868cdb"
    instance_id: str = ""
    credentials: dict[str, Any] = field(default_factory=dict)
    tls: bool = False
    """Websockets are opened over TLS."""

    @property
    def public_key(self) -> str:
        """Base64 of the SPKI form, as the agent sends it."""
        return base64.b64encode(
            self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode()

    def register(self, activation_id: str, code: str) -> Reply:
        """RegisterManagedInstance: unsigned."""
        body = {
            "ActivationCode": code,
            "ActivationId": activation_id,
            "Fingerprint": self.fingerprint,
            "PublicKey": self.public_key,
            "PublicKeyType": "Rsa",
        }
        reply = self.unsigned(body)
        if reply.status == 200:
            self.instance_id = reply.json()["InstanceId"]
        return reply

    def unsigned(self, body: dict[str, Any]) -> Reply:
        """RegisterManagedInstance with any body."""
        reply = requests.post(
            self.client.server.url,
            data=json.dumps(body),
            headers={"X-Amz-Target": "AmazonSSM.RegisterManagedInstance", "Content-Type": TARGET_TYPE},
            timeout=30,
        )
        return Reply(reply.status_code, dict(reply.headers), reply.content)

    def with_own_key(self, operation: str, body: dict[str, Any], region: str = REGION) -> Reply:
        """A call signed with the node's own key: RSA-PSS over the string to sign of SigV4."""
        host, port = self.client.address
        headers = {
            "Content-Type": TARGET_TYPE,
            "Host": f"{host}:{port}",
            "X-Amz-Date": datetime.now(tz=timezone.utc).strftime("%Y%m%dT%H%M%SZ"),
            "X-Amz-Target": f"AmazonSSM.{operation}",
        }
        signer = SigV4Auth(Credentials(self.instance_id, "not used"), "ssm", region)
        data = json.dumps(body).encode()
        request = AWSRequest(method="POST", url=f"http://{host}:{port}/", data=data, headers=headers)
        request.context["timestamp"] = headers["X-Amz-Date"]
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signature = self.key.sign(text.encode(), padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        scope = signer.credential_scope(request)
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.instance_id}/{scope}, "
            f"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={base64.b64encode(signature).decode()}"
        )
        headers["Transfer-Encoding"] = "chunked"
        return send(self.client.address, "POST", "/", headers, data)

    def log_in(self, fingerprint: str | None = None) -> Reply:
        """RequestManagedInstanceRoleToken; the credentials are kept."""
        reply = self.with_own_key("RequestManagedInstanceRoleToken", {"Fingerprint": fingerprint or self.fingerprint})
        if reply.status == 200:
            self.credentials = reply.json()
        return reply

    def signed(self, service: str, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> dict[str, str]:
        """Headers with a SigV4 signature by the credentials of the role."""
        keys = Credentials(
            self.credentials["AccessKeyId"], self.credentials["SecretAccessKey"], self.credentials["SessionToken"]
        )
        request = AWSRequest(method=method, url=url, data=body, headers=headers)
        SigV4Auth(keys, service, REGION).add_auth(request)
        return dict(request.headers.items())

    def call(self, service: str, operation: str, body: dict[str, Any]) -> Reply:
        """A call with the role's credentials."""
        url, data = f"{self.client.server.url}/", json.dumps(body).encode()
        headers = {"Content-Type": TARGET_TYPE, "X-Amz-Target": f"{TARGETS[service]}.{operation}"}
        reply = requests.post(url, data=data, headers=self.signed(service, "POST", url, headers, data), timeout=30)
        return Reply(reply.status_code, dict(reply.headers), reply.content)

    def rest(self, service: str, method: str, path: str, body: dict[str, Any]) -> Reply:
        """A call with the role's credentials to a path of its own."""
        url, data = f"{self.client.server.url}{path}", json.dumps(body).encode()
        headers = self.signed(service, method, url, {"Content-Type": "application/json"}, data)
        reply = requests.request(method, url, data=data, headers=headers, timeout=30)
        return Reply(reply.status_code, dict(reply.headers), reply.content)

    def ping(self) -> Reply:
        """UpdateInstanceInformation, as a running agent sends it."""
        return self.call(
            "ssm",
            "UpdateInstanceInformation",
            {
                "AgentName": "amazon-ssm-agent",
                "AgentStatus": "Active",
                "AgentVersion": "3.3.1142.0",
                "ComputerName": "host",
                "IPAddress": "10.0.0.1",
                "InstanceId": self.instance_id,
                "PlatformName": "Debian GNU/Linux",
                "PlatformType": "Linux",
                "PlatformVersion": "12",
            },
        )

    def come_online(self) -> Node:
        """Credentials and a first report."""
        assert self.log_in().status == 200
        assert self.ping().status == 200
        return self

    def join(self, cluster: str = "lab", **more: Any) -> Reply:
        """RegisterContainerInstance of an external instance."""
        body = {
            "cluster": cluster,
            "instanceIdentityDocument": "",
            "instanceIdentityDocumentSignature": "",
            "attributes": [{"name": "ecs.capability.external"}, {"name": "ecs.os-type", "value": "linux"}],
            "totalResources": [{"name": "CPU", "type": "INTEGER", "integerValue": 2048}],
            **more,
        }
        return self.call("ecs", "RegisterContainerInstance", body)

    def open_socket(self, service: str, path: str) -> websocket.WebSocket:
        """A websocket, opened with the role's credentials."""
        url = f"{self.client.server.tls_url if self.tls else self.client.server.url}{path}"
        headers = self.signed(service, "GET", url, {})
        wanted = [f"{name}: {value}" for name, value in headers.items()]
        # As Go does for the ECS agent, which takes the port for a part of the name to be verified.
        name = {"server_hostname": urlsplit(url).netloc} if service == "ecs" else {}
        trust = {"ca_certs": self.client.server.ca, **name} if self.tls else None
        return websocket.create_connection(url.replace("http", "ws", 1), header=wanted, timeout=10, sslopt=trust)

    def acs(self, arn: str, cluster: str = "lab") -> websocket.WebSocket:
        """The ECS agent's socket for orders."""
        return self.open_socket(
            "ecs",
            f"/ws?agentHash=a8b3e7d3&agentVersion=1.105.1&clusterArn={cluster}"
            f"&containerInstanceArn={arn.replace(':', '%3A').replace('/', '%2F')}&protocolVersion=2"
            "&sendCredentials=true&seqNum=1",
        )


class RawSocket:
    """A websocket opened with given headers, byte by byte."""

    def __init__(self, url: str, path: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10)
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _unused, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {k.lower(): v for k, _unused, v in (line.partition(": ") for line in rest)}

    def _more(self) -> None:
        data = self._socket.recv(4096)
        if not data:
            raise EOFError
        self._buffer += data

    def send(self, opcode: int, data: bytes) -> None:
        """Send one frame, masked as a client must."""
        self._socket.sendall(websocket.ABNF.create_frame(data, opcode).format())

    def receive(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload; the emulator sends none of 64 KiB or more."""
        while len(self._buffer) < 4 or len(self._buffer) < self._end():
            self._more()
        end, start = self._end(), 4 if self._buffer[1] == 126 else 2
        frame, self._buffer = self._buffer[:end], self._buffer[end:]
        return frame[0] & 0x0F, frame[start:]

    def _end(self) -> int:
        length = self._buffer[1]
        return 4 + int.from_bytes(self._buffer[2:4], "big") if length == 126 else 2 + length

    def close(self) -> None:
        """Hang up without a word, as an agent that is killed."""
        self._socket.close()


def refusal(function: Any, **arguments: Any) -> tuple[str, str]:
    """Code and message with which AWS refuses a call of boto3, which must be refused."""
    try:
        function(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("the call was not refused")
