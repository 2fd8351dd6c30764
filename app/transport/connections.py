"""All open sockets, and how many of which kind may be."""

from collections import Counter
from typing import TYPE_CHECKING

from app.config import Settings
from app.errors import RateLimited, SessionMoodError, TooManyConnections
from app.limits import TokenBucket

if TYPE_CHECKING:
    from app.transport.websocket import Connection

#: Addresses whose connect rate is remembered; past that the longest unused is forgotten.
MAX_ADDRESSES = 20_000


class Connections:
    """The open sockets of this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self._by_key: Counter[str] = Counter()
        self._connects: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> "list[Connection]":
        return list(self._open)

    def add(self, connection: "Connection", now: int) -> None:
        """Raises TooManyConnections or RateLimited; `remove` must be called in any case."""
        address = connection.address
        self._open.add(connection)
        self._by_address[address] += 1
        settings = self.settings
        if len(self._open) > settings.connection_cap:
            raise TooManyConnections("this server has as many connections as it takes", retry_ms=5000)
        per_address = settings.max_connections_per_address
        if per_address and self._by_address[address] > per_address:
            raise TooManyConnections(f"one address may have {per_address} connections", retry_ms=5000)
        if settings.connects_per_second:
            wait = self._bucket(address).take(1, now)
            if wait:
                raise RateLimited("too many new connections from this address", retry_ms=wait)

    def _bucket(self, address: str) -> TokenBucket:
        bucket = self._connects.pop(address, None)
        if bucket is None:
            bucket = TokenBucket(self.settings.connects_per_second, self.settings.connects_per_second * 10)
            if len(self._connects) >= MAX_ADDRESSES:
                del self._connects[next(iter(self._connects))]
        self._connects[address] = bucket
        return bucket

    def admit_key(self, key_id: str) -> None:
        """Count a socket that has shown its key. Raises TooManyConnections."""
        self._by_key[key_id] += 1
        per_key = self.settings.max_connections_per_key
        if per_key and self._by_key[key_id] > per_key:
            raise TooManyConnections(f"one key may have {per_key} connections", retry_ms=5000)

    def remove(self, connection: "Connection") -> None:
        self._open.discard(connection)
        _drop(self._by_address, connection.address)
        if connection.counted_key is not None:
            _drop(self._by_key, connection.counted_key)

    def close_key(self, key_id: str, error: SessionMoodError) -> None:
        """Close every socket that came with this key."""
        for connection in self.all():
            if connection.key is not None and connection.key.id == key_id:
                connection.fail(error)

    def close_session(self, project: str, session: str, error: SessionMoodError) -> None:
        """Close every socket of this session."""
        for connection in self.all():
            if (
                connection.session_id == session
                and connection.key is not None
                and connection.key.project == project
            ):
                connection.fail(error)


def _drop(counts: "Counter[str]", name: str) -> None:
    counts[name] -= 1
    if counts[name] <= 0:
        del counts[name]
