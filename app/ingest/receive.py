"""The one path from a batch to a mood: find the session, fold, push, persist.

Every door calls `receive` or `receive_in_parts`; the mood push never waits for the disk, the receipt's `durable` does.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from functools import partial

from app import protocol
from app.counters import Counters
from app.errors import Draining, OutOfOrder, Overloaded, Revoked, StorageUnavailable
from app.ingest import MAX_FOLD_EVENTS
from app.ingest.conflicts import Conflicts
from app.ingest.load import Loader
from app.ingest.other_nodes import OtherNodes
from app.ingest.persist import Persister
from app.ingest.receipts import Receipt, together
from app.ingest.rows import session_row
from app.mood import Change, Event, Offer, Reading, reports_mask
from app.protocol.events import note, to_events
from app.sessions.listeners import Subscriber
from app.sessions.registry import Sessions
from app.sessions.session import Session
from app.storage import Batch, SessionRow, Storage

logger = logging.getLogger("sessionmood.ingest")


class Ingest:
    """Live sessions on top of storage. `clock` gives ms since the epoch; it is read by the sweep only.

    `draining`: the server is about to stop, and new batches are refused."""

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
        self.draining = False
        persister = self.persister = Persister(store)
        self.loader = Loader(sessions, store, persister, self.counters)
        self.find = self.loader.find
        self.recall = self.loader.recall
        self.persist = persister.persist
        self.conflicts = Conflicts(self)
        self.others = OtherNodes(self)
        self.freshen = self.others.freshen
        self.catch_up = self.others.catch_up
        self.adopt = self.others.adopt

    # Opening and leaving sessions

    def open(self, project: str, id: str, now: int, publishable: bool, nonce: str = "") -> Session:
        """A new session. Raises Overloaded when sessions come faster than they can leave memory."""
        self._make_room()
        session = self.sessions.open(project, id, now, publishable, nonce)
        self._begin(session)
        return session

    def accept(self, session: Session) -> tuple[Session, list[Session]]:
        """Make a proposal the session of its id: see `Sessions.accept`. Raises Overloaded as `open` does."""
        self._make_room()
        session, lost = self.sessions.accept(session)
        self._begin(session)
        return session, lost

    def _begin(self, session: Session) -> None:
        self.loader.prepare(session)
        if not self.store.sole:
            session.incarnation = secrets.randbits(62) + 1

    def _make_room(self) -> None:
        if len(self.sessions) >= 2 * self.max_sessions:
            raise Overloaded("too many sessions at once", retry_ms=2000)

    def leave(self, session: Session, subscriber: Subscriber) -> None:
        """A listener has left. A session in which nothing ever happened leaves with the last one."""
        self.sessions.leave(session, subscriber)
        if session.proposed:
            return
        if not session.subscribers and session.version == 0 and session.pending == 0:
            if self.sessions.has(session):
                self.sessions.remove(session)
        else:
            self.sessions.schedule(session)

    # Events

    def receive(self, session: Session, batch: protocol.Batch, now: int) -> Receipt:
        """Fold a batch into `session`, push what changed, and queue it to be written.

        Raises, with nothing folded, OutOfOrder, StorageUnavailable (the queue is full), Draining, or Revoked
        when the session was erased meanwhile.
        """
        self.admit(session)
        if not self.store.sole:
            return self.conflicts.take(session, batch, now, None)
        news: list[Change | Offer] = []
        events = self.events(session, batch, now)
        offset = batch.offset if batch.producer is None or batch.seq is None else None
        receipt = self.fold(session, batch, events, now, news, offset)
        self._publish(session, news, now)
        return receipt

    async def receive_in_parts(self, session: Session, batch: protocol.Batch, now: int) -> Receipt:
        """As `receive`, for a batch of any size: MAX_FOLD_EVENTS at a time, between which others have their turn. Each
        part is a row of the log; pushed is once.

        Raises as `receive` does. Revoked and StorageUnavailable may also come when parts of it have been folded:
        a client that numbers its events sends it again, and those count once.
        """
        if len(batch.events) <= MAX_FOLD_EVENTS:
            return self.receive(session, batch, now)
        self.admit(session)
        if session.stale:
            await self.conflicts.refresh(session)
            self.admit(session)
        events = self.events(session, batch, now)
        offset = batch.offset
        if offset is None or batch.seq is not None:
            try:
                offset = session.align(events, batch.producer, batch.seq, batch.lost, now)
            except OutOfOrder:
                if self.store.sole:
                    raise
                # What is missing may have gone to another node.
                await self.conflicts.refresh(session)
                self.admit(session)
                offset = session.align(events, batch.producer, batch.seq, batch.lost, now)
        news: list[Change | Offer] = []
        receipts: list[Receipt] = []
        session.pending += 1  # it stays in memory meanwhile
        try:
            for start in range(0, len(events), MAX_FOLD_EVENTS):
                if start:
                    await self.loader.turn()
                    await self.recall(session, batch.producer)
                    self.admit(session, begun=True)
                stop = start + MAX_FOLD_EVENTS
                part = protocol.part(batch, start, stop)
                last = stop >= len(events)
                receipts.append(
                    self.fold(session, part, events[start:stop], now, news, offset, last=last)
                    if self.store.sole
                    else self.conflicts.take(session, part, now, offset, last)
                )
        finally:
            session.pending -= 1
            if receipts:
                self._publish(session, news, now)
        return together(receipts)

    def admit(self, session: Session, *, begun: bool = False) -> None:
        """Ask before anything is folded: what was folded and not queued would count as written. A batch that has
        `begun` is finished also when the server stops."""
        if self.draining and not begun:
            raise Draining(retry_ms=1000)
        if session.erased:
            raise Revoked("this session was erased")
        self.store.admit()

    def events(self, session: Session, batch: protocol.Batch, now: int) -> list[Event]:
        """The engine's events; their `at` is still the sender's, whose clock is noted if the batch tells of it."""
        assert session.knows(batch.producer), "recall it first"
        if batch.now is not None:
            batch.offset = now - round(batch.now)
            if batch.producer is not None:
                session.producer(batch.producer).check(batch.offset)
        facts = batch.facts
        batch.facts = None
        return to_events(batch.events) if facts is None else facts

    def fold(
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
            row = Batch(
                session.version,
                now,
                batch.producer,
                outcome.first_seq,
                outcome.ack,
                outcome.reports,
                len(wires),
                protocol.encode_log(wires),
            )
            durable = self.persister.persist(session, row, fresh)
        elif fresh:  # the batch brought nothing, but time did: what is pushed is stored
            durable = self.persister.persist(session, None, fresh)
        else:
            durable = self.store.settled()
        if not session.proposed:
            self.sessions.touch(session)
        news += fresh
        return Receipt(outcome, durable)

    def current(self, row: SessionRow) -> SessionRow:
        """The row as the session in memory has it, if it is there: what storage has may lag behind."""
        session = self.sessions.get(row.project, row.session)
        if session is None or session.engine is None or session.version < row.version:
            return row
        return session_row(session, row.due_at)

    def reading(self, session: Session, now: int) -> Reading | None:
        """The reading at `now`, with what time alone changed published and stored. While nothing can be stored, the
        last one. Where other nodes write too a change may lose until it is stored: `freshen` has waited for it, and a
        later one is pushed."""
        if self.store.sole:
            self.pass_time(session, now)
        return session.reading(now)

    def pass_time(self, session: Session, now: int) -> None:
        if session.erased or session.stale or not self.sessions.has(session):
            return
        try:
            self.store.admit()
        except StorageUnavailable:
            pass  # a change that can't be noted waits: it is found again at the next look, with its own time
        else:
            news = session.advance(now)
            if news or 0 <= session.stored_row.by <= now:
                durable = self.persist(session, None, news)
                if news and not self.store.sole:
                    push = self.pushing(session, news, now)
                    durable.add_done_callback(partial(self._push_stored, session, session.lineage, push))
            if news and self.store.sole:
                self._publish(session, news, now)
        self.sessions.schedule(session)

    def _push_stored(
        self, session: Session, lineage: int, push: Callable[[], None], durable: "asyncio.Future[None]"
    ) -> None:
        """Push what time brought once it is stored, unless it lost to another node."""
        if durable.cancelled() or isinstance(durable.exception(), StorageUnavailable):  # still queued
            again = partial(self._push_stored, session, lineage, push)
            self.store.settled().add_done_callback(again)
        elif durable.exception() is None and lineage == session.lineage:
            push()

    def pushing(self, session: Session, news: list[Change | Offer], now: int) -> Callable[[], None]:
        """What tells of `news` later: how the session reads now, whatever comes meanwhile."""
        listened = any(news or subscriber.every for subscriber in session.subscribers or ())
        reading = session.reading(now) if listened else None
        return partial(self._tell, session, news, reading, session.offer)

    def _publish(self, session: Session, news: list[Change | Offer], now: int) -> None:
        """Tell the session's subscribers; those who want every reading even when there is no news."""
        if news:
            self.pushing(session, news, now)()
            return
        for subscriber in session.subscribers or ():
            if subscriber.every:
                self.pushing(session, news, now)()
                return

    def _tell(
        self, session: Session, news: list[Change | Offer], reading: Reading | None, offer: Offer | None
    ) -> None:
        for item in news:
            if isinstance(item, Change):
                self.counters.changes += 1
                self.counters.moods[item.mood] = self.counters.moods.get(item.mood, 0) + 1
            elif item.holdout:
                self.counters.held_out += 1
            else:
                self.counters.offers += 1
        if reading is None:
            return
        for subscriber in list(session.subscribers or ()):
            if not news and not subscriber.every:
                continue
            try:
                subscriber.push(reading, offer, bool(news))
            except Exception:
                logger.exception("a subscriber failed", extra={"session": session.id})

    # Erasing

    async def forget(self, project: str, id: str) -> Session | None:
        """Drop a session from memory alone, for good: it is that no more, or somebody else's. What was dropped."""
        await self.loader.loaded((project, id))
        live = self.sessions.get(project, id)
        if live is not None:
            live.erased = True
            self.sessions.remove(live)
        return live

    async def expire(self, before: int, limit: int) -> tuple[int, list[Session]]:
        """Erase sessions whose last activity was before `before` (ms), at most `limit`. How many went, and those in
        memory that are to go: they must be erased one by one, since somebody may hold them."""
        names = await self.store.expired(before, limit)
        live = [session for name in names if (session := self.sessions.get(*name)) is not None]
        idle = [n for n in names if self.sessions.get(*n) is None and not self.loader.is_loading(n)]
        gone = await self.store.expire(idle, before) if idle else 0
        return gone, [session for session in live if session.last_at < before and not session.pending]

    async def erase(self, project: str, id: str) -> bool:
        """Forget a session in memory and on disk. False if there was none. Its sockets must be closed first."""
        live = await self.forget(project, id)
        return await self.store.erase(project, id) or (live is not None and live.event_count > 0)
