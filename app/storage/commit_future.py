"""Futures that do not make who waits for them wait a turn of the event loop more."""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class CommitFuture(asyncio.Future[T]):
    """A future that calls back at once when it is done, in order, instead of in the loop's next turn: on a busy
    server a turn is milliseconds, and an ack comes through several of these. A task that awaits it is still woken
    by the loop."""

    _calls: list[Callable[[Any], object]] | None = None

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        if context is not None or self.done():
            super().add_done_callback(fn, context=context)
        elif self._calls is None:
            self._calls = [fn]
        else:
            self._calls.append(fn)

    def remove_done_callback(self, fn: Callable[[Any], object], /) -> int:
        calls = self._calls or []
        kept = [call for call in calls if call != fn]
        self._calls = kept
        return len(calls) - len(kept) + super().remove_done_callback(fn)

    def set_result(self, result: T, /) -> None:
        super().set_result(result)
        self._call()

    def set_exception(self, exception: type | BaseException, /) -> None:
        super().set_exception(exception)
        self._call()

    def cancel(self, msg: Any = None) -> bool:
        cancelled = super().cancel(msg)
        self._call()
        return cancelled

    def _call(self) -> None:
        calls, self._calls = self._calls, None
        for call in calls or ():
            try:
                call(self)
            except Exception as error:
                self.get_loop().call_exception_handler(
                    {"message": f"a callback of {self!r} failed", "exception": error, "future": self}
                )


class Durable(CommitFuture[None]):
    """The shared outcome of a group. Cancelling one who awaits it touches nobody else's wait, and a failure
    that nobody looks at is not reported by asyncio.

    Use `asyncio.timeout`, not `wait_for`, around it: on Python 3.11 the latter waits on for the commit."""

    def cancel(self, msg: Any = None) -> bool:
        return False

    def __await__(self) -> Generator[Any, None, None]:
        if not self.done():
            waiter = self.get_loop().create_future()
            self.add_done_callback(partial(_wake, waiter))
            yield from waiter
        return self.result()

    def fail(self, error: BaseException) -> None:
        if not self.done():
            self.set_exception(error)
            self.exception()  # marks it as looked at


def _wake(waiter: "asyncio.Future[None]", _: object) -> None:
    if not waiter.done():
        waiter.set_result(None)
