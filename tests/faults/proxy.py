"""A bad line: a TCP proxy between client and server that breaks each connection in its own way."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Self

from tests.faults.http import hang_up

UP, DOWN = "up", "down"
#: How long the server's end of a line that is open on one side only, or late, is left open (seconds).
LINGER = 2.0
_LATE = 0.3
_DRIBBLED = 120


class Fault(NamedTuple):
    """What happens to a connection once byte number `after` has passed in `direction`.

    cut: both ends are closed. reset: both get a RST. half_open: the client's end is gone, the server is not
    told. black_hole: both ends stay open, nothing passes any more. late: like half_open, but what the client
    had sent by then still reaches the server when the client has long gone elsewhere. dribble: from there on
    one byte at a time, then a cut. delay: every piece comes a little later, nothing breaks. none: a good line.
    """

    kind: str
    direction: str = UP
    after: int = 0


class Proxy:
    """Listens on `port`; each connection to `target` gets the fault that `choose` gives. `broken` counts lines
    broken so far, by kind."""

    def __init__(self, target: int, choose: Callable[[], Fault]) -> None:
        self._target = target
        self._choose = choose
        self.broken: Counter[str] = Counter()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await self._server.wait_closed()

    async def more(self, count: int, check: Callable[[], None], seconds: float = 60.0) -> None:
        """Wait until `count` more lines are broken; `check` may raise meanwhile."""
        wanted = self.broken.total() + count
        async with asyncio.timeout(seconds):
            while self.broken.total() < wanted:
                check()
                await asyncio.sleep(0.01)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # a task of its own: asyncio reports the one it starts here as failed when it is cancelled
        task = asyncio.create_task(self._carry(reader, writer))
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            await hang_up(writer)
            return
        try:
            await _Line(self._choose(), self.broken, writer, far_writer).run(reader, far_reader)
        finally:
            await hang_up(writer)
            await hang_up(far_writer)


class _Line:
    """One connection through the proxy."""

    def __init__(
        self, fault: Fault, broken: Counter[str], near: asyncio.StreamWriter, far: asyncio.StreamWriter
    ) -> None:
        self._fault = fault
        self._broken = broken
        self._near = near
        self._far = far
        self._passed = {UP: 0, DOWN: 0}
        self._held: list[bytes] = []
        self._is_broken = False

    async def run(self, near: asyncio.StreamReader, far: asyncio.StreamReader) -> None:
        """Until either end is done with it."""
        pumps = [
            asyncio.ensure_future(self._pump(near, self._far, UP)),
            asyncio.ensure_future(self._pump(far, self._near, DOWN)),
        ]
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                if self._fault.kind == "black_hole" and self._is_broken:
                    await asyncio.wait(pumps, timeout=LINGER)
                for pump in done:
                    pump.result()
                if self._is_broken:
                    await self._after()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        fault = self._fault
        while piece := await reader.read(65_536):
            if self._is_broken:
                if fault.kind == "late" and direction == UP:
                    self._held.append(piece)
                continue
            if fault.kind == "delay":
                await asyncio.sleep(0.02)
            left = fault.after - self._passed[direction]
            if fault.kind not in ("none", "delay") and direction == fault.direction and left <= len(piece):
                writer.write(piece[: max(0, left)])
                await writer.drain()
                self._break(piece[max(0, left) :])
                if fault.kind == "dribble":
                    await _dribble(piece[max(0, left) :], reader, writer)
                if fault.kind not in ("black_hole", "late"):
                    return
                continue
            self._passed[direction] += len(piece)
            writer.write(piece)
            await writer.drain()

    def _break(self, rest: bytes) -> None:
        self._is_broken = True
        self._broken[self._fault.kind] += 1
        if self._fault.kind == "late" and self._fault.direction == UP:
            self._held.append(rest)

    async def _after(self) -> None:
        """What follows on a line that is broken."""
        if self._fault.kind == "reset":
            for writer in (self._near, self._far):
                _reset(writer)
        elif self._fault.kind == "half_open":
            self._near.transport.abort()
            await asyncio.sleep(LINGER)
        elif self._fault.kind == "late":
            self._near.transport.abort()
            await asyncio.sleep(_LATE)
            self._far.write(b"".join(self._held))
            await self._far.drain()
            await asyncio.sleep(LINGER - _LATE)


async def _dribble(piece: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(_DRIBBLED):
        piece = piece or await reader.read(65_536)
        writer.write(piece[:1])
        await writer.drain()
        piece = piece[1:]
        await asyncio.sleep(0.001)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
