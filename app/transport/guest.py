"""Who is at the other end of a socket: what its key, its token and its hello say."""

import asyncio
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from app import protocol
from app.auth import Claims, check_origin
from app.errors import BadKey, BadToken
from app.mood import reports_mask
from app.protocol import Batch, Hello, position
from app.sessions import Session
from app.storage import Key
from app.transport import Doors, bearer

if TYPE_CHECKING:
    from app.transport.websocket import Connection


class Guest:
    """What is known of the client of `connection`. `producer`: its page load, None without one. `newest`: the
    position (event count, ms) of the reading that it said it has."""

    __slots__ = (
        "_claims", "_connection", "_doors", "_expiry", "_offset", "_origin", "_presented", "_reports", "_token",
        "_token_header", "counted_key", "key", "newest", "producer", "session",
    )  # fmt: skip

    def __init__(self, doors: Doors, connection: "Connection", scope: MutableMapping[str, Any]) -> None:
        self._doors = doors
        self._connection = connection
        headers = dict(scope["headers"])
        self._presented = bearer(headers)
        self._token_header = _text(headers.get(b"x-session-token"))
        self._origin = _text(headers.get(b"origin"))
        self.key: Key | None = None
        self.counted_key: str | None = None
        self.session: Session | None = None
        self.producer: str | None = None
        self.newest: tuple[float, float] = (0, 0)
        # what its hello said for events that come without a number
        self._reports: list[str] | None = None
        self._offset: int | None = None
        self._token: str | None = None
        self._claims: Claims | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def came_with_key(self) -> bool:
        """Let in who has shown a key in the handshake; False when a hello must come first, with a key or with
        the token that is missing. Raises what `_admit` raises."""
        if self._presented is None:
            return False
        try:
            await self._admit(self._presented, self._token_header)
        except BadToken:
            if self._token_header is not None:
                raise
            return False
        return True

    async def greet(self, hello: Hello) -> bytes:
        """Note what `hello` says; the `welcome` frame. Raises BadKey, and what `_admit` raises."""
        presented = self._presented if hello.key is None and self.key is None else hello.key
        if presented is not None or self.key is None:
            if presented is None:
                raise BadKey("no key: send it in the hello frame or in the handshake's headers")
            if self.key is not None and self._doors.access.key(presented).project != self.key.project:
                raise BadKey("the hello names a key of another project than the handshake")
            await self._admit(presented, hello.token or self._token_header)
        session, key = self.session, self.key
        assert session is not None
        assert key is not None
        await self._doors.ingest.recall(session, hello.producer)
        now = self._doors.clock()
        self.producer = hello.producer
        self._reports = hello.reports
        self._offset = None if hello.now is None else now - round(hello.now)
        ack = session.hello(hello.producer, hello.now, reports_mask(hello.reports or []), now)
        reading = self._doors.ingest.reading(session, now)
        self.newest = hello.have or (0, 0)
        if reading is not None and position(reading) < self.newest:
            reading = None  # the client is ahead: what it saw last was not kept, and it will send that again
        return protocol.frame(
            "welcome",
            session=session.id,
            token=self._doors.access.next_token(self._token, self._claims, key.project, session.id),
            ack=ack,
            mood=None if reading is None else protocol.reading_dict(reading, session.offer),
            ping=_plain(self._doors.settings.ping_interval),
            limits=self._doors.limits,
            now=now,
        )

    async def _admit(self, presented: str, token: str | None) -> None:
        """Raises BadKey, Revoked, BadOrigin, TooManyConnections, and what `Doors.enter` raises."""
        doors = self._doors
        key = doors.access.key(presented)
        check_origin(key, self._origin)
        now = doors.clock()
        connection = self._connection
        entrance = await doors.enter(key, connection.session_id, token, now, connection.address, create=True)
        assert entrance is not None
        if self.counted_key is None:
            self.counted_key = key.id
            doors.connections.admit_key(key.id)
        self.key = key
        self._token, self._claims = token, entrance.claims
        self._watch_expiry(now)
        if self.session is None:
            doors.connections.listen(entrance.session, connection)
            self.session = entrance.session

    def _watch_expiry(self, now: int) -> None:
        """A socket outlives a token that is renewed at every contact, but not one that was minted to end."""
        self._watch_no_longer()
        if self._claims is not None and self._claims.fixed:
            self._expiry = asyncio.get_running_loop().call_later(
                max(0.0, self._claims.expires - now / 1000),
                self._connection.fail,
                BadToken("the session token has expired"),
            )

    def _watch_no_longer(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    # What comes after the hello

    def is_known(self) -> bool:
        """False when many page loads of the session came after this one, and pushed its numbering out of memory:
        then `recall` before its next batch."""
        return self.session is None or self.session.knows(self.producer)

    async def recall(self) -> None:
        """Have the session know this page load again. Raises StorageUnavailable."""
        session, producer = self.session, self.producer
        if session is None or producer is None or session.knows(producer):
            return
        await self._doors.ingest.recall(session, producer)
        known = session.producers.get(producer)
        if known is not None:
            known.offset, known.reports = self._offset, reports_mask(self._reports or [])

    def sign(self, batch: Batch) -> None:
        """Note in `batch` whose it is."""
        if batch.bare or self.producer is None:
            batch.reports, batch.offset = self._reports, self._offset
        else:
            batch.producer = self.producer

    def leave(self) -> None:
        """The socket has closed."""
        self._watch_no_longer()
        session = self.session
        if session is not None and session.subscribers is not None:
            session.subscribers.remove(self._connection)
            self._doors.ingest.leave(session)
        del self._connection  # what refers to itself would wait for the collector of cyclic garbage


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _plain(seconds: float) -> float | int:
    """25, not 25.0: clients in strict languages may want a whole number."""
    return int(seconds) if seconds.is_integer() else seconds
