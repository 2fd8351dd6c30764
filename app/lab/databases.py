"""What a check-up finds in the database, whichever it is."""

import os
import shutil
import sqlite3
import stat
import time
from pathlib import Path
from typing import Final

from app.auth.access import DEMO_PROJECT
from app.config.settings import Settings
from app.errors import SessionMoodError
from app.ingest.retention import refusal
from app.lab.findings import Finding, fail, ok, warn
from app.storage import Storage
from app.storage.postgres.connection import connect, is_direct, is_environment
from app.storage.postgres.database import PostgresStorage
from app.storage.sqlite.database import SQLiteStorage

#: ms that a client's clock and the server's may be apart before offsets look odd in a log.
CLOCK_MS: Final = 5000
#: Bytes that the disk should have left: the log of some hundred thousand sessions.
_ROOM: Final = 1 << 30
#: Versions in which a second writer can lose a commit when the write-ahead log is reset; mended in 3.51.3.
_WAL_RESET_BUG: Final = ((3, 7, 0), (3, 51, 2))
#: The oldest Postgres that this is tried with.
_OLDEST: Final = 140_000
_ROUND_TRIPS: Final = 20


async def examine_sqlite(settings: Settings) -> list[Finding]:
    """The file, its disk, and what is in it."""
    found = [*_sqlite(settings), *_keeping(settings), *_privileges(settings)]
    path = settings.sqlite_path
    if not Path(path).exists():  # noqa: ASYNC240 - nothing else runs here
        return found
    store = SQLiteStorage(path)
    try:
        await store.open()
        await store.check()
        found.append(ok(f"the database {path} can be read and written"))
        pages = await store.examine()
        if not pages:
            found.append(ok("the whole file was looked through"))
        return [*found, *await _contents(settings, store, pages)]
    except SessionMoodError as error:
        return [*found, fail(f"the database {path}: {error.detail}")]
    finally:
        await store.close()


async def examine_postgres(settings: Settings) -> list[Finding]:
    """The server as this machine reaches it, the rights there, and what is in the database."""
    shown = settings.shown_database
    store = PostgresStorage(settings.database_url)
    try:
        found = await _server(settings)
        await store.open()
        await store.check()
        found.append(ok(f"the database {shown} can be read and written"))
        return [*found, *await _contents(settings, store, [])]
    except SessionMoodError as error:
        return [fail(f"the database {shown}: {error.detail}")]
    except Exception as error:
        if not is_environment(error):
            raise
        return [fail(f"the database {shown}: {error or type(error).__name__}")]
    finally:
        await store.close()


async def _server(settings: Settings) -> list[Finding]:
    connection = await connect(settings.database_url)
    try:
        number = int(await connection.fetchval("SHOW server_version_num"))
        version = await connection.fetchval("SHOW server_version")
        found = [
            ok(f"Postgres {version}") if number >= _OLDEST else warn(f"Postgres {version} is older than 14")
        ]
        if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            found.append(warn("this role is a superuser: one that owns its own database is enough"))
        if not await is_direct(connection):
            found.append(ok("a pooler stands before it: nothing is prepared there"))
        limit = await connection.fetchval("SHOW statement_timeout")
        if limit == "0":
            found.append(
                warn("no statement_timeout on the server's side: ALTER ROLE … SET statement_timeout = '30s'")
            )
        if await connection.fetchval("SHOW synchronous_commit") == "off":
            found.append(fail("synchronous_commit is off: what was acked could be lost with the server"))
        if await connection.fetchval("SHOW fsync") == "off":
            found.append(fail("fsync is off: what was acked could be lost with the machine"))
        began = time.perf_counter()
        for _ in range(_ROUND_TRIPS):
            await connection.execute("SELECT 1")
        away = (time.perf_counter() - began) * 1000 / _ROUND_TRIPS
        found.append((ok if away < 5 else warn)(f"the database is {away:.1f} ms away, there and back"))
        return found
    finally:
        await connection.close()


async def _contents(settings: Settings, store: Storage, pages: list[str]) -> list[Finding]:
    return [
        *await _damages(store, pages),
        *await _keys(store, settings.demo),
        *await _time(store, settings.retention_days),
    ]


def _sqlite(settings: Settings) -> list[Finding]:
    version = sqlite3.sqlite_version_info[:3]
    if not _WAL_RESET_BUG[0] <= version <= _WAL_RESET_BUG[1]:
        return [ok(f"SQLite {sqlite3.sqlite_version}")]
    return [
        ok(
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug; one connection writes here, so it is not "
            "met while no other program writes to the file"
        )
    ]


def _privileges(settings: Settings) -> list[Finding]:
    path = Path(settings.sqlite_path)
    if not path.exists():
        return []
    if path.stat().st_nlink > 1:
        return [
            warn(
                f"{path} has another name too (a hard link): SQLite's log is found under one of them only; "
                "remove the other, or make it a symbolic link"
            )
        ]
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return [warn(f"{path} can be read by other users of this machine ({mode:o}): chmod 600 {path}*")]
    return [ok(f"{path} is for this user only")]


def _keeping(settings: Settings) -> list[Finding]:
    path = Path(settings.sqlite_path)
    if not path.exists():
        return [
            warn(f"there is no database {path} yet: the first start makes it, and the first pair of keys")
        ]
    room = shutil.disk_usage(path.parent).free
    say = ok if room >= _ROOM else fail if room < _ROOM // 16 else warn
    found = [say(f"the database has {path.stat().st_size / 1e6:,.1f} MB, its disk {room / 1e9:,.1f} GB left")]
    if not os.access(path.parent, os.W_OK):
        found.append(fail(f"the folder {path.parent} cannot be written to: SQLite keeps its log there"))
    return found


async def _time(store: Storage, retention_days: float) -> list[Finding]:
    """Whether this machine's clock fits what is kept."""
    now = time.time_ns() // 1_000_000
    refused = await refusal(store, now, retention_days)
    if refused:
        return [fail(f"retention: {refused}")]
    newest = await store.newest()
    if newest is not None and newest - now > CLOCK_MS:
        behind = (newest - now) / 3_600_000
        return [fail(f"this machine's clock is {behind:,.1f} hours behind the newest event that is kept")]
    return [ok("this machine's clock fits what is kept")]


async def _damages(store: Storage, pages: list[str]) -> list[Finding]:
    """What a look through the whole file, and the service's own work, found that cannot be read."""
    found = [fail(f"the database's file is damaged ({line}): restore a backup") for line in pages]
    for damage in await store.damages():
        at = time.strftime("%Y-%m-%d %H:%M", time.gmtime(damage.at / 1000))
        what = "key" if damage.part == "key" else "session"
        found.append(
            warn(
                f"{what} {damage.session} of {damage.project}: {damage.part} cannot be read and is passed over "
                f"(found {at} UTC: {damage.reason})"
            )
        )
    return found or [ok("nothing that is kept was found damaged")]


async def _keys(store: Storage, demo: str) -> list[Finding]:
    keys = [key for key in await store.keys() if key.revoked_at is None and key.project != DEMO_PROJECT]
    found = []
    if demo == "on" and any(key.origins for key in keys):
        found.append(warn("the demo is on beside keys for real pages: SESSIONMOOD_DEMO=off"))
    for kind, use in (("sk", "servers and the dashboard"), ("pk", "pages")):
        if not any(key.kind == kind for key in keys):
            found.append(warn(f"no key of kind {kind}, for {use}: `sessionmood keys create --kind {kind}`"))
    for key in keys:
        if key.kind == "pk" and not key.origins:
            found.append(
                warn(f"{key.id} ({key.name or 'no name'}) may be used from any page: bind it with --origin")
            )
    return found or [ok(f"{len(keys)} keys, the publishable ones bound to origins")]
