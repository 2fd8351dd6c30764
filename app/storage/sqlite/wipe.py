"""Wipes what an erasure leaves in the file: old pages in the write-ahead log, old rows in unused parts of pages.

`secure_delete` overwrites a row where it lies. But when rows are moved to another page, SQLite leaves copies in
the unused part of the old one, and those of a row that is deleted later stay: a test that erased 4,000 sessions
among others found one of them again. So the unused parts are overwritten too, in slices of the file, between
commits. Documented at sqlite.org/fileformat2.html (b-tree pages): from the end of the cell pointers to the
start of the cell content nothing is ever read.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
from functools import partial

from app import errors
from app.storage.sqlite.commit import is_environment, transaction
from app.storage.sqlite.connection import Connection

logger = logging.getLogger("sessionmood.storage")

# Commits wait while a slice is looked through: 16 MiB take about 20 ms.
SLICE_PAGES = 4096
# A reader of the log (a backup) may stay for minutes; ours are gone in a few ms. Commits wait during one try.
BUSY_MS = 10
FIRST_PAUSE, LAST_PAUSE = 0.05, 2.0  # seconds between tries

# What a b-tree page begins with, and how long its header is.
_HEADER_BYTES = {2: 12, 5: 12, 10: 8, 13: 8}
# Only b-tree pages begin with one of these as long as page numbers, which other pages begin with, are small.
_MAX_BYTES = 64 << 30
_DUE = 1


class Wiper:
    """One wiping at a time; those asked for meanwhile share the next."""

    def __init__(self, writer: Connection, path: str) -> None:
        self._writer = writer
        self._file = _File(path)
        self._wanted: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Something that was erased may still be found in the files."""
        return self._task is not None

    async def start(self) -> None:
        """Finish what an earlier process was cut off from."""
        if await self._writer.run(_due) is not None:
            self.ask()

    def ask(self) -> "asyncio.Future[None]":
        """Done when what was erased until now is wiped."""
        wiped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted.append(wiped)
        if self._task is None:
            self._task = asyncio.create_task(self._wipe_all_wanted(), name="wipe")
        return wiped

    def stop(self) -> None:
        """What is left is done at the next start."""
        if self._task is not None:
            self._task.cancel()

    def release(self) -> None:
        """Only once SQLite has the file closed: closing it before would drop SQLite's locks on it."""
        self._file.close()

    async def _wipe_all_wanted(self) -> None:
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, []
                try:
                    await self._wipe()
                finally:
                    for wiped in wanted:
                        if not wiped.done():
                            wiped.set_result(None)
        except Exception:
            logger.exception("what was erased could not be wiped; the next start or erasure tries again")
        finally:
            self._task = None

    async def _wipe(self) -> None:
        due = await self._writer.run(_due)
        page: int | None = 0
        pause = FIRST_PAUSE
        while page is not None:
            try:
                page = await self._writer.run(partial(_wipe_slice, file=self._file, first=page))
                pause = FIRST_PAUSE
                continue
            except _HeldByReader:
                pass
            except Exception as error:
                if not is_environment(error):
                    raise
                logger.debug("wiping failed and is tried again: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE)
        await self._writer.run(partial(_done, due))


def note_erasure(connection: sqlite3.Connection) -> None:
    """In the transaction that erases: from now on there is something to wipe."""
    connection.execute(
        "INSERT INTO wipes (id, erasures) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET erasures = erasures + 1",
        (_DUE,),
    )


def _due(connection: sqlite3.Connection) -> int | None:
    found = connection.execute("SELECT erasures FROM wipes WHERE id = ?", (_DUE,)).fetchone()
    return found[0] if found else None


def _done(due: int | None, connection: sqlite3.Connection) -> None:
    """Nothing to wipe any more, unless more was erased since."""
    connection.execute("DELETE FROM wipes WHERE id = ? AND erasures = ?", (_DUE, due))


class _HeldByReader(Exception):
    """Somebody reads from the write-ahead log, so it cannot be cut."""


class _File:
    """The database's file, opened beside SQLite and kept open: POSIX drops a process's locks on a file when it
    closes any descriptor of it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd: int | None = None

    def fd(self) -> int:
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        return self._fd

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _wipe_slice(connection: sqlite3.Connection, file: _File, first: int) -> int | None:
    """Wipes the log, and SLICE_PAGES of the file from page `first` (0-based) on. The page to go on with."""
    _cut_log(connection)
    with transaction(connection):  # keeps other processes from writing
        if os.path.getsize(file.path + "-wal"):
            raise _HeldByReader
        # The log is empty and nobody can write to it: no page is on its way into the file.
        following = _overwrite_unused(file.fd(), first)
    # Pages kept in memory still have what was overwritten, and would bring it back.
    connection.execute("PRAGMA shrink_memory")
    return following


def _cut_log(connection: sqlite3.Connection) -> None:
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
    if busy:
        raise _HeldByReader


def _overwrite_unused(fd: int, first: int) -> int | None:
    size = int.from_bytes(os.pread(fd, 2, 16), "big")
    size = 65536 if size == 1 else size
    total = os.fstat(fd).st_size
    if total > _MAX_BYTES:
        raise errors.StorageUnavailable("the database is too large to wipe; vacuum it")
    pages = os.pread(fd, SLICE_PAGES * size, first * size)
    changed = False
    for offset in range(0, len(pages) - size + 1, size):
        begin, end = _unused(pages[offset : offset + size], 100 if first + offset == 0 else 0)
        if pages.count(0, offset + begin, offset + end) != end - begin:
            os.pwrite(fd, bytes(end - begin), first * size + offset + begin)
            changed = True
    if changed:
        os.fdatasync(fd)
    following = first + SLICE_PAGES
    return following if following * size < total else None


def _unused(page: bytes, header: int) -> tuple[int, int]:
    """Where the unused part of a page begins and ends; nothing for pages that are not of a b-tree."""
    header_bytes = _HEADER_BYTES.get(page[header])
    if header_bytes is None:
        return 0, 0
    cells = int.from_bytes(page[header + 3 : header + 5], "big")
    content = int.from_bytes(page[header + 5 : header + 7], "big") or 65536
    begin = header + header_bytes + 2 * cells
    return (begin, content) if begin < content <= len(page) else (0, 0)


async def wiped_soon(wiped: "asyncio.Future[None]", seconds: float) -> None:
    """Wait for a wiping, but not for ever: it goes on by itself."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.shield(wiped)
            return
    logger.warning("a reader holds the write-ahead log: what was erased is wiped from it later")
