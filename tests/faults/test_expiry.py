"""Retention while a page still listens: the session goes whole, and the page begins another one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from app.config.settings import Settings
from app.transport.websocket import Connection
from app.web import App, create_app


class Page:
    """A socket of `app`, as an ASGI server hands it over."""

    def __init__(self, app: App, session: str, **headers: str) -> None:
        shown = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "headers": shown, "session_id": session, "client": ("192.0.2.1", 1)}
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self._heard: asyncio.Queue[Any] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        connection = Connection(app.doors, scope, self._said.get, self._heard.put)
        self.serving = asyncio.ensure_future(connection.serve())

    async def say(self, frame: dict[str, Any]) -> None:
        text = msgspec.json.encode(frame).decode()
        await self._said.put({"type": "websocket.receive", "text": text})

    async def until(self, op: str) -> dict[str, Any]:
        while True:
            frame = await self.next()
            if frame["op"] == op:
                return frame

    async def next(self) -> dict[str, Any]:
        """The next frame, or the end."""
        async with asyncio.timeout(60):
            while True:
                message = await self._heard.get()
                if message["type"] == "websocket.close":
                    return {"op": "close", "code": message["code"]}
                if message["type"] == "websocket.send":
                    text = message.get("text") or message["bytes"]
                    return msgspec.json.decode(text, type=dict[str, Any])

    async def leave(self) -> None:
        await self._said.put({"type": "websocket.disconnect", "code": 1000})
        await self.serving


@contextlib.asynccontextmanager
async def service(folder: Path) -> AsyncIterator[App]:
    app = create_app(Settings(database_url=f"sqlite:///{folder / 'test.db'}"))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


async def test_a_live_page_is_sent_away_and_nothing_is_left_of_the_session(tmp_path: Path) -> None:
    async with service(tmp_path) as app:
        page = Page(app, "s")
        hello = {"op": "hello", "key": app.pages.fresh_keys["pk"], "producer": "p"}
        await page.say(hello)
        token = (await page.until("welcome"))["token"]
        await page.say({"op": "events", "seq": 1, "events": [{"type": "click"}]})
        await page.until("ack")
        assert await app.doors.expire(app.clock() - 60_000, 100) == 0
        assert await app.doors.expire(app.clock() + 1, 100) == 1
        assert (await page.until("error"))["code"] == "bad_token"
        assert (await page.until("close"))["code"] == 4010
        await page.leave()
        assert len(app.ingest.sessions) == 0
        assert await app.store.load("default", "s") is None
        again = Page(app, "s")
        await again.say({**hello, "token": token})
        assert (await again.until("close"))["code"] == 4010
        await again.leave()
        fresh = Page(app, "s")
        await fresh.say(hello)
        assert (await fresh.until("welcome"))["ack"] == 0
        await fresh.leave()
        assert app.ingest.counters.expired == 1
