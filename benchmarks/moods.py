"""How long a reading takes when events come as they please: an open loop, waits from the intended moment."""

import asyncio
import re
import time
import uuid
from typing import cast

from benchmarks.jobs import Moods, Pushed
from benchmarks.usage import cpu_seconds
from benchmarks.visitor import batches
from benchmarks.wire import PING, PONG, TEXT, Inbox, masked, upgrade

#: Events are sent in steps of so many seconds: the event loop's timers know no finer ones.
_STEP = 0.001
#: Seconds that the last readings may take, and that events may be sent late: what comes after that says nothing, and on
#: a machine with other work would take for ever.
_PATIENCE = 5.0
_COUNT = re.compile(rb'"event_count":(\d+)')


class Visitor(asyncio.Protocol):
    """One session. `sent`: the intended moments of its events, in order."""

    def __init__(self, job: Moods, waits: list[float]) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent: list[float] = []
        self.seen = 0
        self._job, self._waits = job, waits
        self._inbox = Inbox()
        self._make = batches(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(upgrade(f"/v1/sessions/{uuid.uuid4().hex}/ws"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        was_open = self._inbox.open
        for opcode, payload in self._inbox.frames(data):
            if opcode == PING:
                self.transport.write(masked(payload, PONG))
            elif opcode == TEXT and payload.startswith(b'{"op":"mood"'):
                self._read(payload, now)
            elif payload.startswith(b'{"op":"welcome"'):
                self.ready.set_result(None)
            elif payload.startswith((b'{"op":"nack"', b'{"op":"error"')):
                raise ConnectionError(payload[:300].decode())
        if not was_open and self._inbox.open:
            hello = b'{"op":"hello","key":"%s","producer":"p","every":true}' % self._job.target.key.encode()
            self.transport.write(masked(hello))

    def _read(self, payload: bytes, now: float) -> None:
        """A reading stands for all events up to its count."""
        found = _COUNT.search(payload)
        assert found is not None, payload
        count = int(found[1])
        for moment in self.sent[self.seen : count]:
            self._waits.append((now - moment) * 1000)
        self.seen = max(self.seen, count)

    def send(self, moment: float) -> None:
        self.sent.append(moment)
        self.transport.write(
            masked(b'{"op":"events","seq":%d,"events":[%s]}' % (len(self.sent), self._make()))
        )


async def moods(job: Moods) -> Pushed:
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    visitors: list[Visitor] = []
    async with asyncio.timeout(60):
        for _ in range(job.sessions):
            _, visitor = await loop.create_connection(
                lambda: Visitor(job, waits), "127.0.0.1", job.target.port
            )
            visitors.append(visitor)
        await asyncio.gather(*(visitor.ready for visitor in visitors))
    lags: list[float] = []
    began = time.perf_counter()
    measured_from = began + job.warm_up
    ends = measured_from + job.seconds
    number, step = 0, 0
    measuring = False
    first = 0
    server = client = 0.0
    while (moment := began + step * _STEP) < ends:
        wait = moment - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        elif step % 20 == 0:
            await asyncio.sleep(0)
        if not measuring and moment >= measured_from:
            measuring, first = True, len(waits)
            server, client = cpu_seconds(job.target.pids), time.process_time()
        lag = time.perf_counter() - moment
        lags.append(lag * 1000)
        if lag > _PATIENCE and measuring:
            break
        due = int((moment - began) * job.rate)
        while number < due:
            visitors[number % len(visitors)].send(moment)
            number += 1
        step += 1
    took = time.perf_counter() - measured_from
    shares = (cpu_seconds(job.target.pids) - server) / took, (time.process_time() - client) / took
    deadline = time.perf_counter() + _PATIENCE
    while sum(v.seen for v in visitors) < number and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    for visitor in visitors:
        visitor.transport.abort()
    lags.sort()
    return Pushed(
        waits=waits[first:],
        late=lags[len(lags) * 99 // 100],
        unanswered=number - sum(v.seen for v in visitors),
        cpu_share=shares[0],
        client_cpu=shares[1],
    )
