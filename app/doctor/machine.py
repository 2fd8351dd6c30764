"""What can be seen from the machine itself: settings, the database's file, SQLite, limits."""

import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from app.config import Settings
from app.doctor import Finding, bad, ok, warn

#: Versions whose write-ahead log can be reset under a second connection's feet: sqlite.org/wal.html, "WAL reset".
_WAL_RESET_BUG: Final = ((3, 7, 0), (3, 51, 2))
_MIB: Final = 2**20
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def look(settings: Settings) -> Iterator[Finding]:
    """Everything, in the order of a report."""
    yield from _sqlite()
    yield from _files(settings)
    path = Path(settings.sqlite_path)
    yield from _database(path)
    yield from _disk(path)
    if path.exists():
        yield from _keys(path, settings)
    yield from _settings(settings)


def _sqlite() -> Iterator[Finding]:
    version = sqlite3.sqlite_version_info[:3]
    if _WAL_RESET_BUG[0] <= version <= _WAL_RESET_BUG[1]:
        yield ok(
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug (mended in 3.51.3); one process with one writing "
            "connection, as here, does not meet it. Do not let other programs write to the file."
        )
    else:
        yield ok(f"SQLite {sqlite3.sqlite_version}")


def _files(settings: Settings) -> Iterator[Finding]:
    text = (
        f"{settings.connection_cap:,} WebSockets and {settings.request_cap:,} other connections may be open"
    )
    if settings.connection_cap < 1000:
        yield warn(text, "raise the limit of open files (ulimit -n, LimitNOFILE= in systemd)")
    elif settings.connection_cap + settings.request_cap > settings.file_cap:
        yield bad(
            f"SESSIONMOOD_MAX_CONNECTIONS is {settings.max_connections:,}, more than this process may open files",
            "lower it, or raise the limit of open files (ulimit -n, LimitNOFILE= in systemd)",
        )
    else:
        yield ok(text)


def _database(path: Path) -> Iterator[Finding]:
    if not path.exists():
        folder = next((each for each in path.absolute().parents if each.exists()), Path("/"))
        if os.access(folder, os.W_OK):
            yield ok(f"{path} does not exist yet; {folder} can be written to")
        else:
            yield bad(f"{path} does not exist, and {folder} can't be written to", "give this user the folder")
        return
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        yield bad(
            f"{path} or its folder can't be written to by this user",
            "SQLite needs both: chown them to the user that serves",
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield warn(
            f"{path} can be read by other users ({mode:o})", f"chmod 600 {path}* (and 700 for its folder)"
        )
    else:
        yield ok(f"{path} is this user's alone")
    try:
        with closing(_opened(path)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        yield bad(f"{path} can't be read: {error}", "restore a backup (`sessionmood backup` makes them)")
        return
    if answer == "ok":
        yield ok("the database is sound (quick check)")
    else:
        yield bad(f"the database is damaged: {answer}", "stop the service and restore a backup")


def _disk(path: Path) -> Iterator[Finding]:
    folder = next(each for each in path.absolute().parents if each.exists())
    free = shutil.disk_usage(folder).free // _MIB
    if free < 100:
        yield bad(f"{free} MiB are free in {folder}", "make room: a full disk stops every ack")
    elif free < 1024:
        yield warn(f"{free} MiB are free in {folder}", "make room, or lower SESSIONMOOD_RETENTION_DAYS")
    else:
        yield ok(f"{free // 1024:,} GiB are free in {folder}")


def _keys(path: Path, settings: Settings) -> Iterator[Finding]:
    try:
        with closing(_opened(path)) as connection:
            rows = connection.execute(
                "SELECT id, kind, name, origins FROM keys WHERE revoked_at IS NULL"
            ).fetchall()
    except sqlite3.Error:
        return  # said above
    if not rows:
        yield warn("there are no keys", "make one: `sessionmood keys create --kind sk`")
    unbound = [id for id, kind, _, origins in rows if kind == "pk" and not json.loads(origins)]
    if unbound:
        yield warn(
            f"{len(unbound)} publishable key(s) may be used from any origin: {', '.join(unbound[:5])}",
            "make them anew with --origin, so that no other site can use them",
        )
    development = [id for id, _, name, _ in rows if name == "development"]
    if development and settings.host not in LOOPBACK:
        yield warn(
            f"the keys of the first start are still good: {', '.join(development)}",
            "they stood on a terminal; revoke them (`sessionmood keys revoke ID`)",
        )


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.retention_days:
        yield ok(f"sessions are kept for {settings.retention_days:g} days")
    else:
        yield warn("sessions are kept for ever", "set SESSIONMOOD_RETENTION_DAYS")
    if settings.host not in LOOPBACK:
        if not settings.public_url.startswith("https://"):
            yield warn(
                f"it listens on {settings.host} and names no https address",
                "put a proxy with TLS in front and set SESSIONMOOD_PUBLIC_URL: keys travel in headers",
            )
        if not settings.metrics_token:
            yield warn("/metrics is open to everybody who reaches it", "set SESSIONMOOD_METRICS_TOKEN")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
