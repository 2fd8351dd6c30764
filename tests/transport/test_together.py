"""Frames that come in one piece are folded together; whoever sends them sees no difference."""

import asyncio
import base64
import contextlib
import random
import sqlite3
import struct
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.clock import Clock
from app.config.settings import Settings
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.web import App, create_app
from tests.support.lines import framed
from tests.support.serving import serving
from tests.support.wire import request

START_NS = 1_800_000_000_000_000_000
KINDS = ("click", "scroll", "error", "hover", "page_view", "response", "nothing_known")


@contextlib.asynccontextmanager
async def standing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[tuple[App, int]]:
    """An app on a port, for which no time passes."""
    monkeypatch.setattr("app.web.app.Clock", lambda: Clock(lambda: START_NS, lambda: 0, lambda: 0))
    chosen = Settings(database_url=f"sqlite:///{folder / 'test.db'}", **settings)
    app = create_app(chosen)
    await app.start()
    tcp = TcpConnections(chosen, app.lane, app.ingest.counters)
    async with serving(partial(SocketProtocol, tcp), app, tcp=tcp) as address:
        yield app, int(address.rpartition(":")[2])
    await app.stop()


class Socket:
    """A bare WebSocket of page load `p`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, session: str, key: str) -> "Socket":
        self = cls(*await asyncio.open_connection("127.0.0.1", port))
        nonce = base64.b64encode(bytes(16)).decode()
        lines = ("host: a", "upgrade: websocket", "connection: Upgrade", "sec-websocket-version: 13")
        self.writer.write(
            request(f"GET /v1/sessions/{session}/ws HTTP/1.1", *lines, f"sec-websocket-key: {nonce}")
        )
        await self.reader.readuntil(b"\r\n\r\n")
        self.say({"op": "hello", "key": key, "producer": "p", "every": True})
        await self.until("welcome")
        return self

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def say(self, *frames: object) -> None:
        """Send them in one piece."""
        self.writer.write(
            b"".join(
                framed(each if isinstance(each, bytes) else msgspec.json.encode(each)) for each in frames
            )
        )

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            head = await self.reader.readexactly(2)
            size = head[1]
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            text = await self.reader.readexactly(size)
        return msgspec.json.decode(text, type=dict[str, Any]) if head[0] == 0x81 else {"op": "close"}

    async def until(self, op: str, **fields: object) -> list[dict[str, Any]]:
        """All frames up to the first of this kind."""
        heard: list[dict[str, Any]] = []
        while not heard or any(heard[-1].get(name) != value for name, value in {"op": op, **fields}.items()):
            heard.append(await self.hear())
        return heard


def frame(seq: int, events: list[dict[str, object]], **more: object) -> dict[str, object]:
    return {"op": "events", "seq": seq, "events": events, **more}


def clicks(seq: int, count: int = 1, **more: object) -> dict[str, object]:
    return frame(seq, [{"type": "click", "target": "#buy"}] * count, **more)


def logged(folder: Path, session: str) -> list[tuple[int, bytes]]:
    """The log of a session: last number and events."""
    with contextlib.closing(sqlite3.connect(folder / "test.db")) as connection:
        return connection.execute(
            "SELECT last_seq, events FROM log "
            "WHERE session_id = (SELECT id FROM sessions WHERE session = ?) ORDER BY version",
            [session],
        ).fetchall()


@pytest.mark.parametrize("seed", range(4))
async def test_one_by_one_or_together_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random_ = random.Random(seed)
    frames: list[object] = [clicks(1)]
    seq = 2
    for _ in range(60):
        events = [
            {"type": random_.choice(KINDS), "target": f"#b{random_.randrange(3)}", "x": 10, "y": 20}
            for _ in range(random_.randint(1, 12))
        ]
        choice = random_.random()
        if choice < 0.1 and seq > 5:  # some of it again
            frames.append(frame(seq - 3, [*events, *events, *events]))
            seq = max(seq, seq - 3 + 3 * len(events))
        elif choice < 0.2:
            frames.append(frame(seq + 2, events, lost=2))
            seq += 2 + len(events)
        elif choice < 0.25:
            frames.append(frame(seq, [{"type": "scroll", "value": 1000}]))
        elif choice < 0.3:
            frames.append(frame(seq + 50, events))  # what comes before is missing
        elif choice < 0.35:
            frames.append(b'{"op": "pong"}')
        else:
            frames.append(frame(seq, events))
            seq += len(events)
    last = seq - 1
    async with standing(tmp_path, monkeypatch) as (app, port):
        heard, answers = {}, {}
        for name in ("single", "together"):
            socket = await Socket.open(port, name, app.pages.fresh_keys["sk"])
            socket.say(frames[0])
            heard[name] = await socket.until("ack")
            if name == "single":
                for each in frames[1:]:
                    socket.say(each, b"no frame")
                    heard[name] += await socket.until("nack", seq=None)
            else:
                socket.say(*frames[1:])
            socket.say(clicks(last + 1))
            heard[name] += await socket.until("ack", seq=last + 1)
            session = app.ingest.sessions.get("default", name)
            assert session is not None
            acks = [each for each in heard[name] if each["op"] == "ack"]
            nacks = [each for each in heard[name] if each["op"] == "nack" and each["seq"] is not None]
            reading = session.reading(app.clock())
            assert reading is not None
            answers[name] = (
                [sum(each[count] for each in acks) for count in ("accepted", "duplicates", "ignored")],
                [(each["seq"], each["code"]) for each in nacks],
                (reading.mood, reading.confidence, reading.scores, reading.event_count, reading.since),
                [
                    (each.mood, each.signals, each.event_count)
                    for each in await app.store.changes("default", name)
                ],
                b"".join(events for _, events in logged(tmp_path, name)).replace(b"][", b","),
                session.producer("p").confirmed,
            )
            await socket.close()
        assert answers["together"] == answers["single"]
        rows = {
            name: stored.version for name in answers if (stored := app.ingest.sessions.get("default", name))
        }
        assert rows["together"] < rows["single"]


async def test_of_frames_that_are_too_many_the_first_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one they would be too fast, and none of them counted."""
    async with standing(tmp_path, monkeypatch, session_events_per_second=1) as (app, port):
        socket = await Socket.open(port, "fast", app.pages.fresh_keys["pk"])
        socket.say(clicks(1))
        await socket.until("ack")
        socket.say(*(clicks(seq, 4) for seq in (2, 6, 10)))
        heard = await socket.until("nack")
        heard += await socket.until("ack")
        assert [(each["op"], each["seq"]) for each in heard if each["op"] != "mood"] == [
            ("nack", 10),
            ("ack", 9),
        ]
        await socket.close()


async def test_text_that_is_no_utf_8_ends_the_socket_after_what_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing(tmp_path, monkeypatch) as (app, port):
        socket = await Socket.open(port, "torn", app.pages.fresh_keys["sk"])
        socket.say(clicks(1))
        await socket.until("ack")
        socket.say(clicks(2), clicks(3), b"\xff", clicks(4))
        await socket.until("close")
        await app.store.settled()
        assert logged(tmp_path, "torn")[-1][0] == 3
        await socket.close()
