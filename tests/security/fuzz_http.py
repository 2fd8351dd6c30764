"""Requests that nobody would send, to every address of a real server: `python -m tests.security.fuzz_http COUNT
[SEED [SECONDS]]`. None of them may be answered with 500 or leave a traceback."""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from app.config.settings import Settings
from app.web import create_app
from tests.support.server import ServerProcess, running

#: A stranger is answered as fast as can be, or a million would take a day.
LIMITS: Final = {
    "SESSIONMOOD_LONGEST_HOLD": 0,
    "SESSIONMOOD_NEW_SESSIONS_PER_SECOND": 0,
    "SESSIONMOOD_MAX_SESSIONS": 200,
    "SESSIONMOOD_TRUSTED_PROXIES": "127.0.0.1",
}
#: Requests in one packet, and lines at once.
TOGETHER: Final = 12
LINES: Final = 6
METHODS: Final = (
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "PROPFIND",
)
PIECES: Final = (
    "", "x", "a" * 128, "a" * 129, "a" * 3000, "%00", "%ff%fe", "%2e%2e", "..", ".", "%0d%0a", "%2F", "%", "%zz",
    "%F0%9F%98%80", "%ED%A0%80", "~", "-1", "0", "9" * 5000, "sessions", "events", "mood", "*", "'", "%22", "{id}",
    "demo.css", "demo.html", "src", ";", "@", "+",
)  # fmt: skip
QUERIES: Final = (
    "", "?", "?wait=0", "?wait=nan", "?wait=-1", "?wait=" + "9" * 5000, "?wait=1e999", "?wait=%00", "?wait=0&wait=x",
    "?limit=0", "?limit=1", "?limit=501", "?limit=" + "9" * 5000, "?limit=%D9%A1", "?after=-1", "?after=1e3",
    "?cursor=x", "?cursor=%00", "?cursor=" + "A" * 3000, "?cursor=WzEsMl0", "?mood=angry", "?mood=engaged", "?page=%ff",
    "?page=" + "p" * 3000, "?active=maybe", "?active=", "?a&b=c&=d", "?" + "&" * 500, "?%", "?active=true&page=/x",
)  # fmt: skip
NAMES: Final = (
    "accept", "accept-encoding", "accept-language", "access-control-request-headers", "access-control-request-method",
    "authorization", "cache-control", "connection", "content-encoding", "content-language", "content-type", "cookie",
    "expect", "forwarded", "from", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
    "origin", "range", "referer", "te", "upgrade", "user-agent", "via", "x-api-key", "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-proto", "x-http-method-override", "x-session-token", "sec-websocket-key",
    "sec-websocket-version", "sec-fetch-site", "http2-settings", "keep-alive", "trailer", "x-" + "n" * 500,
)  # fmt: skip
VALUES: Final = (
    "", "*", "x", "0", "-1", "9" * 5000, '"' + "1" * 5000 + '.1"', '"1.1"', 'W/"1.1"', "bytes=0-", "bytes=-1",
    "bytes=9-1", "bytes=" + "9" * 5000 + "-", "bytes=0-0,1-1,2-2", "bytes=x", "gzip;q=0", "gzip", "br;q=x", "text/html",
    "application/json", "application/openmetrics-text;version=x;escaping", "application/openmetrics-text; version=1.0.0",
    "text/plain;version=1.0.0;escaping=values", ";;=,,", "text/plain", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Foo 9999", "100-continue", "close",
    "keep-alive", "null", "http://[", "https://shop.example", "https://shop.example:99999", "\xff\xfe", "\x80" * 100,
    "127.0.0.1", "::1", "[::1]:x", "1.2.3.4, 5.6.7.8", "a" * 300, "unknown", "Bearer", "Bearer ", "Basic eDp5",
    "Bearer \xff", "e30.e30.e30", "a.b.c", "trailers, gzip", "GET", "on", "sk_" + "x" * 32, "Upgrade, close",
)  # fmt: skip
BODIES: Final = (
    b"", b"{}", b"[]", b"null", b'{"type":"click"}', b'[{"type":"click","value":1e999}]', b'{"kind":"sk"}',
    b'{"kind":"pk","origins":["http://["]}', b'{"kind":"pk","origins":["https://*.x"],"monthly_sessions":1e3}',
    b'{"ttl":1e9}', b'{"ttl":"x"}', b'{"producer":"p","seq":1,"events":[{"type":"a"}]}', b"[" * 3000, b"\xff\xfe{",
    b"\xef\xbb\xbf{}", b'"\\ud800"', b'[{"type":"\\udc00"}]', b"1" * 6000, b"\0" * 100, b'{"events":5}',
)  # fmt: skip
#: What ends the line, told or not: now and then the last of a packet.
ENDINGS: Final = (
    b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", b"FOO / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", b"GET / HTTP/9.9\r\nhost: a\r\n\r\n", b"\0\1\2\r\n\r\n",
    b"GET http:// HTTP/1.1\r\nhost: a\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nhost: [\r\n\r\n",
    b"POST /v1/sessions/x/events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/keys HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", b"GET \xff HTTP/1.1\r\nhost: a\r\n\r\n",
)  # fmt: skip


def addresses() -> list[str]:
    """Every path that the service serves, with `{name}` for what varies."""
    routes = [str(route.path) for route in create_app(Settings()).other.routes]  # type: ignore[attr-defined]
    paths = [path.replace(":path}", "}") for path in routes]
    return [*paths, "/v1/sessions/{id}/events", "/v1/sessions/{id}/mood", "/v1/sessions/{id}/ws", "/nothing"]


class Fuzz:
    """Asks, and counts the answers by status."""

    def __init__(self, server: ServerProcess, count: int, seed: int, seconds: float) -> None:
        self.server = server
        self.ends = time.monotonic() + seconds
        self.left = count
        self.dice = random.Random(seed)
        self.paths = addresses()
        self.statuses: Counter[int] = Counter()
        self.last = b""

    def request(self) -> tuple[str, bytes]:
        dice = self.dice
        method = dice.choice(METHODS)
        path = dice.choice(self.paths)
        while "{" in path:
            before, _, rest = path.partition("{")
            path = before + dice.choice((*PIECES[:-11], "s1", "s2")) + rest.partition("}")[2]
        if dice.random() < 0.2:
            path += "/" + dice.choice(PIECES)
        lines = [f"{method} {path.replace(' ', '') or '/'}{dice.choice(QUERIES)} HTTP/1.1", "host: a"]
        if dice.random() < 0.7:
            lines.append(f"x-api-key: {dice.choice((self.server.sk, self.server.sk, self.server.pk, 'x'))}")
        for _ in range(dice.choice((0, 1, 1, 2, 4))):
            value = dice.choice(VALUES)
            name = dice.choice(NAMES)
            if not (name == "connection" and "close" in value):
                lines.append(f"{name}: {value}")
        body = dice.choice(BODIES) if method in ("POST", "PUT", "PATCH", "DELETE") else b""
        if body:
            lines.append(f"content-length: {len(body)}")
        return method, "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    async def run(self) -> Counter[int]:
        await asyncio.gather(*(self.line(f"127.0.5.{number + 1}") for number in range(LINES)))
        return self.statuses

    def goes_on(self) -> bool:
        return self.left > 0 and time.monotonic() < self.ends

    async def line(self, address: str) -> None:
        while self.goes_on():
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.server.port, local_addr=(address, 0), limit=2**20
            )
            try:
                while self.goes_on():
                    asked = [self.request() for _ in range(TOGETHER)]
                    ending = self.dice.choice(ENDINGS) if self.dice.random() < 0.02 else b""
                    writer.write(b"".join(whole for _, whole in asked) + ending)
                    for method, whole in asked:
                        self.last = whole
                        status = await answered(reader, method)
                        self.statuses[status] += 1
                        self.left -= 1
                        assert status != 500, whole
                    if ending:
                        await reader.read()
                        break
            except (EOFError, ConnectionError):  # what it said ends a line: what was behind it is asked again
                self.statuses[0] += 1
            finally:
                writer.transport.abort()


async def answered(reader: asyncio.StreamReader, method: str) -> int:
    """Read one answer; its status."""
    while True:
        status = int((await reader.readuntil(b"\r\n")).split()[1])
        size, chunked = 0, False
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            name, _, value = line.lower().partition(b":")
            size = int(value) if name == b"content-length" else size
            chunked = chunked or name == b"transfer-encoding"
        if status != 100:
            break
    if method != "HEAD" and status not in (204, 304):
        while chunked and (size := int(await reader.readuntil(b"\r\n"), 16)):
            await reader.readexactly(size + 2)
        await reader.readexactly(2 if chunked else size)
    return status


def fuzz(server: ServerProcess, count: int, seed: int, seconds: float = 3600) -> Counter[int]:
    """Send about `count` requests, as many as fit in so long; the answers by status, 0 for lines that ended early."""
    one = Fuzz(server, count, seed, seconds)
    try:
        return asyncio.run(one.run())
    except BaseException:
        print(f"seed {seed}, near {one.last!r}")
        raise


def main(arguments: list[str]) -> None:
    count, seed = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), **LIMITS) as server:
        began = time.perf_counter()
        statuses = fuzz(server, count, seed, *map(float, arguments[2:]))
        for status, times in sorted(statuses.items()):
            print(f"{times:12,}  {status or 'line ended'}")
        assert "Traceback" not in server.output(), server.output()[-3000:]
        assert server.stop() == 0
        seconds = time.perf_counter() - began
        asked = statuses.total()
        print(f"{asked:,} requests, seed {seed}, {asked / seconds:,.0f} a second, no surprise")


if __name__ == "__main__":
    main(sys.argv[1:])
