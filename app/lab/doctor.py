"""A check-up of a deployment: what is wrong, in words, and what to do about it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from app.config.model_file import BadModel, read_overrides
from app.config.settings import Settings
from app.config.unknown import unknown_names
from app.lab.databases import CLOCK_MS, examine_postgres, examine_sqlite
from app.lab.findings import Finding, fail, ok, warn
from app.lab.simulate.crowd import socket_address
from app.mood import engine

_SECONDS: Final = 10.0


async def examine(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    """What can be seen from the machine that serves, with these settings, read from `environ`."""
    for sentence in unknown_names(environ):
        yield warn(sentence)
    if settings.trusted_proxies.strip() == "*":
        yield warn(
            "SESSIONMOOD_TRUSTED_PROXIES is *: whoever connects may claim any address, and so pass limits by address"
        )
    for check in (_engine, _models, _files, _exposure, _retention):
        for finding in check(settings):
            yield finding
    for finding in (
        await examine_postgres(settings) if settings.on_postgres else await examine_sqlite(settings)
    ):
        yield finding


def _engine(settings: Settings) -> list[Finding]:
    if not str(engine.__file__).endswith(".py"):
        return [ok("the mood engine runs as machine code")]
    return [
        warn("the mood engine runs as plain Python, several times slower: `make install` needs a C compiler")
    ]


def _models(settings: Settings) -> list[Finding]:
    found = []
    for name, path in (
        ("SESSIONMOOD_MODEL", settings.model),
        ("SESSIONMOOD_SHADOW_MODEL", settings.shadow_model),
    ):
        if path:
            try:
                found.append(
                    ok(f"{name}: {len(read_overrides(Path(path)))} numbers differ from the shipped ones")
                )
            except BadModel as error:
                found.append(fail(f"{name}: {error}"))
    return found


def _files(settings: Settings) -> list[Finding]:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = settings.connection_cap
    if wanted + 64 > limit:
        return [
            fail(
                f"{wanted:,} sockets are allowed, but this process may open {limit:,} files: raise `ulimit -n`"
            )
        ]
    level = ok if wanted >= 1000 else warn
    return [level(f"{wanted:,} sockets at once at most")]


def _exposure(settings: Settings) -> list[Finding]:
    if settings.public_url.startswith("http://") and settings.host not in ("127.0.0.1", "localhost", "::1"):
        return [warn("SESSIONMOOD_PUBLIC_URL is http: keys and events cross the network unencrypted")]
    if settings.host in ("127.0.0.1", "localhost", "::1"):
        return [ok(f"listens on {settings.host}: only this machine, or a proxy on it, can reach it")]
    found = [ok(f"listens on {settings.host}: something that speaks TLS should stand in front")]
    if not settings.metrics_token:
        found.append(warn("/metrics is open to whoever reaches it: set SESSIONMOOD_METRICS_TOKEN"))
    return found


def _retention(settings: Settings) -> list[Finding]:
    if settings.retention_days:
        return [ok(f"sessions are erased {settings.retention_days:g} days after their last event")]
    return [warn("SESSIONMOOD_RETENTION_DAYS is 0: sessions are kept for ever")]


async def examine_server(url: str, key: str) -> AsyncIterator[Finding]:
    """What a client sees of a running server at `url`; with a key also through a WebSocket."""
    local = any(f"//{host}" in url for host in ("127.0.0.1", "localhost", "[::1]"))
    if not local and not url.startswith(("https://", "wss://")):
        yield warn(f"{url} is not https: keys and events cross the network unencrypted")
    for path, meaning in (("/livez", "the process answers"), ("/readyz", "it takes traffic")):
        try:
            status, body = await asyncio.to_thread(_get, url + path)
        except OSError as error:
            yield fail(f"{url}{path}: no answer ({error})")
            return
        if status != 200:
            yield fail(f"{path} says {status}: {body.strip()[:200]}")
            continue
        yield ok(f"{path}: {meaning}")
        for remark in body.splitlines()[1:]:
            yield warn(f"{path} remarks: {remark[:300]}")
    status, body = await asyncio.to_thread(_get, url + "/sessionmood.js")
    yield ok("/sessionmood.js is served") if status == 200 else fail(f"/sessionmood.js says {status}")
    if not key:
        yield warn("the WebSocket was not tried: give --key")
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
                return fail(f"the WebSocket refuses: {welcome.get('detail')}")
            apart = abs(int(welcome["now"]) - time.time_ns() // 1_000_000)
            began = time.perf_counter()
            await socket.send('{"op": "ping"}')
            while msgspec.json.decode(await socket.recv(), type=dict[str, Any])["op"] != "pong":
                pass
            took = (time.perf_counter() - began) * 1000
    except TimeoutError:
        return fail(
            f"the WebSocket opens but nothing comes back within {_SECONDS:.0f} s: a proxy may buffer it"
        )
    except InvalidHandshake as error:
        return fail(
            f"the WebSocket is not let through ({error}): a proxy must pass `Upgrade` and `Connection`"
        )
    except (OSError, WebSocketException) as error:
        return fail(f"the WebSocket fails: {error}")
    if apart > CLOCK_MS:
        return warn(f"the WebSocket works, but the clocks here and there are {apart / 1000:.0f} s apart")
    return ok(f"the WebSocket works, {took:.1f} ms there and back")


def _get(address: str) -> tuple[int, str]:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    # the caller has checked the scheme
    try:
        with urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read(1000).decode(errors="replace")
    except HTTPError as error:
        return error.code, error.read(1000).decode(errors="replace")
