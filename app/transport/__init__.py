"""The doors: WebSocket and REST. They turn bytes into batches, stamp the time of arrival, and answer."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from app.auth import PUBLISHABLE, Access, Claims
from app.config import Settings
from app.errors import BadRequest, NotFound, Revoked, StorageUnavailable
from app.ingest import Ingest
from app.protocol import SESSION_ID, Limits
from app.sessions import Session
from app.storage import Key, Storage

if TYPE_CHECKING:
    from app.transport.connections import Connections
    from app.transport.rates import Rates


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
        self.limits = Limits(settings.max_batch_events, settings.max_batch_bytes, settings.max_inflight)
        #: Told to stop: readiness says so and new sockets go elsewhere, while requests are still answered.
        self.leaving = False

    async def enter(
        self,
        key: Key,
        session_id: str,
        token: str | None,
        now: int,
        address: str,
        *,
        create: bool,
        producer: str | None = None,
    ) -> Entrance | None:
        """The session that `key` (and `token`) opens, ready for a batch of `producer`; None when there is none
        and `create` is False.

        Raises BadToken, OverQuota, RateLimited, Revoked (while it waited), StorageUnavailable.
        """
        claims = None
        if token and key.kind == PUBLISHABLE:
            claims = self.access.check_token(token, key.project, session_id)
        session = await self.ingest.find(key.project, session_id, producer)
        if session is None:
            if not create:
                return None
            self.rates.open_session(key, address, now)
            await self.access.count_session(key, session_id, now)
            self.access.check_alive(key)
            session = self.ingest.sessions.get(key.project, session_id)
            if session is None:
                return Entrance(
                    self.ingest.open(key.project, session_id, now, key.kind == PUBLISHABLE), claims
                )
        else:
            self.access.check_alive(key)
        if key.kind == PUBLISHABLE and claims is None and not _untouched(session):
            claims = self.access.check_token(token, key.project, session_id)
        return Entrance(session, claims)

    def ended_at(self, last_at: int, now: int) -> int | None:
        """When a visit was over whose last event was at `last_at` (ms); None while it is not."""
        ended_at = last_at + self.visit_idle_ms
        return ended_at if ended_at <= now else None

    async def erase(self, project: str, session_id: str) -> bool:
        """Send away who listens to a session, and forget it in memory and on disk. False if there was none.
        Raises StorageUnavailable."""
        self.connections.close_session(project, session_id, Revoked("this session was erased"))
        return await self.ingest.erase(project, session_id)


def _untouched(session: Session) -> bool:
    """Opened by somebody whose line broke before the token reached them, and who is gone: they must be able to
    come again without it. There is nothing in it yet that anybody else could see."""
    return session.event_count == 0 and not session.subscribers


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
    try:
        async with asyncio.timeout(seconds):
            await asyncio.shield(durable)
    except TimeoutError:
        raise StorageUnavailable("the batch could not be kept in time", retry_ms=1000) from None
