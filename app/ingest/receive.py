"""The one path from a batch to a mood: find the session, fold, push, keep.

Every door calls `receive` or `receive_in_parts`; the mood push never waits for the disk, the receipt's `durable` does.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from app import protocol
from app.counters import Counters
from app.errors import Damaged, Draining, Overloaded, Revoked, SessionMoodError, StorageUnavailable
from app.ingest.kept_history import history_row, kept_history
from app.ingest.kept_rows import change_row, session_row
from app.ingest.receipts import Receipt, together
from app.ingest.replaying import replay
from app.mood import Change, Event, Offer, OutdatedSnapshot, Reading, reports_mask
from app.protocol.events import note, to_events
from app.sessions.elements import Elements
from app.sessions.registry import Sessions
from app.sessions.session import Observer, Session, Subscriber
from app.storage import Batch, Entry, SessionRow, Storage, Stored

logger = logging.getLogger("sessionmood.ingest")

#: Events folded in one go: 0.2 ms where the engine is compiled.
PART: Final = 100


class Ingest:
    """Live sessions on top of storage. `clock` gives ms since the epoch; it is read by the sweep only.

    `draining`: the server is about to stop, and new batches are refused. `turn`: wait for it between the parts of
    a large batch."""

    def __init__(
        self,
        sessions: Sessions,
        store: Storage,
        clock: Callable[[], int],
        *,
        max_sessions: int = 50_000,
    ) -> None:
        self.sessions = sessions
        self.store = store
        self.clock = clock
        self.max_sessions = max_sessions
        self.counters = Counters()
        #: what is learned of elements, where anything is
        self.elements: Elements | None = None
        self.observe: Callable[[Session], Observer] | None = None
        self.draining = False
        self.turn: Callable[[], Awaitable[None]] = partial(asyncio.sleep, 0)
        self._loading: dict[tuple[str, str], asyncio.Future[Session | None]] = {}
        self._outdated = False
        self._recalling: dict[tuple[Session, str], asyncio.Future[None]] = {}

    # Finding sessions

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
                loading = asyncio.ensure_future(self._load(project, id))
                self._loading[(project, id)] = loading
                loading.add_done_callback(lambda _: self._loading.pop((project, id), None))
            if await asyncio.shield(loading) is None:
                # somebody else may have opened it meanwhile
                return self.sessions.get(project, id)
            # it may have left memory again meanwhile: look once more

    def open(self, project: str, id: str, now: int, publishable: bool, nonce: str = "") -> Session:
        """A new session. Raises Overloaded when sessions come faster than they can leave memory."""
        self._make_room()
        session = self.sessions.open(project, id, now, publishable, nonce)
        self._prepare(session)
        return session

    def accept(self, session: Session) -> tuple[Session, list[Session]]:
        """Make a proposal the session of its id: see `Sessions.accept`. Raises Overloaded as `open` does."""
        self._make_room()
        session, lost = self.sessions.accept(session)
        self._prepare(session)
        return session, lost

    def _make_room(self) -> None:
        if len(self.sessions) >= 2 * self.max_sessions:
            raise Overloaded("too many sessions at once", retry_ms=2000)

    def leave(self, session: Session, subscriber: Subscriber) -> None:
        """A listener has left. A session in which nothing ever happened leaves with the last one."""
        self.sessions.leave(session, subscriber)
        if session.proposed:
            return
        if not session.subscribers and session.version == 0 and session.pending == 0:
            if self.sessions.get(session.project, session.id) is session:
                self.sessions.remove(session)
        else:
            self.sessions.schedule(session)

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
        kept = await self.store.numbering(session.project, session.id, producer)
        session.remember(producer, *((0, 0) if kept is None else (kept.last_seq, kept.reports)))

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
        self.counters.loaded += 1
        return session

    async def _revive(self, stored: Stored) -> Session:
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
        self._prepare(session)
        recalled = False
        news: list[Change | Offer] = []
        folded = 0
        for batch in batches:
            if batch.version > row.version and not recalled:
                self._recall_history(session, stored)
                recalled = True
            folded += batch.count
            if (
                folded > PART and folded > batch.count
            ):  # after a damaged snapshot it may be all there ever was
                await self.turn()
                folded = batch.count
            failure = replay(session, batch, news)
            if failure is not None:
                damaged = True
                reason = f"the row of version {batch.version}: {failure}"
                self.store.report_damage(row.project, row.session, "log", reason)
        if not recalled:
            self._recall_history(session, stored)
        session.version = max(session.version, row.version)  # the last rows may be those that can't be read
        session.created_at = row.created_at
        session.row_read(row.last_at, row.due_at, row.page, row.traits)
        if session.version > row.version:
            session.row_passed(session.last_at)
        self.sessions.add(session)
        self.sessions.schedule(session)
        if damaged or len(batches) > 16 or session.snapshot_version < session.version - 16:
            with contextlib.suppress(StorageUnavailable):
                self.keep(session, None, news, snapshot=True)
        return session

    def _tell_outdated(self, error: OutdatedSnapshot) -> None:
        """Once: after an upgrade there may be a million of them."""
        if not self._outdated:
            self._outdated = True
            logger.info("sessions that another version kept are read from their logs again (%s)", error)

    def _recall_history(self, session: Session, stored: Stored) -> None:
        """Take the history up as the session's row has it, which knows what time did and who was there to see it; rows
        of the log that came after it are folded on top."""
        row = stored.row
        if stored.history is None:
            return
        try:
            session.history = kept_history(row, stored.history)
            session.history_kept = session.history.version
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

    def _prepare(self, session: Session) -> None:
        """Give a session that comes into memory what it works with."""
        session.elements = self.elements
        if self.observe is not None:
            session.observer = self.observe(session)

    # Events

    def receive(self, session: Session, batch: protocol.Batch, now: int) -> Receipt:
        """Fold a batch into `session`, push what changed, and queue it to be kept.

        Raises, with nothing folded, OutOfOrder, StorageUnavailable (the queue is full), Draining, or Revoked
        when the session was erased meanwhile.
        """
        self._admit(session)
        news: list[Change | Offer] = []
        events = self._events(session, batch, now)
        offset = batch.offset if batch.producer is None or batch.seq is None else None
        receipt = self._fold(session, batch, events, now, news, offset)
        self._publish(session, news, now)
        return receipt

    async def receive_in_parts(self, session: Session, batch: protocol.Batch, now: int) -> Receipt:
        """As `receive`, for a batch of any size: PART events at a time, between which others have their turn. Each
        part is a row of the log; pushed is once.

        Raises as `receive` does. Revoked and StorageUnavailable may also come when parts of it have been folded:
        a client that numbers its events sends it again, and those count once.
        """
        if len(batch.events) <= PART:
            return self.receive(session, batch, now)
        self._admit(session)
        events = self._events(session, batch, now)
        offset = batch.offset
        if offset is None or batch.seq is not None:
            offset = session.align(events, batch.producer, batch.seq, batch.lost, now)
        news: list[Change | Offer] = []
        receipts: list[Receipt] = []
        session.pending += 1  # it stays in memory meanwhile
        try:
            for start in range(0, len(events), PART):
                if start:
                    await self.turn()
                    await self.recall(session, batch.producer)
                    self._admit(session, begun=True)
                stop = start + PART
                part = protocol.part(batch, start, stop)
                receipts.append(
                    self._fold(session, part, events[start:stop], now, news, offset, last=stop >= len(events))
                )
        finally:
            session.pending -= 1
            if receipts:
                self._publish(session, news, now)
        return together(receipts)

    def _admit(self, session: Session, *, begun: bool = False) -> None:
        """Ask before anything is folded: what was folded and not queued would count as kept. A batch that has
        `begun` is finished also when the server stops."""
        if self.draining and not begun:
            raise Draining(retry_ms=1000)
        if session.erased:
            raise Revoked("this session was erased")
        self.store.admit()

    def _events(self, session: Session, batch: protocol.Batch, now: int) -> list[Event]:
        """The engine's events; their `at` is still the sender's, whose clock is noted if the batch tells of it."""
        assert session.knows(batch.producer), "recall it first"
        if batch.now is not None:
            batch.offset = now - round(batch.now)
            if batch.producer is not None:
                session.producer(batch.producer).check(batch.offset)
        return to_events(batch.events)

    def _fold(
        self,
        session: Session,
        batch: protocol.Batch,
        events: list[Event],
        now: int,
        news: list[Change | Offer],
        offset: int | None,
        *,
        last: bool = True,
    ) -> Receipt:
        """Fold and queue; what changed is added to `news`. `offset`: ms to add to the sender's clock, None where the
        session has to tell. Time passes with the `last` part only: it must not overtake events."""
        reports = None if batch.reports is None else reports_mask(batch.reports)
        outcome = session.receive(events, batch.producer, batch.seq, batch.lost, reports, now, offset)
        fresh = outcome.news + session.advance(now) if last else outcome.news
        counters = self.counters
        counters.events += outcome.accepted
        counters.duplicates += outcome.duplicates
        counters.ignored += outcome.ignored
        if outcome.moved:
            wires = note(batch.events, events, outcome.skipped)
            for wire in wires:
                if wire.type == "help":
                    counters.told_of_help(wire.kind)
            kept = Batch(
                session.version,
                now,
                batch.producer,
                outcome.first_seq,
                outcome.ack,
                outcome.reports,
                len(wires),
                protocol.encode_log(wires),
            )
            durable = self.keep(session, kept, fresh)
        elif fresh:  # the batch brought nothing, but time did: what is pushed is kept
            durable = self.keep(session, None, fresh)
        else:
            durable = self.store.settled()
        if not session.proposed:
            self.sessions.touch(session)
        news += fresh
        return Receipt(outcome, durable)

    def current(self, row: SessionRow) -> SessionRow:
        """The row as the session in memory has it, if it is there: what storage has may lag behind."""
        session = self.sessions.get(row.project, row.session)
        if session is None or session.engine is None:
            return row
        return session_row(session, row.due_at)

    def reading(self, session: Session, now: int) -> Reading | None:
        """The reading at `now`, with what time alone changed published and kept. While nothing can be kept, the
        last one."""
        self.pass_time(session, now)
        return session.reading(now)

    def pass_time(self, session: Session, now: int) -> None:
        if session.erased:
            return
        try:
            self.store.admit()
        except StorageUnavailable:
            pass  # a change that can't be noted waits: it is found again at the next look, with its own time
        else:
            news = session.advance(now)
            if news or 0 <= session.row_by <= now:
                self.keep(session, None, news)
            if news:
                self._publish(session, news, now)
        self.sessions.schedule(session)

    # Keeping

    def keep(
        self, session: Session, batch: Batch | None, news: list[Change | Offer], snapshot: bool = False
    ) -> "asyncio.Future[None]":
        """Queue a step of `session` to be kept; done when it can't be lost any more. Raises StorageUnavailable."""
        if batch is None:  # with one it was asked before the fold
            self.store.admit()
        engine = session.engine
        changes = (
            [change_row(item, session.page) for item in news if isinstance(item, Change)] if news else ()
        )
        due_at = None if engine is None else engine.due_at()
        state = session.snapshot() if snapshot or changes or session.snapshot_due() else None
        history = session.history
        news_of_history = session.history_kept != history.version
        row = None
        if batch is None or state is not None or news_of_history or session.row_due(due_at):
            row = session_row(session, due_at)
        durable = self.store.submit(
            Entry(
                row,
                batch,
                changes,
                state,
                history_row(history) if news_of_history else None,
                of=(session.project, session.id),
            )
        )
        if batch is None or row is not None:
            session.row_written(due_at)
        else:
            session.row_passed(batch.at)
        session.history_kept = history.version
        session.pending += 1
        durable.add_done_callback(partial(self._kept, session, batch))
        return durable

    def _kept(self, session: Session, batch: Batch | None, durable: "asyncio.Future[None]") -> None:
        failure = None if durable.cancelled() else durable.exception()
        if durable.cancelled() or isinstance(failure, StorageUnavailable):
            # still queued: the session must stay in memory until a later commit has it
            self.store.settled().add_done_callback(partial(self._kept, session, batch))
            return
        session.pending -= 1
        if failure is not None:
            session.stored_at = -1  # its row may be missing
        if (
            failure is None
            and batch is not None
            and batch.producer is not None
            and batch.last_seq is not None
        ):
            session.keep(batch.producer, batch.last_seq)

    def _publish(self, session: Session, news: list[Change | Offer], now: int) -> None:
        """Tell the session's subscribers; those who want every reading even when there is no news."""
        for item in news:
            if isinstance(item, Change):
                self.counters.changes += 1
                self.counters.moods[item.mood] = self.counters.moods.get(item.mood, 0) + 1
            elif item.holdout:
                self.counters.held_out += 1
            else:
                self.counters.offers += 1
        subscribers = [s for s in session.subscribers or () if news or s.every]
        reading = session.reading(now) if subscribers else None
        if reading is None:
            return
        for subscriber in subscribers:
            try:
                subscriber.push(reading, session.offer, bool(news))
            except Exception:
                logger.exception("a subscriber failed", extra={"session": session.id})

    # Erasing

    async def expire(self, before: int, limit: int) -> tuple[int, list[Session]]:
        """Erase sessions whose last activity was before `before` (ms), at most `limit`. How many went, and those in
        memory that are to go: they must be erased one by one, since somebody may hold them."""
        names = await self.store.expired(before, limit)
        live = [session for name in names if (session := self.sessions.get(*name)) is not None]
        idle = [n for n in names if self.sessions.get(*n) is None and n not in self._loading]
        gone = await self.store.expire(idle, before) if idle else 0
        return gone, [session for session in live if session.last_at < before and not session.pending]

    async def erase(self, project: str, id: str) -> bool:
        """Forget a session in memory and on disk. False if there was none. Its sockets must be closed first."""
        loading = self._loading.get((project, id))
        if loading is not None:
            await asyncio.wait([loading])
        live = self.sessions.get(project, id)
        if live is not None:
            live.erased = True
            self.sessions.remove(live)
        return await self.store.erase(project, id) or (live is not None and live.event_count > 0)
