"""Commands to the bus, many at once: those of one turn of the loop are one pipeline, and while that is under way the
next one fills."""

import asyncio
from typing import Any, Final

from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as TooLate

from app.bus import BusAway
from app.bus.engine import ANSWER_WITHIN, Engine, end

#: Commands in one pipeline, and that may wait for one.
AT_ONCE: Final = 500
MAX_WAITING: Final = 20_000


class Commands:
    """`engine` is None while there is none; then everything fails at once."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self._waiting: list[tuple[tuple[Any, ...], asyncio.Future[Any]]] = []
        self._sender: asyncio.Task[None] | None = None

    def call(self, *command: Any) -> "asyncio.Future[Any]":
        """Send a command; its answer. The future fails with BusAway, or with the RedisError that answered it."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.engine is None or len(self._waiting) >= MAX_WAITING:
            _fail(future, BusAway("the bus cannot be reached" if self.engine is None else "the bus is slow"))
            return future
        self._waiting.append((command, future))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send(), name="bus commands")
        return future

    async def _send(self) -> None:
        await asyncio.sleep(0)  # what else comes in this turn of the loop goes along
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._send_batch(batch)
        finally:
            if self._sender is asyncio.current_task():
                self._sender = None

    async def _send_batch(self, batch: "list[tuple[tuple[Any, ...], asyncio.Future[Any]]]") -> None:
        try:
            if self.engine is None:
                raise BusAway("the bus cannot be reached")
            async with asyncio.timeout(2 * ANSWER_WITHIN):
                answers = await self.engine.run([command for command, _ in batch])
        except (RedisError, OSError, TimeoutError, BusAway) as error:
            for _, future in batch:
                _fail(future, BusAway(str(error) or type(error).__name__))
        except BaseException:
            for _, future in batch:
                _fail(future, BusAway("interrupted"))
            raise
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    gone = isinstance(answer, Unreachable | TooLate | OSError)
                    _fail(future, BusAway(str(answer)) if gone else answer)
                elif not future.done():
                    future.set_result(answer)

    async def evaluate(self, script: str, mark: str, key: str, *arguments: Any) -> Any:
        """Run a script by its SHA-1 `mark`, or whole where the server does not know it yet."""
        try:
            return await self.call("EVALSHA", mark, 1, key, *arguments)
        except NoScriptError:
            return await self.call("EVAL", script, 1, key, *arguments)

    async def detach(self) -> None:
        """The engine goes: what is under way fails, so that nothing opens a line to it any more."""
        self.engine = None
        sender, self._sender = self._sender, None
        if sender is not None:
            await end([sender])
        waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            _fail(future, BusAway("the bus cannot be reached"))


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # nobody need look at it
