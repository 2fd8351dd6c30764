"""HTTP by hand, one request a connection: it fails wherever the line is cut, and hides nothing."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec


class CutOff(Exception):
    """The line broke before the answer was whole; `refused`: there was nobody at the other end."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(repr(cause))
        self.refused = isinstance(cause, ConnectionRefusedError)


class Answer(NamedTuple):
    """`headers` in lower case; `body` decoded where it is JSON."""

    status: int
    headers: dict[str, str]
    body: Any


async def request(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", seconds: float = 20.0
) -> Answer:
    """Raises CutOff when there is no whole answer within `seconds`."""
    lines = {"host": "127.0.0.1", "connection": "close", "content-length": str(len(body)), **headers}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(head.encode() + b"\r\n" + body)
                return await _read(reader)
            finally:
                await hang_up(writer)
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
        raise CutOff(error) from error


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Without a word; what was not sent yet is thrown away."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    decoded = msgspec.json.decode(body) if "json" in headers.get("content-type", "") else body
    return Answer(int(head[0].split()[1]), headers, decoded)
