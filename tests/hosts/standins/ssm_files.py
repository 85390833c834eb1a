# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSM agent's files: configuration, vault, fingerprint, shared credentials."""

from __future__ import annotations

import base64
import configparser
import datetime
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from . import wire

# Tests set another root; on a host it is never set.
ROOT = Path(os.environ.get("STANDIN_ROOT", "/"))
CONFIG = ROOT / "etc/amazon/ssm/amazon-ssm-agent.json"
STATE = ROOT / "var/lib/amazon/ssm"
MANIFEST = STATE / "Vault/Manifest"
REGISTRATION_KEY = STATE / "Vault/Store/RegistrationKey"
FINGERPRINT = STATE / "Vault/Store/InstanceFingerprint"
REGISTRATION = STATE / "registration"
IDENTITY = STATE / "runtimeconfig/identity_config.json"
CREDENTIALS = ROOT / "root/.aws/credentials"
LOG = ROOT / "var/log/amazon/ssm/amazon-ssm-agent.log"
ERRORS = ROOT / "var/log/amazon/ssm/errors.log"
HIBERNATION = ROOT / "var/log/amazon/ssm/hibernate.log"

DEFAULT_THRESHOLD = 40
NEVER = "0001-01-01T00:00:00Z"


def write(path: Path, text: str) -> None:
    """Write a file that only root may read, at once or not at all."""
    for folder in reversed([path.parent, *path.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    fresh = path.with_name(path.name + ".tmp")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty when the file is missing or damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Config:
    """What ``amazon-ssm-agent.json`` says of the endpoints."""

    ssm: str = ""
    mds: str = ""
    mgs: str = ""

    def url(self, service: str, region: str) -> str:
        """Where a service is called: as configured, or the real AWS."""
        override = {"ssm": self.ssm, "ec2messages": self.mds}.get(service, "")
        if service == "ssmmessages":
            return self._control_url(region)
        if override:
            return (override if "://" in override else f"https://{override}").rstrip("/") + "/"
        return f"https://{service}.{region}.{wire.suffix(region)}/"

    def _control_url(self, region: str) -> str:
        """The control channel is TLS whatever the scheme; with a port but no scheme the setting does not count."""
        real = f"https://ssmmessages.{region}.{wire.suffix(region)}/"
        if not self.mgs:
            return real
        if "://" in self.mgs:
            return f"https://{urlsplit(self.mgs).netloc}/"
        return real if ":" in self.mgs else f"https://{self.mgs}/"


def _field(document: Mapping[str, Any], name: str) -> Any:
    """A field by its name in any case, as Go decodes JSON."""
    return next((value for key, value in document.items() if key.lower() == name.lower()), None)


def load_config() -> tuple[Config, list[str]]:
    """The configuration and the lines that the agent's programs print on stdout about it.

    A file that is no JSON object is said to be so in one of these lines and otherwise ignored.
    """
    if not CONFIG.exists():
        return Config(), []
    lines = [f"Applying config override from {CONFIG}."]
    try:
        document = json.loads(CONFIG.read_text())
        if not isinstance(document, dict):
            raise ValueError("no object")
    except (OSError, ValueError):
        return Config(), [*lines, "Failed to unmarshal config override. Fall back to default."]

    def endpoint(section: str) -> str:
        part = _field(document, section)
        value = _field(part, "Endpoint") if isinstance(part, dict) else ""
        return value if isinstance(value, str) else ""

    return Config(endpoint("Ssm"), endpoint("Mds"), endpoint("Mgs")), lines


class KeyPair:
    """A node's RSA key."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private

    @classmethod
    def new(cls) -> KeyPair:
        """A fresh one of 2048 bits."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def load(cls, text: str) -> KeyPair:
        """From the vault's base64 PKCS1."""
        private = serialization.load_der_private_key(base64.b64decode(text), None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("not an RSA key")
        return cls(private)

    @property
    def private(self) -> str:
        """Base64 PKCS1, for the vault."""
        form = serialization.PrivateFormat.TraditionalOpenSSL
        der = self._private.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
        return base64.b64encode(der).decode()

    @property
    def public(self) -> str:
        """Base64 SPKI, for AWS."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(self._private.public_key().public_bytes(serialization.Encoding.DER, form)).decode()

    def sign(self, text: bytes) -> bytes:
        """RSA-PSS with SHA-256 and a salt of 32 bytes."""
        return self._private.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


@dataclass(frozen=True)
class Registration:
    """What the vault knows of this node; all empty when it is not registered."""

    instance: str = ""
    region: str = ""
    private: str = ""
    public: str = ""


def load_registration() -> Registration:
    """The registration in the vault: the only one that counts."""
    key = _read_json(REGISTRATION_KEY)
    return Registration(
        str(key.get("instanceID") or ""),
        str(key.get("region") or ""),
        str(key.get("privateKey") or ""),
        str(key.get("publicKey") or ""),
    )


def save_registration(registration: Registration) -> None:
    """Put a registration into the vault."""
    document = {
        "instanceID": registration.instance,
        "region": registration.region,
        "instanceType": "",
        "availabilityZone": "",
        "publicKey": registration.public,
        "privateKey": registration.private,
        "privateKeyType": "Rsa" if registration.private else "",
        "privateKeyCreatedDate": wire.now().strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC") if registration.private else "",
    }
    write(REGISTRATION_KEY, json.dumps(document))
    _write_manifest()


def _write_manifest() -> None:
    """The vault's list of its own files."""
    write(MANIFEST, json.dumps({path.name: str(path) for path in (REGISTRATION_KEY, FINGERPRINT) if path.exists()}))


def hardware() -> dict[str, str]:
    """What the machine is known by. Only the machine-id changes on a cloned disk."""

    def text(path: str) -> str:
        try:
            return Path("/", path).read_text().strip()
        except OSError:
            return ""

    machine = ROOT / "etc/machine-id"
    return {
        "hostname-info": os.uname().nodename,
        "machine-id": machine.read_text().strip() if machine.exists() else "",
        "processor-hash": str(os.cpu_count()),
        "memory-hash": text("proc/meminfo").split("\n", 1)[0],
        "system-hash": text("sys/class/dmi/id/product_uuid"),
    }


def stored_fingerprint() -> tuple[str, str]:
    """The fingerprint in the vault, and why it is not this machine's, in the agent's words; '' when it is."""
    stored = _read_json(FINGERPRINT)
    return str(stored.get("fingerprint") or ""), _difference(stored, hardware())


def _difference(stored: Mapping[str, Any], current: Mapping[str, str]) -> str:
    """Why the machine is not the one of the stored fingerprint: another machine-id, or too little that is the same."""
    threshold = int(stored.get("similarityThreshold", DEFAULT_THRESHOLD))
    saved = stored.get("hardwareHash") or {}
    if threshold == -1:
        return ""
    if not saved:
        return (
            "The saved machine configuration could not be loaded or the current machine configuration could not be "
            "determined."
        )
    here, there = current["machine-id"], saved.get("machine-id", "")
    if here != there:
        return f"The hardware ID ({here}) has changed from the registered value ({there})."
    same = [key for key, value in current.items() if saved.get(key) == value]
    if len(same) * 100 < threshold * len(current):
        return "Machine configuration has changed more than the allowed threshold."
    return ""


def new_fingerprint() -> str:
    """A new fingerprint for the machine as it is now."""
    stored = _read_json(FINGERPRINT)
    fingerprint = str(uuid.uuid4())
    save_fingerprint(fingerprint, int(stored.get("similarityThreshold", DEFAULT_THRESHOLD)))
    return fingerprint


def save_fingerprint(fingerprint: str, threshold: int) -> None:
    """Put a fingerprint into the vault."""
    document = {"fingerprint": fingerprint, "hardwareHash": hardware(), "similarityThreshold": threshold}
    write(FINGERPRINT, json.dumps(document))
    _write_manifest()


def clear_fingerprint() -> None:
    """Empty the fingerprint."""
    write(FINGERPRINT, "")


def set_threshold(threshold: int) -> None:
    """Change how similar the machine must be: 1 to 100 per cent, or -1 for not at all. Raises ValueError.

    What the machine was when it registered stays as it is.
    """
    if threshold != -1 and not 1 <= threshold <= 100:
        raise ValueError(
            f"Invalid Similarity Threshold value of {threshold}. Value must be between 1 and 100 or -1 (check disabled)"
        )
    stored = _read_json(FINGERPRINT)
    if not stored.get("fingerprint"):
        raise ValueError("Unable to set similarity threshold due to, save called with empty fingerprint key")
    write(FINGERPRINT, json.dumps({**stored, "similarityThreshold": threshold}))


def share_credentials(credentials: wire.Credentials) -> None:
    """Write the default profile of root's AWS credentials, whoever's it was before."""
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    if CREDENTIALS.exists():
        try:
            parser.read(CREDENTIALS)
        except configparser.Error:
            parser = configparser.ConfigParser(default_section="", interpolation=None)
    parser["default"] = {
        "aws_access_key_id": credentials.access_key,
        "aws_secret_access_key": credentials.secret_key,
        "aws_session_token": credentials.token,
    }
    lines = []
    for section in parser.sections():
        lines += [f"[{section}]", *(f"{key:<21} = {value}" for key, value in parser[section].items()), ""]
    write(CREDENTIALS, "\n".join(lines))


def begin_identity(instance: str, version: str) -> None:
    """Say in ``identity_config.json`` who the agent is at its start: it has no credentials yet, unless it was the same
    before.
    """
    if _read_json(IDENTITY).get("InstanceId") != instance:
        save_identity(instance, NEVER, version)


def save_identity(instance: str, expires: str, version: str) -> None:
    """Say in ``identity_config.json`` who the running agent is and until when its credentials hold."""
    document = {
        "SchemaVersion": "1.1",
        "InstanceId": instance,
        "IdentityType": "OnPrem",
        "ShareFile": str(CREDENTIALS),
        "ShareProfile": "",
        "CredentialsExpiresAt": expires,
        "CredentialsRetrievedAt": NEVER if expires == NEVER else wire.timestamp(wire.now()),
        "ReleaseVersion": version,
        "CredentialSource": "SSM",
    }
    write(IDENTITY, json.dumps(document))


def kept_credentials(instance: str) -> tuple[wire.Credentials, float] | None:
    """The shared credentials, when they are this node's and have not expired, and how long until half of their life is
    over (seconds; below zero when it is).
    """
    identity = _read_json(IDENTITY)
    expires, retrieved = (_seconds(str(identity.get(f"Credentials{name}At"))) for name in ("Expires", "Retrieved"))
    now = wire.now().timestamp()
    if identity.get("InstanceId") != instance or expires <= now:
        return None
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    try:
        parser.read(CREDENTIALS)
        part = parser["default"]
        token = part.get("aws_session_token", "")
        found = wire.Credentials(part["aws_access_key_id"], part["aws_secret_access_key"], token)
    except (configparser.Error, KeyError) as error:
        log("WARN", f"[CredentialRefresher] Credentials are not available when they should be: {error}", console=True)
        return None
    return found, (expires + retrieved) / 2 - now


def _seconds(text: str) -> float:
    """A time of the agent's files in seconds since the epoch; long ago when it is none."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except (ValueError, OverflowError):
        return 0.0


def log(level: str, text: str, *, console: bool) -> None:
    """A line of the agent's log, in the host's time; on stdout as well for a person's command."""
    line = f"{wire.now().astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-2] + f" {level} {text}"
    _write_line(line, [LOG, *([ERRORS] if level == "ERROR" else [])], console)


def log_hibernation(level: str, text: str) -> None:
    """A line of the log that there is while the agent's first call is refused; no other log has it."""
    _write_line(f"{wire.timestamp(wire.now())} {level} {text}", [HIBERNATION], console=True)


def _write_line(line: str, paths: Sequence[Path], console: bool) -> None:
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(line + "\n")
        except OSError:
            console = True  # not root: the real agent says it on the console only
    if console:
        print(line, flush=True)


def is_root() -> str | None:
    """None for root, else what the agent says."""
    return None if os.geteuid() == 0 or str(ROOT) != "/" else "permission denied"
