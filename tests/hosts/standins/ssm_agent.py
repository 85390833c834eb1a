# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for ``amazon-ssm-agent``: the command line of registration, and the agent itself."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from xml.etree import ElementTree

from . import ssm_files as files
from . import wire

REGISTER_DELAYS = (1.3, 3.0, 6.0)  # seconds between the tries of a call that the server failed
FIRST_CALL_DELAYS = (0.1, 0.2, 0.4)
UNREGISTERED_SECONDS = 2
# How often, and after how long each time, it looks again whether the machine is another one.
FOREIGN_MACHINE_LOOKS, FOREIGN_MACHINE_SECONDS = 3, 5
FINGERPRINT_SLEEP = 25 * 60
BACKOFF_FIRST, BACKOFF_MOST = 18, 30 * 60
HEALTH_SECONDS = 5 * 60
HIBERNATION_MOST = 60 * 60
PING_SECONDS = 54
POLL_SECONDS = 15
ASSOCIATION_FIRST, ASSOCIATION_SECONDS = 20, 30

USAGE = """

Command-line Usage:
\t-register\tregister managed instance
\t\t-id                    \tSSM activation ID    \t(REQUIRED)
\t\t-code                  \tSSM activation code  \t(REQUIRED)
\t\t-region                \tSSM region           \t(REQUIRED)
\t\t-disableSimilarityCheck\tDisable the agent hardware/fingerprint similarity check\t(OPTIONAL)

\t\t-clear\tClears the previously saved SSM registration
\t-fingerprint\tWhether to update the machine fingerprint similarity threshold\t(OPTIONAL)
\t\t-similarityThreshold\tThe new required percentage of matching hardware values\t(OPTIONAL)

\t-y\tAnswer yes for all questions"""


class Parser(argparse.ArgumentParser):
    """Flags as Go's: one hyphen or two, and exit code 2 for one that is not known."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it goes."""
        print(f"flag provided but not defined: {message}\n{USAGE}", file=sys.stderr)
        sys.exit(2)


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = Parser(add_help=False, allow_abbrev=False)
    for name in ("register", "clear", "fingerprint", "y", "version", "disableSimilarityCheck"):
        parser.add_argument(f"-{name}", f"--{name}", action="store_true", dest=name)
    for name in ("id", "code", "region"):
        parser.add_argument(f"-{name}", f"--{name}", default="", dest=name)
    parser.add_argument("-similarityThreshold", "--similarityThreshold", type=int, default=40, dest="threshold")
    return parser.parse_args(words)


def say(level: str, text: str) -> None:
    """To a person and to the log."""
    files.log(level, text, console=True)


def _clear() -> int:
    """``-register -clear``: empty the vault; the file ``registration`` goes stale."""
    try:
        files.clear_fingerprint()
        files.save_registration(files.Registration())
    except OSError as error:
        say(
            "ERROR",
            f"error clearing the instance registration information. {error}\nTry running as sudo/administrator.",
        )
        return 1
    say("INFO", "Registration information has been removed from the instance.")
    return 0


def _confirmed() -> str | None:
    """Ask whether to go over a registration; None for yes, else why not."""
    print(
        "\nInstance already registered. Would you like to override existing with new registration information? "
        "[Yes/No]: ",
        end="",
        flush=True,
    )
    line = sys.stdin.readline()
    if not line:
        return "Registration failed due to EOF"
    if line.strip().lower().startswith("y"):
        return None
    return "Registration canceled by user"


def _invalid(options: argparse.Namespace) -> str:
    """What the SDK finds wrong with the request before it is sent; '' for nothing."""
    found = []
    if len(options.code) < 20:
        found.append("- minimum field size of 20, RegisterManagedInstanceInput.ActivationCode.")
    if len(options.id) < 36:
        found.append("- minimum field size of 36, RegisterManagedInstanceInput.ActivationId.")
    return "\n".join([f"InvalidParameter: {len(found)} validation error(s) found.", *found, ""]) if found else ""


def _register(options: argparse.Namespace, config: files.Config, version: str) -> int:
    """``-register``: blank the vault, then ask AWS, then fill it. A refusal leaves it blank, as the real agent does."""
    if not options.y and files.load_registration().instance:
        refused = _confirmed()
        if refused:
            say("ERROR", refused)
            return 1
    key = files.KeyPair.new()
    try:
        files.save_registration(files.Registration(private=key.private, public=key.public))
    except OSError as error:
        say(
            "ERROR",
            f"Registration failed due to Unable to save registration information. {error}\n"
            "Try running as sudo/administrator.",
        )
        return 1
    fingerprint, difference = files.stored_fingerprint()
    if not fingerprint or difference:
        fingerprint = files.new_fingerprint()
    if options.disableSimilarityCheck:
        files.set_threshold(-1)
    body = {
        "ActivationCode": options.code,
        "ActivationId": options.id,
        "Fingerprint": fingerprint,
        "PublicKey": key.public,
        "PublicKeyType": "Rsa",
    }
    try:
        invalid = _invalid(options)
        if invalid:
            raise wire.NetworkError(invalid)
        answer = wire.with_retries(
            lambda: call_unsigned(config, options.region, "RegisterManagedInstance", body, version), REGISTER_DELAYS
        )
    except (wire.ServiceError, wire.NetworkError) as error:
        say("ERROR", f"Registration failed due to error registering the instance with AWS SSM. {error}")
        return 1
    instance = str(answer["InstanceId"])
    files.save_registration(files.Registration(instance, options.region, key.private, key.public))
    files.write(files.REGISTRATION, json.dumps({"ManagedInstanceID": instance, "Region": options.region}))
    say("INFO", f"Successfully registered the instance with AWS SSM using Managed instance-id: {instance}")
    return 0


def _set_threshold(threshold: int) -> int:
    """``-fingerprint -similarityThreshold N``."""
    try:
        files.set_threshold(threshold)
    except (OSError, ValueError) as error:
        say("ERROR", f"Error setting the SimilarityThreshold. {error}")
        return 1
    say("INFO", f"Fingerprint SimilarityThreshold set to {threshold}")
    return 0


def user_agent(version: str) -> str:
    """What the agent calls itself."""
    return f"aws-sdk-go/1.51.20 (go1.24.11; linux; amd64) amazon-ssm-agent/{version}"


def _headers(operation: str, version: str, prefix: str = "AmazonSSM") -> dict[str, str]:
    """The headers of a JSON call before it is signed."""
    return {
        "User-Agent": user_agent(version),
        "Content-Type": wire.JSON_TYPE,
        "X-Amz-Target": f"{prefix}.{operation}",
        "Accept-Encoding": "identity",
    }


def call_unsigned(config: files.Config, region: str, operation: str, body: Any, version: str) -> Any:
    """A call without a signature: registration has no identity yet."""
    url = config.url("ssm", region)
    text = json.dumps(body, separators=(",", ":")).encode()
    return wire.check(wire.request("POST", url, _headers(operation, version), text, env=os.environ))


class Agent:
    """The running agent. It reads its identity once: a later registration counts after a restart."""

    def __init__(self, registration: files.Registration, config: files.Config, version: str) -> None:
        self.registration = registration
        self.config = config
        self.version = version
        self.key = files.KeyPair.load(registration.private)
        self.credentials = wire.Credentials("", "")
        self.ready = threading.Event()

    def log(self, level: str, text: str) -> None:
        """To the agent's log file, and to the journal."""
        files.log(level, f"[amazon-ssm-agent] {text}", console=True)

    def call_as_node(self, operation: str, body: Any) -> Any:
        """A call signed with the vault's key; the body is chunked."""
        url = self.config.url("ssm", self.registration.region)
        text = json.dumps(body, separators=(",", ":")).encode()
        here = self.registration
        headers = wire.sign_as_node(
            url,
            _headers(operation, self.version),
            text,
            instance=here.instance,
            region=here.region,
            rsa=self.key.sign,
        )
        return wire.check(wire.request("POST", url, headers, text, env=os.environ, chunked=True))

    def call(self, service: str, prefix: str, operation: str, body: Any) -> Any:
        """A call signed with the role's credentials."""
        region = self.registration.region
        url = self.config.url(service, region)
        text = json.dumps(body, separators=(",", ":")).encode()
        headers = {**_headers(operation, self.version, prefix), "Content-Length": str(len(text))}
        agent, encoding = headers.pop("User-Agent"), headers.pop("Accept-Encoding")
        signed = wire.sign("POST", url, headers, text, wire.Caller(self.credentials, region, service))
        whole = {"User-Agent": agent, **signed, "Accept-Encoding": encoding}
        return wire.check(wire.request("POST", url, whole, text, env=os.environ))

    def fingerprint(self) -> str:
        """The machine's fingerprint. Another machine than at registration gets a new one, after errors."""
        for left in reversed(range(FOREIGN_MACHINE_LOOKS + 1)):
            fingerprint, difference = files.stored_fingerprint()
            if not fingerprint:
                return files.new_fingerprint()
            if not difference:
                return fingerprint
            self.log("ERROR", f"Cannot connect to AWS Systems Manager.  {difference}")
            if left:
                time.sleep(FOREIGN_MACHINE_SECONDS)
        self.log("INFO", "Calculated hardware difference, regenerating fingerprint...")
        return files.new_fingerprint()

    def refresh(self) -> float:
        """Get credentials, share them, rotate the key when told to; how long to wait for the next time (seconds)."""
        answer = self.call_as_node("RequestManagedInstanceRoleToken", {"Fingerprint": self.fingerprint()})
        fresh = wire.Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        if answer["UpdateKeyPair"]:
            self.rotate()
        self.credentials = fresh
        files.share_credentials(fresh)
        expires = time.gmtime(float(answer["TokenExpirationDate"]))
        files.save_identity(self.registration.instance, time.strftime("%Y-%m-%dT%H:%M:%SZ", expires), self.version)
        self.ready.set()
        return max(1.0, (float(answer["TokenExpirationDate"]) - time.time()) / 2)

    def rotate(self) -> None:
        """Give AWS a new public key, signed with the old one, and keep the new private key."""
        key = files.KeyPair.new()
        self.call_as_node("UpdateManagedInstancePublicKey", {"NewPublicKey": key.public, "NewPublicKeyType": "Rsa"})
        self.key = key
        here = files.load_registration()
        if here.instance == self.registration.instance:
            files.save_registration(files.Registration(here.instance, here.region, key.private, key.public))
        self.log("INFO", "Successfully rotated the key pair")

    def keep_credentials(self) -> None:
        """Refresh for ever, at half-life; back off from 18 s to 30 min while AWS refuses or is not reached.

        What the last agent got for this node is used until then, also when AWS has given the node up since.
        """
        failures = 0
        kept = files.kept_credentials(self.registration.instance)
        if kept:
            self.credentials, pause = kept
            self.ready.set()
            self.log("INFO", f"[CredentialRefresher] Next credential rotation will be in {pause / 60:.1f} minutes")
            time.sleep(max(0.0, pause))
        while True:
            try:
                pause = self.refresh()
                failures = 0
            except wire.ServiceError as error:
                self.log("ERROR", f"Failed to connect to Systems Manager: {error}")
                pause = min(BACKOFF_MOST, BACKOFF_FIRST * 2**failures) * random.uniform(0.95, 1.1)  # noqa: S311 - a pause
                if error.code == "MachineFingerprintDoesNotMatch":
                    pause = FINGERPRINT_SLEEP
                failures += 1
            except (wire.NetworkError, OSError) as error:
                self.log("ERROR", f"Failed to connect to Systems Manager: {error}")
                pause = min(BACKOFF_MOST, BACKOFF_FIRST * 2**failures)
                failures += 1
            self.log("INFO", f"Next credential rotation will be in {pause / 60:.1f} minutes")
            time.sleep(pause)

    def _loop(self, name: str, action: Any, pause: float, retry: float) -> None:
        """Do something for ever in a thread; an error is logged and tried again after ``retry`` seconds."""

        def body() -> None:
            while True:
                began = time.monotonic()
                try:
                    action()
                    left = pause - (time.monotonic() - began)
                except (wire.ServiceError, wire.NetworkError, OSError, ValueError) as error:
                    self.log("ERROR", f"[{name}] {error}")
                    left = retry
                if left > 0:
                    time.sleep(left)

        threading.Thread(target=body, name=name, daemon=True).start()

    def base(self) -> dict[str, str]:
        """Who we are."""
        return {
            "AgentName": "amazon-ssm-agent",
            "AgentVersion": self.version,
            "InstanceId": self.registration.instance,
            "PlatformType": "Linux",
        }

    def first_call(self) -> None:
        """Say who we are. While that fails the agent does nothing else, and tries again ever more seldom."""
        pause = 0.0
        while True:
            try:
                wire.with_retries(
                    lambda: self.call("ssm", "AmazonSSM", "UpdateInstanceInformation", self.base()), FIRST_CALL_DELAYS
                )
                return
            except (wire.ServiceError, wire.NetworkError, OSError) as error:
                if pause:
                    files.log_hibernation("ERROR", f"Health ping failed with error - {error}")
                    pause = min(HIBERNATION_MOST, pause * 2)
                else:
                    line = f"[ssm-agent-worker] Entering SSM Agent hibernate - {error}"
                    files.log("INFO", line, console=True)
                    pause = HEALTH_SECONDS
            time.sleep(pause)

    def report(self) -> None:
        """Health: who we are and that we are active."""
        name, number = distribution()
        more = {
            "AgentStatus": "Active",
            "AvailabilityZone": "",
            "AvailabilityZoneId": "",
            "ComputerName": platform.node(),
            "IPAddress": own_address(self.config.url("ssm", self.registration.region)),
            "PlatformName": name,
            "PlatformVersion": number,
            "SSMConnectionChannel": "",
        }
        self.call("ssm", "AmazonSSM", "UpdateInstanceInformation", dict(sorted({**self.base(), **more}.items())))

    def poll(self) -> None:
        """Ask for messages: a long poll."""
        body = {
            "Destination": self.registration.instance,
            "MessagesRequestId": str(uuid.uuid4()),
            "VisibilityTimeoutInSeconds": 10,
        }
        self.call("ec2messages", "EC2WindowsMessageDeliveryService", "GetMessages", body)

    def associations(self) -> None:
        """Ask for associations, of which there are none; not at once."""
        time.sleep(ASSOCIATION_FIRST)
        body = {"InstanceId": self.registration.instance, "MaxResults": 20}
        self.call("ssm", "AmazonSSM", "ListInstanceAssociations", body)

    def control_channel(self) -> None:
        """Open the control channel and keep it until it breaks."""
        here = self.registration
        base = f"{self.config.url('ssmmessages', here.region)}v1/control-channel/{here.instance}"
        body = json.dumps(
            {"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4())}, separators=(",", ":")
        ).encode()
        headers = {"Content-Type": "application/json"}
        who = wire.Caller(self.credentials, here.region, "ssmmessages")
        signed = wire.sign("POST", base, headers, body, who)
        answer = wire.request("POST", base, {**signed, "User-Agent": wire.GO_CLIENT}, body, env=os.environ)
        if answer.status != 201:
            raise wire.NetworkError(
                f"CreateControlChannel failed with status {answer.status}: {answer.body.decode()[:300]}"
            )
        token = ElementTree.fromstring(answer.body).findtext(".//{*}TokenValue")  # noqa: S314 - the emulator's
        stream = "wss" + base[len("https") :] + "?role=subscribe&stream=input"
        channel = wire.websocket(stream, who, os.environ)
        opening = {
            "Cookie": None,
            "MessageSchemaVersion": "1.0",
            "RequestId": str(uuid.uuid4()),
            "TokenValue": token,
            "AgentVersion": self.version,
            "PlatformType": "linux",
        }
        channel.send(json.dumps(opening, separators=(",", ":")))
        self.log("INFO", "[MessageGatewayService] Successfully opened websocket connection")
        listen(channel, PING_SECONDS)

    def run(self) -> NoReturn:
        """Work until killed."""
        self.log("INFO", f"amazon-ssm-agent - v{self.version}")
        threading.Thread(target=self.work, name="worker", daemon=True).start()
        self.keep_credentials()
        raise SystemExit(1)

    def work(self) -> None:
        """All that is done with the credentials, once AWS has taken them."""
        self.ready.wait()
        self.first_call()
        files.log("INFO", f"[ssm-agent-worker] Starting Agent: amazon-ssm-agent - v{self.version}", console=True)
        self._loop("HealthCheck", self.report, HEALTH_SECONDS, 30)
        self._loop("MessageGatewayService", self.control_channel, 0, 5)
        self._loop("MessagingDeliveryService", self.poll, POLL_SECONDS, 15)
        self._loop("Association", self.associations, ASSOCIATION_SECONDS, 30)


def listen(channel: Any, ping_seconds: float) -> None:
    """Read from a websocket and send a ping when it is quiet; raises `wire.NetworkError` when it ends."""
    import websocket as library  # noqa: PLC0415 - registration works without it

    channel.settimeout(ping_seconds)
    while True:
        try:
            if channel.recv_data()[0] == library.ABNF.OPCODE_CLOSE:
                raise wire.NetworkError("the websocket was closed")
        except library.WebSocketTimeoutException:
            channel.ping("keepalive")
        except (OSError, library.WebSocketException) as error:
            raise wire.NetworkError(f"websocket: {error}") from error


def distribution() -> tuple[str, str]:
    """Name and version of the system."""
    found = {}
    release = Path("/etc/os-release")
    for line in release.read_text().splitlines() if release.exists() else []:
        key, _unused, value = line.partition("=")
        found[key] = value.strip('"')
    return found.get("NAME", "Linux"), found.get("VERSION_ID", "")


def own_address(url: str) -> str:
    """The address that this host has towards AWS."""
    parts = urlsplit(url)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((parts.hostname or "", parts.port or 443))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def serve(version: str) -> int:
    """The agent as the unit starts it."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    config, lines = files.load_config()
    print("\n".join(lines), flush=True)
    registration = files.load_registration()
    if not registration.instance:
        time.sleep(UNREGISTERED_SECONDS)
        files.log("ERROR", "[amazon-ssm-agent] Failed to find agent identity: no identity found", console=True)
        return 0
    try:
        agent = Agent(registration, config, version)
    except ValueError as error:
        files.log("ERROR", f"[amazon-ssm-agent] the private key of the vault cannot be read: {error}", console=True)
        return 0
    files.begin_identity(registration.instance, version)
    return agent.run()


def main(words: list[str], version: str) -> int:
    """The program; its exit code."""
    if words in (["-version"], ["--version"]):
        print(f"SSM Agent version: {version}")
        return 0
    if not words:
        return serve(version)
    options = parse(words)
    config, lines = files.load_config()
    print("\n".join([*lines, "Initializing new seelog logger", "New Seelog Logger Creation Complete"]), flush=True)
    if options.register and options.id and options.code and options.region:
        return _register(options, config, version)
    if options.register and options.clear:
        return _clear()
    if options.fingerprint and not options.register:
        return _set_threshold(options.threshold)
    print(USAGE, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("STANDIN_VERSION", "3.3.1142.0")))
