"""How much goes through: streams of batches over WebSockets, POSTs over connections that stay open."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from benchmarks.jobs import Post, Rates, Stream, Target
from benchmarks.usage import cpu_seconds
from benchmarks.visitor import batches
from benchmarks.wire import PING, PONG, TEXT, Inbox, masked, upgrade
from benchmarks.wire import post as post_request

#: Seconds that a measurement may take when the server is far slower than was thought.
_PATIENCE = 20.0


class Visitor(asyncio.Protocol):
    """One connection that keeps a number of batches in flight. `answered`: batches done, `received`: frames."""

    def __init__(self) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.inbox = Inbox()
        self.answered = self.received = self.sent = self.sent_bytes = 0
        self.stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stopped:
            self.fail(exc or ConnectionError("the server closed the connection"))

    def fail(self, error: Exception) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
        else:
            asyncio.get_running_loop().call_exception_handler({"message": str(error), "exception": error})

    def begin(self) -> None:
        """Send the first batches."""
        raise NotImplementedError


class Streamer(Visitor):
    def __init__(self, job: Stream, path: str) -> None:
        super().__init__()
        self.job, self.path, self.make = job, path, batches(job.events)
        self.seq = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(upgrade(self.path))

    def data_received(self, data: bytes) -> None:
        before = self.answered
        try:
            was_open = self.inbox.open
            for opcode, payload in self.inbox.frames(data):
                self._frame(opcode, payload)
            if not was_open and self.inbox.open:
                self._greet()
        except ConnectionError as error:
            self.fail(error)
            return
        if self.answered > before and not self.stopped:
            self._send(self.answered - before)

    def _greet(self) -> None:
        target = self.job.target
        if target.echo:
            self.ready.set_result(None)
        else:
            every = b"true" if self.job.every else b"false"
            self.transport.write(
                masked(b'{"op":"hello","key":"%s","producer":"p","every":%s}' % (target.key.encode(), every))
            )

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.transport.write(masked(payload, PONG))
        elif opcode != TEXT:
            raise ConnectionError(f"opcode {opcode}: {payload[:200]!r}")
        elif self.job.target.echo:
            self.received += 1
            self.answered += 1
        elif payload.startswith(b'{"op":"ack","seq":'):
            self.received += 1
            self.answered = int(payload[18 : payload.index(b",", 18)]) // self.job.events
        elif payload.startswith(b'{"op":"welcome"'):
            self.ready.set_result(None)
        elif payload.startswith(b'{"op":"mood"'):
            self.received += 1
        else:
            raise ConnectionError(payload[:300].decode())

    def begin(self) -> None:
        self._send(self.job.window)

    def _send(self, count: int) -> None:
        frames = []
        for _ in range(count):
            frames.append(masked(b'{"op":"events","seq":%d,"events":[%s]}' % (self.seq, self.make())))
            self.seq += self.job.events
        self.transport.write(b"".join(frames))
        self.sent += count
        self.sent_bytes += sum(map(len, frames))


class Poster(Visitor):
    def __init__(self, job: Post, path: str) -> None:
        super().__init__()
        self.job, self.path, self.make = job, path, batches(job.events)
        self.ready.set_result(None)

    def data_received(self, data: bytes) -> None:
        try:
            answers = sum(1 for _ in self.inbox.answers(data))
        except ConnectionError as error:
            self.fail(error)
            return
        self.answered += answers
        self.received += answers
        if answers and not self.stopped:
            self.begin()

    def begin(self) -> None:
        body = b"[%s]" % self.make()
        self.transport.write(post_request(self.path, body, (("x-api-key", self.job.target.key or "none"),)))
        self.sent += 1
        self.sent_bytes += len(body)


async def stream(job: Stream) -> Rates:
    paths = [f"/v1/sessions/{uuid.uuid4().hex}/ws" for _ in range(job.sockets)]
    visitors = await _connect(job.target, [partial(Streamer, job, path) for path in paths])
    return await _measure(visitors, job.target, job.seconds, job.warm_up)


async def post(job: Post) -> Rates:
    paths = [f"/v1/sessions/{uuid.uuid4().hex}/events" for _ in range(job.sockets)]
    visitors = await _connect(job.target, [partial(Poster, job, path) for path in paths])
    return await _measure(visitors, job.target, job.seconds, job.warm_up)


async def _connect(target: Target, makers: Sequence[Callable[[], Visitor]]) -> list[Visitor]:
    loop = asyncio.get_running_loop()
    visitors = []
    async with asyncio.timeout(60):
        for make in makers:
            _, visitor = await loop.create_connection(make, "127.0.0.1", target.port)
            visitors.append(visitor)
        await asyncio.gather(*(visitor.ready for visitor in visitors))
    return visitors


async def _measure(visitors: list[Visitor], target: Target, seconds: float, warm_up: float) -> Rates:
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not failure.done():
            failure.set_exception(context.get("exception") or RuntimeError(str(context)))

    asyncio.get_running_loop().set_exception_handler(failed)
    for visitor in visitors:
        visitor.begin()
    await asyncio.wait([failure], timeout=warm_up)
    answered, received = _answered(visitors), sum(v.received for v in visitors)
    began, server, client = time.perf_counter(), cpu_seconds(target.pids), time.process_time()
    # Every visitor is waited for twice: a window in which a few were answered says little.
    frames = 0
    while frames < 2 * len(visitors) and time.perf_counter() - began < _PATIENCE:
        await asyncio.wait([failure], timeout=seconds)
        if failure.done():
            failure.result()
        frames = _answered(visitors) - answered
    took = time.perf_counter() - began
    cpu, own = cpu_seconds(target.pids) - server, time.process_time() - client
    if not frames:
        raise RuntimeError("the server answered nothing")
    for visitor in visitors:
        visitor.stopped = True
        visitor.transport.abort()
    sent = sum(v.sent for v in visitors)
    return Rates(
        frames_per_second=frames / took,
        cpu_us=cpu * 1e6 / frames,
        cpu_share=cpu / took,
        client_cpu=own / took,
        frame_bytes=sum(v.sent_bytes for v in visitors) // sent,
        received_per_frame=(sum(v.received for v in visitors) - received) / frames,
    )


def _answered(visitors: Sequence[Visitor]) -> int:
    return sum(visitor.answered for visitor in visitors)
