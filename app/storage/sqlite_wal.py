"""When the write-ahead log is folded into the file, and how its old pages are wiped."""

import asyncio
import logging
import sqlite3
import time

from app import errors
from app.storage.sqlite_commit import is_environment
from app.storage.sqlite_connection import Connection

logger = logging.getLogger("sessionmood.storage")

PAGE_BYTES = 4096
# Pages a log this long is folded at when nobody waits for a commit, and when somebody does: the second bounds
# the file and the time to read it at the next start.
IDLE_PAGES = 256
BUSY_PAGES = 4096
# A commit writes whole pages: this many for the group, and for each entry (its session's row and indexes).
GROUP_PAGES = 4
ENTRY_PAGES = 3
WIPE_TRIES = 5


class WriteAheadLog:
    """Public attributes are there to be measured."""

    def __init__(self, writer: Connection) -> None:
        self._writer = writer
        self._pages = 0  # estimated: SQLite does not tell without a checkpoint
        self._running = False
        self._traces = False
        self.checkpoints = 0
        self.last_checkpoint_seconds = 0.0

    def grew(self, entries: int, size: int, *, idle: bool) -> None:
        """A commit was written; starts a checkpoint when one is due. It runs in the writing thread, between
        commits."""
        self._pages += GROUP_PAGES + ENTRY_PAGES * entries + size // PAGE_BYTES
        if self._pages >= (IDLE_PAGES if idle else BUSY_PAGES) and not self._running:
            self._running = True
            self._pages = 0
            self._writer.start(_checkpoint).add_done_callback(self._checkpointed)

    def _checkpointed(self, checkpoint: "asyncio.Future[float]") -> None:
        self._running = False
        error = checkpoint.exception()
        if error is None:
            self.checkpoints += 1
            self.last_checkpoint_seconds = checkpoint.result()
        else:
            # Nothing is lost: the log just stays longer. If the disk is at fault the next commit says so.
            logger.debug("a checkpoint failed: %s", error)

    async def forget(self, erased: bool) -> None:
        """After an erasure: fold the log into the file and cut it to nothing, since it holds the pages as
        they were. Raises StorageUnavailable when that cannot be done now; it is still due then."""
        self._traces = self._traces or erased
        if not self._traces:
            return
        for _ in range(WIPE_TRIES):
            try:
                if await self._writer.run(_wipe):
                    self._traces = False
                    return
            except Exception as error:
                if not is_environment(error):
                    raise
                raise errors.StorageUnavailable(
                    f"erased, but the log is not wiped yet: {error}", retry_ms=1000
                ) from error
        raise errors.StorageUnavailable("erased, but a reader still holds the log", retry_ms=5000)


def _checkpoint(connection: sqlite3.Connection) -> float:
    began = time.monotonic()
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return time.monotonic() - began


def _wipe(connection: sqlite3.Connection) -> bool:
    """Waits up to the busy timeout for readers."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
