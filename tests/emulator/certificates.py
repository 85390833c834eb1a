# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority, made once, and a server certificate, made anew when it is missing or for other names."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = ("localhost", "127.0.0.1", "host.containers.internal")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - recognised here, not bound to
LIFE = timedelta(days=825)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(tz=timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def with_port(name: str, port: int) -> str:
    """The name as it stands in an address: the ECS agent looks for this text in the certificate of its websockets."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _authority(directory: Path) -> ec.EllipticCurvePrivateKey:
    """The key of the directory's authority: who trusts it goes on to do so when the server gets other names."""
    path, key_path = directory / "ca.pem", directory / "ca.key"
    if path.exists() and key_path.exists():
        kept = load_pem_private_key(key_path.read_bytes(), None)
        if isinstance(kept, ec.EllipticCurvePrivateKey):
            return kept
    certificate, key = _new_authority()
    _write_key(key_path, key)
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return key


def _new_authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder("onprem.ecs emulator CA", "onprem.ecs emulator CA", key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def make_certificates(directory: Path, names: Sequence[str], port: int) -> tuple[Path, Path]:
    """Write ``ca.pem``, ``ca.key``, ``server.pem`` and ``server.key``.

    :param names: DNS names and addresses of the server, beside :data:`NAMES`
    :param port: where it listens; the certificate is for each name alone and for each with the port
    :returns: the paths of the server's certificate and key
    """
    directory.mkdir(parents=True, exist_ok=True)
    certificate_path, key_path, ca_key_path = (directory / name for name in ("server.pem", "server.key", "ca.key"))
    plain = list(dict.fromkeys([*NAMES, *(name for name in names if name not in EVERYWHERE)]))
    wanted = [*plain, *(with_port(name, port) for name in plain)]
    note = directory / "names"
    if note.exists() and note.read_text() == "\n".join(wanted) and all(p.exists() for p in (ca_key_path, key_path)):
        return certificate_path, key_path
    authority_key = _authority(directory)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("onprem.ecs emulator", "onprem.ecs emulator CA", key.public_key())
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in wanted]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(key_path, key)
    certificate_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    note.write_text("\n".join(wanted))
    return certificate_path, key_path
