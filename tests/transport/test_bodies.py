"""Bodies of senders who are not known yet share what the server holds for them."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from app.errors import Overloaded, TooLarge
from app.transport.answers import ClientLeft, Receive, Spare, read_body

EACH, TOGETHER, LIMIT = 100, 500, 400


class Sender:
    """Sends a body in pieces, each when it is told to."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.receive: Receive = self._messages.get

    def sends(self, size: int, *, more: bool = True) -> None:
        self._messages.put_nowait({"type": "http.request", "body": b"x" * size, "more_body": more})

    def leaves(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})


async def test_large_bodies_share_and_small_ones_go_on() -> None:
    spare = Spare(EACH, TOGETHER)
    one, two = Sender(), Sender()
    reading = [asyncio.ensure_future(read_body(s.receive, {}, LIMIT, spare)) for s in (one, two)]
    for _ in range(3):
        one.sends(120)
    two.sends(300)
    async with asyncio.timeout(20):
        while spare.left != TOGETHER - 260 - 200:
            await asyncio.sleep(0)
    late, small, known = Sender(), Sender(), Sender()
    late.sends(EACH + 41)
    with pytest.raises(Overloaded) as refused:
        await read_body(late.receive, {}, LIMIT, spare)
    assert refused.value.retry_ms
    small.sends(EACH, more=False)
    assert len(await read_body(small.receive, {}, LIMIT, spare)) == EACH
    known.sends(LIMIT, more=False)
    assert len(await read_body(known.receive, {}, LIMIT)) == LIMIT
    one.sends(40, more=False)
    assert len(await reading[0]) == LIMIT
    two.leaves()
    with pytest.raises(ClientLeft):
        await reading[1]
    assert spare.left == TOGETHER


async def test_what_is_refused_is_given_back() -> None:
    spare = Spare(EACH, TOGETHER)
    sender = Sender()
    sender.sends(LIMIT)
    sender.sends(1)
    with pytest.raises(TooLarge):
        await read_body(sender.receive, {}, LIMIT, spare)
    waits = Sender()
    waits.sends(LIMIT)
    cut = asyncio.ensure_future(read_body(waits.receive, {}, LIMIT, spare))
    async with asyncio.timeout(20):
        while spare.left == TOGETHER:
            await asyncio.sleep(0)
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    assert spare.left == TOGETHER
