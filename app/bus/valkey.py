"""The bus on Valkey or Redis (7 or later), one or a cluster: sharded channels, and small scripts for what is counted
together."""

import asyncio
import contextlib
import hashlib
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from app.bus import NEWS, BusAway, Notice, State
from app.bus.commands import Commands
from app.bus.engine import Engine, end
from app.bus.subscriptions import Moved, Silent, Subscription

logger = logging.getLogger("sessionmood.bus")

#: Seconds between two tries to reach the bus: any time up to this, doubled with each failure in a row up to that.
FIRST_RETRY: Final = 0.2
LAST_RETRY: Final = 5.0
#: The channels of all sessions are dealt to so many slots of a cluster.
SLOTS: Final = 256
#: Notices that wait for the bus: one a session. Past that the oldest is dropped; who missed one reads up on return.
MAX_UNSENT: Final = 10_000
RESEND_EVERY: Final = 0.5
#: A node says this often (s) that it lives; others count it for so long (ms).
LIVES_EVERY: Final = 1.0
LIVES_FOR_MS: Final = 5000

_decode = msgspec.msgpack.Decoder(Notice).decode
_encode = msgspec.msgpack.Encoder().encode

#: Notes that a node lives and counts who does. Time is the bus's own.
_LIVES: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""


class ValkeyBus:
    """See `Bus`. `clock`: ms since the epoch."""

    def __init__(self, url: str, clock: Callable[[], int]) -> None:
        self.node = secrets.token_hex(6)
        self.on_notice: Callable[[Notice], None] = lambda notice: None
        self.on_listening: Callable[[Sequence[tuple[str, str]]], None] = lambda names: None
        self.on_away: Callable[[], None] = lambda: None
        self.on_return: Callable[[], None] = lambda: None
        self._url = url
        self._clock = clock
        self._prefix = ""
        self._commands = Commands()
        self._marks: dict[str, str] = {}
        self._channels: dict[str, tuple[str, str]] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._engine: Engine | None = None
        self._confirmed: list[tuple[str, str]] = []
        self._unsent: dict[tuple[str, str, str], Notice] = {}
        self._sending = False
        self._tasks: list[asyncio.Task[None]] = []
        self._up = False
        self._stale_since: int | None = None
        self._told = ""
        self._nodes = 1
        self._published = self._received = self._dropped = self._reconnects = 0

    async def start(self, namespace: str) -> None:
        """Begin to connect; the service starts without the bus as it goes on without it."""
        self._prefix = "sm:" + hashlib.sha256(namespace.encode()).hexdigest()[:12]
        self._stale_since = self._clock()
        self._tasks = [
            asyncio.create_task(self._run(), name="bus"),
            asyncio.create_task(self._live(), name="bus lives"),
        ]

    async def stop(self) -> None:
        if self._unsent and self._up:
            await self._send_notices()
        for task in self._tasks[1:]:
            task.cancel()
        with contextlib.suppress(BusAway, RedisError):
            await self._commands.call("ZREM", f"{self._prefix}:nodes", self.node)
        await end(self._tasks)

    def state(self) -> State:
        return State(
            up=self._up,
            stale_since=self._stale_since,
            nodes=self._nodes,
            published=self._published,
            received=self._received,
            waiting=len(self._unsent),
            dropped=self._dropped,
            reconnects=self._reconnects,
            listening=len(self._channels),
        )

    # What others are told

    def publish(self, notice: Notice) -> None:
        name = (notice.kind, notice.project, notice.session)
        self._unsent.pop(name, None)
        self._unsent[name] = notice
        if len(self._unsent) > MAX_UNSENT:
            del self._unsent[next(iter(self._unsent))]
            self._dropped += 1
        if self._up and not self._sending:
            self._sending = True
            task = asyncio.create_task(self._send_notices(), name="bus notices")
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _send_notices(self) -> None:
        """Send what waits, in the order in which it came; what fails waits on."""
        self._sending = True
        try:
            await asyncio.sleep(0)
            sent = list(self._unsent.items())
            futures = [
                self._commands.call("SPUBLISH", self._channel_of(notice), _encode(notice))
                for _, notice in sent
            ]
            answers = await asyncio.gather(*futures, return_exceptions=True)
            for (name, notice), answer in zip(sent, answers, strict=True):
                if isinstance(answer, BaseException):
                    self._complain("notices cannot be sent: %s", answer)
                    continue
                self._published += 1
                if self._unsent.get(name) is notice:
                    del self._unsent[name]
        finally:
            self._sending = False
        if self._up and any(name not in {n for n, _ in sent} for name in self._unsent):
            await self._send_notices()

    def _channel_of(self, notice: Notice) -> str:
        return self._channel(notice.project, notice.session) if notice.kind == NEWS else self._control

    @property
    def _control(self) -> str:
        return f"{self._prefix}:all"

    def _channel(self, project: str, session: str) -> str:
        """A session's channel; the part in braces says which slot of a cluster it is in."""
        mark = hashlib.blake2b(f"{project}/{session}".encode(), digest_size=12).hexdigest()
        return f"{self._prefix}:{{{self._prefix}{int(mark[:4], 16) % SLOTS:02x}}}:{mark}"

    # What is heard

    def listen(self, project: str, session: str) -> None:
        channel = self._channel(project, session)
        self._channels[channel] = (project, session)
        if self._up:
            self._subscribe([channel])

    def leave(self, project: str, session: str) -> None:
        channel = self._channel(project, session)
        if self._channels.pop(channel, None) is not None:
            for subscription in self._subscriptions.values():
                subscription.leave(channel)

    def _subscribe(self, channels: Sequence[str]) -> None:
        """Ask for these at the nodes that have them. A node not met before means that all begins anew."""
        assert self._engine is not None
        for channel in channels:
            try:
                subscription = self._subscriptions.get(self._engine.owner(channel))
            except RedisError:
                subscription = None
            if subscription is None:
                self._anew.set()
            else:
                subscription.listen([channel])

    def _hear(self, data: bytes) -> None:
        try:
            notice = _decode(data)
        except msgspec.MsgspecError:
            self._complain("a notice cannot be read: %s", data[:40])
            return
        if notice.node == self.node:
            return
        self._received += 1
        self._call(self.on_notice, notice)

    def _confirm(self, channel: str) -> None:
        name = self._channels.get(channel)
        if name is not None and self._up:  # else all is read up anyway
            if not self._confirmed:
                asyncio.get_running_loop().call_soon(self._tell_confirmed)
            self._confirmed.append(name)

    def _tell_confirmed(self) -> None:
        names, self._confirmed = self._confirmed, []
        self._call(self.on_listening, names)

    # Being there

    async def _run(self) -> None:
        """Connect, listen, and begin anew whenever anything is amiss."""
        wait = FIRST_RETRY
        while True:
            began = time.monotonic()
            try:
                await self._serve()
            except (RedisError, OSError, TimeoutError, Silent, Moved, ValueError) as error:
                self._complain("the bus is away: %s", _spoken(error))
            except Exception:
                logger.exception("the bus failed; it is tried again")
            self._leave()
            if time.monotonic() - began > 10 * LAST_RETRY:
                wait = FIRST_RETRY
            await asyncio.sleep(random.uniform(0, wait))  # noqa: S311 - so that not all nodes come at once
            wait = min(2 * wait, LAST_RETRY)
            self._reconnects += 1

    async def _serve(self) -> None:
        """One connection to each node of the engine that has channels, until one of them ends."""
        self._anew = asyncio.Event()
        engine = await Engine.open(self._url)
        tasks: list[asyncio.Task[Any]] = []
        try:
            owners: dict[str, list[str]] = {}
            for channel in [self._control, *self._channels]:
                owners.setdefault(engine.owner(channel), []).append(channel)
            if engine.is_cluster:  # each slot's, so that a channel that comes later finds its node
                for slot in range(SLOTS):
                    owners.setdefault(engine.owner(f"{{{self._prefix}{slot:02x}}}"), [])
            for owner, channels in owners.items():
                each = Subscription(engine.connection(owner), self._hear, self._confirm)
                each.listen(channels)
                self._subscriptions[owner] = each
                tasks.append(asyncio.create_task(each.run(), name="bus subscription"))
            self._engine = self._commands.engine = engine
            tasks.append(asyncio.create_task(self._anew.wait()))
            tasks.append(asyncio.create_task(self._look()))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._leave()  # first: a line that hangs may take long to close
            await end(tasks)
            self._subscriptions.clear()
            await self._commands.detach()
            await engine.close()

    async def _look(self) -> None:
        """Note when all subscriptions stand, and send what waits. What others were told meanwhile is read up."""
        while True:
            known = [each.known_good for each in self._subscriptions.values()]
            if not self._up and None not in known:
                self._arrive()
            if self._up and self._unsent and not self._sending:
                await self._send_notices()
            await asyncio.sleep(RESEND_EVERY if self._up else 0.02)

    def _arrive(self) -> None:
        self._up = True
        late = set(self._channels) - {c for s in self._subscriptions.values() for c in s.wanted}
        self._subscribe(sorted(late))
        if self._told:
            logger.warning("the bus is back; news since %s are read up", self._told)
        else:
            logger.info("the bus is there")
        self._told = ""
        self._stale_since = None
        self._call(self.on_return)

    def _leave(self) -> None:
        """The news have stopped."""
        self._engine = self._commands.engine = None
        self._confirmed.clear()
        if not self._up:
            return
        self._up = False
        good = [each.known_good for each in self._subscriptions.values() if each.known_good is not None]
        ago = time.monotonic() - min(good) if good else 0.0
        self._stale_since = self._clock() - round(ago * 1000)
        self._call(self.on_away)

    async def _live(self) -> None:
        while True:
            try:
                self._nodes = int(await self.evaluate(_LIVES, "nodes", self.node, LIVES_FOR_MS))  # type: ignore[call-overload]
            except (BusAway, RedisError):
                pass  # as many as there were
            except Exception:
                logger.exception("the nodes could not be counted")
            await asyncio.sleep(LIVES_EVERY)

    # What is counted together

    def evaluate(self, script: str, key: str, *arguments: object) -> "asyncio.Future[object]":
        mark = self._marks.get(script)
        if mark is None:
            mark = self._marks[script] = hashlib.sha1(script.encode()).hexdigest()  # noqa: S324 - as EVALSHA wants
        answer = asyncio.ensure_future(
            self._commands.evaluate(script, mark, f"{self._prefix}:{key}", *arguments)
        )
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody need look at it
        return answer

    # Words

    def _call(self, hook: Callable[..., None], *arguments: Any) -> None:
        try:
            hook(*arguments)
        except Exception:
            logger.exception("a notice could not be followed")

    def _complain(self, sentence: str, *values: object) -> None:
        """Once, until the bus is back."""
        if not self._told:
            self._told = time.strftime("%H:%M:%S", time.gmtime(self._clock() / 1000))
            logger.warning(
                sentence + "; sessions go on, and the database is asked for news of other nodes", *values
            )


def _spoken(error: BaseException) -> str:
    """What is amiss, without an address's password."""
    if isinstance(error, AuthenticationError):
        return "it does not take the name and password of REDIS_URL"
    if isinstance(error, ResponseError) and "unknown command" in str(error).lower():
        return "it does not know sharded channels: Valkey, or Redis 7 or later, is needed"
    return str(error) or type(error).__name__
