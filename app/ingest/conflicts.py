"""Two nodes folded into one session at the same time: the one whose rows came later reads the session again, and folds
its batches once more.

Only where the storage has several writers. There a batch is held here until storage has it: its push waits for that too,
since a fold that lost must not be seen. A session that lost is stale until it is read again; nothing is folded into it
meanwhile, and what arrives waits with what lost.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from app import protocol
from app.errors import BadToken, OutOfOrder, Revoked, SessionMoodError, StorageUnavailable
from app.ingest.receipts import Receipt
from app.mood import Change, Offer
from app.sessions.outcome import Outcome
from app.sessions.session import Session
from app.storage.commit_future import Durable

if TYPE_CHECKING:
    from app.ingest.receive import Ingest

logger = logging.getLogger("sessionmood.ingest")

#: So often a batch is folded again before its sender is asked to come back, after RETRY_MS.
MAX_TRIES: Final = 3
RETRY_MS: Final = 250
#: Seconds between two tries to read a session again while storage does not answer.
READ_AGAIN: Final = 0.5
#: A large batch waits so long (s) for it at most.
REFRESH_SECONDS: Final = 5.0


class Held:
    """A batch that is folded and not yet stored, or waits to be folded. `came`: when (the loop's time). `written_as`:
    what its events said before they were folded. `version`: the session's after it."""

    __slots__ = (
        "batch",
        "came",
        "durable",
        "last",
        "lost",
        "news",
        "now",
        "offset",
        "push",
        "receipt",
        "session",
        "tries",
        "version",
        "written_as",
    )

    def __init__(
        self, session: Session, batch: protocol.Batch, now: int, offset: int | None, last: bool
    ) -> None:
        self.session = session
        self.batch = batch
        self.now = now
        self.offset = offset
        self.last = last
        self.written_as = [(event.at, event.usual) for event in batch.events]
        loop = asyncio.get_running_loop()
        self.came = loop.time()
        self.durable = Durable(loop=loop)
        self.receipt = Receipt(_nothing(), self.durable)
        self.push: Callable[[], None] = _nobody
        self.version = 0
        self.tries = 0
        self.lost = False
        self.news: list[Change | Offer] = []


def _nobody() -> None:
    """Before a fold there is nothing to tell."""


def _nothing() -> Outcome:
    return Outcome(0, 0, 0, 0, False, None, None, 0, [])


class Conflicts:
    """Holds batches of `ingest` until storage has them. `on_gone` is told of a session that turned out to be erased, or
    somebody else's, and why. `count`: sessions that lost to another node; `given_up`: batches after MAX_TRIES."""

    def __init__(self, ingest: "Ingest") -> None:
        self._ingest = ingest
        self._held: dict[Session, list[Held]] = {}
        self._mending: dict[Session, asyncio.Task[float | None]] = {}
        self.on_gone: Callable[[Session, SessionMoodError], None] = lambda session, error: None
        self.count = 0
        self.given_up = 0

    def take(
        self, session: Session, batch: protocol.Batch, now: int, offset: int | None, last: bool = True
    ) -> Receipt:
        """Fold a batch, or keep it until the session is read again. Raises as `Ingest.receive` does."""
        held = Held(session, batch, now, offset, last)
        try:
            if session.stale:
                held.lost = True
            else:
                self._fold(held)
        except OutOfOrder:  # what is missing may have gone to another node
            held.lost = True
            self._begin(session, self._mend(session, session.lineage, behind=True))
        self._held.setdefault(session, []).append(held)
        return held.receipt

    def _fold(self, held: Held) -> None:
        """Raises with nothing folded."""
        ingest, session = self._ingest, held.session
        news: list[Change | Offer] = []
        events = ingest.events(session, held.batch, held.now)
        offset = held.offset
        if offset is None and (held.batch.producer is None or held.batch.seq is None):
            offset = held.batch.offset
        receipt = ingest.fold(session, held.batch, events, held.now, news, offset, last=held.last)
        held.lost = False
        held.version = session.version
        held.receipt.outcome = receipt.outcome
        held.push = ingest.pushing(session, news, held.now)
        receipt.durable.add_done_callback(partial(self._stored, held, held.tries))

    def _stored(self, held: Held, tries: int, stored: "asyncio.Future[None]") -> None:
        """Storage has said something of the group that had this batch; of what lost it has said so before."""
        if held.lost or held.tries != tries or held.durable.done():
            return
        failure = None if stored.cancelled() else stored.exception()
        if stored.cancelled() or isinstance(failure, StorageUnavailable):
            # Its sender is told to come back, but it stays queued: it may still be stored, or lose.
            held.durable.fail(failure or StorageUnavailable("storage was interrupted", retry_ms=RETRY_MS))
            self._ingest.store.settled().add_done_callback(partial(self._stored_late, held, tries))
            return
        self._forget(held)
        if failure is None and held.session.erased:  # by another node, before this was written or just after
            failure = Revoked("this session was erased")
        if failure is not None:
            held.durable.fail(failure)
            return
        held.push()
        held.durable.set_result(None)

    def _stored_late(self, held: Held, tries: int, stored: "asyncio.Future[None]") -> None:
        if held.lost or held.tries != tries:
            return
        if stored.cancelled() or isinstance(stored.exception(), StorageUnavailable):
            self._ingest.store.settled().add_done_callback(partial(self._stored_late, held, tries))
            return
        self._forget(held)
        if stored.exception() is None:
            held.push()

    def _forget(self, held: Held) -> None:
        waiting = self._held.get(held.session)
        if waiting is not None and held in waiting:
            waiting.remove(held)
            if not waiting:
                del self._held[held.session]

    # Losing

    def tell(self, lost: dict[tuple[str, str], int]) -> None:
        """Another node has written to these sessions before; what was folded here from this version on is not stored."""
        for name, first in lost.items():
            session = self._ingest.sessions.get(*name)
            for other in [
                each for each in self._held if (each.project, each.id) == name and each is not session
            ]:
                self._lose_for_good(other, first)
            if session is None:
                continue
            self.count += 1
            session.lineage += 1
            for held in self._held.get(session, ()):
                if held.version >= first:
                    held.lost = True
            if not session.stale:
                self._begin(session, self._mend(session, session.lineage))

    def _lose_for_good(self, session: Session, first: int) -> None:
        """As `tell`, for one that left memory meanwhile: who sent it comes back, and finds another in its place."""
        for held in [each for each in self._held.get(session, ()) if each.version >= first]:
            held.lost = True
        self._fail_all(session, StorageUnavailable("another server was first", retry_ms=RETRY_MS))

    def _begin(self, session: Session, mending: Coroutine[Any, Any, float | None]) -> None:
        session.stale = True
        task = self._mending[session] = asyncio.ensure_future(mending)
        task.add_done_callback(partial(self._mended, session))

    def _mended(self, session: Session, task: "asyncio.Task[float | None]") -> None:
        if self._mending.get(session) is task:
            del self._mending[session]

    async def refresh(self, session: Session) -> None:
        """Have `session` say all that other nodes have written by now: wait for a reading of it that begins after this
        call. Raises StorageUnavailable where that fails, or takes longer than REFRESH_SECONDS."""
        loop = asyncio.get_running_loop()
        asked, read_at = loop.time(), -1.0
        while not session.erased and (session.stale or read_at < asked):
            if not session.stale:
                self._begin(session, self._mend(session, session.lineage, behind=True))
            mending = self._mending[session]
            await asyncio.wait([mending], timeout=asked + REFRESH_SECONDS - loop.time())
            found = mending.result() if mending.done() and not mending.cancelled() else None
            if found is None and not session.erased:
                raise StorageUnavailable("the session could not be read again in time", retry_ms=RETRY_MS)
            read_at = found or read_at

    async def _mend(self, session: Session, lineage: int, *, behind: bool = False) -> float | None:
        """Read the session again, and fold once more what lost; when that reading began (the loop's time), None where
        there was none. `behind`: at `lineage` it had not lost, but another node may have gone on with it."""
        ingest, nonce = self._ingest, session.nonce
        named_by_server = not session.publishable
        loop, began = asyncio.get_running_loop(), 0.0
        while session.stale and not session.erased:
            try:
                if behind and session.pending:
                    await ingest.store.settled()
                began = loop.time()
                if behind and session.lineage == lineage and not await ingest.others.is_behind(session):
                    session.stale = False
                    break
                if not await ingest.loader.reload(session):
                    self.end(session, Revoked("this session was erased"))
                    return None
                for held in list(self._held.get(session, ())):
                    await ingest.recall(session, held.batch.producer)
            except Exception as error:
                if not isinstance(error, SessionMoodError):
                    logger.exception("a session could not be read again", extra={"session": session.id})
                    error = StorageUnavailable("the session could not be read again", retry_ms=RETRY_MS)
                self._fail_all(session, error)
                if behind and session.lineage == lineage:
                    session.stale = False
                    ingest.sessions.schedule(session)  # it may have been due meanwhile
                    return None
                if not session.subscribers and not session.pending:
                    session.stale = False
                    ingest.sessions.remove(session)  # who needs it loads it
                    return None
                await asyncio.sleep(READ_AGAIN)
                continue
            session.stale = False
        if session.erased:
            self._fail_all(session, Revoked("this session was erased"))
        elif session.nonce != nonce and not (named_by_server and not session.publishable):
            # Who came with a secret key may use whichever node's opening of it was stored.
            self.end(session, BadToken("somebody else has opened a session of this id"))
        else:
            ingest.sessions.schedule(session)  # it may have been due meanwhile
            ingest.others.push_reading(session)
            for held in [each for each in self._held.get(session, ()) if each.lost]:
                self._fold_again(held, began)
            if any(held.lost for held in self._held.get(session, ())):
                self._begin(session, self._mend(session, session.lineage, behind=True))
        return began or None

    def end(self, session: Session, error: SessionMoodError) -> None:
        """The session is no more, or another's. Who is here must not go on with it."""
        session.stale = False
        session.erased = True
        if self._ingest.sessions.has(session):
            self._ingest.sessions.remove(session)
        self._fail_all(session, error)
        self.on_gone(session, error)

    def _fail_all(self, session: Session, error: Any) -> None:
        """Only what waits to be folded: of the rest storage still speaks."""
        for held in [each for each in self._held.get(session, ()) if each.lost]:
            self._forget(held)
            held.durable.fail(error)

    def _uncount(self, held: Held) -> None:
        counters, before = self._ingest.counters, held.receipt.outcome
        counters.events -= before.accepted
        counters.duplicates -= before.duplicates
        counters.ignored -= before.ignored
        if before.moved:
            for wire in held.batch.events[before.skipped :]:
                if wire.type == "help":
                    counters.told_of_help(wire.kind, -1)

    def _fold_again(self, held: Held, read_at: float) -> None:
        """Stays lost, to be folded after the next reading, where what must come before it is not there yet: another node
        may have stored that since."""
        if held.durable.done():  # its sender was told to come back
            self._forget(held)
            return
        held.tries += 1
        if held.tries > MAX_TRIES:
            self.given_up += 1
            self._forget(held)
            held.durable.fail(
                StorageUnavailable("other servers write to this session all the time", retry_ms=RETRY_MS)
            )
            return
        self._uncount(held)
        held.receipt.outcome = _nothing()
        for event, (at, usual) in zip(held.batch.events, held.written_as, strict=True):
            event.at, event.usual = at, usual
        held.receipt.again = True
        try:
            self._ingest.admit(held.session, begun=True)
            self._fold(held)
        except Exception as error:
            if isinstance(error, OutOfOrder) and (held.came >= read_at or held.tries < MAX_TRIES):
                return
            if not isinstance(error, SessionMoodError):
                logger.exception("a batch could not be folded again", extra={"session": held.session.id})
                error = SessionMoodError("this is our fault, and is logged")
            self._forget(held)
            held.durable.fail(error)
