"""One request and its answer."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.errors import SessionMoodError
from app.transport.answers import JSON, Headers, json_head, reply

#: The extension of ASGI, and the type of its message, by which an app gives a whole answer at once.
ANSWER: Final = "sessionmood.answer"


class Cycle(RequestResponseCycle):
    """One request and its answer. Beside ASGI's messages it takes a whole answer of status 200 in one
    (`sessionmood.answer`: `head`, lines of headers that are known to be good, and `body`): looking through each header
    once more costs 20 us. `status`: of the answer, 0 until there is one."""

    status = 0

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        if message["type"] != ANSWER:
            await super().send(message)
        elif not self.answer(message["head"], message["body"]):
            lines = [line.split(b": ", 1) for line in message["head"].split(b"\r\n")]
            await self.send({"type": "http.response.start", "status": 200, "headers": lines})
            await self.send({"type": "http.response.body", "body": message["body"], "more_body": False})

    def answer(self, head: bytes, body: bytes) -> bool:
        """Give a whole answer of status 200 at once; False, with nothing done, where `send` has to do it."""
        if self.response_started or self.disconnected or self.flow.write_paused or not self._is_plain():
            return False
        self.status = 200
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (head, body))
        self.message_event.set()
        self.on_response()
        return True

    def _is_plain(self) -> bool:
        """Whether the answer has no headers but those of the app."""
        return self.keep_alive and not self.default_headers


class WholeRequest:
    """A request that has come to its last byte, and is answered without a task (`transport.posted.WholeRequest`).
    `start`: has the app handle it in the usual way; `tasks`: what the server waits for before it stops."""

    __slots__ = ("_cycle", "_start", "_tasks", "body", "on_cancel", "scope")

    def __init__(self, cycle: Cycle, start: Callable[[Cycle], None], tasks: set[Any]) -> None:
        self._cycle = cycle
        self._start = start
        self._tasks = tasks
        self.scope = cast(dict[str, Any], cycle.scope)
        self.body = bytes(cycle.body)
        self.on_cancel: Callable[[], None] | None = None
        tasks.add(self)

    def reply(self, body: bytes, headers: Headers) -> None:
        """Answer 200 with JSON."""
        self._tasks.discard(self)
        head = json_head(headers, len(body))
        if head is None or not self._cycle.answer(head, body):
            task = asyncio.ensure_future(reply(self._cycle.send, 200, body, [JSON, *headers]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def refuse(self, error: SessionMoodError) -> None:
        """Have the app answer `error`, as it answers any refusal: held back, in its turn."""
        self.scope["fault"] = error
        self.leave()

    def leave(self) -> None:
        """Have the app handle it in the usual way."""
        self._tasks.discard(self)
        self._start(self._cycle)

    def cancel(self, msg: object = None) -> None:
        """The server stops, and waits no longer. Not at once: it is going through what it waited for."""
        if self.on_cancel is not None:
            asyncio.get_running_loop().call_soon(self.on_cancel)


class Proxies:
    """Who sent a request that came through proxies, as uvicorn finds it out, without a task."""

    def __init__(self, trusted: str) -> None:
        self._middleware = ProxyHeadersMiddleware(cast(Any, _nothing), trusted)

    def note(self, scope: Any) -> None:
        """Put into `scope` what proxies that are trusted (a setting) say. Asked twice, it is the same."""
        if not any(name.startswith(b"x-forwarded-") for name, _ in scope["headers"]):
            return  # nothing was said
        call = self._middleware(scope, cast(Any, None), cast(Any, None))
        with contextlib.suppress(StopIteration):
            call.send(None)


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    pass
