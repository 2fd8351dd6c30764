"""When the write-ahead log is folded into the file."""

import asyncio
import logging
import sqlite3
import time
from functools import partial

from app.storage.sqlite.connection import Connection

logger = logging.getLogger("sessionmood.storage")

PAGE_BYTES = 4096
# Pages the log may have when nothing was written for IDLE_SECONDS, and when something was. Folding n pages
# takes about 5 ms + 7 us * n, during which commits wait; rarer is cheaper per page, but the wait is longer.
IDLE_PAGES = 256
IDLE_SECONDS = 0.25
BUSY_PAGES = 2048
# A commit writes whole pages: this many for the group, and for each entry (its session's row and indexes).
GROUP_PAGES = 4
ENTRY_PAGES = 3


class WriteAheadLog:
    """Public attributes are there to be measured."""

    def __init__(self, writer: Connection) -> None:
        self._writer = writer
        # SQLite tells only at a checkpoint how long the log was: estimated in between, and corrected by that.
        self._estimate = 0
        self._correction = 1.0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._grew_at = 0.0
        self._running = False
        self.checkpoints = 0
        self.last_checkpoint_seconds = 0.0
        self.last_checkpoint_pages = 0

    def grew(self, entries: int, size: int) -> None:
        """A commit was written; starts a checkpoint when one is due. It runs in the writing thread, between
        commits."""
        self._estimate += GROUP_PAGES + ENTRY_PAGES * entries + size // PAGE_BYTES
        self._grew_at = self._loop.time()
        pages = self._estimate * self._correction
        if pages >= BUSY_PAGES:
            self._fold()
        elif pages >= IDLE_PAGES and self._timer is None:
            self._timer = self._loop.call_later(IDLE_SECONDS, self._fold_when_idle)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _fold_when_idle(self) -> None:
        idle = self._loop.time() - self._grew_at
        if idle >= IDLE_SECONDS:
            self._timer = None
            self._fold()
        else:
            self._timer = self._loop.call_later(IDLE_SECONDS - idle, self._fold_when_idle)

    def _fold(self) -> None:
        if not self._running and self._estimate:
            self._running = True
            self._writer.start(_checkpoint).add_done_callback(partial(self._checkpointed, self._estimate))
            self._estimate = 0

    def _checkpointed(self, estimate: int, checkpoint: "asyncio.Future[tuple[float, int, int]]") -> None:
        self._running = False
        error = checkpoint.exception()
        if error is None:
            seconds, pages, folded = checkpoint.result()
            self.checkpoints += 1
            self.last_checkpoint_seconds = seconds
            self.last_checkpoint_pages = folded
            if folded == pages:  # else a reader holds it, and the next log has this one's pages in it too
                self._correction = min(max(pages / estimate, 1 / 16), 16.0)
        else:
            # Nothing is lost: the log just stays longer. If the disk is at fault the next commit says so.
            logger.debug("a checkpoint failed: %s", error)


def _checkpoint(connection: sqlite3.Connection) -> tuple[float, int, int]:
    """How long it took, the log's pages, and how many of them are in the file now."""
    began = time.monotonic()
    _, pages, folded = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return time.monotonic() - began, pages, folded
