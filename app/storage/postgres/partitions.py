"""The log's partitions, one for the sessions that began on a day: made ahead, and dropped with all that is in them."""

import logging
import time
from functools import partial
from typing import Final

import asyncpg

from app.storage.postgres.connection import Connection, Pool, transaction
from app.storage.postgres.rows import DAY_MS, day_of

logger = logging.getLogger("sessionmood.storage")

#: Days that have a partition before they begin, and after: a visitor's clock may say that the visit began yesterday.
AHEAD: Final = 3
BEHIND: Final = 2
#: The catch-all for other days must be looked through before a partition is made, for which appends wait (ms).
_LOCK_MS: Final = 2000
#: A past day that holds sessions still is looked at again after so long (s).
LOOK_EVERY: Final = 600.0
#: Whoever makes or drops partitions has this advisory lock.
_LOCK: Final = 7_046_029_254_386_353_132


async def make_ahead(connection: Connection) -> None:
    """Make those that are missing around today. One that can't be made now is made later: until then its rows go to
    the catch-all, and stay there."""
    have = await existing(connection)
    today = day_of(time.time_ns() // 1_000_000)
    for day in range(today - BEHIND, today + AHEAD + 1):
        if day not in have:
            await make(connection, day)


async def make(connection: Connection, day: int) -> None:
    """Nothing happens where another node is at it, or rows of that day are in the catch-all already."""
    try:
        async with transaction(connection):
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return
            await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
            await connection.execute(
                f"CREATE TABLE IF NOT EXISTS {name(day)} PARTITION OF log FOR VALUES FROM ({day}) TO ({day + 1})"
            )
    except (asyncpg.LockNotAvailableError, asyncpg.CheckViolationError) as error:
        logger.debug("the partition of day %d could not be made: %s", day, error)


def name(day: int) -> str:
    return f"log_{day}" if day >= 0 else f"log_before_{-day}"


async def existing(connection: Connection) -> set[int]:
    """The days that have one."""
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'log'::regclass"
    )
    names = [row[0].removeprefix("log_") for row in rows]
    return {int(text) for text in names if text.isdigit()}


class Days:
    """Drops days that are past. Each is looked at now and then only: where a day can't go yet, to find that out may
    take as long as reading all its sessions."""

    def __init__(self) -> None:
        self._looked_at: dict[int, float] = {}

    async def drop_past(self, pool: Pool, before: int) -> int:
        """Drop the days that ended before `before` (ms) and hold no session that was active since, with all that is
        stored of their sessions; how many sessions went. Raises StorageUnavailable."""
        gone = 0
        now = time.monotonic()
        for day in sorted(await pool.run(existing)):
            if (day + 1) * DAY_MS > before or now < self._looked_at.get(day, 0.0):
                continue
            self._looked_at[day] = now + LOOK_EVERY
            gone += await pool.run(partial(_drop, day=day, before=before), "erasing fails")
        if gone:
            logger.info("retention: %d sessions went with the partitions of their days", gone)
        return gone


async def _has_active(connection: Connection, day: int, before: int) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT 1 FROM heads JOIN sessions USING (id) WHERE day = $1 AND last_at >= $2)",
            day,
            before,
        )
    )


async def _drop(connection: Connection, day: int, before: int) -> int:
    if await _has_active(connection, day, before):
        return 0
    try:
        return await _drop_locked(connection, day, before)
    except asyncpg.LockNotAvailableError:
        logger.debug("the partition of day %d is in use; it is dropped later", day)
        return 0


async def _drop_locked(connection: Connection, day: int, before: int) -> int:
    async with transaction(connection):
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return 0
        await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
        # Nobody can append to the day from here on; who did meanwhile has kept it.
        await connection.execute(f"LOCK TABLE {name(day)} IN ACCESS EXCLUSIVE MODE")
        if await _has_active(connection, day, before):
            return 0
        of_day = "IN (SELECT id FROM heads WHERE day = $1)"
        await connection.execute(
            "DELETE FROM damages USING sessions WHERE damages.project = sessions.project "  # noqa: S608
            f"AND damages.session = sessions.session AND sessions.id {of_day}",
            day,
        )
        for table in ("changes", "snapshots", "histories", "sessions"):
            await connection.execute(f"DELETE FROM {table} WHERE id {of_day}", day)  # noqa: S608
        deleted = await connection.execute("DELETE FROM heads WHERE day = $1", day)
        await connection.execute(f"DROP TABLE {name(day)}")
        return int(deleted.rpartition(" ")[2])
