"""The doors: WebSocket and REST. They turn bytes into batches, stamp the time of arrival, and answer."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from app.auth.access import OPENING_MS, Access, Claims, new_nonce
from app.auth.keys import PUBLISHABLE
from app.config.settings import Settings
from app.errors import BadRequest, BadToken, Damaged, NotFound, Revoked, SessionMoodError, StorageUnavailable
from app.ingest.receive import Ingest
from app.protocol.batches import Batch, Limits
from app.protocol.frames import SESSION_ID
from app.sessions.session import Session
from app.storage import Key, Storage

if TYPE_CHECKING:
    from app.auth.rates import Rates
    from app.transport.connections import Connections


#: A batch waits so long (s) for the disk before its sender is told to come again.
DURABLE_WITHIN: Final = 10.0
#: Erasures that are remembered while tokens from before could still open the id; only secret keys erase.
MAX_ERASED: Final = 10_000


class Entrance(NamedTuple):
    """A session that somebody may use, and what their token says (None where none was needed)."""

    session: Session
    claims: Claims | None


class Doors:
    """What every door needs: who may come in, where batches go, what time it is (ms since the epoch)."""

    def __init__(
        self,
        settings: Settings,
        store: Storage,
        access: Access,
        ingest: Ingest,
        connections: "Connections",
        rates: "Rates",
        clock: Callable[[], int],
    ) -> None:
        self.settings = settings
        self.store = store
        self.access = access
        self.ingest = ingest
        self.connections = connections
        self.rates = rates
        self.clock = clock
        self.visit_idle_ms = round(settings.visit_idle * 1000)
        #: a batch waits so long (s) for the disk before its sender is told to come again
        self.durable_within = DURABLE_WITHIN
        self.limits = Limits(settings.max_batch_events, settings.max_batch_bytes, settings.max_inflight)
        #: Told to stop: readiness says so and new sockets go elsewhere, while requests are still answered.
        self.leaving = False
        self._erased: dict[tuple[str, str], int] = {}
        #: told, for other nodes, of a session (project, id) that is gone or has a new owner, and that keys have changed
        self.on_erased: Callable[[str, str], None] = lambda project, session: None
        self.on_keys: Callable[[], None] = lambda: None
        #: until when (ms) news of other nodes are known to be complete; None while they are
        self.stale_since: Callable[[], int | None] = lambda: None

    async def enter(
        self,
        key: Key,
        session_id: str,
        token: str | None,
        now: int,
        *,
        create: bool,
        producer: str | None = None,
    ) -> Entrance | None:
        """The session that `key` (and `token`) may use, ready for a batch of `producer`; a proposal where there is none
        yet, None if `create` is False. Nothing is counted, noted or pushed out for it: `begin` does that, before its
        first event.

        Raises BadToken, OverQuota, Revoked (while it waited), Overloaded.
        """
        claims = None
        if token and key.kind == PUBLISHABLE:
            claims = self.access.check_token(token, key.project, session_id)
        session = await self.ingest.find(key.project, session_id, producer)
        if session is None and create:
            await self.access.check_quota(key, session_id, now)
            session = self.ingest.sessions.get(key.project, session_id)
        self.access.check_alive(key)
        if session is not None:
            return self._let_in(session, key, token, claims)
        if claims is not None and not self._may_open(claims, now):
            raise BadToken("the session that this token was for is gone")
        if not create:
            return None
        if key.kind == PUBLISHABLE:
            nonce = new_nonce() if claims is None else claims.nonce
            session = self.ingest.sessions.propose(key.project, session_id, now, nonce)
        else:
            session = self.ingest.open(key.project, session_id, now, False, new_nonce())
        return Entrance(session, claims)

    def enter_at_once(
        self, key: Key, session_id: str, token: str | None, producer: str | None
    ) -> Entrance | None:
        """As `enter`, for a session that is in memory and has begun; None where it is to be waited for."""
        session = self.ingest.sessions.get(key.project, session_id)
        if session is None or not session.version or not session.knows(producer):
            return None
        return self._let_in(session, key, token, None)

    def _let_in(self, session: Session, key: Key, token: str | None, claims: Claims | None) -> Entrance:
        if key.kind != PUBLISHABLE:
            return Entrance(session, None)
        if claims is None:
            claims = self.access.check_token(token, key.project, session.id)
        if claims.nonce != session.nonce:
            raise BadToken("this token is not for the session that stands under its id now")
        return Entrance(session, claims)

    def _may_open(self, claims: Claims, now: int) -> bool:
        """Whether who holds this token was told of a session that is not kept yet, and is not told by now that it
        was erased."""
        erased_at = self._erased.get((claims.project, claims.session))
        given_at = claims.opens_until - OPENING_MS
        return now < claims.opens_until and (erased_at is None or erased_at < given_at)

    async def begin(self, session: Session, batch: Batch, key: Key, address: str, now: int) -> Session:
        """Ask before `batch` is folded: its session counts with its first event. Returns the session to fold it into,
        which is another than the proposal `session` where one with the same token was opened meanwhile.

        Raises OutOfOrder, BadToken (somebody else was first), OverQuota, RateLimited, Revoked, Overloaded.
        """
        if session.version or not (batch.events or batch.lost):
            return session
        if not self.store.sole and await self._is_open_elsewhere(session):
            if session.version:
                return session
        else:
            session.check_order(batch.producer, batch.seq, batch.lost)
        self.store.admit()
        self.rates.open_session(key, address, now)
        session.pending += 1  # it stays in memory meanwhile
        try:
            await self.access.count_session(key, session.id, now)
            found = await self.ingest.find(session.project, session.id, batch.producer)
        finally:
            session.pending -= 1
        self.access.check_alive(key)
        if session.erased:
            raise Revoked("this session was erased")
        if found is None and session.proposed:
            return self._accept(session)
        if found is None or found is session:
            return session
        if found.nonce != session.nonce:
            self.ingest.counters.disputed += 1
            raise BadToken("somebody else has opened a session of this id")
        return found

    async def _is_open_elsewhere(self, session: Session) -> bool:
        """Whether another node has opened this session, which nothing happened in here: then it is read, where it is in
        memory already. Raises StorageUnavailable."""
        if session.proposed:
            (version,) = await self.store.versions([(session.project, session.id)])
            return version > 0
        await self.ingest.others.freshen(session)
        return session.version > 0

    def _accept(self, session: Session) -> Session:
        accepted, lost = self.ingest.accept(session)
        for other in lost:
            self.ingest.counters.disputed += 1
            self.connections.dismiss(other, BadToken("somebody else has opened a session of this id"))
        return accepted

    def token_for(self, session: Session, token: str | None, claims: Claims | None) -> str:
        """The token to give to one who came with `token` and may use `session`."""
        return self.access.next_token(
            token, claims, session.project, session.id, session.nonce, opens=session.proposed
        )

    async def mint(self, project: str, session_id: str, ttl: float | None, now: int) -> str:
        """A token from the server's own hand. From now on the id is the server's: what a page opened under it stays,
        but tokens that were given before are void. Raises StorageUnavailable."""
        session = await self.ingest.find(project, session_id)
        if session is None:
            session = self.ingest.open(project, session_id, now, False, new_nonce())
        taken = session.publishable
        if taken:
            session.nonce, session.publishable = new_nonce(), False
            self.connections.dismiss(
                session, BadToken("the app's server has taken this id over"), PUBLISHABLE
            )
        if taken or not session.version:
            await until_durable(self.ingest.persist(session, None, []), self.durable_within)
            if not self.store.sole:
                row = await self.store.row(project, session_id)
                if row is None or row.nonce != session.nonce:  # it lost, and is read again
                    raise StorageUnavailable("another server has changed this session just now", retry_ms=250)
            self.on_erased(project, session_id)
        return self.access.issue_token(project, session_id, session.nonce, ttl)

    def ended_at(self, last_at: int, now: int) -> int | None:
        """When a visit was over whose last event was at `last_at` (ms); None while it is not."""
        ended_at = last_at + self.visit_idle_ms
        return ended_at if ended_at <= now else None

    async def erase(self, project: str, session_id: str) -> bool:
        """Send away who listens to a session, and forget it in memory and on disk, and its tokens. False if there was
        none. Raises StorageUnavailable."""
        return await self._forget(project, session_id, Revoked("this session was erased"))

    async def expire(self, before: int, limit: int) -> int:
        """Erase sessions whose last event was before `before` (ms), `limit` at most; how many went. Whoever still
        listens to one begins another visit. Raises StorageUnavailable."""
        gone, live = await self.ingest.expire(before, limit)
        over = BadToken("this session is past the time that sessions are kept")
        outcomes = await asyncio.gather(
            *(self._forget(each.project, each.id, over) for each in live), return_exceptions=True
        )
        for session, outcome in zip(live, outcomes, strict=True):
            if isinstance(outcome, Exception):
                if isinstance(outcome, StorageUnavailable) and not isinstance(outcome, Damaged):
                    raise outcome
                self.store.report_damage(session.project, session.id, "retention", outcome)
        gone += sum(outcome is True for outcome in outcomes)
        self.ingest.counters.expired += gone
        return gone

    async def _forget(self, project: str, session_id: str, why: SessionMoodError) -> bool:
        self._note_erased(project, session_id)
        self.connections.close_session(project, session_id, why)
        erased = await self.ingest.erase(project, session_id)
        self.on_erased(project, session_id)
        return erased

    def _note_erased(self, project: str, session_id: str) -> None:
        self._erased.pop((project, session_id), None)
        self._erased[(project, session_id)] = self.clock()
        if len(self._erased) > MAX_ERASED:
            del self._erased[next(iter(self._erased))]

    async def look_for_erased(self, project: str, session_id: str) -> None:
        """Another node has erased a session, or given it to another owner: do here what follows from what is stored now.
        Raises StorageUnavailable."""
        row = await self.store.row(project, session_id)
        if row is None:
            self._note_erased(project, session_id)
        session = self.ingest.sessions.get(project, session_id)
        if session is None or (row is not None and row.nonce == session.nonce):
            return
        if row is not None and not session.version:
            await self.ingest.catch_up(session)
        elif row is not None and session.publishable and not row.publishable:
            await self.ingest.catch_up(session)
            session.nonce, session.publishable = row.nonce, False
            self.connections.dismiss(
                session, BadToken("the app's server has taken this id over"), PUBLISHABLE
            )
        elif session.is_stored:  # else it loses to what is stored, and finds out by itself
            self.connections.close_session(project, session_id, Revoked("this session was erased"))
            await self.ingest.forget(project, session_id)


def check_session_id(text: str) -> str:
    """Raises BadRequest for an id that the contract does not allow, NotFound for what is no name in an address:
    clients that tidy paths (RFC 3986, 5.2.4) would never come back to it."""
    if SESSION_ID.fullmatch(text) is None:
        raise BadRequest("a session id has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")
    if text in (".", ".."):
        raise NotFound(f"`{text}` is no session id: clients fold it away from the address")
    return text


def bearer(headers: dict[bytes, bytes]) -> str | None:
    """The key in `x-api-key` or `Authorization: Bearer`."""
    key = headers.get(b"x-api-key")
    if key is None:
        scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
        key = rest.strip() if scheme.lower() == b"bearer" else None
    return None if key is None else key.decode("latin-1")


async def until_durable(durable: "asyncio.Future[None]", seconds: float) -> None:
    """Wait until a batch can't be lost. Raises StorageUnavailable when it can't be kept in that time; the
    batch stays queued and is kept as soon as storage recovers."""
    if not durable.done():
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        def wake(_: object) -> None:
            if not over.done():
                over.set_result(None)

        # By hand: `asyncio.timeout` around a `shield` costs three times as much, for each POST.
        durable.add_done_callback(wake)
        timer = loop.call_later(seconds, wake, None)
        try:
            await over
        finally:
            timer.cancel()
        if not durable.done():
            raise not_in_time()
    durable.result()


def not_in_time() -> StorageUnavailable:
    """What who waited for a batch is told when that took too long."""
    return StorageUnavailable("the batch could not be kept in time", retry_ms=1000)
