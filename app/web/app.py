"""The whole service as one ASGI application, and its start and stop."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.auth.access import Access
from app.auth.rates import Rates
from app.clock import Clock
from app.config.settings import Settings
from app.errors import MethodNotAllowed, NotFound, Revoked, SessionMoodError, StorageUnavailable
from app.ingest.following import Following
from app.ingest.learning import Learning
from app.ingest.receive import Ingest
from app.ingest.retention import Retention
from app.ingest.sweep import Sweep
from app.sessions.registry import Sessions
from app.transport import Doors
from app.transport.answers import ClientLeft, address_of, refuse
from app.transport.api.keys import Keys
from app.transport.api.manage import Manage, Problem
from app.transport.api.shadow import ShadowDoor
from app.transport.connections import Connections
from app.transport.pages.docs import Docs
from app.transport.pages.metrics import Metrics
from app.transport.pages.openapi import OpenApi
from app.transport.pages.pages import Pages, safe
from app.transport.pages.privacy import Privacy
from app.transport.posted import WholeRequest
from app.transport.rest import Rest
from app.transport.slow_lane import SlowLane
from app.transport.websocket import Connection
from app.web.factories import bus_of, model_of, node_gauges, shadow_of, sharing_of, storage_of
from app.web.first_keys import demo_key, development_keys
from app.web.upkeep import Upkeep

logger = logging.getLogger("sessionmood")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HOT: Final = re.compile(r"/v1/sessions/([^/]*)/(events|mood)")
_SOCKET: Final = re.compile(r"/v1/sessions/([^/]*)/ws")


class App:
    """The whole service as one ASGI application: the two hot calls and the sockets first, then the rest."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = storage_of(settings)
        self.clock = clock = Clock()
        self.access = Access(self.store, clock, settings.token_ttl, settings.demo)
        self.ingest = Ingest(
            Sessions(model_of(settings)),
            self.store,
            clock,
            max_sessions=settings.max_sessions,
        )
        #: where connections and large batches take turns
        self.lane = SlowLane()
        self.ingest.loader.turn = self.lane.turn
        self.learning = Learning(self.store, clock)
        if settings.learn_elements:
            self.ingest.loader.elements = self.learning.elements
        self.sweep = Sweep(self.ingest, settings.session_idle)
        self.shadow = shadow_of(settings)
        if (shadow := self.shadow) is not None:
            self.ingest.loader.observe = lambda session: shadow.observe(session.project, session.id)
        self.bus = bus_of(settings, clock)
        self.sharing = sharing_of(settings, self.bus)
        self.connections = Connections(settings, self.ingest.sessions, self.sharing)
        self.doors = Doors(
            settings,
            self.store,
            self.access,
            self.ingest,
            self.connections,
            Rates(settings, self.sharing),
            clock,
        )
        self.upkeep = Upkeep(self.doors, clock)
        self.following = Following(self.ingest, self.bus)
        if settings.redis_url:
            self.following.on_erased = self._look_for_erased
            self.following.on_keys = self._read_keys
            self.ingest.persister.on_news = self.following.tell
            self.doors.on_erased = self.following.tell_erased
            self.doors.on_keys = self.following.tell_keys
            self.doors.stale_since = lambda: self.bus.state().stale_since
        self.ingest.conflicts.on_gone = self.connections.dismiss
        self.access.on_revoked = lambda key: self.connections.close_key(
            key.id, Revoked("this key was revoked")
        )
        self.retention = Retention(self.store, clock, settings.retention_days, self.doors.expire)
        self.rest = Rest(self.doors)
        self.metrics = Metrics(self.doors)
        self.metrics.gauges |= {
            "sessionmood_clock_ahead_seconds": (
                "how far the machine's clock is ahead of the service's, which goes on evenly",
                lambda: clock.ahead_ms / 1000,
            ),
            "sessionmood_clock_steps": ("how often the machine's clock was found set", lambda: clock.steps),
            "sessionmood_retention_refused": (
                "1 while nothing is erased because the clock is not believed",
                lambda: float(bool(self.retention.refused)),
            ),
        }
        self.metrics.gauges |= node_gauges(self.bus, self.ingest.conflicts)
        self.pages = Pages(self.doors)
        self.pages.remarks = self._remarks
        #: when `stop` must be done (the loop's time), None when it may take its time
        self.stop_by: float | None = None
        self.other = Starlette(
            routes=[
                *Manage(self.doors).routes(),
                *Keys(self.doors).routes(),
                *ShadowDoor(self.doors, self.shadow).routes(),
                *self.metrics.routes(),
                *OpenApi().routes(),
                *Docs(settings).routes(),
                *Privacy(settings).routes(),
                *self.pages.routes(),
            ],
            exception_handlers={
                SessionMoodError: self._refuse,
                ClientLeft: self._drop,
                HTTPException: self._answer_http,
                Exception: self._answer_unexpected,
            },
        )
        # no address is made of the Host that a client names
        self.other.router.redirect_slashes = False
        self._tasks: list[asyncio.Task[None]] = []
        self._beside: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self.doors.leaving:
                scope.pop("extensions", None)  # each answer has a header more
                send = _hanging_up(send)
            if (fault := scope.pop("fault", None)) is not None:  # the line knows already
                await refuse(self.doors, scope, send, fault)
                return
            hot = _HOT.fullmatch(scope["path"])
            if hot is not None:
                await self.rest.handle(scope, receive, send, hot[1], hot[2])
                return
        elif scope["type"] == "websocket":
            socket = _SOCKET.fullmatch(scope["path"])
            scope["session_id"] = "" if socket is None else socket[1]
            await Connection(self.doors, scope, receive, send).serve()
            return
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        open_to_all = not scope["path"].startswith("/v1/")
        if open_to_all and (wait := self.doors.rates.page(address_of(scope), self.clock())):
            await asyncio.sleep(wait)
        await self.other(scope, receive, safe(send))

    def take(self, request: WholeRequest) -> bool:
        """Answer a request that has come whole, where that needs no task; False, with nothing done: it is for
        `__call__`."""
        hot = _HOT.fullmatch(request.scope["path"])
        if hot is None or hot[2] != "events" or self.doors.leaving:
            return False
        return self.rest.take(request, hot[1])

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop as the ASGI server says. What can't start says why, in words where it is known."""
        await receive()
        try:
            await self.start()
        except SessionMoodError as error:
            await send({"type": "lifespan.startup.failed", "message": error.detail})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    # Refusals of the calls that Starlette routes

    async def _refuse(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, SessionMoodError)
        return Problem(self.doors, error)

    async def _drop(self, request: Request, error: Exception) -> Response:
        return Response(status_code=408)  # nobody reads it

    async def _answer_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            allow = (error.headers or {}).get("Allow", "GET")
            return Problem(self.doors, MethodNotAllowed(f"this address takes {allow}", allow=allow))
        return Problem(self.doors, NotFound(f"there is nothing at {request.scope['path'][:200]}"))

    async def _answer_unexpected(self, request: Request, error: Exception) -> Response:
        return Problem(self.doors, SessionMoodError("this is our fault, and is logged"))

    # Starting and stopping

    async def start(self) -> None:
        await self.store.open()
        if not self.store.sole:
            self.store.tell_conflicts(self.ingest.conflicts.tell)
            await self.clock.ask(self.store.now)
        self.clock.resume(await self.store.newest())
        self.pages.fresh_keys = await development_keys(self.store, self.clock)
        if self.settings.demo != "off":
            self.pages.demo_key = await demo_key(self.store, self.clock)
        await self.access.start()
        if self.ingest.loader.elements is not None:
            await self.learning.start()
        await self.bus.start((await self.store.secret("bus")).hex())
        self.following.start()
        if self.sharing is not None:
            self.sharing.start()
        await self.sweep.start()
        self._tasks = [
            *self.upkeep.start(),
            asyncio.create_task(self.retention.run(), name="retention"),
        ]

    def _remarks(self) -> list[str]:
        """What `/readyz` should tell though the service is ready."""
        remarks = [f"retention: {self.retention.refused}"] if self.retention.refused else []
        if not self.clock.trusted:
            remarks.append(
                f"clock: the machine's was set by {self.clock.ahead_ms / 1000:.0f} s; not followed"
            )
        stale_since = self.bus.state().stale_since
        if stale_since is not None:
            seconds = (self.clock() - stale_since) / 1000
            remarks.append(f"bus: away for {seconds:.0f} s; news of other nodes come from the database")
        return remarks

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        now, by = asyncio.get_running_loop().time(), self.stop_by
        await self.sweep.stop(None if by is None else (now + by) / 2)
        await self.access.stop()
        await self.learning.stop()
        await self.following.stop()
        if self.sharing is not None:
            await self.sharing.stop()
        await self.store.settled()
        await self.bus.stop()
        await self._close_store()

    async def _close_store(self) -> None:
        closing = asyncio.ensure_future(self.store.close())
        left = None if self.stop_by is None else max(0.0, self.stop_by - asyncio.get_running_loop().time())
        await asyncio.wait([closing], timeout=left)
        if closing.done():
            closing.result()
            return
        closing.cancel()  # its thread hangs in the disk; whoever waits for that waits too long
        logger.error("the storage could not be closed in time; nothing that was acked is lost")

    def _look_for_erased(self, project: str, session: str) -> None:
        self._begin(self.doors.look_for_erased(project, session))

    def _read_keys(self) -> None:
        self._begin(self.access.refresh())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else; what fails is logged, and looked at again sooner or later."""

        async def run() -> None:
            try:
                await work
            except StorageUnavailable:
                pass
            except Exception:
                logger.exception("what another node told could not be followed")

        task = asyncio.create_task(run(), name="told")
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)


def _hanging_up(send: Send) -> Send:
    """Asks clients that would send their next request on the same connection to open one elsewhere."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return closing


def create_app(settings: Settings) -> App:
    """The service, not yet started: an ASGI server's lifespan does that."""
    return App(settings)
