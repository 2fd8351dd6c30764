"""The heads of requests: what no request may say, what it is answered then, and how one becomes a WebSocket."""

import re
import urllib.parse
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from http import HTTPStatus
from typing import Any, Final

import httptools
from websockets.datastructures import Headers as Lines
from websockets.http11 import Request

from app import protocol
from app.errors import BadRequest, HeadTooLarge, SessionMoodError, UnknownCoding

Headers = Sequence[tuple[bytes, bytes]]

#: What stands in `Host` (RFC 3986, 3.2: a name, or an address in brackets, and a port).
_HOST: Final = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")
#: Bytes that the headers may have which make a request a handshake: names of subprotocols are most of it.
MAX_HANDSHAKE: Final = 4096
_OF_HANDSHAKES: Final = b"sec-websocket-"
#: A key of 16 bytes; names of subprotocols; what a key is answered with (RFC 6455, 4.1, 4.2.2).
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
_SUBPROTOCOLS: Final = re.compile(rb"[A-Za-z0-9.!#$%&'*+^_`|~-]+(?:, ?[A-Za-z0-9.!#$%&'*+^_`|~-]+)*")
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def fault(headers: Headers, version: str) -> SessionMoodError | None:
    """Why a request with this head is refused, whatever it asks for: what is read in two ways by two programs is
    how requests are smuggled past the first (RFC 9112, 3.2, 6.1, 11.2). `version`: of HTTP, as 1.1."""
    if version not in ("1.1", "1.0"):
        return BadRequest(f"HTTP/{version} is not spoken here: use 1.1")
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if _HOST.fullmatch(value) is None:
                return BadRequest("the Host header is no name of a host")
        elif name == b"transfer-encoding":
            if version == "1.0":
                return BadRequest("HTTP/1.0 has no Transfer-Encoding")
            if value.lower() != b"chunked":
                return UnknownCoding("a body comes plain or chunked, in no other transfer coding")
    if hosts > 1 or (not hosts and version == "1.1"):
        return BadRequest(f"a request has one Host header, this one has {hosts or 'none'}")
    return None


def handshake_fault(headers: Headers) -> SessionMoodError | None:
    """Why a GET that asks for a WebSocket can't become one."""
    size = 0
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            return BadRequest("a WebSocket's handshake has no body")
        if name.startswith(_OF_HANDSHAKES):
            size += len(name) + len(value) + 4
    if size > MAX_HANDSHAKE:
        return HeadTooLarge(f"the Sec-WebSocket headers may have {MAX_HANDSHAKE} bytes together")
    return None


def plain_handshake(headers: Headers) -> tuple[bytes, list[str]] | None:
    """The answer to the key of a handshake, and the subprotocols that it offers. None where it is not as nearly all
    are: websockets looks at it closely then (`handshake`)."""
    key = version = offered = None
    for name, value in headers:
        if name == b"sec-websocket-key":
            if key is not None or _KEY.fullmatch(value) is None:
                return None
            key = value
        elif name == b"sec-websocket-version":
            if version is not None or value != b"13":
                return None
            version = value
        elif name == b"sec-websocket-protocol":
            if offered is not None or _SUBPROTOCOLS.fullmatch(value) is None:
                return None
            offered = value
    if key is None or version is None:
        return None
    subprotocols = [] if offered is None else [each.strip() for each in offered.decode("ascii").split(",")]
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest()), subprotocols


def handshake(headers: Headers) -> Request:
    """The request for a WebSocket, reduced to what makes it one."""
    lines = Lines(connection="Upgrade", upgrade="websocket")
    for name, value in headers:
        if name.startswith(_OF_HANDSHAKES):
            lines[name.decode("latin-1")] = value.decode("latin-1")
    return Request("/", lines)


def without_upgrade(method: str, url: bytes, headers: Headers) -> bytes:
    """The same head, without the wish for another protocol."""
    lines = [b"%s %s HTTP/1.1" % (method.encode(), url)]
    for name, value in headers:
        if name == b"connection":
            options = (option.strip() for option in value.split(b","))
            value = b", ".join(option for option in options if option.lower() not in (b"upgrade", b""))
        if name != b"upgrade":
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])


def locate(scope: dict[str, Any], url: bytes, root_path: str) -> None:
    """Note in `scope` where the request goes. Raises httptools' errors for what is no address."""
    parsed = httptools.parse_url(url)
    path: bytes = parsed.path or b"/"
    scope["raw_path"] = root_path.encode("ascii") + path
    scope["path"] = root_path + urllib.parse.unquote(path.decode("ascii"))
    scope["query_string"] = parsed.query or b""


def answer(error: SessionMoodError) -> bytes:
    """The whole answer to what is refused before the app sees it; the connection ends with it."""
    body = protocol.encode(protocol.problem(error))
    lines = [
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "connection: close",
    ]
    if error.retry_ms is not None:
        lines.append(f"retry-after: {-(-error.retry_ms // 1000)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
