"""What other nodes did to the sessions that somebody here listens to: read from the log, and pushed.

The bus says where to look; while it is away the database is asked for the versions. Either way what is folded is the
log's tail, so that a lost notice costs a moment and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from app.bus import ERASED, KEYS, NEWS, Bus, Notice
from app.errors import SessionMoodError, StorageUnavailable
from app.ingest.receive import Ingest
from app.sessions.session import Session

logger = logging.getLogger("sessionmood.ingest")

#: While the bus is away the versions of followed sessions are asked for this often (s), so many at once.
ASK_EVERY: Final = 2.0
ASK_AT_ONCE: Final = 1000
#: Sessions that are read up at the same time, so that a return of the bus does not take all of the database.
READ_AT_ONCE: Final = 8

Name = tuple[str, str]


class Following:
    """Keeps sessions in memory up with what other nodes append. `on_erased` is told of a session (project, id) that
    another node erased, `on_keys` that keys have changed."""

    def __init__(self, ingest: Ingest, bus: Bus) -> None:
        self._ingest = ingest
        self._bus = bus
        self.on_erased: Callable[[str, str], None] = lambda project, session: None
        self.on_keys: Callable[[], None] = lambda: None
        self._reading: dict[Name, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(READ_AT_ONCE)
        self._asker: asyncio.Task[None] | None = None
        self._check: asyncio.Task[None] | None = None
        #: how often another node's part of a log was folded here
        self.caught_up = 0
        bus.on_notice = self.hear
        bus.on_listening = self.look_at
        bus.on_return = lambda: self.look_at(self._ingest.sessions.followed())
        ingest.sessions.on_followed = bus.listen
        ingest.sessions.on_left = bus.leave

    def start(self) -> None:
        self._asker = asyncio.create_task(self._ask_forever(), name="following")

    async def stop(self) -> None:
        tasks = [task for task in (self._asker, self._check, *self._reading.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Telling

    def tell(self, session: Session) -> None:
        """Something that others may push has been written of `session`."""
        self._bus.publish(
            Notice(NEWS, self._bus.node, session.project, session.id, session.nonce, session.version)
        )

    def tell_erased(self, project: str, session: str) -> None:
        self._bus.publish(Notice(ERASED, self._bus.node, project, session))

    def tell_keys(self) -> None:
        self._bus.publish(Notice(KEYS, self._bus.node))

    # Hearing

    def hear(self, notice: Notice) -> None:
        """A notice of another node."""
        if notice.kind == KEYS:
            self.on_keys()
        elif notice.kind == ERASED:
            self.on_erased(notice.project, notice.session)
        else:
            session = self._ingest.sessions.get(notice.project, notice.session)
            name = (notice.project, notice.session)
            if session is not None and session.nonce != notice.nonce:
                self.look_at([name])  # it may be another of the same id, whose rows do not go on from here
            elif session is None or session.version <= notice.version:
                self._read_up(name)

    def look_at(self, names: Iterable[Name]) -> None:
        """Ask how far these sessions have come, and read up those that are behind."""
        found = list(names)
        if found:
            task = asyncio.create_task(self._look_at(found), name="following versions")
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _look_at(self, names: Sequence[Name]) -> None:
        for at in range(0, len(names), ASK_AT_ONCE):
            some = names[at : at + ASK_AT_ONCE]
            known = [self._ingest.sessions.get(*name) for name in some]
            incarnations = [each.incarnation if each is not None and each.is_stored else 0 for each in known]
            try:
                versions = await self._ingest.store.versions(some, incarnations)
            except StorageUnavailable:
                return  # storage reports its own state; the next look comes soon
            for name, asked, version in zip(some, incarnations, versions, strict=True):
                session = self._ingest.sessions.get(*name)
                if session is None:
                    if version and self._ingest.sessions.proposals(*name):
                        self._read_up(name)
                elif not version and session.is_stored and asked in (0, session.incarnation):
                    self.on_erased(*name)
                elif version > session.version:
                    self._read_up(name)

    def _read_up(self, name: Name) -> None:
        """Once for all who ask before it begins; who asks later asks again."""
        if name not in self._reading:
            task = self._reading[name] = asyncio.create_task(self._read_up_one(name), name="following one")
            task.add_done_callback(lambda _: self._reading.pop(name, None))

    async def _read_up_one(self, name: Name) -> None:
        try:
            async with self._gate:
                session = self._ingest.sessions.get(*name)
                if session is None:
                    for proposal in self._ingest.sessions.proposals(*name):
                        await self._ingest.adopt(proposal)
                elif await self._ingest.catch_up(session):
                    self.caught_up += 1
        except SessionMoodError:
            pass  # reported where it was found; the next notice or look tries again
        except Exception:
            logger.exception("a session could not be read up", extra={"session": name[1]})

    async def _ask_forever(self) -> None:
        while True:
            await asyncio.sleep(ASK_EVERY)
            if not self._bus.state().up:
                try:
                    await self._look_at(self._ingest.sessions.followed())
                except Exception:
                    logger.exception("versions could not be asked for")
