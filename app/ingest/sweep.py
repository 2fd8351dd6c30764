"""What time does to sessions: those that are due are woken, those that are idle leave memory."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from app.errors import Damaged, SessionMoodError, StorageUnavailable
from app.ingest.receive import Ingest
from app.sessions.registry import SLOT_MS
from app.sessions.session import Session
from app.sessions.stored_row import ROW_LAG_MS

logger = logging.getLogger("sessionmood.sweep")

#: Seconds that the sweep goes on before others have a turn of the event loop: a thousand sessions that came together
#: are due together, and take 65 ms to leave memory.
SHARE: Final = 0.001
#: Sessions that may leave memory are looked for this often (s).
TIDY_EVERY: Final = 1.0
#: Sessions of a few events leave memory after this part of the time that others have.
BRIEF_SHARE: Final = 2
#: Sessions that are due in storage but not in memory are looked for this often (s), so many at a time and evenly
#: over that time, and less often when many in memory have to be read past.
DUE_EVERY: Final = 5.0
DUE_AT_ONCE: Final = 200
LIVE_PER_SECOND: Final = 2000
#: After a start, sessions whose rows lag behind their log are read one after the other, with a wait (s) between them.
#: Looked at is what came so long (ms) before the log's end: twice what a row may lag.
CATCH_UP_PAUSE: Final = 0.005
CATCH_UP_MS: Final = 2 * ROW_LAG_MS
#: Sessions in a row that can't be read for the disk's sake.
MAX_UNREADABLE: Final = 3
#: A session that can't be advanced is tried again this often (ms), and when it is used.
TRY_AGAIN_MS: Final = 60_000
#: Of so many at most it is remembered that they can't, so that each is told once; past that all are told again.
MAX_TOLD: Final = 10_000
#: The part of that time for the waits between them; the rest is for the work itself.
PACE: Final = 0.7


class Sweep:
    """The sweep of `ingest`. `session_idle`: seconds without an event after which a session that nobody
    listens to leaves memory."""

    def __init__(self, ingest: Ingest, session_idle: float = 30.0) -> None:
        self._ingest = ingest
        self._session_idle = session_idle
        self._sweepers: list[asyncio.Task[None]] = []
        #: project and id of those that could not be advanced when they were last due
        self._failing: set[tuple[str, str]] = set()

    async def start(self) -> None:
        """Begin to sweep."""
        self._sweepers = [
            asyncio.create_task(self._sweep_memory(), name="sweep"),
            asyncio.create_task(self._sweep_storage(), name="sweep storage"),
        ]

    async def stop(self, by: float | None = None) -> None:
        """Stop sweeping, and spare the next start what snapshots can, until `by` (the loop's time). New batches
        are refused from here on."""
        self._ingest.draining = True
        for sweeper in self._sweepers:
            sweeper.cancel()
        await asyncio.gather(*self._sweepers, return_exceptions=True)
        loop = asyncio.get_running_loop()
        for index, session in enumerate(self._ingest.sessions):
            if by is not None and loop.time() >= by:
                return  # the log has it all
            self._evict_guarded(session)
            if index % 100 == 99:
                await asyncio.sleep(0)

    async def _sweep_memory(self) -> None:
        loop = asyncio.get_running_loop()
        tidy = 0.0
        while True:
            try:
                await _in_shares(self._waking(self._ingest.clock))
                if loop.time() >= tidy:
                    tidy = loop.time() + TIDY_EVERY
                    await _in_shares(self._evicting(self._ingest.clock()))
            except StorageUnavailable:
                pass  # storage reports its own state; the next round tries again
            except Exception:
                logger.exception("the sweep failed; the next one comes soon")
            await asyncio.sleep((SLOT_MS - self._ingest.clock() % SLOT_MS) / 1000)

    async def _sweep_storage(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self.catch_up()
        except Exception:
            logger.exception("rows that lag behind their log stay so until their session is used or woken")
        while True:
            within = max(DUE_EVERY, len(self._ingest.sessions) / LIVE_PER_SECOND)
            ends = loop.time() + within
            try:
                await self.wake_stored(within)
            except StorageUnavailable:
                pass  # as above
            except Exception:
                logger.exception("stored sessions could not be woken; the next try comes soon")
            await asyncio.sleep(max(0.0, ends - loop.time()))

    def wake(self, now: int) -> None:
        """Let time pass where it may change something."""
        for _ in self._waking(lambda: now):
            pass

    def _waking(self, clock: Callable[[], int]) -> Iterator[None]:
        """`wake`, session by session."""
        sessions = self._ingest.sessions
        for session in sessions.due(clock()):
            try:
                self._ingest.pass_time(session, clock())
                self._ingest.counters.swept += 1
                if self._failing:
                    self._failing.discard((session.project, session.id))
            except Exception as error:
                sessions.postpone(session, clock() + TRY_AGAIN_MS)
                self._tell_failing(session, error)
            yield

    def _tell_failing(self, session: Session, error: Exception) -> None:
        name = (session.project, session.id)
        if name not in self._failing:
            if len(self._failing) >= MAX_TOLD:
                self._failing.clear()
            self._failing.add(name)
            logger.error("a session could not be advanced", exc_info=error, extra={"session": session.id})

    def evict_idle(self, now: int) -> None:
        """Let idle sessions leave memory."""
        for _ in self._evicting(now):
            pass

    def _evicting(self, now: int) -> Iterator[None]:
        """`evict_idle`, session by session."""
        idle_ms = round(self._session_idle * 1000)
        idle = self._ingest.sessions.idle(
            now - idle_ms, self._ingest.max_sessions, now - idle_ms // BRIEF_SHARE
        )
        for session in idle:
            if self._ingest.sessions.has(session):  # it may have left while others did
                self._evict_guarded(session)
            yield

    async def catch_up(self) -> None:
        """Write the rows that a crash left behind their log. Nothing else depends on it than what lists show: who reads
        a session folds its log."""
        after = None
        while True:
            lagging = await self._ingest.store.lagging(CATCH_UP_MS, after)
            for project, id in lagging.names:
                try:
                    await self._wake(project, id)
                except SessionMoodError:
                    pass  # reported where it was found
                except Exception as error:
                    self._ingest.store.report_damage(project, id, "session", error)
                await asyncio.sleep(CATCH_UP_PAUSE)
            after = lagging.after
            if after is None:
                return

    async def wake_stored(self, within: float) -> None:
        """Wake sessions that are due but not in memory, one after the other within so many seconds: each costs a
        look-up and a commit, for which those who send should not wait. Those in memory are woken by `wake`, so
        storage may think them long overdue: they must not crowd the others out. One that fails costs itself only;
        when several in a row can't be read the disk is at fault, and the round ends."""
        ingest = self._ingest
        due = await ingest.store.due(ingest.clock(), DUE_AT_ONCE + len(ingest.sessions))
        stored = [name for name in due if ingest.sessions.get(*name) is None]
        unreadable = 0
        for project, id in stored:
            try:
                await self._wake(project, id)
                unreadable = 0
            except Damaged:
                pass  # reported where it was found
            except StorageUnavailable:
                unreadable += 1
                if unreadable >= MAX_UNREADABLE:
                    raise
            except Exception as error:
                ingest.store.report_damage(project, id, "session", error)
            await asyncio.sleep(within / len(stored) * PACE)

    async def _wake(self, project: str, id: str) -> None:
        ingest = self._ingest
        if ingest.sessions.get(project, id) is None:
            session = await ingest.find(project, id)
            if session is not None:
                ingest.pass_time(session, ingest.clock())
                self._settle(session)

    def _settle(self, session: Session) -> None:
        """Note in storage that a woken session was looked at, so that it is not due again for nothing; it was
        read for that alone, and leaves memory again unless somebody listens by then."""
        old = session.snapshot_version != session.version
        stored = self._ingest.persist(session, None, [], snapshot=old)
        stored.add_done_callback(partial(self._evict_stored, session, session.version))

    def _evict_guarded(self, session: Session) -> None:
        try:
            self._evict(session)
        except Exception as error:
            self._ingest.store.report_damage(session.project, session.id, "session", error)

    def _evict(self, session: Session) -> None:
        """Let a session leave memory, once its snapshot is stored. Not before: who is loaded meanwhile from an
        older one stands at an earlier moment and may take events of a time that the snapshot has passed."""
        if session.subscribers or session.pending:
            return
        if session.snapshot_version == session.version:
            self._ingest.sessions.remove(session)
            self._ingest.counters.evicted += 1
            return
        with contextlib.suppress(StorageUnavailable):
            stored = self._ingest.persist(session, None, [], snapshot=True)
            stored.add_done_callback(partial(self._evict_stored, session, session.version))

    def _evict_stored(self, session: Session, version: int, stored: "asyncio.Future[None]") -> None:
        if stored.exception() is None and self._ingest.sessions.has(session) and session.version == version:
            self._evict(session)


async def _in_shares(steps: Iterator[None]) -> None:
    """Go through `steps`; others have their turn in between."""
    ends = time.perf_counter() + SHARE
    for _ in steps:
        if time.perf_counter() >= ends:
            await asyncio.sleep(0)
            ends = time.perf_counter() + SHARE
