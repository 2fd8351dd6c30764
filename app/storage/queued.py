"""What both databases do alike: one queue of writes in front, lists cut into pages, secrets remembered."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from app import errors
from app.storage import Entry, Epoch, HistoryRow, Page, SessionRow, State, Traits
from app.storage.cursor import Filters, Position, read_cursor, write_cursor
from app.storage.damage import Damages
from app.storage.queue import OnConflict, WriteQueue

logger = logging.getLogger("sessionmood.storage")

CLOSE_SECONDS = 10.0
CHECK_SECONDS = 5.0
READ_RETRY_MS = 1000
MAX_LIST = 500  # sessions a page


class Queued:
    """`queue` has the counters for the metrics."""

    queue: WriteQueue
    damage: Damages
    epoch: Epoch = Epoch("", 0)  # of a storage that no server has opened

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}
        self._erasing: dict[tuple[str, str], asyncio.Future[Any]] = {}

    def submit(self, entry: Entry) -> "asyncio.Future[None]":
        return self.queue.submit(entry)

    def admit(self) -> None:
        self.queue.admit()

    def lacks(self, project: str, session: str) -> bool:
        return False

    def settled(self) -> "asyncio.Future[None]":
        return self.queue.settled()

    def tell_conflicts(self, on_conflict: OnConflict) -> None:
        self.queue.on_conflict = on_conflict

    async def _write_probe(self) -> None:
        """Write something small. Raises StorageUnavailable."""
        raise NotImplementedError

    def _sizes(self) -> tuple[int, int, int]:
        """Bytes of the database, of its log, and of what is free beside them; 0 where the server has no way to know."""
        return 0, 0, 0

    async def check(self) -> None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._write_probe()
        except TimeoutError:
            raise errors.StorageUnavailable(
                f"a write took more than {CHECK_SECONDS:.0f} s", retry_ms=READ_RETRY_MS
            ) from None

    def state(self) -> State:
        queue = self.queue
        return State(
            queue.queued_entries,
            queue.queued_bytes,
            queue.commits,
            queue.commit_seconds,
            queue.failures,
            queue.failing_since is not None,
            None if queue.last_commit_at is None else queue.last_commit_at - queue.last_commit_seconds,
            self.damage.counts,
            queue.slow_commits,
            *self._sizes(),
        )

    async def _drain(self, seconds: float) -> None:
        """Write what is queued, for at most so many seconds; what is left then is given up."""
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    while self.queue.pending:
                        self.queue.retry_now()
                        try:
                            await self.queue.settled()
                        except errors.SessionMoodError:
                            await asyncio.sleep(0.1)
        finally:
            left = self.queue.abandon()
            if left:
                logger.error("closed while writing fails: %d entries, none of them acked, are lost", left)

    async def _erase_in_turn(self, names: Sequence[tuple[str, str]], work: Callable[[Any], Any]) -> Any:
        """Run `work`, which erases `names`, after the entries that are queued."""
        erasing = self.queue.run(work, seal=True)
        for name in names:
            self._erasing[name] = erasing
            erasing.add_done_callback(partial(self._erased, name))
        return await asyncio.shield(erasing)

    def _erased(self, name: tuple[str, str], erasing: "asyncio.Future[Any]") -> None:
        if self._erasing.get(name) is erasing:
            del self._erasing[name]

    async def _until_erased(self, name: tuple[str, str]) -> None:
        """Wait for an erasure that is under way here."""
        erasing = self._erasing.get(name)
        if erasing is not None:
            await asyncio.wait([erasing])

    async def sessions(
        self,
        project: str,
        *,
        traits: Traits | None = None,
        active_since: int | None = None,
        quiet_since: int | None = None,
        since: int | None = None,
        before: int | None = None,
        page: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """`limit`: 1-500; more is cut to that."""
        secret = await self.secret("cursor")
        filters = Filters(project, traits, active_since, quiet_since, since, before, page)
        after = None
        if cursor is not None:
            after = read_cursor(cursor, secret, filters)
            filters = after.filters
        limit = min(max(limit, 1), MAX_LIST)
        # One more than asked for tells whether there is a next page.
        rows, histories = await self._listed(filters, after, limit + 1)
        if len(rows) <= limit:
            return Page(rows, None, histories)
        last = rows[limit - 1]
        following = write_cursor(Position(last.last_at, last.session, filters), secret)
        return Page(rows[:limit], following, histories[:limit])

    async def _listed(
        self, filters: Filters, after: Position | None, limit: int
    ) -> tuple[list[SessionRow], list[HistoryRow | None]]:
        """Newest activity first, from just after the session of `after`."""
        raise NotImplementedError

    def report_damage(self, project: str, session: str, part: str, reason: object) -> None:
        self.damage.report(project, session, part, reason)

    async def secret(self, name: str) -> bytes:
        secret = self._secrets.get(name)
        if secret is None:
            secret = self._secrets[name] = await self._kept_secret(name)
        return secret

    async def _kept_secret(self, name: str) -> bytes:
        """The secret as it is kept, made where there is none."""
        raise NotImplementedError
