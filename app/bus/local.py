"""The bus of a service that is one process: there is nobody to tell."""

import asyncio
from collections.abc import Callable, Sequence

from app.bus import BusAway, Notice, State


class LocalBus:
    """Tells nobody and hears nothing, which is all there is to hear."""

    def __init__(self) -> None:
        self.node = ""
        self.on_notice: Callable[[Notice], None] = lambda notice: None
        self.on_listening: Callable[[Sequence[tuple[str, str]]], None] = lambda names: None
        self.on_away: Callable[[], None] = lambda: None
        self.on_return: Callable[[], None] = lambda: None

    async def start(self, namespace: str) -> None:
        pass

    async def stop(self) -> None:
        pass

    def publish(self, notice: Notice) -> None:
        pass

    def listen(self, project: str, session: str) -> None:
        pass

    def leave(self, project: str, session: str) -> None:
        pass

    def evaluate(self, script: str, key: str, *arguments: object) -> "asyncio.Future[object]":
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        future.set_exception(BusAway("there is one process only"))
        future.exception()  # nobody need look at it
        return future

    def state(self) -> State:
        return State()
