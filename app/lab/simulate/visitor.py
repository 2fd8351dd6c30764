"""A persona at the other end of a WebSocket: sends what it does, keeps what the server says of it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from app.lab.simulate.personas import Persona, Step

#: Close codes after which trying again cannot help: the request itself is wrong.
_FINAL: Final = frozenset({4001, 4002, 4003, 4004, 4005, 4006, 4009, 4010})
#: Seconds between tries to connect, and how often.
_RETRY_EVERY: Final = 1.0
_TRIES: Final = 10
#: Seconds that the last acks may take once the visit is over.
_PATIENCE: Final = 10.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Refused(Exception):
    """The server does not want this visitor; the message says why."""


class Visitor:
    """One simulated visit. The fields are for whoever watches; `changed` is called when the mood is another.

    `reading`: the latest reading. `moods`: every mood so far, in order. `lag_ms`: from sending an event to the
    ack that it is durable, the latest.
    """

    def __init__(
        self, persona: Persona, session: str, seed: int, changed: "Callable[[Visitor], None]"
    ) -> None:
        self.persona = persona
        self.session = session
        self.doing = "arrives"
        self.reading: dict[str, Any] = {}
        self.moods: list[str] = []
        self.sent = 0
        self.acked = 0
        self.offers: list[str] = []
        self.lag_ms = 0.0
        self._changed = changed
        self._script = persona.script(Random(f"{persona.name} {seed}"))  # noqa: S311 - a play
        self._seq = 0
        self._unacked: deque[tuple[int, dict[str, object], float]] = deque()
        self._token: str | None = None

    async def visit(self, url: str, key: str, speed: float, seconds: float) -> None:
        """Behave for `seconds`, `speed` times as fast as a person; come back after a lost connection and send
        what was not acked. Raises Refused, or OSError if there is no server."""
        deadline = time.monotonic() + seconds
        tries = 0
        step: Step | None = None
        while time.monotonic() < deadline:
            try:
                async with connect(
                    f"{url}/v1/sessions/{self.session}/ws",
                    subprotocols=["sessionmood.v1"],  # type: ignore[list-item]
                ) as socket:
                    await self._greet(socket, key)
                    tries = 0
                    reading = asyncio.create_task(self._listen(socket))
                    # The script's own time: on a busy machine a step may be sent late, and still was done when it is due.
                    due = time.monotonic()
                    try:
                        while time.monotonic() < deadline and not reading.done():
                            step = step or next(self._script)
                            due += step.pause / speed
                            await asyncio.wait([reading], timeout=max(0.0, due - time.monotonic()))
                            if not reading.done():
                                self.doing = step.doing
                                await self._send(socket, step.event, time.monotonic() - due)
                                step = None
                        await self._finish(reading, deadline)
                    finally:
                        reading.cancel()
                        await asyncio.gather(reading, return_exceptions=True)
            except ConnectionClosed as closed:
                frame = closed.rcvd
                if frame is not None and frame.code in _FINAL:
                    raise Refused(f"{frame.reason or 'refused'} ({frame.code})") from None
            except InvalidHandshake as error:
                raise Refused(f"{url} does not speak this WebSocket: {error}") from None
            except OSError:
                tries += 1
                if tries >= _TRIES or not self.reading:
                    raise
            if time.monotonic() < deadline:
                await asyncio.sleep(_RETRY_EVERY)

    async def _greet(self, socket: ClientConnection, key: str) -> None:
        hello: dict[str, object] = {
            "op": "hello",
            "key": key,
            "producer": self.session,
            "now": time.time_ns() // 1_000_000,
            "reports": self.persona.reports,
            "every": True,
        }
        if self._token is not None:
            hello["token"] = self._token
        await socket.send(_encode(hello), text=True)
        while (frame := _decode(await socket.recv()))["op"] != "welcome":
            if frame["op"] == "error":
                raise Refused(str(frame.get("detail") or frame.get("code")))
        self._token = frame.get("token") or self._token
        self._forget(frame["ack"])
        for seq, event, _ in list(self._unacked):
            await socket.send(_encode({"op": "events", "seq": seq, "events": [event]}), text=True)

    async def _send(self, socket: ClientConnection, event: dict[str, object], late: float = 0.0) -> None:
        """`late`: seconds since it was done."""
        self._seq += 1
        self.sent += 1
        dated = event | {"at": time.time_ns() // 1_000_000 - max(0, round(late * 1000))}
        self._unacked.append((self._seq, dated, time.monotonic()))
        await socket.send(_encode({"op": "events", "seq": self._seq, "events": [dated]}), text=True)

    async def _listen(self, socket: ClientConnection) -> None:
        async for message in socket:
            frame = _decode(message)
            op = frame["op"]
            if op == "mood":
                await self._read(socket, frame)
            elif op == "ack":
                self._forget(frame["seq"])
            elif op == "ping":
                await socket.send(_encode({"op": "pong"}), text=True)
            elif op == "nack" and "retry_ms" not in frame:
                raise Refused(f"an event was refused: {frame.get('detail')}")

    async def _read(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        self.reading = frame
        if not self.moods or frame["mood"] != self.moods[-1]:
            self.moods.append(frame["mood"])
            self._changed(self)
        offer = frame.get("help")
        if offer is not None and offer["id"] not in self.offers:
            self.offers.append(offer["id"])
            if not offer.get("holdout"):
                for kind in ("shown", "accepted"):
                    await self._send(socket, {"type": "help", "kind": kind, "name": offer["id"]})

    async def _finish(self, reading: "asyncio.Task[None]", deadline: float) -> None:
        """Wait for the last acks, a little; what the reader met is raised here."""
        while self._unacked and not reading.done() and time.monotonic() < deadline + _PATIENCE:
            await asyncio.wait([reading], timeout=0.02)
        if reading.done():
            reading.result()

    def _forget(self, ack: int) -> None:
        while self._unacked and self._unacked[0][0] <= ack:
            _, _, sent_at = self._unacked.popleft()
            self.acked += 1
            self.lag_ms = (time.monotonic() - sent_at) * 1000
