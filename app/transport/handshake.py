"""How a client becomes a peer: what its headers, its key, its token and its hello say."""

from collections.abc import MutableMapping
from math import inf
from typing import TYPE_CHECKING, Any, Final

import msgspec

from app import protocol
from app.auth.access import Claims
from app.auth.origins import check_origin
from app.errors import BadKey, BadToken, Revoked
from app.mood import reports_mask
from app.protocol.batches import Batch
from app.protocol.events import to_event
from app.protocol.frames import Hello
from app.protocol.readings import position
from app.sessions.producers import Producer
from app.sessions.session import Session
from app.storage import Key
from app.transport import bearer

if TYPE_CHECKING:
    from app.transport.websocket import Connection

#: The position of a client that nothing is pushed to yet: it may have seen elsewhere what is newer than is known here.
_NOT_YET: Final = (inf, inf)


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """What the headers of the handshake show."""

    key: str | None
    token: str | None
    origin: str | None


class Peer(msgspec.Struct, frozen=True):
    """Who is at the other end of a socket. Another hello makes another peer.

    `token`: as it was shown, with its `claims`; `producer`: its page load, None without one; `newest`: the position
    (event count, ms) of the reading that it said it has. `reports`, `offset` (ms), `clock`: what the hello said for
    events that come without a number."""

    key: Key
    session: Session
    token: str | None
    claims: Claims | None
    producer: str | None = None
    newest: tuple[float, float] = (0, 0)
    reports: list[str] | None = None
    offset: int | None = None
    clock: Producer | None = None

    @property
    def is_ready(self) -> bool:
        """False when nothing is stored of the session yet, or when many page loads of it came after this one and pushed
        its numbering out of memory: then `prepare` before its next batch."""
        session = self.session
        return session.version > 0 and session.knows(self.producer)

    def sign(self, batch: Batch, now: int) -> None:
        """Note in `batch`, which came at `now` (ms), whose it is."""
        if batch.bare or self.producer is None:
            batch.reports, batch.offset = self.reports, self._align(batch, now)
        else:
            batch.producer = self.producer

    def _align(self, batch: Batch, now: int) -> int | None:
        """ms to add to the clock of one who gives events no numbers, None where its hello did not tell it."""
        if self.clock is None:
            return None
        newest = max((to_event(event, 0).at for event in batch.events), default=-1)
        return self.clock.align(newest, now)

    def introduce(self) -> None:
        """Tell the session what the hello said of this page load."""
        if self.producer is not None and self.session.knows(self.producer):
            known = self.session.producer(self.producer)
            known.reports = reports_mask(self.reports or [])
            if self.offset is not None:
                known.measure(self.offset)


def credentials_of(scope: MutableMapping[str, Any]) -> Credentials:
    headers = dict(scope["headers"])
    return Credentials(bearer(headers), _text(headers.get(b"x-session-token")), _text(headers.get(b"origin")))


async def enter_by_headers(connection: "Connection") -> bool:
    """Let in who has shown a key in the handshake; False when a hello must come first, with a key or with the token
    that is missing. Raises what `_admit` raises, and StorageUnavailable."""
    shown = connection.credentials
    if shown.key is None:
        return False
    try:
        await _admit(connection, shown.key, shown.token)
    except BadToken:
        if shown.token is not None:
            raise
        return False
    peer = connection.peer
    assert peer is not None
    await connection.doors.ingest.freshen(peer.session)
    if peer.session.erased:
        raise Revoked("this session was erased")
    connection.peer = msgspec.structs.replace(peer, newest=(0, 0))
    return True


async def greet(connection: "Connection", hello: Hello) -> bytes:
    """Note what `hello` says; the `welcome` frame. Raises BadKey, and what `_admit` raises."""
    doors, shown, peer = connection.doors, connection.credentials, connection.peer
    epoch = doors.store.epoch
    have = hello.have or (0, 0)
    if have[1] < epoch.began_at:
        # What it saw before a restore may never come again: then what is stored now counts, however old.
        have = (0, 0)
    if peer is not None:  # from now on, not from the welcome on
        connection.peer = peer = msgspec.structs.replace(peer, newest=max(peer.newest, have))
    presented = shown.key if hello.key is None and peer is None else hello.key
    if presented is not None or peer is None:
        if presented is None:
            raise BadKey("no key: send it in the hello frame or in the handshake's headers")
        if peer is not None and doors.access.key(presented).project != peer.key.project:
            raise BadKey("the hello names a key of another project than the handshake")
        peer = await _admit(connection, presented, hello.token or shown.token)
    session = peer.session
    await doors.ingest.freshen(session)
    if session.erased:
        raise Revoked("this session was erased")
    await doors.ingest.recall(session, hello.producer)
    now = doors.clock()
    ack = session.hello(hello.producer, hello.now, reports_mask(hello.reports or []), now)
    reading = doors.ingest.reading(session, now)
    offset = None if hello.now is None else now - round(hello.now)
    connection.peer = peer = msgspec.structs.replace(
        peer,
        producer=hello.producer,
        newest=have,
        reports=hello.reports,
        offset=offset,
        clock=None if offset is None else Producer(offset=offset),
    )
    if session.last_at < epoch.began_at:
        # One less than is durable: a client that gets less than it had forgets the reading it has, which no
        # later one may ever pass, and one event that comes twice counts once.
        ack = max(0, ack - 1)
    if reading is not None and position(reading) < peer.newest:
        reading = None  # the client is ahead: what it saw last was not stored, and it will send that again
    if reading is not None:  # a push that waited for the disk may be older
        connection.peer = peer = msgspec.structs.replace(peer, newest=position(reading))
    return protocol.frame(
        "welcome",
        session=session.id,
        token=doors.token_for(session, peer.token, peer.claims),
        ack=ack,
        mood=None if reading is None else protocol.reading_dict(reading, session.offer),
        ping=_plain(doors.settings.ping_interval),
        limits=doors.limits,
        now=now,
        **({"epoch": epoch.name} if epoch.began_at else {}),
        **({} if (stale := doors.stale_since()) is None else {"stale_since": stale}),
    )


async def _admit(connection: "Connection", presented: str, token: str | None) -> Peer:
    """Raises BadKey, Revoked, BadOrigin, TooManyConnections, and what `Doors.enter` raises."""
    doors = connection.doors
    key = doors.access.key(presented)
    check_origin(key, connection.credentials.origin)
    now = doors.clock()
    entrance = await doors.enter(key, connection.session_id, token, now, create=True)
    assert entrance is not None
    if connection.counted_key is None:
        connection.counted_key = key.id
        doors.connections.admit_key(key.id)
    # A socket outlives a token that is renewed at every contact, but not one that was minted to end.
    claims = entrance.claims
    connection.expire_in(claims.expires - now / 1000 if claims is not None and claims.fixed else None)
    peer = connection.peer
    if peer is None:
        doors.connections.listen(entrance.session, connection)
        peer = Peer(key=key, session=entrance.session, token=token, claims=claims, newest=_NOT_YET)
    else:
        peer = msgspec.structs.replace(peer, key=key, token=token, claims=claims)
    connection.peer = peer
    return peer


async def prepare(connection: "Connection", peer: Peer, batch: Batch) -> Peer:
    """Have the session take `batch`: it begins with its first event. Raises what `Doors.begin` raises."""
    session, producer, doors = peer.session, peer.producer, connection.doors
    if not session.version and (batch.events or batch.lost):
        now = doors.clock()
        peer.sign(batch, now)
        doors.rates.check(peer.key, connection.address, len(batch.events), now)
        begun = await doors.begin(session, batch, peer.key, connection.address, now)
        if begun is not session:
            doors.ingest.leave(session, connection)
            doors.connections.listen(begun, connection)
            connection.peer = peer = msgspec.structs.replace(peer, session=begun)
            session = begun
            peer.introduce()
    if producer is not None and not session.knows(producer):
        await doors.ingest.recall(session, producer)
        peer.introduce()
    return peer


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _plain(seconds: float) -> float | int:
    """25, not 25.0: clients in strict languages may want a whole number."""
    return int(seconds) if seconds.is_integer() else seconds
