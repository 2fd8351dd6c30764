"""`/metrics` for Prometheus: the counters, and what stands where, read when asked."""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import COMPILED, __version__
from app.counters import HELP_OUTCOMES, Histogram
from app.errors import BadKey
from app.mood import MOODS
from app.storage import DAMAGED_PARTS
from app.transport import Doors, bearer


class TcpConnections(Protocol):
    """What the server knows of its connections (`app.tcp`)."""

    @property
    def trailers(self) -> int: ...

    @property
    def unfinished(self) -> "Unfinished": ...

    @property
    def requests(self) -> int: ...

    def count(self, stage: str) -> int: ...


class Unfinished(Protocol):
    """Messages that are not whole yet: the bytes they hold, and how many had to give way."""

    held: int
    refused: int


#: Where a connection may stand (`app.tcp.STAGES`).
STAGES: Final = ("idle", "request", "handshake", "socket", "closing")


class Metrics(Collector):
    """Everything this process knows of itself. `gauges`: more values by name, added by who starts it; `tcp`: the
    server's connections, None where it is not ours; `together`: what this and its fellow workers know, None where there
    are none."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.tcp: TcpConnections | None = None
        self.together: Callable[[], Awaitable[Iterable[Metric]]] | None = None
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def routes(self) -> list[Route]:
        return [Route("/metrics", self._show)]

    def own(self) -> Iterator[Metric]:
        """What this process knows."""
        return iter(self._registry.collect())

    async def _show(self, request: Request) -> Response:
        token = self._doors.settings.metrics_token
        if token:
            presented = bearer(dict(request.scope["headers"])) or ""
            if not hmac.compare_digest(presented.encode(), token.encode()):
                raise BadKey("the metrics want their own bearer token (SESSIONMOOD_METRICS_TOKEN)")
        try:
            encode, kind = choose_encoder(request.headers.get("accept", ""))
        except (ValueError, TypeError, LookupError):  # an Accept that it can't read: what everybody can
            encode, kind = choose_encoder("")
        known = self._registry if self.together is None else _Known(await self.together())
        return Response(encode(known), headers={"content-type": kind, "cache-control": "no-store"})

    def collect(self) -> Iterator[Metric]:
        if self.tcp is not None:
            yield from self._tcp(self.tcp)
        yield from self._sockets()
        yield from self._events()
        yield from self._sessions()
        yield from self._storage()
        engine = "compiled" if COMPILED else "python"
        yield InfoMetricFamily(
            "sessionmood_build", "what runs", value={"version": __version__, "engine": engine}
        )
        for name, (text, value) in self.gauges.items():
            yield GaugeMetricFamily(name, text, value=value())

    def _tcp(self, tcp: TcpConnections) -> Iterator[Metric]:
        stages = GaugeMetricFamily(
            "sessionmood_lines", "connections of any kind, by where they stand", labels=["stage"]
        )
        for stage in STAGES:
            stages.add_metric([stage], tcp.count(stage))
        yield stages
        yield _gauge("request_connections", "connections that are no WebSocket", tcp.requests)
        yield _gauge("unfinished_bytes", "bytes of messages that have not come whole", tcp.unfinished.held)
        yield _counter(
            "unfinished_refused", "connections that had to give way with such", tcp.unfinished.refused
        )
        yield _counter("trailers", "header lines after a body, which are passed over", tcp.trailers)

    def _sockets(self) -> Iterator[Metric]:
        counters, connections = self._doors.ingest.counters, self._doors.connections
        yield _gauge("connections", "WebSockets open", len(connections))
        yield _counter("connections_opened", "WebSockets accepted", counters.connections)
        yield _gauge("held_requests", "requests held until the mood changes", connections.waiting)
        yield _counter("mood_pushes", "readings pushed to WebSockets", counters.pushes)
        yield _counter(
            "conflated", "readings replaced by a newer one before they were sent", counters.conflated
        )
        yield _counter(
            "held_back", "answers and handshakes that an address had to wait for", self._doors.rates.held
        )
        nacks = CounterMetricFamily("sessionmood_nacks", "batches refused on a WebSocket", labels=["code"])
        for code, count in counters.nacks.items():
            nacks.add_metric([code], count)
        yield nacks
        refusals = CounterMetricFamily(
            "sessionmood_refusals", "requests refused and WebSockets closed", labels=["door", "code"]
        )
        for (door, code), count in counters.refusals.items():
            refusals.add_metric([door, code], count)
        yield refusals

    def _events(self) -> Iterator[Metric]:
        counters = self._doors.ingest.counters
        events = CounterMetricFamily("sessionmood_events", "events that came", labels=["outcome"])
        events.add_metric(["accepted"], counters.events)
        events.add_metric(["duplicate"], counters.duplicates)
        events.add_metric(["ignored"], counters.ignored)
        yield events
        acks = HistogramMetricFamily(
            "sessionmood_ack_seconds", "from a batch's arrival until it is durable", labels=["door"]
        )
        for door, histogram in (("websocket", counters.acks_websocket), ("rest", counters.acks_rest)):
            acks.add_metric([door], _buckets(histogram), histogram.total)
        yield acks

    def _sessions(self) -> Iterator[Metric]:
        ingest = self._doors.ingest
        counters = ingest.counters
        yield _gauge("sessions", "sessions in memory", len(ingest.sessions))
        yield _counter("session_loads", "sessions read back from storage", counters.loaded)
        yield _counter("session_evictions", "sessions that left memory", counters.evicted)
        yield _counter(
            "disputed_sessions",
            "clients that lost a session's id to whoever opened it first, or to the app's server",
            counters.disputed,
        )
        yield _counter("expired_sessions", "sessions erased at the end of their retention", counters.expired)
        yield _counter("mood_changes", "changes of mood", counters.changes)
        moods = CounterMetricFamily("sessionmood_moods", "changes to a mood", labels=["mood"])
        for mood in MOODS:
            moods.add_metric([mood], counters.moods.get(mood, 0))
        yield moods
        yield _counter("help_offers", "offers of help", counters.offers)
        help = CounterMetricFamily(
            "sessionmood_help",
            "what came of offers; held_out: due where none is ever shown",
            labels=["outcome"],
        )
        for outcome in HELP_OUTCOMES:
            help.add_metric([outcome], counters.help.get(outcome, 0))
        help.add_metric(["held_out"], counters.held_out)
        yield help

    def _storage(self) -> Iterator[Metric]:
        state = self._doors.store.state()
        yield _gauge("queue_entries", "entries that wait to be written", state.queued_entries)
        yield _gauge("queue_bytes", "bytes that wait to be written", state.queued_bytes)
        yield SummaryMetricFamily(
            "sessionmood_commit_seconds",
            "transactions written",
            count_value=state.commits,
            sum_value=state.commit_seconds,
        )
        yield _counter("commit_failures", "transactions that failed", state.failures)
        yield _gauge("storage_failing", "1 while nothing can be written", float(state.failing))
        yield _counter("slow_commits", "transactions that took over a second", state.slow_commits)
        yield _gauge("database_bytes", "size of the database's file", state.file_bytes)
        yield _gauge("log_bytes", "size of the write-ahead log", state.log_bytes)
        yield _gauge("disk_free_bytes", "room left on the database's disk", state.free_bytes)
        damages = CounterMetricFamily(
            "sessionmood_damages", "things found that cannot be read, passed over", labels=["part"]
        )
        for part in DAMAGED_PARTS:
            damages.add_metric([part], state.damaged.get(part, 0))
        yield damages


class _Known(CollectorRegistry):
    """What was found out before it is written."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        super().__init__(auto_describe=False)
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"sessionmood_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"sessionmood_{name}", text, value=value)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in histogram.bounds), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))
