"""Sessions from storage: read once for all who ask, folded up to the end of their log."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from app.counters import Counters
from app.errors import Damaged, SessionMoodError, StorageUnavailable
from app.ingest import MAX_FOLD_EVENTS
from app.ingest.history_rows import restored_history
from app.ingest.persist import Persister
from app.ingest.replaying import replay
from app.mood import Change, Offer, OutdatedSnapshot
from app.sessions.become import become
from app.sessions.elements import Elements
from app.sessions.listeners import Observer
from app.sessions.registry import Sessions
from app.sessions.session import Session
from app.storage import Batch, SessionRow, Storage, Stored

logger = logging.getLogger("sessionmood.ingest")


class Loader:
    """Brings sessions into memory. `elements`: what is learned of elements, where anything is; `observe`: who
    watches a session's engine; `turn`: wait for it between the parts of a long log."""

    def __init__(self, sessions: Sessions, store: Storage, persister: Persister, counters: Counters) -> None:
        self.sessions = sessions
        self.store = store
        self.elements: Elements | None = None
        self.observe: Callable[[Session], Observer] | None = None
        self.turn: Callable[[], Awaitable[None]] = partial(asyncio.sleep, 0)
        self._persister = persister
        self._counters = counters
        self._loading: dict[tuple[str, str], asyncio.Future[Session | None]] = {}
        self._recalling: dict[tuple[Session, str], asyncio.Future[None]] = {}
        self._outdated = False

    async def find(self, project: str, id: str, producer: str | None = None) -> Session | None:
        """The session, from memory or from storage, ready for a batch of `producer`; None if there is none.
        Raises StorageUnavailable."""
        while True:
            session = self.sessions.get(project, id)
            if session is not None:
                if session.knows(producer):
                    return session
                await self.recall(session, producer)
                continue  # it may have left memory meanwhile, or have been erased
            loading = self._loading.get((project, id))
            if loading is None:
                if self.store.lacks(project, id):
                    return None
                loading = asyncio.ensure_future(self._load(project, id))
                self._loading[(project, id)] = loading
                loading.add_done_callback(lambda _: self._loading.pop((project, id), None))
            if await asyncio.shield(loading) is None:
                # somebody else may have opened it meanwhile
                return self.sessions.get(project, id)
            # it may have left memory again meanwhile: look once more

    def is_loading(self, name: tuple[str, str]) -> bool:
        """Whether the session of this project and id is being read now."""
        return name in self._loading

    async def loaded(self, name: tuple[str, str]) -> None:
        """Wait until nobody reads the session of this project and id."""
        loading = self._loading.get(name)
        if loading is not None:
            await asyncio.wait([loading])

    def prepare(self, session: Session) -> None:
        """Give a session that comes into memory what it works with."""
        session.elements = self.elements
        if self.observe is not None:
            session.observer = self.observe(session)

    async def recall(self, session: Session, producer: str | None) -> None:
        """See to it that `session` knows the numbering of page load `producer`, before its hello or its batch.
        Costs one look-up, and only where many page loads were. Raises StorageUnavailable."""
        if producer is None or session.knows(producer):
            return
        # One look-up for all who ask: who comes later finds it in memory, so none can be out of date.
        name = (session, producer)
        recalling = self._recalling.get(name)
        if recalling is None:
            recalling = self._recalling[name] = asyncio.ensure_future(self._recall(session, producer))
            recalling.add_done_callback(lambda _: self._recalling.pop(name, None))
        await asyncio.shield(recalling)

    async def _recall(self, session: Session, producer: str) -> None:
        await self.store.settled()  # its last batch may still be queued
        stored = await self.store.producer_state(session.project, session.id, producer)
        session.remember(producer, *((0, 0) if stored is None else (stored.last_seq, stored.reports)))

    async def _load(self, project: str, id: str) -> Session | None:
        stored = await self.store.load(project, id)
        if stored is None:
            return None
        try:
            session = await self._revive(stored)
        except SessionMoodError:
            raise
        except Exception as error:
            self.store.report_damage(project, id, "session", error)
            raise Damaged from error
        self._counters.loaded += 1
        return session

    async def reload(self, session: Session, *, unless_folded: bool = False) -> bool:
        """Have `session` say what storage says, whatever was folded into it here; False where nothing is stored of it,
        and with `unless_folded` where something was folded into it meanwhile. Raises StorageUnavailable."""
        version = session.version
        stored = await self.store.load(session.project, session.id)
        if stored is None:
            return False
        read, _, _ = await self._read(stored)
        if unless_folded and (session.stale or session.version != version):
            return False
        become(session, read)
        return True

    async def _revive(self, stored: Stored) -> Session:
        session, news, worn = await self._read(stored)
        opened = self.sessions.get(session.project, session.id)
        if opened is not None:  # here and on another node at once: its first commit tells it what is stored
            return opened
        self.sessions.add(session)
        self.sessions.schedule(session)
        if worn:
            with contextlib.suppress(StorageUnavailable):
                self._persister.persist(session, None, news, snapshot=True)
        return session

    async def _read(self, stored: Stored) -> tuple[Session, list[Change | Offer], bool]:
        """The session, what the rows of its log brought, and whether it should get a newer snapshot."""
        row = stored.row
        session, batches, damaged = self._begun(row), stored.batches, False
        if stored.snapshot is not None:
            try:
                session.restore(stored.snapshot, stored.snapshot_version)
            except Exception as error:  # whatever its bytes say: the log has it all
                if isinstance(error, OutdatedSnapshot):
                    self._tell_outdated(error)
                else:
                    self.store.report_damage(row.project, row.session, "snapshot", error)
                session, batches = self._begun(row), await self._whole_log(row)
        self.prepare(session)
        restored = False
        news: list[Change | Offer] = []
        folded = 0
        for batch in batches:
            if batch.version > row.version and not restored:
                self._restore_history(session, stored)
                restored = True
            folded += batch.count
            # after a damaged snapshot it may be all there ever was
            if folded > MAX_FOLD_EVENTS and folded > batch.count:
                await self.turn()
                folded = batch.count
            failure = replay(session, batch, news)
            if failure is not None:
                damaged = True
                reason = f"the row of version {batch.version}: {failure}"
                self.store.report_damage(row.project, row.session, "log", reason)
        if not restored:
            self._restore_history(session, stored)
        session.version = max(session.version, row.version)  # the last rows may be those that can't be read
        session.created_at, session.incarnation = row.created_at, stored.incarnation
        session.stored_row.read(row.last_at, row.due_at, row.page, session.nonce, row.traits)
        if session.version > row.version:
            session.stored_row.passed(session.last_at)
        worn = damaged or len(batches) > 16 or session.snapshot_version < session.version - 16
        return session, news, worn

    def _tell_outdated(self, error: OutdatedSnapshot) -> None:
        """Once: after an upgrade there may be a million of them."""
        if not self._outdated:
            self._outdated = True
            logger.info("sessions that another version kept are read from their logs again (%s)", error)

    def _restore_history(self, session: Session, stored: Stored) -> None:
        """Take the history up as the session's row has it, which knows what time did and who was there to see it; rows
        of the log that came after it are folded on top."""
        row = stored.row
        if stored.history is None:
            return
        try:
            session.history = restored_history(row, stored.history)
            session.history_stored = session.history.version
        except Exception as error:  # whatever its bytes say: what the log gives is close
            self.store.report_damage(row.project, row.session, "history", error)

    def _begun(self, row: SessionRow) -> Session:
        return Session(
            row.project, row.session, row.created_at, self.sessions.model, row.publishable, row.nonce
        )

    async def _whole_log(self, row: SessionRow) -> list[Batch]:
        batches: list[Batch] = []
        while True:
            page = await self.store.batches(row.project, row.session, batches[-1].version if batches else 0)
            if not page:
                return batches
            batches += page
