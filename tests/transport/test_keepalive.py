"""One timer that asks many sockets."""

import asyncio

import pytest

from app.server.keepalive import TICK, Keepalive


class Socket:
    def __init__(self, keepalive: Keepalive) -> None:
        self.tick: int | None = None
        self.keepalive = keepalive
        self.asked = asyncio.Event()
        self.ends: list[Socket] = []
        self.fails = False

    def send_keepalive_ping(self) -> None:
        self.asked.set()
        for other in self.ends:
            self.keepalive.forget(other)
        if self.fails:
            raise RuntimeError("this one fails")


async def test_each_is_asked_when_its_time_has_come() -> None:
    keepalive = Keepalive()
    soon, later, never = (Socket(keepalive) for _ in range(3))
    keepalive.ask_in(3600, soon)
    keepalive.ask_in(3600, later)
    keepalive.ask_in(0, never)
    keepalive.ask_in(0, soon)  # instead of in an hour
    keepalive.forget(never)
    keepalive.forget(never)
    async with asyncio.timeout(30):
        await soon.asked.wait()
    assert not later.asked.is_set()
    assert not never.asked.is_set()
    keepalive.forget(later)


async def test_one_that_fails_or_ends_others_costs_only_those(caplog: pytest.LogCaptureFixture) -> None:
    keepalive = Keepalive()
    first, ended, last = (Socket(keepalive) for _ in range(3))
    first.fails, first.ends = True, [ended]
    # in one turn, whenever it is
    loop = asyncio.get_running_loop()
    seconds = TICK - loop.time() % TICK + 2.5 * TICK
    for socket in (first, ended, last):
        keepalive.ask_in(seconds, socket)
    async with asyncio.timeout(30):
        await last.asked.wait()
    assert first.asked.is_set()
    assert not ended.asked.is_set()
    assert "could not be pinged" in caplog.text
    keepalive.ask_in(0, first)  # it goes on
    first.asked.clear()
    async with asyncio.timeout(30):
        await first.asked.wait()
