"""Many visitors who do nothing: what they take. Addresses 127.0.x.y, since one has only 28,000 ports."""

import asyncio
import time
import uuid
from typing import cast

from benchmarks.jobs import Held, Hold
from benchmarks.usage import cpu_seconds, memory_bytes
from benchmarks.visitor import batches
from benchmarks.wire import PING, PONG, TEXT, Inbox, masked, upgrade

_PARALLEL = 100
_PER_ADDRESS = 500
_MAKE = batches(1)


class Idler(asyncio.Protocol):
    """Says hello, sends one event, waits for its ack, and then answers pings only."""

    __slots__ = ("_handshake", "_inbox", "_pings", "_words", "acked", "transport")

    def __init__(self, handshake: bytes, words: bytes, pings: list[int]) -> None:
        self._handshake = handshake
        self._words: bytes | None = words
        self._inbox = Inbox()
        self._pings = pings
        self.acked: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._handshake)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.acked is not None and not self.acked.done():
            self.acked.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        try:
            for opcode, payload in self._inbox.frames(data):
                self._frame(opcode, payload)
            if self._words is not None and self._inbox.open:
                self.transport.write(self._words)
                self._words = None
        except ConnectionError as error:
            if self.acked is not None and not self.acked.done():
                self.acked.set_exception(error)

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._pings[0] += 1
            self.transport.write(masked(payload, PONG))
        elif opcode != TEXT:
            raise ConnectionError(f"opcode {opcode}: {payload[:200]!r}")
        elif payload.startswith(b'{"op":"ping"'):
            self._pings[0] += 1
            self.transport.write(masked(b'{"op":"pong"}'))
        elif payload.startswith((b'{"op":"ack"', b'{"op":"events"')) and self.acked is not None:
            self.acked.set_result(None)
        elif payload.startswith((b'{"op":"error"', b'{"op":"nack"')):
            raise ConnectionError(payload[:300].decode())


async def hold(job: Hold) -> Held:
    target = job.target
    before = memory_bytes(target.pids[0])
    began, cpu = time.perf_counter(), cpu_seconds(target.pids)
    pings = [0]
    idlers: list[Idler] = []
    numbers = iter(range(job.sockets))

    async def open_some() -> None:
        for number in numbers:
            idlers.append(await _open(job, number, pings))

    async with asyncio.timeout(180):
        await asyncio.gather(*(open_some() for _ in range(_PARALLEL)))
    opened = time.perf_counter() - began
    open_cpu = cpu_seconds(target.pids) - cpu
    pings[0] = 0
    began, cpu = time.perf_counter(), cpu_seconds(target.pids)
    await asyncio.sleep(job.seconds)
    held = Held(
        before=before,
        after=memory_bytes(target.pids[0]),
        opened=sum(not idler.transport.is_closing() for idler in idlers),
        seconds=opened,
        open_cpu_us=open_cpu * 1e6 / job.sockets,
        idle_cpu=(cpu_seconds(target.pids) - cpu) / (time.perf_counter() - began),
        pings=pings[0],
    )
    for idler in idlers:
        idler.transport.abort()
    return held


async def _open(job: Hold, number: int, pings: list[int]) -> Idler:
    target = job.target
    session = uuid.uuid4().hex
    handshake = upgrade(f"/v1/sessions/{session}/ws")
    words = masked(
        b'{"op":"hello","key":"%s","producer":"%s"}' % (target.key.encode(), session[:16].encode())
    )
    words += masked(b'{"op":"events","seq":1,"events":[%s]}' % _MAKE())
    address = f"127.0.{1 + number // _PER_ADDRESS % 250}.1"
    _, idler = await asyncio.get_running_loop().create_connection(
        lambda: Idler(handshake, words, pings), "127.0.0.1", target.port, local_addr=(address, 0)
    )
    assert idler.acked is not None
    await idler.acked
    idler.acked = None
    return idler
