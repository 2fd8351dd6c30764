"""All open sockets and held requests, and how many of which kind may be."""

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Final, cast

from app.auth.limits import Buckets
from app.auth.sharing import Sharing
from app.config.settings import Settings
from app.errors import NotFound, RateLimited, Revoked, SessionMoodError, TooManyConnections
from app.mood import Offer, Reading
from app.sessions.registry import Sessions
from app.sessions.session import Session
from app.storage import Key
from app.transport.silences import Silences

if TYPE_CHECKING:
    from app.transport.websocket import Connection

#: Addresses whose connect rate is remembered; past that the longest unused is forgotten.
MAX_ADDRESSES: Final = 20_000
#: Sockets and held requests that may listen to one session: tabs of one visitor, not an audience.
MAX_LISTENERS: Final = 64


class Waiter:
    """A request that is held until something changes. `error` is set when it must end otherwise."""

    every = False

    def __init__(self, key: Key, session: Session) -> None:
        self.key = key
        self.session = session
        self.error: SessionMoodError | None = None
        self.changed = asyncio.Event()

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        self.changed.set()

    def fail(self, error: SessionMoodError) -> None:
        self.error = error
        self.changed.set()


class Connections:
    """The open sockets of this process. `sharing`: with other nodes, whose sockets count too; `silences`: whom to ping,
    and when."""

    def __init__(self, settings: Settings, sessions: Sessions, sharing: Sharing | None = None) -> None:
        self.settings = settings
        self._sharing = sharing
        self._sessions = sessions
        self.silences: Silences[Connection] = Silences(round(settings.ping_interval * 1000))
        self._open: set[Connection] = set()
        self._by_address: defaultdict[str, int] = defaultdict(int)
        self._by_key: defaultdict[str, int] = defaultdict(int)
        self._connects = Buckets(MAX_ADDRESSES)
        self._waiters: set[Waiter] = set()
        if sharing is not None:
            sharing.count("address", settings.max_connections_per_address, self._by_address.items)
            sharing.count("key", settings.max_connections_per_key, self._by_key.items)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def waiting(self) -> int:
        """How many requests are held."""
        return len(self._waiters)

    def all(self) -> "list[Connection]":
        return list(self._open)

    def add(self, connection: "Connection", now: int) -> None:
        """Raises TooManyConnections or RateLimited; `remove` must be called in any case."""
        address = connection.address
        self._open.add(connection)
        self.silences.wait(connection)
        self._by_address[address] += 1
        settings = self.settings
        if len(self._open) > settings.connection_cap:
            raise TooManyConnections("this server has as many connections as it takes", retry_ms=5000)
        per_address = settings.max_connections_per_address
        if per_address and self._by_address[address] + self._others("address", address) > per_address:
            raise TooManyConnections(f"one address may have {per_address} connections", retry_ms=5000)
        rate = settings.connects_per_second
        if rate:
            wait = self._connects.get(address, rate, rate * 10).take(1, now)
            if wait:
                raise RateLimited("too many new connections from this address", retry_ms=wait)

    def admit_key(self, key_id: str) -> None:
        """Count a socket that has shown its key. Raises TooManyConnections."""
        self._by_key[key_id] += 1
        per_key = self.settings.max_connections_per_key
        if per_key and self._by_key[key_id] + self._others("key", key_id) > per_key:
            raise TooManyConnections(f"one key may have {per_key} connections", retry_ms=5000)

    def _others(self, kind: str, name: str) -> int:
        return 0 if self._sharing is None else self._sharing.others(kind, name)

    def remove(self, connection: "Connection") -> None:
        self._open.discard(connection)
        self.silences.forget(connection)
        _drop(self._by_address, connection.address)
        if connection.counted_key is not None:
            _drop(self._by_key, connection.counted_key)

    def listen(self, session: Session, listener: "Connection | Waiter") -> None:
        """Push the session's readings to `listener`. Raises TooManyConnections."""
        if len(session.subscribers or ()) >= MAX_LISTENERS:
            raise TooManyConnections(f"one session may have {MAX_LISTENERS} listeners", retry_ms=5000)
        self._sessions.listen(session, listener)

    def add_waiter(self, waiter: Waiter) -> None:
        """Raises TooManyConnections; `remove_waiter` must be called in any case."""
        most = self.settings.waiting_cap
        if len(self._waiters) >= most:
            raise TooManyConnections("this server holds as many requests as it can", retry_ms=5000)
        self.listen(waiter.session, waiter)
        self._waiters.add(waiter)

    def remove_waiter(self, waiter: Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            self._sessions.leave(waiter.session, waiter)

    def release(self, spread: float) -> None:
        """Let every request that is held be answered, one after the other within `spread` seconds."""
        loop = asyncio.get_running_loop()
        for index, waiter in enumerate(self._waiters):
            loop.call_later(spread * index / len(self._waiters), waiter.changed.set)

    def close_key(self, key_id: str, error: SessionMoodError) -> None:
        """Close every socket that came with this key, and end every request that is held with it."""
        for connection in self.all():
            if connection.peer is not None and connection.peer.key.id == key_id:
                connection.fail(error)
        for waiter in self._waiters:
            if waiter.key.id == key_id:
                waiter.fail(error)

    def dismiss(self, session: Session, error: SessionMoodError, kind: str | None = None) -> None:
        """Send away who listens to `session`, or those who came with a key of this `kind`."""
        for listener in list(session.subscribers or ()):
            if isinstance(listener, Waiter):
                key: Key | None = listener.key
            else:
                peer = cast("Connection", listener).peer
                key = None if peer is None else peer.key
            if kind is None or (key is not None and key.kind == kind):
                erased = isinstance(error, Revoked) and isinstance(listener, Waiter)
                cast("Connection | Waiter", listener).fail(NotFound(error.detail) if erased else error)

    def close_session(self, project: str, session: str, error: SessionMoodError) -> None:
        """Close every socket of this session, and end every request that waits for it."""
        for connection in self.all():
            peer = connection.peer
            if connection.session_id == session and peer is not None and peer.key.project == project:
                connection.fail(error)
        for waiter in self._waiters:
            if waiter.session.id == session and waiter.session.project == project:
                waiter.fail(NotFound(error.detail))


def _drop(counts: "defaultdict[str, int]", name: str) -> None:
    counts[name] -= 1
    if counts[name] <= 0:
        del counts[name]
