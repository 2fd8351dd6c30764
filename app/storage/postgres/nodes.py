"""The servers that have a database open, each with a row that it renews.

An advisory lock held by a connection would say it at once, but PgBouncer in transaction mode lends a connection for a
transaction only. A server that was killed is found by its process where it ran on this machine, else by its silence.
"""

import asyncio
import logging
import os
import secrets
import socket
from typing import Final

from app import errors
from app.storage.postgres.connection import Connection, connect, is_environment, transaction, unavailable

logger = logging.getLogger("sessionmood.storage")

#: A server renews its row this often (s), and is taken for dead after so long without.
BEAT_SECONDS: Final = 2.0
DEAD_SECONDS: Final = 7.0
#: While another is silent but not yet taken for dead, it is looked for this often (s).
_LOOK_SECONDS: Final = 0.5
#: Whoever looks at the rows and adds its own has this advisory lock.
_LOCK: Final = 7_046_029_254_386_353_133

_LIVE: Final = """
SELECT id, name, sole, seen_at FROM nodes WHERE id <> $1 AND seen_at > clock_timestamp() - make_interval(secs => $2)
"""


class Node:
    """This server's row. `sole`: it must be the only one. `id` stands in every row of the log that it writes."""

    def __init__(self, sole: bool) -> None:
        self.id = secrets.randbits(62)
        self.sole = sole
        self.name = f"{socket.gethostname()}:{os.getpid()}"

    async def register(self, connection: Connection) -> None:
        """Raises StorageUnavailable where another server excludes this one. Waits for the end of one that fell silent."""
        first: dict[int, object] = {}
        while True:
            async with transaction(connection):
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                rows = await connection.fetch(_LIVE, self.id, DEAD_SECONDS)
                others = [
                    row for row in rows if (self.sole or row["sole"]) and not _is_gone(row["id"], row["name"])
                ]
                if not others:
                    await self._renew(connection)
                    await connection.execute(
                        "DELETE FROM nodes WHERE id <> $1 AND seen_at < clock_timestamp() - interval '1 hour'",
                        self.id,
                    )
                    _OPEN.add(self.id)
                    return
            if not first:
                logger.warning(
                    "another server was seen on this database just now; waiting whether it is there"
                )
            for row in others:
                if first.setdefault(row["id"], row["seen_at"]) != row["seen_at"]:
                    raise errors.StorageUnavailable(
                        f"another server runs on this database already ({row['name']}); several servers need REDIS_URL "
                        "as well, each of them"
                    )
            await asyncio.sleep(_LOOK_SECONDS)

    async def beat(self, connection: Connection) -> None:
        """Renew the row. Raises StorageUnavailable where another server took this one for dead and has begun."""
        async with transaction(connection):
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            rows = await connection.fetch(_LIVE, self.id, DEAD_SECONDS)
            others = [row["name"] for row in rows if self.sole or row["sole"]]
            mine = await connection.fetchval(
                "SELECT seen_at > clock_timestamp() - make_interval(secs => $2) FROM nodes WHERE id = $1",
                self.id,
                DEAD_SECONDS,
            )
            if others and not mine:
                raise errors.StorageUnavailable(f"another server has taken this database over ({others[0]})")
            await self._renew(connection)

    async def leave(self, connection: Connection) -> None:
        _OPEN.discard(self.id)
        await connection.execute("DELETE FROM nodes WHERE id = $1", self.id)

    async def _renew(self, connection: Connection) -> None:
        await connection.execute(
            "INSERT INTO nodes (id, name, sole, seen_at) VALUES ($1, $2, $3, clock_timestamp()) "
            "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
            self.id,
            self.name,
            self.sole,
        )


async def is_served(url: str) -> bool:
    """Whether a server has the database open. Raises StorageUnavailable."""
    try:
        connection = await connect(url)
        try:
            if await connection.fetchval("SELECT to_regclass('nodes')") is None:
                return False
            rows = await connection.fetch(_LIVE, 0, DEAD_SECONDS)
            return any(not _is_gone(row["id"], row["name"]) for row in rows)
        finally:
            await connection.close()
    except Exception as error:
        if not is_environment(error):
            raise
        raise unavailable("cannot open the database", error) from error


#: Of this process, which may have several databases open: tests do.
_OPEN: set[int] = set()


def _is_gone(id: int, name: str) -> bool:
    """Whether another server ran on this machine, and its process is no more. One of this process's own number is what
    ran in its place before a container was started again."""
    host, _, pid = name.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return id not in _OPEN
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
