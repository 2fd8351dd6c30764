"""Every connection of this process, from its first byte to its last: each is in one list, which has a cap, and
each list has a deadline that somebody watches."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Final, Protocol

from uvicorn.middleware.proxy_headers import _TrustedHosts

from app.config.settings import Settings
from app.counters import Counters
from app.errors import Overloaded, SessionMoodError
from app.server.keepalive import Keepalive
from app.server.request_cycle import Proxies
from app.transport.slow_lane import SlowLane

#: Where a connection stands. `idle`: no request has come whole; `request`: one has; `handshake`: it is to become a
#: WebSocket; `socket`: it is one, and the doors count and watch it too; `closing`: it was told why, and may read it.
STAGES: Final = ("idle", "request", "handshake", "socket", "closing")
#: Those that are no WebSocket (yet).
_REQUESTS: Final = ("idle", "request", "handshake")
#: Bytes of messages that have not come whole or wait for their turn, of all connections together: at least so many,
#: and four of the largest that a setting allows.
UNFINISHED: Final = 16_777_216
#: Less than that of a connection is not looked at before it has had its turn: most messages are whole then.
SMALL: Final = 16_384
#: What a fragment of a message takes beside its bytes.
FRAGMENT_COSTS: Final = 64
#: Connections looked after in one go.
AT_ONCE: Final = 1000


class TcpConnection(Protocol):
    """A connection."""

    @property
    def address(self) -> str:
        """Who is at the other end: those with one address share its limits."""

    def look_after(self, now: float) -> bool:
        """End it where it is late; `now`: the loop's time. Called every second for what is no WebSocket, and for a
        WebSocket as long as this is True (`TcpConnections.watch`)."""

    def make_room(self, error: SessionMoodError) -> None:
        """End, and say why."""

    def abort(self) -> None:
        """Cut the connection."""


class Unfinished:
    """What the messages that are not whole yet hold, `most` bytes together. Past that the address that holds the
    most gives way, the longest at it first: who sends in good time is not in the way. `refused`: how many did."""

    def __init__(self, most: int = UNFINISHED) -> None:
        self._most = most
        self.held = 0
        self.refused = 0
        self._sizes: dict[TcpConnection, tuple[str, int]] = {}
        self._totals: Counter[str] = Counter()
        self._of: dict[str, dict[TcpConnection, None]] = {}  # by address, the longest first

    def hold(self, connection: TcpConnection, address: str, size: int) -> None:
        """Note that `line` holds `size` bytes now; 0 when its message is whole, or gone."""
        known = self._sizes.get(connection)
        if known is None:
            if not size:
                return
            self._of.setdefault(address, {})[connection] = None
        else:
            address = known[0]
        self.held += size - (0 if known is None else known[1])
        self._totals[address] += size - (0 if known is None else known[1])
        if size:
            self._sizes[connection] = (address, size)
        else:
            self._forget(connection, address)
        while self.held > self._most:
            address = max(self._totals, key=self._totals.__getitem__)
            longest = next(iter(self._of[address]))
            self.hold(longest, address, 0)
            self.refused += 1
            longest.make_room(
                Overloaded("too much at once has come here in part only; send it again", retry_ms=2000)
            )

    def _forget(self, connection: TcpConnection, address: str) -> None:
        del self._sizes[connection]
        del self._of[address][connection]
        if not self._of[address]:
            del self._of[address], self._totals[address]


class TcpConnections:
    """All connections. `everything`: how many there may be; `most`: of those that are no WebSocket (yet); `lane`:
    where they take turns; `trailers`: header lines after a body, which nobody heeds."""

    def __init__(self, settings: Settings, lane: SlowLane, counters: Counters | None = None) -> None:
        self.lane = lane
        self.keepalive = Keepalive()
        self.counters = counters or Counters()
        self.unfinished = Unfinished(max(UNFINISHED, 4 * settings.max_batch_bytes))
        self.request_within = settings.request_timeout
        self.most = settings.request_cap
        self.everything = settings.file_cap
        per_address = settings.max_connections_per_address
        self.per_address = min(per_address, self.most // 4) if per_address else self.most
        self.trailers = 0
        #: answers a request that has come whole without a task, where it can (`App.take`)
        self.take: Callable[[Any], bool] = lambda request: False
        self.proxies = Proxies(settings.trusted_proxies)
        self._trusted = _TrustedHosts(settings.trusted_proxies)
        self._stage_of: dict[TcpConnection, str] = {}
        # the longest there first
        self._in: dict[str, dict[TcpConnection, None]] = {stage: {} for stage in STAGES}
        self._by_address: defaultdict[str, int] = defaultdict(int)
        self._watched: dict[TcpConnection, None] = {}

    def __len__(self) -> int:
        return len(self._stage_of)

    def count(self, stage: str) -> int:
        return len(self._in[stage])

    @property
    def requests(self) -> int:
        """Connections that are no WebSocket (yet)."""
        return sum(len(self._in[stage]) for stage in _REQUESTS)

    def add(self, connection: TcpConnection, host: str) -> bool:
        """Count a new connection from `host`. False: there is no room for it, and it has to end."""
        self._put(connection, "idle")
        if self._by_address[connection.address] > self.per_address and host not in self._trusted:
            return False
        if len(self._stage_of) > self.everything or self.requests > self.most:
            # who was told why need not be waited for; then goes who has been silent longest
            going = next(iter(self._in["closing"]), None) if len(self._stage_of) > self.everything else None
            going = going or next(iter(self._in["idle"]))
            if going is connection:
                return False
            self.remove(going)
            going.abort()
        return True

    def move(self, connection: TcpConnection, stage: str) -> None:
        """Note where `line` stands now; nothing once it is gone."""
        before = self._stage_of.get(connection)
        if before is None or before == stage:
            return
        if before in _REQUESTS and stage in _REQUESTS:  # twice with each request
            del self._in[before][connection]
            self._in[stage][connection] = None
            self._stage_of[connection] = stage
        else:
            self._take(connection)
            self._put(connection, stage)

    def shake_hands(self, connection: TcpConnection) -> None:
        """Count a connection that was counted as another `TcpConnection` until now, and is to become a WebSocket."""
        self._put(connection, "handshake")

    def watch(self, connection: TcpConnection) -> None:
        """Look after a WebSocket, of which a message has come in part. The others wait for nothing, and are too many
        to look at each of them every second."""
        self._watched[connection] = None

    def remove(self, connection: TcpConnection) -> None:
        """The connection is over."""
        if connection in self._stage_of:
            self._take(connection)
            self._watched.pop(connection, None)
            self.unfinished.hold(connection, "", 0)

    def hold(self, connection: TcpConnection, address: str, size: int) -> None:
        """Note what `line` holds of messages that are not whole (`Unfinished`); nothing once it is gone."""
        if connection in self._stage_of:
            self.unfinished.hold(connection, address, size)

    def _put(self, connection: TcpConnection, stage: str) -> None:
        self._stage_of[connection] = stage
        self._in[stage][connection] = None
        if stage in _REQUESTS:
            self._by_address[connection.address] += 1

    def _take(self, connection: TcpConnection) -> None:
        stage = self._stage_of.pop(connection)
        del self._in[stage][connection]
        if stage in _REQUESTS:
            self._by_address[connection.address] -= 1
            if not self._by_address[connection.address]:
                del self._by_address[connection.address]

    async def look_after(self, clock: Callable[[], float]) -> None:
        """Have every connection that something is awaited of see whether it is late; `clock`: the loop's time."""
        awaited = [each for stage in STAGES if stage != "socket" for each in self._in[stage]]
        awaited += self._watched
        for number, connection in enumerate(awaited, 1):
            if connection in self._stage_of and not connection.look_after(clock()):
                self._watched.pop(connection, None)
            if not number % AT_ONCE:
                await asyncio.sleep(0)
