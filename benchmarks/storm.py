"""Everybody comes back at once: connections opened, greeted and closed as fast as it goes."""

import asyncio
import itertools
import time
import uuid
from functools import partial
from typing import cast

from benchmarks.jobs import Accepts, Storm, Target
from benchmarks.usage import cpu_seconds
from benchmarks.wire import CLOSE, Inbox, masked, upgrade

_SESSIONS = 2000
_GOODBYE = masked((1000).to_bytes(2), CLOSE)


class Caller(asyncio.Protocol):
    """Handshake, hello, welcome, close. `done` when the server has answered the close."""

    def __init__(self, target: Target, session: str) -> None:
        self.target, self.session = target, session
        self.inbox = Inbox()
        self.greeted = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(upgrade(f"/v1/sessions/{self.session}/ws"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if exc is not None or not self.greeted:
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))
        else:
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        was_open = self.inbox.open
        try:
            for opcode, payload in self.inbox.frames(data):
                if payload.startswith((b'{"op":"welcome"', b'{"op":"hello"')):
                    self.greeted = True
                    self.transport.write(_GOODBYE)
                elif opcode != CLOSE:
                    raise ConnectionError(payload[:300].decode())
            if self.inbox.open and not was_open:
                hello = b'{"op":"hello","key":"%s","producer":"p"}' % self.target.key.encode()
                self.transport.write(masked(hello))
        except ConnectionError as error:
            if not self.done.done():
                self.done.set_exception(error)
            self.transport.abort()


async def storm(job: Storm) -> Accepts:
    loop = asyncio.get_running_loop()
    target = job.target
    sessions = itertools.cycle([uuid.uuid4().hex for _ in range(_SESSIONS)])
    began, cpu, own = time.perf_counter(), cpu_seconds(target.pids), time.process_time()
    until = began + job.seconds
    count = 0

    async def call_again(number: int) -> None:
        nonlocal count
        address = (f"127.0.{1 + number % 200}.1", 0)
        while time.perf_counter() < until:
            session = next(sessions)
            _, caller = await loop.create_connection(
                partial(Caller, target, session), "127.0.0.1", target.port, local_addr=address
            )
            await caller.done
            count += 1

    async with asyncio.timeout(job.seconds + 30):
        await asyncio.gather(*(call_again(number) for number in range(job.parallel)))
    took = time.perf_counter() - began
    return Accepts(
        per_second=count / took,
        cpu_us=(cpu_seconds(target.pids) - cpu) * 1e6 / count,
        client_cpu=(time.process_time() - own) / took,
    )
