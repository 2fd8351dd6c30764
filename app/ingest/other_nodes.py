"""What other nodes did to a session: read from its log, and pushed."""

import logging
from typing import TYPE_CHECKING, Final

from app.errors import Revoked
from app.ingest.replaying import replay
from app.mood import Change, Offer
from app.sessions.session import Session

if TYPE_CHECKING:
    from app.ingest.receive import Ingest

logger = logging.getLogger("sessionmood.ingest")

#: A session that is folded into all the time is read up between two commits. `freshen` has its senders wait if that
#: does not come about; `catch_up` leaves it to the next commit, which tells whether what was known was the newest.
CATCH_UP_TRIES: Final = 5


class OtherNodes:
    """Keeps the sessions of `ingest` up with what other nodes write."""

    def __init__(self, ingest: "Ingest") -> None:
        self._ingest = ingest

    async def freshen(self, session: Session) -> None:
        """Before something is read of `session`: see to it that it says all that any node has written, and what time has
        brought since, once that is stored too. It may turn out to be `erased`. Raises StorageUnavailable."""
        if self._ingest.store.sole or session.proposed:
            return
        for _ in range(CATCH_UP_TRIES):
            if session.pending:  # what is not stored yet may lose, and must not have been seen
                await self._ingest.store.settled()
            if session.stale:  # some of it has lost
                await self._ingest.conflicts.refresh(session)
            elif await self.is_behind(session) and not await self.catch_up(session):
                continue  # it was folded into meanwhile
            if session.erased:
                return
            if not session.pending and not session.stale:
                if self._ingest.sessions.get(session.project, session.id) is None:
                    # It left memory meanwhile, and is as good as read again.
                    self._ingest.sessions.add(session)
                self._ingest.pass_time(session, self._ingest.clock())
                if not session.pending:
                    return
        await self._ingest.conflicts.refresh(session)

    async def is_behind(self, session: Session) -> bool:
        """Whether another node has gone on with `session`; where one has erased it, it is gone here too, also where
        another has begun under its name. Raises StorageUnavailable."""
        stored, asked = session.is_stored, session.incarnation
        name = (session.project, session.id)
        (version,) = await self._ingest.store.versions([name], [asked if stored else 0])
        if stored and not version and session.incarnation == asked:
            self._ingest.conflicts.end(session, Revoked("this session was erased"))
            return False
        return version > session.version

    async def catch_up(self, session: Session) -> bool:
        """Fold what other nodes have appended to the log of `session`, and push what is news; whether there was any.
        What is queued here comes first: it is written, or it has lost. Raises StorageUnavailable."""
        for _ in range(CATCH_UP_TRIES):
            if session.pending:
                await self._ingest.store.settled()
            if session.stale:
                return False  # it is being read anyway
            version = session.version
            if version == 0:
                if await self._catch_up_anew(session):
                    return True
                if not session.version:
                    return False
                continue  # whoever folded meanwhile will see
            rows = await self._ingest.store.batches(
                session.project, session.id, version, incarnation=session.incarnation
            )
            if session.erased or not self._ingest.sessions.has(session):
                return False
            if session.pending or session.version != version:
                continue  # whoever folded meanwhile will see
            if not rows:
                return False
            if rows[0].version != version + 1:
                return await self._catch_up_anew(session)
            news: list[Change | Offer] = []
            for row in rows:
                failure = replay(session, row, news)
                if failure is not None:
                    reason = f"the row of version {row.version}: {failure}"
                    self._ingest.store.report_damage(session.project, session.id, "log", reason)
            self._caught_up(session, news)
            return True
        return False

    async def _catch_up_anew(self, session: Session) -> bool:
        if not await self._ingest.loader.reload(session, unless_folded=True):
            return False
        self._caught_up(session, [])
        return True

    def _caught_up(self, session: Session, news: list[Change | Offer]) -> None:
        """The node that folded it first has counted it."""
        self._ingest.sessions.schedule(session)
        self.push_reading(session, changed=bool(news))

    def push_reading(self, session: Session, *, changed: bool = False) -> None:
        """Tell the session's subscribers how it reads now, after others have written."""
        reading = session.reading(self._ingest.clock())
        for subscriber in list(session.subscribers or ()):
            if reading is not None:
                try:
                    subscriber.push(reading, session.offer, changed)
                except Exception:
                    logger.exception("a subscriber failed", extra={"session": session.id})

    async def adopt(self, proposal: Session) -> None:
        """A proposal with which somebody waits here was opened on another node: it becomes that session, unless that is
        somebody else's. Raises StorageUnavailable."""
        stored = await self._ingest.store.load(proposal.project, proposal.id)
        if stored is None or stored.row.nonce != proposal.nonce or not proposal.proposed:
            return
        if self._ingest.sessions.get(proposal.project, proposal.id) is not None:
            return
        session, _ = self._ingest.accept(proposal)
        await self._catch_up_anew(session)
