"""A WebSocket opens and closes without websockets' own steps where nothing is unusual, and as it does with them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLOSING, OPEN
from websockets.server import ServerProtocol

from app.config.settings import Settings
from app.server import heads
from app.server.frames import close_code, payload
from app.server.opening import FrameParser
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.transport.slow_lane import SlowLane

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def named(value: object) -> object:
    """What can be compared of an attribute."""
    return list(value) if isinstance(value, tuple | list) else value


def test_the_parser_of_frames_begins_as_that_of_websockets() -> None:
    theirs, ours = ServerProtocol(max_size=1000, logger=FrameParser.logger), FrameParser(1000)
    for name, value in vars(theirs).items():
        if name == "extensions" or name.startswith("available"):
            assert not getattr(ours, name)
        elif name not in ("id", "reader", "parser"):
            assert named(getattr(ours, name)) == named(value), name
    assert vars(ours.reader) == vars(theirs.reader)


async def test_a_socket_begins_as_that_of_uvicorn() -> None:
    config = Config("tests.support.serving:echo", ws_per_message_deflate=False)
    config.load()
    state = ServerState()
    theirs = WebSocketsSansIOProtocol(config, state, {})
    ours = SocketProtocol(TcpConnections(Settings(), SlowLane()), config, state, {})
    for name, value in vars(theirs).items():
        if name in ("conn", "queue", "writable"):
            continue
        if name in ("transport", "server", "client", "scheme"):  # known when it is connected
            continue
        if name == "close_timeout":  # a limit of ours
            continue
        assert getattr(ours, name) == value, name
    assert ours.writable.is_set()
    assert ours.queue.empty()


class Handshakes:
    """Handshakes by what is unusual about them; each is asked of websockets too."""

    @staticmethod
    def heads() -> Iterator[list[tuple[bytes, bytes]]]:
        version = (b"sec-websocket-version", b"13")
        key = (b"sec-websocket-key", KEY)
        yield [key, version]
        yield [version, key, (b"origin", b"https://a.example")]
        for wrong in (
            b"",
            b"13",
            KEY[:-1],
            KEY + b"=",
            b"x" * 24,
            KEY[:-3] + b"=" * 3,
            KEY + b" ",
            b"\xff" * 24,
        ):
            yield [(b"sec-websocket-key", wrong), version]
        yield [key, key, version]
        yield [version]
        yield [key]
        for wrong in (b"8", b"", b"013", b"13, 8", b"\xb9"):
            yield [key, (b"sec-websocket-version", wrong)]
        yield [key, version, version]
        for offered in (
            b"a", b"a, b", b"a,b", b"sessionmood.v1, x", b"", b" ", b",", b"a,", b"a b", b"a;b", b",a", b"a,,b", b"\xe4",
            b"a\tb", b'"a"', b"a , b",
        ):  # fmt: skip
            yield [key, version, (b"sec-websocket-protocol", offered)]
        yield [key, version, (b"sec-websocket-protocol", b"a"), (b"sec-websocket-protocol", b"b")]
        for extension in (
            b"permessage-deflate",
            b"permessage-deflate; server_max_window_bits=10",
            b"x,",
            b"",
            b";;",
        ):
            yield [key, version, (b"sec-websocket-extensions", extension)]


@pytest.mark.parametrize("headers", list(Handshakes.heads()), ids=repr)
def test_a_plain_handshake_is_what_websockets_takes(headers: list[tuple[bytes, bytes]]) -> None:
    """And what it does not take is left to it."""
    request = heads.handshake(headers)
    answer = ServerProtocol().accept(request)
    found = heads.plain_handshake(headers)
    if found is None:
        return
    accept, offered = found
    assert answer.status_code == 101
    assert answer.headers["Sec-WebSocket-Accept"] == accept.decode()
    assert "Sec-WebSocket-Extensions" not in answer.headers
    theirs = [
        each.strip() for line in request.headers.get_all("Sec-WebSocket-Protocol") for each in line.split(",")
    ]
    assert offered == theirs


def test_the_usual_handshakes_are_plain() -> None:
    found = heads.plain_handshake([(b"sec-websocket-key", KEY), (b"sec-websocket-version", b"13")])
    assert found == (b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", [])  # RFC 6455, section 1.3
    browser = [
        (b"host", b"a.example"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits"),
        (b"sec-websocket-key", KEY),
        (b"sec-websocket-protocol", b"sessionmood.v1, other"),
    ]
    assert heads.plain_handshake(browser) == (found[0], ["sessionmood.v1", "other"])


def masked(data: bytes, opcode: Opcode = Opcode.CLOSE) -> bytes:
    return Frame(opcode, data).serialize(mask=True)


CLOSES = [
    b"",
    b"\x03",
    *(code.to_bytes(2) for code in (0, 999, *range(1000, 1017), 2999, 3000, 4000, 4999, 5000, 65535)),
    b"\x03\xe8bye",
    b"\x03\xe8\xff",
]


@pytest.mark.parametrize("data", CLOSES, ids=repr)
def test_a_close_that_is_taken_at_once_is_one_that_websockets_takes(data: bytes) -> None:
    frame = masked(data)
    code = close_code(frame)
    if not code:
        return
    theirs = ServerProtocol(state=OPEN)
    theirs.receive_data(frame)
    assert theirs.parser_exc is None
    assert theirs.close_rcvd is not None
    assert (theirs.close_rcvd.code, theirs.close_rcvd.reason) == (code, "")
    assert theirs.state is CLOSING
    body = payload(frame, 0, len(frame))
    assert b"".join(theirs.data_to_send()) == bytes((0x88, len(body))) + body


def test_what_closes_in_good_order_is_taken_at_once() -> None:
    assert close_code(masked(b"")) == 1005
    for code in (1000, 1001, 3000, 4105, 4999):
        assert close_code(masked(Close(code, "").serialize())) == code
    assert not close_code(masked(b"\x03\xe8") + b"\x88")
    assert not close_code(masked(b"\x03\xe8")[:-1])
    assert not close_code(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False))
    assert not close_code(masked(b"\x03\xe8", Opcode.PING))
    assert not close_code(b"")


async def upgraded(address: str, *lines: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    port = int(address.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (b"GET /a?b=c HTTP/1.1", b"Host: a", b"Connection: Upgrade", b"Upgrade: websocket", *lines)
    writer.write(b"\r\n".join([*head, b"", b""]))
    return reader, writer, await reader.readuntil(b"\r\n\r\n")


async def test_both_ways_tell_the_app_and_the_peer_the_same() -> None:
    """A key of which websockets says that it is good, and that is not plain, takes its way."""
    from functools import partial

    from tests.support.serving import serving

    scopes: list[dict[str, Any]] = []
    ends: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append({**scope, "extensions": sorted(scope["extensions"]), "client": scope["client"][0]})
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "b", "headers": [(b"x-a", b"1")]})
        ends.append(await receive())

    kind = partial(SocketProtocol, TcpConnections(Settings(), SlowLane()))
    version, key = b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + KEY
    answers = []
    async with serving(kind, app) as address:
        for offered in ((b"Sec-WebSocket-Protocol: a, b",), (b"Sec-WebSocket-Protocol: a , b",)):
            for data in (b"\x03\xe8", b"\x0f\xa1", b""):
                reader, writer, answer = await upgraded(address, key, version, *offered)
                writer.write(masked(data))
                answers.append((answer, await reader.read(), data))
                writer.close()
    plain, others = answers[:3], answers[3:]
    assert plain == others
    assert all(closed == bytes((0x88, len(data))) + data for _, closed, data in answers)
    lines = plain[0][0].decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 101 Switching Protocols"
    assert {
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Sec-WebSocket-Protocol: b",
        "x-a: 1",
    } == set(lines[1:-2])
    for scope in scopes:
        scope["headers"] = [each for each in scope["headers"] if each[0] != b"sec-websocket-protocol"]
    assert all(scope == scopes[0] for scope in scopes)
    assert scopes[0]["subprotocols"] == ["a", "b"]
    assert scopes[0]["path"] == "/a"
    assert scopes[0]["query_string"] == b"b=c"
    assert [end["code"] for end in ends] == [1000, 4001, 1005] * 2
