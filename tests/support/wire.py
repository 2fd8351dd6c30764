"""Requests by hand, byte for byte."""

import asyncio

from tests.support.lines import Line, Target
from tests.support.server import ServerProcess


def target(server: ServerProcess, address: str = "127.0.0.1") -> Target:
    return Target(server, server.pk, "wire", [], address)


async def answer(line: Line) -> tuple[int, dict[str, str], bytes]:
    """The next answer on this line: status, headers, body."""
    async with asyncio.timeout(60):
        status = await line.status()
        headers: dict[str, str] = {}
        while (row := await line.reader.readline()) not in (b"\r\n", b""):
            name, _, value = row.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, await line.reader.readexactly(int(headers.get("content-length", 0)))


async def ask(server: ServerProcess, request: bytes) -> tuple[int, dict[str, str], bytes]:
    line = await Line.open(target(server))
    try:
        await line.say(request)
        return await answer(line)
    finally:
        line.close()


def request(first: str, *headers: str, body: bytes = b"") -> bytes:
    """A request as it travels."""
    return "\r\n".join([first, *headers, "", ""]).encode("latin-1") + body
