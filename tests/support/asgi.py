"""The whole app without a network: a page's socket as an ASGI server hands it over."""

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
async def running_app(folder: Path) -> AsyncIterator[App]:
    app = create_app(Settings(database_url=f"sqlite:///{folder / 'test.db'}"))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()
