"""Bare lines to a server, on which anything can be said, byte for byte."""

import asyncio
import base64
import os
import random
import socket
import struct
from typing import Final

import msgspec

from tests.support.server import ServerProcess

CLICK: Final = {"type": "click"}
HELLO: Final = b'{"op":"hello","producer":"p","every":true}'


class Target:
    """Where to go, with which key and from which address. `seen`: what came of it, by close code or status."""

    def __init__(
        self, server: ServerProcess, key: str, name: str, seen: list[int | str], address: str = "127.0.0.1"
    ) -> None:
        self.port = server.port
        self.key = key
        self.name = name
        self.seen = seen
        self.address = address
        self.dice = random.Random(name)

    def session(self) -> str:
        return f"h-{self.name}-{self.dice.getrandbits(40):x}"


class Line:
    """A bare TCP connection that can say anything."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, target: Target, window: int = 0) -> "Line":
        """`window`: bytes that the system takes in for it at most (roughly); 0: as many as it likes."""
        sock = socket.socket()
        sock.setblocking(False)
        if window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.bind((target.address, 0))
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", target.port))
        return cls(*await asyncio.open_connection(sock=sock, limit=4096))

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def handshake(self, target: Target, session: str | None = None, key: bool = True) -> None:
        lines = [
            f"GET /v1/sessions/{session or target.session()}/ws HTTP/1.1",
            "host: localhost",
            "upgrade: websocket",
            "connection: Upgrade",
            "sec-websocket-version: 13",
            f"sec-websocket-key: {base64.b64encode(os.urandom(16)).decode()}",
            *([f"x-api-key: {target.key}"] if key else []),
        ]
        await self.say("\r\n".join([*lines, "", ""]).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head

    async def frame(self, payload: bytes, opcode: int = 1, fin: bool = True) -> None:
        await self.say(framed(payload, opcode, fin))

    async def code(self) -> int:
        """Read until the server closes: its code, 0 without one."""
        while True:
            first, second = await self.reader.readexactly(2)
            size = second & 127
            if size == 126:
                size = struct.unpack("!H", await self.reader.readexactly(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", await self.reader.readexactly(8))[0]
            payload = await self.reader.readexactly(size)
            if first & 15 == 8:
                return int(struct.unpack("!H", payload[:2])[0]) if size >= 2 else 0

    async def status(self) -> int:
        return int((await self.reader.readline()).split()[1])

    async def until_cut(self) -> None:
        """Until the server has ended the connection, without reading what it sends."""
        while not self.writer.transport.is_closing():
            await asyncio.sleep(0.1)
            self.writer.write(b"")

    def close(self) -> None:
        self.writer.transport.abort()


def framed(payload: bytes, opcode: int = 1, fin: bool = True) -> bytes:
    """A client's frame, masked with zeros."""
    head = bytes([opcode | (128 if fin else 0)])
    size = len(payload)
    if size < 126:
        head += bytes([128 | size])
    elif size < 65536:
        head += bytes([128 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([128 | 127]) + struct.pack("!Q", size)
    return head + b"\0\0\0\0" + payload


def events(seq: int, count: int = 1, **fields: object) -> bytes:
    return msgspec.json.encode({"op": "events", "seq": seq, "events": [{**CLICK, **fields}] * count})


def post(session: str, key: str, body: bytes) -> bytes:
    return (
        f"POST /v1/sessions/{session}/events HTTP/1.1\r\nhost: a\r\nx-api-key: {key}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body
