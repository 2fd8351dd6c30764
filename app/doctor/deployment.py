"""What can be seen from outside: whether the address answers, also through the proxies in front of it."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from app.doctor import Finding, bad, ok, warn
from app.doctor.machine import LOOPBACK
from app.protocol import SUBPROTOCOL

_SECONDS: Final = 10.0
_SKEW_MS: Final = 5_000


def look(url: str, key: str | None, origin: str | None) -> Iterator[Finding]:
    """Everything, in the order of a report. Leaves no trace: the session it opens has no events."""
    base = url.rstrip("/")
    yield _transport(base)
    reached = _reach(base)
    yield reached
    if reached.level.value != "bad":
        yield _ready(base)
        yield from _socket(base, key, origin)


def _transport(base: str) -> Finding:
    parts = urlsplit(base)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return warn(f"{base} is not encrypted", "use https: keys and tokens travel in headers")
    return ok(f"{base} is {'encrypted' if parts.scheme == 'https' else 'on this machine'}")


def _get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 - the operator's own address
            return answer.status, answer.read(10_000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(10_000).decode(errors="replace")


def _reach(base: str) -> Finding:
    began = time.monotonic()
    try:
        status, text = _get(f"{base}/livez")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return bad(
            f"{base} does not answer: {reason}", "is it running, is the port open, does the name resolve?"
        )
    if status != 200 or text.strip() != "ok":
        return bad(f"{base}/livez says {status}", "another service seems to answer there: look at the proxy")
    return ok(f"it answers within {(time.monotonic() - began) * 1000:.0f} ms")


def _ready(base: str) -> Finding:
    status, text = _get(f"{base}/readyz")
    if status == 200:
        return ok("it can write to its storage")
    return bad(f"it is not ready: {text.strip()[:200]}", "see its log; events are held and nacked meanwhile")


def _socket(base: str, key: str | None, origin: str | None) -> Iterator[Finding]:
    address = "ws" + base.removeprefix("http") + f"/v1/sessions/doctor-{secrets.token_hex(6)}/ws"
    frame: dict[str, Any] = {}
    before = time.time()
    try:
        with connect(
            address,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            origin=None if origin is None else Origin(origin),
            open_timeout=_SECONDS,
        ) as socket:
            before = time.time()
            socket.send(json.dumps({"op": "hello", "key": key or "none"}))
            frame = json.loads(socket.recv(timeout=_SECONDS))
    except InvalidStatus as error:
        yield bad(
            f"WebSockets do not get through: the handshake was answered with {error.response.status_code}",
            "let the proxy pass Upgrade and Connection (nginx: proxy_http_version 1.1; proxy_set_header Upgrade "
            '$http_upgrade; proxy_set_header Connection "upgrade"). Until then pages use REST.',
        )
    except (InvalidHandshake, ConnectionClosed, OSError, TimeoutError, ValueError) as error:
        yield bad(f"WebSockets do not get through: {error}", "look at the proxy, its time limits and its log")
    else:
        yield ok("WebSockets get through")
        yield from _welcome(frame, key, (before + time.time()) / 2)


def _welcome(frame: dict[str, Any], key: str | None, between: float) -> Iterator[Finding]:
    if frame.get("op") == "welcome":
        yield ok("the key is good")
        skew = round(frame["now"] - between * 1000)
        if abs(skew) > _SKEW_MS:
            yield warn(
                f"the server's clock is {abs(skew) / 1000:.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's",
                "let both keep time by NTP: tokens end by the server's clock",
            )
        else:
            yield ok(f"the clocks agree within {max(abs(skew), 1)} ms")
    elif key is not None:
        yield bad(f"the key is refused: {frame.get('detail', frame)}", "see `sessionmood keys list`")
