# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification of signatures: SigV4 by secret key, and the node's own RSA-PSS over the same string to sign."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, unquote_plus

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials as BotocoreCredentials
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .calls import Caller, Request
from .errors import AwsError
from .identities import Authorization, Credentials
from .nodes import Node

# As everywhere but in S3, where it is 15 minutes.
LARGEST_SKEW_SECONDS = 300
PSS_SALT_BYTES = 32
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
QUERY_SERVICES = ("iam", "sts", "ec2")
NEED_NO_SIGNATURE = {"x-amz-content-sha256", "x-amz-user-agent"}


@dataclass(frozen=True)
class Signed:
    """What a signature is about."""

    service: str
    request: Request
    authorization: Authorization | None


def refusal(service: str, kind: str, message: str) -> AwsError:
    """An authentication error, by the name that the protocol of a service gives it."""
    names = {
        "unknown": ("InvalidClientTokenId", "UnrecognizedClientException"),
        "expired": ("ExpiredToken", "ExpiredTokenException"),
        "mismatch": ("SignatureDoesNotMatch", "InvalidSignatureException"),
        "missing": ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    }
    query, other = names[kind]
    if service in QUERY_SERVICES:
        return AwsError(query, message, 403)
    return AwsError(other, message, 400)


def _canonical_query(query: str) -> str:
    """Sorted and encoded anew, as AWS does it: ``+`` is a blank."""
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    encoded = [(quote(unquote_plus(k), safe="-_.~"), quote(unquote_plus(v), safe="-_.~")) for k, v in pairs]
    return "&".join(f"{key}={value}" for key, value in sorted(encoded))


class _Verifier(SigV4Auth):
    """botocore's signer, made to sign exactly the headers that the caller has signed."""

    def __init__(self, request: Request, authorization: Authorization, secret_key: str) -> None:
        credentials = BotocoreCredentials(authorization.access_key, secret_key)
        super().__init__(credentials, authorization.service, authorization.region)
        self._signed = authorization.signed_headers
        self._request = AWSRequest(
            method=request.method, url=f"{request.origin}{request.path}", data=request.body, headers=request.headers
        )
        self._request.context["timestamp"] = request.headers.get("x-amz-date", "")
        self._query = request.query

    def headers_to_sign(self, request: Any) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name in self._signed:
            headers[name] = request.headers.get(name, "")
        return headers

    def canonical_query_string(self, request: Any) -> str:
        return _canonical_query(self._query)

    def payload(self, request: Any) -> str:
        return hashlib.sha256(request.data or b"").hexdigest()

    def text(self) -> str:
        """The string to sign."""
        return str(self.string_to_sign(self._request, self.canonical_request(self._request)))

    def expected(self) -> str:
        """The signature that the secret key gives."""
        return str(self.signature(self.text(), self._request))


def string_to_sign(request: Request, authorization: Authorization) -> str:
    """The SigV4 string to sign of a request, with the headers that the caller has signed."""
    return _Verifier(request, authorization, "").text()


def _check_date(request: Request, authorization: Authorization, now: float) -> None:
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{stamp}'"
        raise refusal(authorization.service, "mismatch", message) from None
    if not stamp.startswith(authorization.date):
        message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"
        raise refusal(authorization.service, "mismatch", message)
    if abs(now - signed.timestamp()) > LARGEST_SKEW_SECONDS:
        word = "expired" if signed.timestamp() < now else "not yet current"
        raise refusal(authorization.service, "mismatch", f"Signature {word}: {stamp}")


def _check_scope(service: str, request: Request, authorization: Authorization) -> None:
    if authorization.service != service:
        raise refusal(service, "mismatch", f"Credential should be scoped to correct service: '{service}'.")
    if "host" not in authorization.signed_headers:
        raise refusal(service, "mismatch", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    amazon = {name for name in request.headers if name.startswith("x-amz-")}
    unsigned = amazon - set(authorization.signed_headers) - NEED_NO_SIGNATURE
    if unsigned:
        message = f"There were headers present in the request which were not signed: {', '.join(sorted(unsigned))}"
        raise refusal(service, "mismatch", message)


def verify(call: Signed, caller: Caller, credentials: Credentials | None, now: float) -> None:
    """Check a SigV4 signature and the credentials behind it.

    :param now: seconds since the epoch
    :raises AwsError: as AWS refuses
    """
    service, request, authorization = call.service, call.request, call.authorization
    if authorization is None:
        raise refusal(service, "missing", "Missing Authentication Token")
    if credentials is None or caller.kind == "anonymous":
        raise refusal(service, "unknown", "The security token included in the request is invalid.")
    _check_scope(service, request, authorization)
    _check_date(request, authorization, now)
    if request.headers.get("x-amz-security-token") != credentials.token:
        raise refusal(service, "unknown", "The security token included in the request is invalid.")
    expected = _Verifier(request, authorization, credentials.secret_key).expected()
    if not hmac.compare_digest(expected, authorization.signature):
        raise refusal(service, "mismatch", MISMATCH)
    if credentials.expires is not None and now >= credentials.expires:
        raise refusal(service, "expired", "The security token included in the request is expired")


def verify_node(request: Request, authorization: Authorization, node: Node, now: float) -> None:
    """Check the signature that a node makes with its own key: base64 of RSA-PSS-SHA256, salt of 32 bytes.

    :raises AwsError: as AWS refuses
    """
    _check_scope("ssm", request, authorization)
    _check_date(request, authorization, now)
    if request.headers.get("x-amz-content-sha256") not in (None, hashlib.sha256(request.body).hexdigest()):
        raise refusal("ssm", "mismatch", "The value of X-Amz-Content-Sha256 is not the hash of the body.")
    key = load_der_public_key(base64.b64decode(node.public_key))
    if not isinstance(key, RSAPublicKey):
        raise refusal("ssm", "mismatch", "The node's key is no RSA key.")
    try:
        key.verify(
            base64.b64decode(authorization.signature, validate=True),
            string_to_sign(request, authorization).encode(),
            padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=PSS_SALT_BYTES),
            SHA256(),
        )
    except (InvalidSignature, binascii.Error):
        raise refusal("ssm", "mismatch", MISMATCH) from None
