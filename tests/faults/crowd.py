"""Many visitors at once, and the comparison at the end."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Final, Self

from tests.faults import truth
from tests.faults.http import Answer, request
from tests.faults.page import Broken
from tests.faults.visitor import Visitor
from tests.support.server import ServerProcess

#: Settings of a server that is used by a crowd from one address: no limits of pace, and so little memory that
#: sessions leave it all the time.
CROWDED: Final = {
    "SESSIONMOOD_CONNECTS_PER_SECOND": 0,
    "SESSIONMOOD_SESSION_EVENTS_PER_SECOND": 0,
    "SESSIONMOOD_ADDRESS_EVENTS_PER_SECOND": 0,
    "SESSIONMOOD_NEW_SESSIONS_PER_SECOND": 0,
    "SESSIONMOOD_LONGEST_HOLD": 0,
    "SESSIONMOOD_MAX_SESSIONS": 120,
    "SESSIONMOOD_SESSION_IDLE": 0.5,
}


class Crowd:
    """Visitors that run from `async with` on; any Broken of theirs ends it. They go through `port` (a
    proxy's), or straight to the server; every third one as a page does, with a token, which stays good whatever
    happens."""

    def __init__(self, server: ServerProcess, size: int, rng: random.Random, port: int | None = None) -> None:
        self.server = server
        self.visitors = [
            Visitor(f"v{index}", server.sk, port or server.port, random.Random(rng.random()))
            for index in range(size)
        ]
        self.restarts: list[float] = []  # seconds from a kill until ready again
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for visitor in self.visitors[::3]:
            path = f"/v1/sessions/{visitor.session}/token"
            answer = await request(self.server.port, "POST", path, {"x-api-key": self.server.sk})
            visitor.key, visitor.token = self.server.pk, answer.body["token"]
        self._tasks = [asyncio.create_task(visitor.run(), name=visitor.session) for visitor in self.visitors]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def acked(self) -> int:
        return sum(visitor.acked for visitor in self.visitors)

    async def more_acks(self, count: int, seconds: float = 90.0) -> None:
        """Wait until `count` more events were acked."""
        target = self.acked + count
        async with asyncio.timeout(seconds):
            while self.acked < target:
                await self._look()

    async def settle(self, seconds: float = 60.0) -> None:
        """No more events; wait until all that were made are acked. Raises Broken for those who waited in vain."""
        for visitor in self.visitors:
            visitor.enough.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not all(task.done() for task in self._tasks):
                    await self._look()
        self.raise_broken()
        waiting = [v for v, task in zip(self.visitors, self._tasks, strict=True) if not task.done()]
        if waiting:
            each = [
                f"{v.session}: {v.acked} of {sum(len(page.made) for page in v.pages)}; {v.refused_last}"
                for v in waiting
            ]
            raise Broken("\n".join([f"not acked after {seconds:g} s:", *each]))

    async def restart(self) -> None:
        """Kill the server and start it again, while the visitors go on."""
        for visitor in self.visitors:
            visitor.up.clear()
        self.server.kill()
        began = time.monotonic()
        await self.beside(self.server.start)
        self.restarts.append(time.monotonic() - began)
        for visitor in self.visitors:
            visitor.up.set()

    async def beside(self, work: Callable[..., object], *arguments: object) -> None:
        """Run `work` in a thread, while the visitors go on."""
        await asyncio.to_thread(work, *arguments)
        self.raise_broken()

    async def _look(self) -> None:
        self.raise_broken()
        await asyncio.sleep(0.01)

    def raise_broken(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def check(self) -> truth.Tally:
        """Compare the log of each session with its visitor, and its reading with a replay."""
        tallies = []
        for visitor in self.visitors:
            path = f"/v1/sessions/{visitor.session}/mood"
            answer = await self.ask(path)
            rows = await self.log_of(visitor.session)
            made = sum(len(page.made) for page in visitor.pages)
            if not made and not rows:
                # every line broke before this visitor could do anything
                assert answer.status == 404, (visitor.session, answer)
                continue
            assert answer.status == 200, (visitor.session, answer, made, visitor.acked, len(rows))
            replay = truth.replayed(rows, visitor.session, answer.body["as_of"])
            for more in ("help", "stale_since"):
                answer.body.pop(more, None)
            differing = {k: (v, replay[k]) for k, v in answer.body.items() if v != replay[k]}
            assert not differing, (visitor.session, differing)
            tally = truth.count(rows, visitor)
            assert tally.kept == answer.body["event_count"], visitor.session
            tallies.append(tally)
        return truth.add(tallies)

    async def ask(self, path: str) -> Answer:
        return await request(self.server.port, "GET", path, {"x-api-key": self.server.sk})

    async def log_of(self, session: str) -> list[truth.Row]:
        return truth.log_of(self.server.database, session)

    def figures(self) -> str:
        """For the report."""
        names = ("connects", "cuts", "nacks", "refusals")
        sums = [f"{name} {sum(getattr(v, name) for v in self.visitors)}" for name in names]
        readings = sum(v.standing.readings + v.kept.readings for v in self.visitors)
        restarts = f"restarts {min(self.restarts):.2f} to {max(self.restarts):.2f} s"
        return f"{', '.join(sums)}, readings {readings}, {restarts}"
