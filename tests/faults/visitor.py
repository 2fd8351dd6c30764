"""A visitor whose line is bad: sends by all three doors, resends what was not acked, and believes nobody."""

import asyncio
import contextlib
import random
import time
from typing import Any

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection

from app.ingest import MAX_FOLD_EVENTS
from tests.faults.http import CutOff, request
from tests.faults.page import Broken, Page, Standing

#: A real client hangs up when a frame it waits for does not come; this one does so early (seconds).
PATIENCE = 1.5
_GONE = (OSError, CutOff, websockets.WebSocketException, TimeoutError, EOFError)


class Visitor:
    """One session and a few page loads. Events are made until `enough` is set, then only what is not acked yet
    is sent. While `up` is not set, most wait with connecting. Counters are for the report."""

    def __init__(
        self, session: str, key: str, port: int, rng: random.Random, token: str | None = None
    ) -> None:
        self.session = session
        self.key = key
        self.token = token
        self.port = port
        self.rng = rng
        self.pages = [self._page(0)]
        self.standing = Standing(session)
        self.kept = Standing(session)  # positions that came with an answer that was durable
        self.enough = asyncio.Event()
        self.up = asyncio.Event()
        self.up.set()
        self.loose: dict[str, bool] = {}  # events without a number: target -> acked
        self.connects = self.cuts = self.nacks = self.refusals = 0
        self.refused_last = ""  # what was said of it, for a report

    def _page(self, index: int) -> Page:
        skew = self.rng.choice([None, 0, 137, -4_000, 3 * 3_600_000])
        return Page(f"{self.session}.{index}", self.rng, skew)

    @property
    def acked(self) -> int:
        """Events the server may not lose."""
        return sum(page.acked for page in self.pages) + sum(self.loose.values())

    @property
    def settled(self) -> bool:
        return all(page.acked == len(page.made) for page in self.pages)

    async def run(self) -> None:
        """Until all is acked after `enough`. Raises Broken."""
        while not (self.enough.is_set() and self.settled):
            if self.rng.random() < 0.9:
                await self.up.wait()  # as a real client, which has learnt to come again later
            if self.rng.random() < 0.2 and len(self.pages) < 6 and not self.enough.is_set():
                self.pages.append(self._page(len(self.pages)))
            page = self.rng.choice([p for p in self.pages if p.acked < len(p.made)] or [self.pages[-1]])
            door = self.rng.choices([self._by_socket, self._by_rest, self._by_beacon], [6, 3, 1])[0]
            try:
                await door(page)
            except ConnectionRefusedError:
                await asyncio.sleep(self.rng.uniform(0.2, 0.8))
            except CutOff as cut:
                self.cuts += not cut.refused
                await asyncio.sleep(self.rng.uniform(0.2, 0.8) if cut.refused else 0.02)
            except _GONE:
                self.cuts += 1
                await asyncio.sleep(self.rng.uniform(0.01, 0.15))

    # By WebSocket

    async def _by_socket(self, page: Page) -> None:
        self.connects += 1
        async with websockets.connect(
            f"ws://127.0.0.1:{self.port}/v1/sessions/{self.session}/ws",
            open_timeout=PATIENCE,
            close_timeout=0.2,
            ping_interval=None,
            compression=None,
            proxy=None,
        ) as socket:
            try:
                await self._say_hello(socket, page)
                await self._converse(socket, page)
            finally:
                socket.transport.abort()

    async def _say_hello(self, socket: ClientConnection, page: Page) -> None:
        hello: dict[str, Any] = {"op": "hello", "key": self.key, "producer": page.producer, "every": True}
        if self.token is not None:
            hello["token"] = self.token
        if page.skew is not None:
            hello["now"] = page.now()
        if self.standing.position != (0, 0):
            hello["have"] = self.standing.position
        await _send(socket, hello)
        while (frame := await _receive(socket)) is None or frame["op"] != "welcome":
            if frame is None:
                raise TimeoutError
            self._hear(frame, page)
        page.resume(frame["ack"], "the welcome")
        self.standing.see(frame["mood"], "the welcome")

    async def _converse(self, socket: ClientConnection, page: Page) -> None:
        """Send and listen, for a while or until all is acked at the end."""
        sent = page.acked
        for _ in range(self.rng.randint(1, 40)):
            if not self.enough.is_set():
                page.make(self._some(6))
            elif page.acked == len(page.made):
                return
            sent = max(sent, page.acked)
            if sent == len(page.made) or self.rng.random() < 0.15:
                sent = self.rng.randint(0, page.acked)  # what was acked again, and on from there
            if sent < len(page.made):
                last = min(len(page.made), sent + self._some(20))
                first = sent + 1 + (self.rng.randint(1, 3) if self.rng.random() < 0.05 else 0)
                if first <= last:
                    await _send(socket, {"op": "events", "seq": first, "events": page.batch(first, last)})
                    sent = last
            if await self._listen(socket, page, until=sent if self.rng.random() < 0.4 else 0):
                sent = page.acked

    def _some(self, most: int) -> int:
        """How many events: a few, seldom so many that they are folded in parts."""
        return (
            self.rng.randint(1, most)
            if self.rng.random() < 0.99
            else self.rng.randint(MAX_FOLD_EVENTS, 3 * MAX_FOLD_EVENTS)
        )

    async def _listen(self, socket: ClientConnection, page: Page, until: int) -> bool:
        """Take in what has come, or wait until `until` is acked; True when something must be sent again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            waiting = page.acked < until
            frame = await _receive(socket, max(0.0, deadline - time.monotonic()) if waiting else 0.005)
            if frame is None:
                if waiting:
                    raise TimeoutError
                return False
            if self._hear(frame, page):
                return True

    def _hear(self, frame: dict[str, Any], page: Page) -> bool:
        op = frame["op"]
        if op == "ack":
            page.ack(frame["seq"], "a frame")
        elif op == "mood":
            self.standing.see(frame, "a push")
        elif op == "nack":
            self.nacks += 1
            self.refused_last = f"{frame['code']}: {frame['detail']}"
            if "retry_ms" not in frame:
                raise Broken(f"a good batch was refused for good: {frame}")
            if frame["code"] == "out_of_order" and frame["expect"] <= page.acked:
                raise Broken(f"{page.producer} was acked up to {page.acked}: {frame}")
            return True
        elif op == "error":
            self.refusals += 1
            self.refused_last = f"{frame['code']}: {frame['detail']}"
            if frame["code"] not in ("draining", "storage_unavailable", "rate_limited"):
                raise Broken(f"{self.session} was thrown out: {frame}")
        return False

    # By REST

    async def _by_rest(self, page: Page) -> None:
        await self._post(page, {"content-type": "application/json", **self._credentials()}, {})
        if self.rng.random() < 0.3 and not self.enough.is_set():
            await self._post_loose()

    async def _by_beacon(self, page: Page) -> None:
        """As a page does when it is left: fired, and the answer often not waited for."""
        envelope: dict[str, Any] = {"key": self.key}
        if self.token is not None:
            envelope["token"] = self.token
        await self._post(page, {"content-type": "text/plain"}, envelope)

    def _credentials(self) -> dict[str, str]:
        return {"x-api-key": self.key, **({} if self.token is None else {"x-session-token": self.token})}

    async def _post(self, page: Page, headers: dict[str, str], envelope: dict[str, Any]) -> None:
        if not self.enough.is_set():
            page.make(self._some(10))
        first = max(1, page.acked + 1 - (self.rng.randint(0, 8) if self.rng.random() < 0.3 else 0))
        last = min(len(page.made), first + max(60, self._some(60)))
        if last <= page.acked:
            return
        acked = self.acked
        body = {**envelope, "producer": page.producer, "seq": first, "events": page.batch(first, last)}
        answer = await self._request(headers, body)
        if answer is None:
            return
        page.resume(answer["ack"], "an answer")
        reading = answer["mood"]
        if reading["event_count"] < acked:
            raise Broken(f"{acked} events of {self.session} were acked, {reading['event_count']} counted")
        self.kept.see(reading, "an answer")

    async def _post_loose(self) -> None:
        """An event without a number: always new, so it is sent once, whatever becomes of it."""
        target = f"{self.session}.loose.{len(self.loose)}"
        self.loose[target] = False
        headers = {"content-type": "application/json", **self._credentials()}
        if await self._request(headers, {"type": "click", "target": target}) is not None:
            self.loose[target] = True

    async def _request(self, headers: dict[str, str], body: dict[str, Any]) -> dict[str, Any] | None:
        self.connects += 1
        path = f"/v1/sessions/{self.session}/events"
        answer = await request(self.port, "POST", path, headers, msgspec.json.encode(body), PATIENCE)
        if answer.status == 200:
            return dict(answer.body)
        self.refusals += 1
        self.refused_last = f"{answer.status}: {answer.body}"
        if answer.status != 503:
            raise Broken(f"a good batch was refused: {answer}")
        if "retry-after" not in answer.headers:
            raise Broken(f"a refusal does not say when to come again: {answer}")
        await asyncio.sleep(0.05)
        return None


async def _send(socket: ClientConnection, frame: dict[str, Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        await socket.send(msgspec.json.encode(frame).decode())


async def _receive(socket: ClientConnection, seconds: float = PATIENCE) -> Any:
    """The next frame; None when none comes in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return msgspec.json.decode(await socket.recv())
    return None
