"""Who is at the other end of a socket: what its key, its token and its hello say."""

import asyncio
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from app import protocol
from app.auth.access import Claims
from app.auth.origins import check_origin
from app.errors import BadKey, BadToken
from app.mood import reports_mask
from app.protocol.batches import Batch
from app.protocol.events import to_event
from app.protocol.frames import Hello
from app.protocol.readings import position
from app.sessions.producers import Producer
from app.sessions.session import Session
from app.storage import Key
from app.transport import Doors, bearer

if TYPE_CHECKING:
    from app.transport.websocket import Connection


class Guest:
    """What is known of the client of `connection`. `producer`: its page load, None without one. `newest`: the
    position (event count, ms) of the reading that it said it has."""

    __slots__ = (
        "_claims", "_clock", "_connection", "_doors", "_expiry", "_offset", "_origin", "_presented", "_reports", "_token",
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
        self._clock: Producer | None = None
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
        await self._doors.ingest.freshen(session)
        await self._doors.ingest.recall(session, hello.producer)
        now = self._doors.clock()
        self.producer = hello.producer
        self._reports = hello.reports
        self._offset = None if hello.now is None else now - round(hello.now)
        self._clock = None if self._offset is None else Producer(offset=self._offset)
        ack = session.hello(hello.producer, hello.now, reports_mask(hello.reports or []), now)
        reading = self._doors.ingest.reading(session, now)
        epoch = self._doors.store.epoch
        have = hello.have or (0, 0)
        # What it saw before a restore may never come again: then what is kept now counts, however old.
        self.newest = have if have[1] >= epoch.began_at else (0, 0)
        if session.last_at < epoch.began_at:
            # One less than is durable: a client that gets less than it had forgets the reading it has, which no
            # later one may ever pass, and one event that comes twice counts once.
            ack = max(0, ack - 1)
        if reading is not None and position(reading) < self.newest:
            reading = None  # the client is ahead: what it saw last was not kept, and it will send that again
        return protocol.frame(
            "welcome",
            session=session.id,
            token=self._doors.token_for(session, self._token, self._claims),
            ack=ack,
            mood=None if reading is None else protocol.reading_dict(reading, session.offer),
            ping=_plain(self._doors.settings.ping_interval),
            limits=self._doors.limits,
            now=now,
            **({"epoch": epoch.name} if epoch.began_at else {}),
            **({} if (stale := self._doors.stale_since()) is None else {"stale_since": stale}),
        )

    async def _admit(self, presented: str, token: str | None) -> None:
        """Raises BadKey, Revoked, BadOrigin, TooManyConnections, and what `Doors.enter` raises."""
        doors = self._doors
        key = doors.access.key(presented)
        check_origin(key, self._origin)
        now = doors.clock()
        connection = self._connection
        entrance = await doors.enter(key, connection.session_id, token, now, create=True)
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

    def is_ready(self) -> bool:
        """False when nothing is kept of the session yet, or when many page loads of it came after this one and pushed
        its numbering out of memory: then `prepare` before its next batch."""
        session = self.session
        return session is not None and session.version > 0 and session.knows(self.producer)

    async def prepare(self, batch: Batch) -> None:
        """Have the session take `batch`: it begins with its first event. Raises what `Doors.begin` raises."""
        session, producer, doors = self.session, self.producer, self._doors
        assert session is not None
        assert self.key is not None
        if not session.version and (batch.events or batch.lost):
            self.sign(batch)
            now = doors.clock()
            doors.rates.check(self.key, self._connection.address, len(batch.events), now)
            begun = await doors.begin(session, batch, self.key, self._connection.address, now)
            if begun is not session:
                doors.ingest.leave(session, self._connection)
                self.session = None
                doors.connections.listen(begun, self._connection)
                self.session = session = begun
                self._introduce(session)
        if producer is not None and not session.knows(producer):
            await doors.ingest.recall(session, producer)
            self._introduce(session)

    def _introduce(self, session: Session) -> None:
        """Tell `session` what the hello said of this page load."""
        if self.producer is not None and session.knows(self.producer):
            known = session.producer(self.producer)
            known.reports = reports_mask(self._reports or [])
            if self._offset is not None:
                known.measure(self._offset)

    def sign(self, batch: Batch) -> None:
        """Note in `batch` whose it is."""
        if batch.bare or self.producer is None:
            batch.reports, batch.offset = self._reports, self._align(batch)
        else:
            batch.producer = self.producer

    def _align(self, batch: Batch) -> int | None:
        """ms to add to the clock of one who gives events no numbers, None where its hello did not tell it."""
        if self._clock is None:
            return None
        newest = max((to_event(event, 0).at for event in batch.events), default=-1)
        return self._clock.align(newest, self._doors.clock())

    def leave(self) -> None:
        """The socket has closed."""
        self._watch_no_longer()
        if self.session is not None:
            self._doors.ingest.leave(self.session, self._connection)
        del self._connection  # what refers to itself would wait for the collector of cyclic garbage


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _plain(seconds: float) -> float | int:
    """25, not 25.0: clients in strict languages may want a whole number."""
    return int(seconds) if seconds.is_integer() else seconds
