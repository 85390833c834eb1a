# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the agents talk to AWS: SigV4, the RSA signature of a managed node, HTTP through proxies, websockets."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
JSON_TYPE = "application/x-amz-json-1.1"
# What the agents call themselves where they use Go's own client and not AWS's.
GO_CLIENT = "Go-http-client/1.1"
# Go's context for a cut connection and the SDK's own words around it.
NETWORK_ERRORS = (OSError, http.client.HTTPException)


class Credentials(NamedTuple):
    """A set of temporary credentials."""

    access_key: str
    secret_key: str
    token: str = ""


class Caller(NamedTuple):
    """Who calls which service where."""

    credentials: Credentials
    region: str
    service: str


# Errors that the ECS API declares; the SDK prints all others as "api error".
MODELLED = {
    "ClientException",
    "ServerException",
    "InvalidParameterException",
    "ClusterNotFoundException",
    "AccessDeniedException",
}


class ServiceError(Exception):
    """AWS refused; ``str`` is as the Go SDK prints it."""

    def __init__(self, code: str, message: str, status: int, request_id: str) -> None:
        super().__init__(f"{code}: {message}\n\tstatus code: {status}, request id: {request_id}")
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id

    def second(self, service: str, operation: str) -> str:
        """As the second generation of the Go SDK prints it."""
        name = self.code if self.code in MODELLED else f"api error {self.code}"
        where = f"https response error StatusCode: {self.status}, RequestID: {self.request_id}"
        return f"operation error {service}: {operation}, {where}, {name}: {self.message}"


class NetworkError(Exception):
    """AWS was not reached."""


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def suffix(region: str) -> str:
    """The domain of AWS in the region's partition."""
    if region.startswith("cn-"):
        return "amazonaws.com.cn"
    return "amazonaws.eu" if region.startswith("eusc-") else "amazonaws.com"


def now() -> datetime.datetime:
    """The time, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def timestamp(moment: datetime.datetime) -> str:
    """As AWS's files have it: 2026-11-21T16:50:15Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def string_to_sign(
    method: str, url: str, headers: Mapping[str, str], *, signed: Sequence[str], digest: str, scope: str
) -> str:
    """The text that SigV4 signs. ``digest`` is the SHA-256 of the body, ``signed`` the names of the signed headers."""
    parts = urlsplit(url)
    pairs = sorted(
        (quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(parts.query, keep_blank_values=True)
    )
    lower = {key.lower(): " ".join(value.split()) for key, value in headers.items()}
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{key}={value}" for key, value in pairs),
            *(f"{name}:{lower[name]}" for name in sorted(signed)),
            "",
            ";".join(sorted(signed)),
            digest,
        ]
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    return "\n".join([ALGORITHM, lower["x-amz-date"], scope, hashed])


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    who: Caller,
) -> dict[str, str]:
    """The headers with a SigV4 signature of all of them but the user agent."""
    credentials, region, service = who
    stamp = now().strftime("%Y%m%dT%H%M%SZ")
    whole = {**headers, "Host": urlsplit(url).netloc, "X-Amz-Date": stamp}
    if credentials.token:
        whole["X-Amz-Security-Token"] = credentials.token
    signed = sorted(
        name.lower() for name in whole if name.lower() not in {"user-agent", "accept-encoding", "connection"}
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = string_to_sign(method, url, whole, signed=signed, digest=hashlib.sha256(body).hexdigest(), scope=scope)
    key = ("AWS4" + credentials.secret_key).encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    whole["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    return whole


def sign_as_node(
    url: str, headers: Mapping[str, str], body: bytes, *, instance: str, region: str, rsa: Callable[[bytes], bytes]
) -> dict[str, str]:
    """The headers with a managed node's signature: RSA-PSS over what SigV4 would sign, by the key of its vault."""
    stamp = now().strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    whole = {**headers, "Host": urlsplit(url).netloc, "X-Amz-Date": stamp, "X-Amz-Content-Sha256": digest}
    signed = ["content-type", "host", "x-amz-date", "x-amz-target"]
    scope = f"{stamp[:8]}/{region}/ssm/aws4_request"
    text = string_to_sign("POST", url, whole, signed=signed, digest=digest, scope=scope)
    signature = base64.b64encode(rsa(text.encode())).decode()
    whole["Authorization"] = (
        f"{ALGORITHM} Credential={instance}/{scope}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    return whole


def _bypassed(host: str, port: int, env: Mapping[str, str]) -> bool:
    """Whether no_proxy names that host, by Go's rules: names, suffixes, addresses, networks; loopback always."""
    try:
        address: Any = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for entry in (env.get("no_proxy") or env.get("NO_PROXY") or "").split(","):
        name = entry.strip().lower()
        if name in {"*", host.lower(), f"{host.lower()}:{port}"}:
            return True
        if name and address is None and host.lower().endswith("." + name.lstrip("*.")):
            return True
        if address is not None and _in_network(address, name):
            return True
    return False


def _in_network(address: Any, name: str) -> bool:
    """Whether the name is a network with that address. What is none, such as the path of a socket, is passed over."""
    try:
        return "/" in name and address in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False


class Proxy(NamedTuple):
    """A proxy, and what it wants to know of the caller."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    def headers(self) -> dict[str, str]:
        """The caller's name and password, when the proxy's address has them."""
        if not self.user:
            return {}
        return {"Proxy-Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()}


def proxy_for(url: str, env: Mapping[str, str]) -> Proxy | None:
    """The proxy for an address as the environment says; None for a direct connection."""
    parts = urlsplit(url)
    secure = parts.scheme in {"https", "wss"}
    name = "https_proxy" if secure else "http_proxy"
    proxy = env.get(name) or env.get(name.upper()) or ""
    if not proxy or _bypassed(parts.hostname or "", parts.port or (443 if secure else 80), env):
        return None
    where = urlsplit(proxy if "://" in proxy else "http://" + proxy)
    user, password = unquote(where.username or ""), unquote(where.password or "")
    return Proxy(where.hostname or "", where.port or 80, user, password)


def tls_context(env: Mapping[str, str]) -> ssl.SSLContext:
    """What Go trusts: SSL_CERT_FILE in place of the system's bundle, and each file of the folder SSL_CERT_DIR."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = env.get("SSL_CERT_FILE"), Path(env.get("SSL_CERT_DIR") or "/nonexistent")
    if not file:
        context.load_default_certs()
    for bundle in [*([Path(file)] if file else []), *(sorted(folder.iterdir()) if folder.is_dir() else [])]:
        with contextlib.suppress(OSError, ssl.SSLError):  # Go goes on with what it has, and fails when it connects
            context.load_verify_locations(bundle)
    return context


def words(error: BaseException, host: str, port: int) -> str:
    """A network error in Go's words, which administrators and their tools know."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = "x509: certificate signed by unknown authority"
        if error.verify_code in {10, 62, 64}:
            text = f"x509: {error.verify_message}"
        return f"tls: failed to verify certificate: {text}"
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {host}:{port}: connect: connection refused"
    if isinstance(error, TimeoutError):
        return f"dial tcp {host}:{port}: i/o timeout"
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError)):
        return "EOF"
    return str(error)


def request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    env: Mapping[str, str],
    chunked: bool = False,
    timeout: float = 60,
) -> Answer:
    """One HTTP request. Raises `NetworkError`."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    proxy = proxy_for(url, env)
    where = proxy[:2] if proxy else (host, port)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection: http.client.HTTPConnection
        if secure:
            connection = http.client.HTTPSConnection(*where, timeout=timeout, context=tls_context(env))
            if proxy:
                connection.set_tunnel(host, port, proxy.headers())
        else:
            connection = http.client.HTTPConnection(*where, timeout=timeout)
            if proxy:
                target, headers = url, {**headers, **proxy.headers()}
        try:
            if chunked:
                whole = {**headers, "Transfer-Encoding": "chunked"}
                connection.request(method, target, iter([body]), whole, encode_chunked=True)
            else:
                connection.request(method, target, body or None, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()
    except NETWORK_ERRORS as error:
        raise NetworkError(
            f'RequestError: send request failed\ncaused by: {method.title()} "{url}": {words(error, host, port)}'
        ) from error


def check(answer: Answer) -> Any:
    """The JSON of a good answer; raises `ServiceError`."""
    request_id = answer.headers.get("x-amzn-requestid", str(uuid.uuid4()))
    try:
        body = json.loads(answer.body or b"{}")
    except ValueError as error:
        raise ServiceError("SerializationError", "failed decoding response", answer.status, request_id) from error
    if answer.status >= 300:
        code = str(body.get("__type", "UnknownError")).rpartition("#")[2]
        message = body.get("message") or body.get("Message") or ""
        raise ServiceError(code, message, answer.status, request_id)
    return body


def with_retries(call: Callable[[], Any], delays: Sequence[float]) -> Any:
    """Call, and once more after each delay (seconds) while the service or the network is at fault."""
    for delay in delays:
        try:
            return call()
        except NetworkError:
            time.sleep(delay)
        except ServiceError as error:
            if error.status < 500 and "Throttl" not in error.code:
                raise
            time.sleep(delay)
    return call()


def websocket(url: str, who: Caller, env: Mapping[str, str], *, name: str | None = None) -> Any:
    """An open websocket (of the library websocket-client) with a signed handshake. Raises `NetworkError`.

    ``name``: what the certificate must be for, when it is not the host.
    """
    import websocket as library  # noqa: PLC0415 - amazon-ssm-agent -register works without it

    signed = sign("GET", url.replace("ws", "http", 1), {}, b"", who)
    del signed["Host"]  # the library sends it
    proxy = proxy_for(url, env)
    options: dict[str, Any] = (
        {"http_proxy_host": proxy.host, "http_proxy_port": proxy.port, "proxy_type": "http"} if proxy else {}
    )
    if proxy and proxy.user:
        options["http_proxy_auth"] = (proxy.user, proxy.password)
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        plain = None if proxy else socket.create_connection((parts.hostname or "", port), 30)
        if plain is not None:
            # Our own TLS: the library's older versions take no context.
            if parts.scheme == "wss":
                plain = tls_context(env).wrap_socket(plain, server_hostname=name or parts.hostname)
            options["socket"] = plain
        elif parts.scheme == "wss":
            trust = {"ca_certs": env["SSL_CERT_FILE"]} if env.get("SSL_CERT_FILE") else {}
            options["sslopt"] = {**trust, "server_hostname": name or parts.hostname}
        header = [f"{key}: {value}" for key, value in {"User-Agent": GO_CLIENT, **signed}.items()]
        return library.create_connection(url, timeout=30, header=header, suppress_origin=True, **options)
    except (OSError, library.WebSocketException) as error:
        said = words(error, parts.hostname or "", parts.port or 443)
        # The real agents read the refusal's body, which the library's older versions do not keep.
        refusal = (getattr(error, "resp_headers", None) or {}).get("x-amzn-errortype", "")
        raise NetworkError(f"websocket {url.split('?', maxsplit=1)[0]}: {refusal} {said}") from error
