"""The channels that one Valkey node has for us, over one connection that knows when it is dead."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from app.bus.engine import connect, end, read, send

#: A sign of life is asked for this often (s), and the connection given up when none came for so long: a line that is
#: open on one side only looks like one on which nothing happens.
PING_EVERY: Final = 0.5
DEADLINE: Final = 2.0
#: Channels named in one command.
AT_ONCE: Final = 500


class Silent(Exception):
    """The other end has not answered for too long."""


class Moved(Exception):
    """Channels have gone to another node of the cluster."""


def slot_of(channel: str) -> str:
    """What must be alike in channels that one command names: the part in braces."""
    start, end = channel.find("{"), channel.find("}")
    return channel[start:end]


class Subscription:
    """One connection for messages. `hear` gets each message's channel and data, `confirmed` the channels whose
    messages come from now on. `known_good`: `time.monotonic()` up to which nothing can have been missed."""

    def __init__(
        self,
        connection: AbstractConnection,
        hear: Callable[[bytes], None],
        confirmed: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._hear = hear
        self._confirmed = confirmed
        self._wanted: set[str] = set()
        self._joining: set[str] = set()
        self._parting: set[str] = set()
        self._left: Counter[str] = Counter()  # channels that we have asked to leave, until that is confirmed
        self._wake = asyncio.Event()
        self.known_good: float | None = None

    @property
    def wanted(self) -> "frozenset[str]":
        return frozenset(self._wanted)

    def listen(self, channels: Iterable[str]) -> None:
        for channel in channels:
            self._wanted.add(channel)
            self._parting.discard(channel)
            self._joining.add(channel)
        self._wake.set()

    def leave(self, channel: str) -> None:
        self._wanted.discard(channel)
        self._joining.discard(channel)
        self._parting.add(channel)
        self._wake.set()

    async def run(self) -> None:
        """Until the connection ends, for whatever reason. Raises Silent, Moved, RedisError, OSError."""
        tasks: list[asyncio.Task[None]] = []
        try:
            await connect(self._connection)
            tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            try:
                await end(tasks)
            finally:  # also when this is cancelled meanwhile
                await self._connection.disconnect(nowait=True)
                await asyncio.sleep(0)  # the line ends in the next turn of the loop

    async def _write(self) -> None:
        while True:
            commands = [("PING", repr(time.monotonic()))]
            commands[:0] = self._changes()
            await send(self._connection, commands)
            self._wake.clear()
            # not one by one: what else comes in this turn of the loop goes along
            await asyncio.sleep(0)
            if not (self._joining or self._parting):
                try:
                    async with asyncio.timeout(PING_EVERY):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                else:
                    await asyncio.sleep(0)

    def _changes(self) -> list[Any]:
        commands: list[Any] = []
        self._left.update(self._parting)
        for verb, channels in (("SUNSUBSCRIBE", self._parting), ("SSUBSCRIBE", self._joining)):
            slots: dict[str, list[str]] = {}
            for channel in channels:
                slots.setdefault(slot_of(channel), []).append(channel)
            for together in slots.values():
                commands += [(verb, *together[at : at + AT_ONCE]) for at in range(0, len(together), AT_ONCE)]
            channels.clear()
        return commands

    async def _read(self) -> None:
        heard = time.monotonic()
        while True:
            message = await read(self._connection, DEADLINE)
            now = time.monotonic()
            # After a standstill of ours the messages of a dead line are still there to be read.
            if message is None or now - heard > 2 * DEADLINE:
                raise Silent(f"no answer for {now - heard:.1f} s")
            heard = now
            if not isinstance(message, list):  # the answer to a ping before the first channel
                message = [b"pong", message]
            kind = message[0]
            if kind == b"smessage":
                self._hear(message[2])
            elif kind == b"pong":
                self.known_good = float(message[1])
                if now - self.known_good > DEADLINE:
                    raise Silent(f"the answers are {now - self.known_good:.1f} s late")
            elif kind == b"ssubscribe":
                channel = message[1].decode()
                if channel in self._wanted:
                    self._confirmed(channel)
            elif kind == b"sunsubscribe":
                self._note_left(message[1].decode())
            else:
                raise RedisError(f"an unexpected message: {kind!r}")

    def _note_left(self, channel: str) -> None:
        """A cluster ends a subscription by itself when the channel's slot goes to another node."""
        if self._left[channel] > 0:
            self._left[channel] -= 1
            if not self._left[channel]:
                del self._left[channel]
        elif channel in self._wanted:
            raise Moved(channel)
