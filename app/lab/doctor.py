"""A check-up of a deployment: what is wrong, in words, and what to do about it."""

import asyncio
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from app.auth.access import DEMO_PROJECT
from app.config.model_file import BadModel, read_overrides
from app.config.settings import Settings, unknown_names
from app.errors import SessionMoodError
from app.ingest.retention import refusal
from app.lab.simulate.crowd import socket_address
from app.mood import engine
from app.storage.sqlite.database import SQLiteStorage

#: Bytes that the disk should have left: the log of some hundred thousand sessions.
_ROOM: Final = 1 << 30
#: ms that a client's clock and the server's may be apart before offsets look odd in a log.
_CLOCK: Final = 5000
#: Versions in which a second writer can lose a commit when the write-ahead log is reset; mended in 3.51.3.
_WAL_RESET_BUG: Final = ((3, 7, 0), (3, 51, 2))
_SECONDS: Final = 10.0


class Level(StrEnum):
    """`fail` needs to be mended, `warn` should be looked at."""

    ok = "ok"
    warn = "warn"
    fail = "fail"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    level: Level
    what: str


def _ok(what: str) -> Finding:
    return Finding(Level.ok, what)


def _warn(what: str) -> Finding:
    return Finding(Level.warn, what)


def _fail(what: str) -> Finding:
    return Finding(Level.fail, what)


async def examine(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    """What can be seen from the machine that serves, with these settings, read from `environ`."""
    for sentence in unknown_names(environ):
        yield _warn(sentence)
    if settings.trusted_proxies.strip() == "*":
        yield _warn(
            "SESSIONMOOD_TRUSTED_PROXIES is *: whoever connects may claim any address, and so pass limits by address"
        )
    for check in (_engine, _sqlite, _models, _files, _exposure, _keeping, _privileges):
        for finding in check(settings):
            yield finding
    if Path(settings.sqlite_path).exists():  # noqa: ASYNC240 - nothing else runs here
        for finding in await _database(settings):
            yield finding


def _engine(settings: Settings) -> list[Finding]:
    if not str(engine.__file__).endswith(".py"):
        return [_ok("the mood engine runs as machine code")]
    return [
        _warn("the mood engine runs as plain Python, several times slower: `make install` needs a C compiler")
    ]


def _sqlite(settings: Settings) -> list[Finding]:
    version = sqlite3.sqlite_version_info[:3]
    if not _WAL_RESET_BUG[0] <= version <= _WAL_RESET_BUG[1]:
        return [_ok(f"SQLite {sqlite3.sqlite_version}")]
    return [
        _ok(
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
            _warn(
                f"{path} has another name too (a hard link): SQLite's log is found under one of them only; "
                "remove the other, or make it a symbolic link"
            )
        ]
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return [_warn(f"{path} can be read by other users of this machine ({mode:o}): chmod 600 {path}*")]
    return [_ok(f"{path} is for this user only")]


def _models(settings: Settings) -> list[Finding]:
    found = []
    for name, path in (
        ("SESSIONMOOD_MODEL", settings.model),
        ("SESSIONMOOD_SHADOW_MODEL", settings.shadow_model),
    ):
        if path:
            try:
                found.append(
                    _ok(f"{name}: {len(read_overrides(Path(path)))} numbers differ from the shipped ones")
                )
            except BadModel as error:
                found.append(_fail(f"{name}: {error}"))
    return found


def _files(settings: Settings) -> list[Finding]:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = settings.connection_cap
    if wanted + 64 > limit:
        return [
            _fail(
                f"{wanted:,} sockets are allowed, but this process may open {limit:,} files: raise `ulimit -n`"
            )
        ]
    level = _ok if wanted >= 1000 else _warn
    return [level(f"{wanted:,} sockets at once at most")]


def _exposure(settings: Settings) -> list[Finding]:
    if settings.public_url.startswith("http://") and settings.host not in ("127.0.0.1", "localhost", "::1"):
        return [_warn("SESSIONMOOD_PUBLIC_URL is http: keys and events cross the network unencrypted")]
    if settings.host in ("127.0.0.1", "localhost", "::1"):
        return [_ok(f"listens on {settings.host}: only this machine, or a proxy on it, can reach it")]
    found = [_ok(f"listens on {settings.host}: something that speaks TLS should stand in front")]
    if not settings.metrics_token:
        found.append(_warn("/metrics is open to whoever reaches it: set SESSIONMOOD_METRICS_TOKEN"))
    return found


def _keeping(settings: Settings) -> list[Finding]:
    path = Path(settings.sqlite_path)
    if not path.exists():
        return [
            _warn(f"there is no database {path} yet: the first start makes it, and the first pair of keys")
        ]
    room = shutil.disk_usage(path.parent).free
    say = _ok if room >= _ROOM else _fail if room < _ROOM // 16 else _warn
    found = [say(f"the database has {path.stat().st_size / 1e6:,.1f} MB, its disk {room / 1e9:,.1f} GB left")]
    if not os.access(path.parent, os.W_OK):
        found.append(_fail(f"the folder {path.parent} cannot be written to: SQLite keeps its log there"))
    if settings.retention_days:
        found.append(_ok(f"sessions are erased {settings.retention_days:g} days after their last event"))
    else:
        found.append(_warn("SESSIONMOOD_RETENTION_DAYS is 0: sessions are kept for ever"))
    return found


async def _database(settings: Settings) -> list[Finding]:
    path = settings.sqlite_path
    store = SQLiteStorage(path)
    try:
        await store.open()
        await store.check()
        return [
            _ok(f"the database {path} can be read and written"),
            *await _damages(store),
            *await _keys(store, settings.demo),
            *await _time(store, settings.retention_days),
        ]
    except SessionMoodError as error:
        return [_fail(f"the database {path}: {error.detail}")]
    finally:
        await store.close()


async def _time(store: SQLiteStorage, retention_days: float) -> list[Finding]:
    """Whether this machine's clock fits what is kept."""
    now = time.time_ns() // 1_000_000
    refused = await refusal(store, now, retention_days)
    if refused:
        return [_fail(f"retention: {refused}")]
    newest = await store.newest()
    if newest is not None and newest - now > _CLOCK:
        behind = (newest - now) / 3_600_000
        return [_fail(f"this machine's clock is {behind:,.1f} hours behind the newest event that is kept")]
    return [_ok("this machine's clock fits what is kept")]


async def _damages(store: SQLiteStorage) -> list[Finding]:
    """What a look through the whole file, and the service's own work, found that cannot be read."""
    found = [
        _fail(f"the database's file is damaged ({line}): restore a backup") for line in await store.examine()
    ]
    for damage in await store.damages():
        at = time.strftime("%Y-%m-%d %H:%M", time.gmtime(damage.at / 1000))
        what = "key" if damage.part == "key" else "session"
        found.append(
            _warn(
                f"{what} {damage.session} of {damage.project}: {damage.part} cannot be read and is passed over "
                f"(found {at} UTC: {damage.reason})"
            )
        )
    return found or [_ok("the whole file was looked through: nothing in it is damaged")]


async def _keys(store: SQLiteStorage, demo: str) -> list[Finding]:
    keys = [key for key in await store.keys() if key.revoked_at is None and key.project != DEMO_PROJECT]
    found = []
    if demo == "on" and any(key.origins for key in keys):
        found.append(_warn("the demo is on beside keys for real pages: SESSIONMOOD_DEMO=off"))
    for kind, use in (("sk", "servers and the dashboard"), ("pk", "pages")):
        if not any(key.kind == kind for key in keys):
            found.append(_warn(f"no key of kind {kind}, for {use}: `sessionmood keys create --kind {kind}`"))
    for key in keys:
        if key.kind == "pk" and not key.origins:
            found.append(
                _warn(f"{key.id} ({key.name or 'no name'}) may be used from any page: bind it with --origin")
            )
    return found or [_ok(f"{len(keys)} keys, the publishable ones bound to origins")]


async def examine_server(url: str, key: str) -> AsyncIterator[Finding]:
    """What a client sees of a running server at `url`; with a key also through a WebSocket."""
    local = any(f"//{host}" in url for host in ("127.0.0.1", "localhost", "[::1]"))
    if not local and not url.startswith(("https://", "wss://")):
        yield _warn(f"{url} is not https: keys and events cross the network unencrypted")
    for path, meaning in (("/livez", "the process answers"), ("/readyz", "it takes traffic")):
        try:
            status, body = await asyncio.to_thread(_get, url + path)
        except OSError as error:
            yield _fail(f"{url}{path}: no answer ({error})")
            return
        if status != 200:
            yield _fail(f"{path} says {status}: {body.strip()[:200]}")
            continue
        yield _ok(f"{path}: {meaning}")
        for remark in body.splitlines()[1:]:
            yield _warn(f"{path} remarks: {remark[:300]}")
    status, body = await asyncio.to_thread(_get, url + "/sessionmood.js")
    yield _ok("/sessionmood.js is served") if status == 200 else _fail(f"/sessionmood.js says {status}")
    if not key:
        yield _warn("the WebSocket was not tried: give --key")
        return
    yield await _socket(url, key)


async def _socket(url: str, key: str) -> Finding:
    address = f"{socket_address(url)}/v1/sessions/doctor-{time.time_ns()}/ws"
    hello = msgspec.json.encode({"op": "hello", "key": key})
    try:
        async with asyncio.timeout(_SECONDS), connect(address) as socket:
            await socket.send(hello, text=True)
            welcome = msgspec.json.decode(await socket.recv(), type=dict[str, Any])
            if welcome["op"] != "welcome":
                return _fail(f"the WebSocket refuses: {welcome.get('detail')}")
            apart = abs(int(welcome["now"]) - time.time_ns() // 1_000_000)
            began = time.perf_counter()
            await socket.send('{"op": "ping"}')
            while msgspec.json.decode(await socket.recv(), type=dict[str, Any])["op"] != "pong":
                pass
            took = (time.perf_counter() - began) * 1000
    except TimeoutError:
        return _fail(
            f"the WebSocket opens but nothing comes back within {_SECONDS:.0f} s: a proxy may buffer it"
        )
    except InvalidHandshake as error:
        return _fail(
            f"the WebSocket is not let through ({error}): a proxy must pass `Upgrade` and `Connection`"
        )
    except (OSError, WebSocketException) as error:
        return _fail(f"the WebSocket fails: {error}")
    if apart > _CLOCK:
        return _warn(f"the WebSocket works, but the clocks here and there are {apart / 1000:.0f} s apart")
    return _ok(f"the WebSocket works, {took:.1f} ms there and back")


def _get(address: str) -> tuple[int, str]:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    # the caller has checked the scheme
    try:
        with urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read(1000).decode(errors="replace")
    except HTTPError as error:
        return error.code, error.read(1000).decode(errors="replace")
