# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for the ECS agent in external mode. The real one is a container; this is a process with the same view."""

from __future__ import annotations

import configparser
import contextlib
import http.server
import json
import os
import random
import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

from . import ecs_files as files
from . import wire

TARGET = "AmazonEC2ContainerServiceV20141113"
GIT_HASH = "a8b3e7d3"
EXIT_ERROR, EXIT_TERMINAL = 1, 5
# What AWS refuses for good; everything else is tried again by ecs-init.
TERMINAL_CODES = {"InvalidParameterException", "ClientException"}
INTROSPECTION = ("127.0.0.1", int(os.environ.get("STANDIN_PORT", "51678")))  # another one in tests only
METRICS_SECONDS = 20
RECONNECT_FIRST, RECONNECT_MOST = 0.25, 120
INACTIVE_SECONDS = 3600
DEFAULT_DRIVERS = ["json-file", "none"]
CAPABILITIES = [
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.secrets.ssm.bootstrap.log-driver",
    "ecs.capability.ecr-endpoint",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.asm.bootstrap.log-driver",
    "ecs.capability.container-ordering",
    "ecs.capability.full-sync",
    "ecs.capability.env-files.s3",
    "ecs.capability.network.container-port-range",
    "ecs.capability.container-restart-policy",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.docker-remote-api.1.17",
    "com.amazonaws.ecs.capability.docker-remote-api.1.18",
    "com.amazonaws.ecs.capability.docker-remote-api.1.19",
    "com.amazonaws.ecs.capability.docker-remote-api.1.20",
    "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    "com.amazonaws.ecs.capability.docker-remote-api.1.22",
    "com.amazonaws.ecs.capability.docker-remote-api.1.23",
    "com.amazonaws.ecs.capability.docker-remote-api.1.24",
    "com.amazonaws.ecs.capability.docker-remote-api.1.25",
    "com.amazonaws.ecs.capability.docker-remote-api.1.28",
    "com.amazonaws.ecs.capability.docker-remote-api.1.29",
    "com.amazonaws.ecs.capability.docker-remote-api.1.30",
    "com.amazonaws.ecs.capability.docker-remote-api.1.32",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "com.amazonaws.ecs.capability.ecr-auth",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.container-health-check",
    "ecs.capability.docker-plugin.local",
    "ecs.capability.firelens.fluentd",
    "ecs.capability.firelens.fluentbit",
    "com.amazonaws.ecs.capability.logging-driver.awsfirelens",
    "ecs.capability.logging-driver.awsfirelens.log-driver-buffer-limit",
    "ecs.capability.firelens.non-root-user",
    "ecs.capability.efs",
    "ecs.capability.storage.s3-files",
    "ecs.capability.firelens.options.config.file",
    "ecs.capability.firelens.options.config.s3",
    "ecs.capability.efsAuth",
    "ecs.capability.external",
    "ecs.capability.ipv6-only",
]


class AgentExit(Exception):
    """The agent must exit with that code; the text goes to its log."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def json_map(env: Mapping[str, str], name: str) -> dict[str, str]:
    """A variable that holds a JSON object of strings. Raises `AgentExit`."""
    text = env.get(name, "")
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise AgentExit(EXIT_ERROR, f"Error loading config: Invalid format for {name}. Expected a json hash")
    return found


def json_list(env: Mapping[str, str], name: str) -> list[Any]:
    """A variable that holds a JSON list; none, after a warning, for anything else."""
    text = env.get(name, "")
    try:
        found = json.loads(text) if text else []
    except ValueError:
        found = None
    if not isinstance(found, list):
        files.agent_log("warn", f'Invalid format for "{name}" environment variable; expected a JSON array')
        return []
    return found


def unsigned(env: Mapping[str, str], name: str) -> int:
    """A variable that holds a number of 16 bits; 0, after a warning, for anything else."""
    text = env.get(name, "")
    if not text or (re.fullmatch("[0-9]+", text) and int(text) < 2**16):
        return int(text or 0)
    files.agent_log("warn", f'Invalid format for "{name}" environment variable; expected unsigned integer')
    return 0


def _profiles(path: Path) -> configparser.ConfigParser:
    """The profiles of a file of credentials; none when it is missing or damaged."""
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    with contextlib.suppress(configparser.Error):
        parser.read(path)
    return parser


def check_profile(env: Mapping[str, str]) -> None:
    """The SDK wants a profile that it is told of to be there. Raises `AgentExit`.

    It looks in its own file, which is not the one that the SSM agent writes and the container has elsewhere.
    """
    profile = env.get("AWS_PROFILE")
    path = files.seen(env.get("AWS_SHARED_CREDENTIALS_FILE") or "/root/.aws/credentials")
    if profile and profile not in _profiles(path):
        raise AgentExit(
            EXIT_ERROR, f"Error creating EC2 metadata client: failed to get shared config profile, {profile}"
        )


def find_credentials(env: Mapping[str, str]) -> wire.Credentials:
    """As the agent finds them: environment, then the file that the SSM agent writes. Raises `AgentExit`.

    It is read for each call, so a rotation is noticed. ``AWS_PROFILE`` does not choose the profile of that file.
    """
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        return wire.Credentials(
            env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN", "")
        )
    try:
        part = _profiles(files.shared_credentials())[env.get("ECS_ALTERNATE_CREDENTIAL_PROFILE") or "default"]
        return wire.Credentials(
            part["aws_access_key_id"], part["aws_secret_access_key"], part.get("aws_session_token", "")
        )
    except KeyError as error:
        raise AgentExit(EXIT_ERROR, "NoCredentialProviders: no valid providers in chain") from error


class State:
    """What the agent remembers over a restart: ``agent.db``."""

    def __init__(self) -> None:
        self.cluster = ""
        self.arn = ""
        try:
            found = json.loads(files.DATABASE.read_text())
            self.cluster, self.arn = str(found["cluster-name"]), str(found["container-instance-arn"])
        except (OSError, ValueError, KeyError):
            pass  # no state: this is a first start

    def save(self, version: str) -> None:
        """Keep it."""
        files.DATABASE.parent.mkdir(parents=True, exist_ok=True)
        document = {"cluster-name": self.cluster, "container-instance-arn": self.arn, "agent-version": version}
        fresh = files.DATABASE.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(document))
        fresh.replace(files.DATABASE)


class Agent:
    """The running agent."""

    def __init__(self, env: Mapping[str, str], version: str) -> None:
        self.env = env
        self.version = version
        self.state = State()
        self.arn = ""
        self.docker_version = ""
        self.region = env.get("AWS_DEFAULT_REGION") or env.get("AWS_REGION") or ""
        self.cluster = env.get("ECS_CLUSTER") or self.state.cluster or "default"
        host = env.get("ECS_BACKEND_HOST", "")
        if host:
            self.url = (host if "://" in host else f"https://{host}").rstrip("/") + "/"
        else:
            self.url = f"https://ecs.{self.region}.{wire.suffix(self.region)}/"

    def call(self, operation: str, body: Any) -> Any:
        """A signed call of ECS, three tries."""
        text = json.dumps(body, separators=(",", ":")).encode()
        invocation = str(uuid.uuid4())
        attempt = 0

        def once() -> Any:
            nonlocal attempt
            attempt += 1
            headers = {
                "Content-Type": wire.JSON_TYPE,
                "Content-Length": str(len(text)),
                "X-Amz-Target": f"{TARGET}.{operation}",
                "Amz-Sdk-Invocation-Id": invocation,
                "Amz-Sdk-Request": f"attempt={attempt}; max=3",
            }
            signed = wire.sign("POST", self.url, headers, text, self.caller())
            whole = {"User-Agent": self.user_agent(), **signed, "Accept-Encoding": "identity"}
            return wire.check(wire.request("POST", self.url, whole, text, env=self.env))

        return wire.with_retries(once, (0.3, 1.0))

    def caller(self) -> wire.Caller:
        """Who calls, with the credentials of this moment."""
        return wire.Caller(find_credentials(self.env), self.region, "ecs")

    def user_agent(self) -> str:
        """What the agent calls itself."""
        name = f"Amazon ECS Agent - v{self.version} (*{GIT_HASH})"
        return f"{name} (linux; {os_detailed()}) (+http://aws.amazon.com/ecs/)"

    def prepare(self) -> None:
        """All that must be right before AWS is called. Raises `AgentExit`."""
        check_profile(self.env)
        for name in ("ECS_INSTANCE_ATTRIBUTES", "ECS_CONTAINER_INSTANCE_TAGS"):
            json_map(self.env, name)  # also where they do not count any more
        if not self.region:
            raise AgentExit(
                EXIT_ERROR, "Error loading config: unable to determine the region: EC2 metadata is not there"
            )
        if self.env.get("ECS_EXTERNAL", "").lower() != "true":
            raise AgentExit(EXIT_ERROR, "Unable to get the EC2 instance identity document: EC2 metadata is not there")
        try:
            self.docker_version = str(files.docker("/version")["Version"])
        except files.DockerError as error:
            raise AgentExit(EXIT_ERROR, f"Error creating Docker client: {error}") from error
        if self.state.cluster and self.state.cluster != self.cluster:
            raise AgentExit(
                EXIT_TERMINAL,
                f"Data mismatch; saved cluster '{self.state.cluster}' does not match configured cluster "
                f"'{self.cluster}'. Perhaps you want to delete the configured checkpoint file?",
            )

    def registration(self) -> dict[str, Any]:
        """The request that registers this host. Own attributes and tags count at the first registration only.

        Raises `AgentExit`.
        """
        values = {
            "ecs.os-type": "linux",
            "ecs.os-family": "LINUX",
            "ecs.os-type-detailed": os_detailed(),
            "ecs.cpu-architecture": {"aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
        }
        able = CAPABILITIES + (["ecs.capability.execute-command"] if files.can_exec() else [])
        drivers = [f"com.amazonaws.ecs.capability.logging-driver.{driver}" for driver in self._drivers()]
        reserved, whole = unsigned(self.env, "ECS_RESERVED_MEMORY"), memory()
        if reserved > whole:
            raise AgentExit(
                EXIT_ERROR,
                "Unable to register as a container instance with ECS: api register-container-instance: reserved memory "
                f"is higher than available memory on the host, total memory: {whole}, reserved: {reserved}",
            )
        ports = ["22", "2375", "2376", "51678", "51679", *map(str, json_list(self.env, "ECS_RESERVED_PORTS"))]
        body: dict[str, Any] = {
            "attributes": [{"name": name} for name in [*able, *drivers]],
            "clientToken": str(uuid.uuid4()),
            "cluster": self.cluster,
            "instanceIdentityDocument": "",
            "instanceIdentityDocumentSignature": "",
            "totalResources": [
                {"integerValue": 1024 * (os.cpu_count() or 1), "name": "CPU", "type": "INTEGER"},
                {"integerValue": whole - reserved, "name": "MEMORY", "type": "INTEGER"},
                {"name": "PORTS", "stringSetValue": ports, "type": "STRINGSET"},
                {"name": "PORTS_UDP", "stringSetValue": [], "type": "STRINGSET"},
            ],
        }
        if self.state.arn:
            body["containerInstanceArn"] = self.state.arn
        else:
            values.update(json_map(self.env, "ECS_INSTANCE_ATTRIBUTES"))
            tags = json_map(self.env, "ECS_CONTAINER_INSTANCE_TAGS")
            if tags:
                body["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
        body["attributes"] += [{"name": name, "value": value} for name, value in values.items()]
        return body

    def _drivers(self) -> list[str]:
        """The log drivers that tasks may use."""
        return [str(name) for name in json_list(self.env, "ECS_AVAILABLE_LOGGING_DRIVERS") or DEFAULT_DRIVERS]

    def register(self) -> None:
        """Register with ECS and remember it. Raises `AgentExit`."""
        body = self.registration()
        try:
            try:
                answer = self.call("RegisterContainerInstance", body)
            except wire.ServiceError as error:
                if error.code != "ClusterNotFoundException" or self.env.get("ECS_CLUSTER"):
                    raise
                self.call("CreateCluster", {"clusterName": self.cluster})
                answer = self.call("RegisterContainerInstance", body)
        except wire.ServiceError as error:
            code = EXIT_TERMINAL if error.code in TERMINAL_CODES else EXIT_ERROR
            said = error.second("ECS", "RegisterContainerInstance")
            raise AgentExit(code, f"Unable to register as a container instance with ECS: {said}") from error
        except wire.NetworkError as error:
            raise AgentExit(EXIT_ERROR, f"Unable to register as a container instance with ECS: {error}") from error
        instance = answer["containerInstance"]
        echoed = {item["name"]: item.get("value") for item in instance.get("attributes", [])}
        lost = [a["name"] for a in body["attributes"] if "value" in a and echoed.get(a["name"]) != a["value"]]
        if lost:
            refusal = "Attribute validation failed"
            files.agent_log("error", "Error registering attributes", error=refusal, missingAttributes=",".join(lost))
            files.agent_log("error", "Error registering container instance", error=refusal)
            raise AgentExit(EXIT_TERMINAL, "Instance registration attempt with invalid attribute(s)")
        self.arn = str(instance["containerInstanceArn"])
        self.state.arn, self.state.cluster = self.arn, self.cluster
        self.state.save(self.version)
        files.agent_log("info", "Registration completed successfully", instanceArn=self.arn, cluster=self.cluster)

    def connect(self, kind: str) -> tuple[Any, str]:
        """Open the websocket for work (``acs``) or for metrics (``tcs``); it and its address."""
        answer = self.call(
            "DiscoverPollEndpoint", {"cluster": self.cluster, "containerInstance": self.arn, "zoneId": ""}
        )
        endpoint = str(answer["endpoint" if kind == "acs" else "telemetryEndpoint"]).rstrip("/")
        query = {"agentHash": GIT_HASH, "agentVersion": self.version}
        if kind == "acs":
            query.update(
                clusterArn=self.cluster,
                containerInstanceArn=self.arn,
                dockerVersion=f"DockerVersion: {self.docker_version}",
                protocolVersion="2",
                sendCredentials="true",
                seqNum="1",
            )
        else:
            query.update(cluster=self.cluster, containerInstance=self.arn, dockerVersion=self.docker_version)
        url = f"{endpoint.replace('http', 'ws', 1)}/ws?{urlencode(query)}"
        # Go's ServerName is the address's whole host: a port in it must stand in the certificate as well.
        return wire.websocket(url, self.caller(), self.env, name=urlsplit(url).netloc), url

    def acs(self) -> None:
        """Take messages and say that they came; raises `wire.NetworkError` when the connection ends."""
        channel, _unused = self.connect("acs")
        files.agent_log("info", "Connected to ACS endpoint")
        for message in _messages(channel, 300):
            kind, content = message.get("type"), message.get("message") or {}
            if kind == "HeartbeatMessage":
                _send(channel, "HeartbeatAckRequest", {"messageId": content.get("messageId")})
            elif "messageId" in content:
                _send(
                    channel,
                    "AckRequest",
                    {"cluster": self.cluster, "containerInstance": self.arn, "messageId": content["messageId"]},
                )

    def tcs(self) -> None:
        """Send metrics; raises `wire.NetworkError` when the connection ends."""
        channel, url = self.connect("tcs")
        address = url.replace("ws", "http", 1)
        while True:
            metadata = {
                "cluster": self.cluster,
                "containerInstance": self.arn,
                "fin": True,
                "idle": True,
                "messageId": str(uuid.uuid4()),
            }
            body = {
                "type": "PublishMetricsRequest",
                "message": {"metadata": metadata, "timestamp": round(time.time(), 3)},
            }
            text = json.dumps(body, separators=(",", ":"))
            # The real agent puts signed headers before each of these messages.
            signed = wire.sign("GET", address, {}, text.encode(), self.caller())
            head = "".join(f"{name}: {signed[name]}\r\n" for name in sorted(signed))
            try:
                channel.send(f"{head}\r\n{text}")
            except OSError as error:
                raise wire.NetworkError(f"metrics: {error}") from error
            for _unused in _messages(channel, METRICS_SECONDS, once=True):
                pass

    def keep(self, name: str, session: Callable[[], None]) -> None:
        """Run a session for ever in a thread, with growing pauses after failures."""

        def body() -> None:
            pause = RECONNECT_FIRST
            while True:
                began = time.monotonic()
                try:
                    session()
                except (wire.NetworkError, wire.ServiceError, AgentExit, ValueError, KeyError) as error:
                    files.agent_log("error", f"{name} session ended", error=error)
                    if "InactiveInstance" in str(error):
                        files.agent_log("info", "Container instance is deregistered")
                        time.sleep(INACTIVE_SECONDS)
                if time.monotonic() - began > 30:
                    pause = RECONNECT_FIRST
                time.sleep(pause * random.uniform(1, 1.2))  # noqa: S311 - a pause
                pause = min(RECONNECT_MOST, pause * 2)

        threading.Thread(target=body, name=name, daemon=True).start()

    def introspect(self) -> None:
        """Answer on 127.0.0.1:51678. Raises `AgentExit` when another agent does."""
        agent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """The introspection API."""

            def do_GET(self) -> None:
                """Metadata, tasks, or what there is to ask for."""
                answers: dict[str, Any] = {
                    "/v1/metadata": {
                        "Cluster": agent.cluster,
                        "ContainerInstanceArn": agent.arn,
                        "Version": f"Amazon ECS Agent - v{agent.version} (*{GIT_HASH})",
                    },
                    "/v1/tasks": {"Tasks": []},
                }
                known = {"AvailableCommands": ["/v1/metadata", "/v1/tasks", "/license"]}
                text = json.dumps(answers.get(self.path.split("?")[0], known)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        try:
            server = http.server.ThreadingHTTPServer(INTROSPECTION, Handler)
        except OSError as error:
            raise AgentExit(EXIT_ERROR, f"Error running introspection endpoint: {error}") from error
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def run(self) -> NoReturn:
        """Register, connect, work until killed. Raises `AgentExit`."""
        files.agent_log("info", "Starting Amazon ECS Agent", version=self.version, commit=GIT_HASH)
        self.prepare()
        self.introspect()
        self.register()
        self.keep("ACS", self.acs)
        self.keep("TCS", self.tcs)
        while True:
            signal.pause()


def _send(channel: Any, kind: str, message: dict[str, Any]) -> None:
    """Send a message."""
    channel.send(json.dumps({"type": kind, "message": message}, separators=(",", ":")))


def _messages(channel: Any, seconds: float, *, once: bool = False) -> Any:
    """The JSON messages that come; ``once``: until it was quiet for that long. Raises `wire.NetworkError`."""
    import websocket as library  # noqa: PLC0415 - so that a host without it says so in the agent's log

    channel.settimeout(seconds)
    until: float | None = time.monotonic() + seconds if once else None
    while until is None or time.monotonic() < until:
        try:
            code, data = channel.recv_data()
        except library.WebSocketTimeoutException:
            if until is None:
                channel.ping()
            continue
        except (OSError, library.WebSocketException) as error:
            raise wire.NetworkError(str(error)) from error
        if code == library.ABNF.OPCODE_CLOSE:
            raise wire.NetworkError(f"closed by the server: {data!r}")
        if data:
            yield json.loads(data)


def memory() -> int:
    """What the host has, in MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def os_detailed() -> str:
    """As the attribute has it: debian_12."""
    found = {}
    release = Path("/etc/os-release")
    for line in release.read_text().splitlines() if release.exists() else []:
        key, _unused, value = line.partition("=")
        found[key] = value.strip('"')
    return f"{found.get('ID', 'linux')}_{found.get('VERSION_ID', '')}"


def main(version: str) -> int:
    """The agent; its exit code: 1 to be tried again, 5 not."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        Agent(os.environ, version).run()
    except AgentExit as error:
        files.agent_log("critical", str(error))
        return error.code


if __name__ == "__main__":
    sys.exit(main(os.environ.get("STANDIN_VERSION", "1.105.1")))
