"""A line that can be cut and mended on command: what stands between a node and its engines."""

import asyncio
import contextlib
from typing import Self

from tests.faults.http import hang_up


class Gate:
    """Listens on `port` and hands on to `target`. While it is `shut`, lines are cut and new ones refused; while it is
    `silent`, they stay open and nothing passes."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._lines: set[asyncio.Task[None]] = set()
        self._shut = False
        self._passing = asyncio.Event()
        self._passing.set()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=256)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._cut()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await self._server.wait_closed()

    def shut(self) -> None:
        self._shut = True
        self._cut()

    def silence(self) -> None:
        self._passing.clear()

    def mend(self) -> None:
        """Lines that were silent are cut: what they held back would come too late."""
        if not self._passing.is_set():
            self._cut()
        self._shut = False
        self._passing.set()

    def _cut(self) -> None:
        for line in list(self._lines):
            line.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # a task of its own: asyncio reports the one it starts here as failed when it is cancelled
        task = asyncio.create_task(self._carry(reader, writer))
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        try:
            if self._shut:
                return
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target)
            pumps = [
                asyncio.ensure_future(self._pump(reader, far)),
                asyncio.ensure_future(self._pump(far_reader, writer)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass  # there is nobody behind
        finally:
            for end in (writer, far):
                if end is not None:
                    with contextlib.suppress(OSError):
                        await hang_up(end)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            await self._passing.wait()
            writer.write(piece)
            await writer.drain()
