"""uvicorn the way this service needs it: bounded sockets, a drain before the stop, quiet logs."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence, Sized
from functools import partial
from types import FrameType
from typing import Any, Final, cast

import uvicorn

from app.config.settings import Settings
from app.errors import Draining
from app.server.announce import Bursts, Standstills, announce
from app.server.http_protocol import HttpProtocol
from app.server.logs import set_up_logging
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.server.worker_metrics import WorkerMetrics
from app.server.workers import Worker, Workers
from app.web import App, create_app

logger = logging.getLogger("sessionmood.server")

#: The share of the grace that is left, after sockets were asked to leave, to close everything.
CLOSING_SHARE: Final = 0.4
#: Objects made and not freed before cyclic garbage is looked for among the new ones, and how many such looks
#: until the older ones are looked at too (Python's own: 700, 10, 10). A look takes 0.7 us an object, during which
#: everybody waits: 5,000 and 10 were pauses of 3 and 10 ms. The oldest are looked at seldom: there are most of them.
GC_THRESHOLD: Final = (500, 3, 1_000)
#: Seconds after which the event loop gives Python to the thread that commits, when it wants it (Python's own:
#: 0.005). A commit needs that a few times, and while the loop is busy an ack waits for each.
SWITCH_INTERVAL: Final = 0.0001
#: Connections that the system takes for us before we do.
BACKLOG: Final = 4096


class Server(uvicorn.Server):
    """Drains before it stops: readiness goes first, then sockets leave one after the other. A second signal
    stops at once. Whatever hangs, the process is gone when `drain_grace` is over."""

    def __init__(
        self, config: uvicorn.Config, app: App, tcp: TcpConnections, worker: Worker | None = None
    ) -> None:
        super().__init__(config)
        self._worker = worker
        self._app = app
        self._tcp = tcp
        self._watch: asyncio.Task[None] | None = None
        self._signal = "a stop"
        self._worker_metrics: WorkerMetrics | None = None
        if worker is not None:
            self._worker_metrics = WorkerMetrics(worker.folder, worker.number, worker.count, app.metrics.own)
            app.metrics.together = self._worker_metrics.together
        self._bursts = Bursts(app.ingest.counters)
        self._standstills = Standstills()
        app.metrics.gauges["sessionmood_loop_late_seconds"] = (
            "the worst of the last minute by which the event loop came late to what was due",
            lambda: self._standstills.worst,
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Unlike uvicorn's: a second signal of any kind ends the process there and then (what was acked is on
        the disk), and none is raised again at the end, so that a stop that went well exits with 0. A worker's signals
        are for the process that watches over it."""
        if self._worker is not None:
            return
        if self.should_exit:
            os._exit(1)
        self._signal = signal.Signals(sig).name
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._watch = asyncio.create_task(self._look_after(), name="connections")
            _spare_the_collector()
            port = self.servers[0].sockets[0].getsockname()[1]
            if self._worker is None or self._worker.is_first:
                announce(self._app, port)
            if self._worker_metrics is not None:
                await self._worker_metrics.start()
            if self._worker is not None:
                self._worker.begin(partial(asyncio.get_running_loop().call_soon_threadsafe, self._leave))

    def _leave(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop, grace = asyncio.get_running_loop(), self._app.settings.drain_grace
        began = loop.time()
        ends = began + grace
        logger.info(
            "%s: stopping within %g s; %d sockets to send on", self._signal, grace, len(self._app.connections)
        )
        watchdog = threading.Timer(grace, _give_up)
        watchdog.daemon = True
        watchdog.start()
        await self._drain(ends - grace * CLOSING_SHARE)
        logger.info("drained in %.1f s; %d sockets are left", loop.time() - began, len(self._app.connections))
        self._app.stop_by = ends - grace * CLOSING_SHARE / 4
        self.config.timeout_graceful_shutdown = max(0.1, ends - grace * CLOSING_SHARE / 2 - loop.time())  # type: ignore[assignment]
        try:
            await super().shutdown(sockets)
        except Exception:  # the database is closed in good order whatever happens
            logger.exception("the connections could not all be closed in good order")
            await self.lifespan.shutdown()
        if self._worker_metrics is not None:
            await self._worker_metrics.stop()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        logger.info("stopped in %.1f s", loop.time() - began)

    async def _look_after(self) -> None:
        """End connections that are late with what they send or read."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 1
            await asyncio.sleep(1)
            self._standstills.note(max(0.0, loop.time() - due), loop.time())
            try:
                self._bursts.look(loop.time())
                await self._tcp.look_after(loop.time)
            except Exception:
                logger.exception("connections could not be looked after")

    async def _drain(self, ends: float) -> None:
        """Tell every client to come back, each a little later than the one before, so that they do not all
        arrive at the other nodes at once; then close what stayed, once its batches are acked or it is `ends`
        (loop time)."""
        app, settings = self._app, self._app.settings
        app.doors.leaving = True
        connections = self.server_state.connections
        left = max(0.0, ends - asyncio.get_running_loop().time())
        scale = min(1.0, left / (settings.drain_gap + settings.drain_spread or 1.0))
        await self._pause(settings.drain_gap * scale, connections)
        spread = settings.drain_spread * scale
        leaving = app.connections.all()
        for index, connection in enumerate(leaving):
            connection.drain(round(spread * 1000 * index / len(leaving)))
        app.connections.release(spread)
        await self._pause(spread, app.connections)
        app.ingest.draining = True
        for connection in app.connections.all():
            connection.fail(Draining(retry_ms=1000), after_acks=True)
        await self._pause(settings.drain_grace * CLOSING_SHARE / 4, app.connections)
        for connection in app.connections.all():
            connection.fail(Draining(retry_ms=1000))
        # uvicorn would close them at once, with a code of its own and before they are told why
        await self._pause(settings.drain_grace * CLOSING_SHARE / 8, app.connections)

    async def _pause(self, seconds: float, who: Sized) -> None:
        """Wait, unless nobody of `who` is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline and len(who):
            await asyncio.sleep(0.02)


def _give_up() -> None:
    """The end of a stop that hangs, in a disk's write for instance. What was not acked is with its client."""
    logger.error("the stop took longer than SESSIONMOOD_DRAIN_GRACE; leaving without an end")
    os._exit(1)


def _spare_the_collector() -> None:
    """What is there after the start stays, so it need not be looked at again; and thousands of live sockets make
    each look long, so that fewer looks cost less. What is freed by counting, which is nearly all, never waits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)


def serve(settings: Settings, warnings: Sequence[str] = ()) -> int:
    """Run until told to stop; the exit code. `warnings`: what the log says of the settings."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    set_up_logging(settings)
    for sentence in warnings:
        logger.warning(sentence)
    sys.setswitchinterval(SWITCH_INTERVAL)
    if settings.workers > 1:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            sock = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
        except OSError as error:
            logger.error("%s:%d cannot be listened to: %s", settings.host, settings.port, error)
            return 3
        return Workers(settings.workers, settings.drain_grace, partial(_serve, settings, sock)).run()
    return _serve(settings)


def _serve(settings: Settings, sock: socket.socket | None = None, worker: Worker | None = None) -> int:
    """One process of the service."""
    app = create_app(settings)
    tcp = TcpConnections(settings, app.lane, app.ingest.counters)
    app.metrics.tcp = tcp
    tcp.take = app.take
    config = uvicorn.Config(
        cast(Any, app),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=cast(Any, partial(HttpProtocol, tcp)),
        ws=cast(Any, partial(SocketProtocol, tcp)),
        ws_per_message_deflate=False,
        ws_max_size=settings.max_batch_bytes,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=max(1, round(settings.drain_grace)),
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        lifespan="on",
    )
    server = Server(config, app, tcp, worker)
    if worker is None and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, server.handle_exit)
    server.run(None if sock is None else [sock])
    return 0 if server.started else 3
