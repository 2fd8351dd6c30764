"""A real server for tests: `python -m app serve` as its own process, on a free port, with its own database."""

import asyncio
import contextlib
import functools
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
import msgspec
import websockets
from httpx2._config import DEFAULT_TIMEOUT_CONFIG
from websockets.asyncio.client import ClientConnection

from app.storage.migrations import migrate_sqlite

ROOT = Path(__file__).resolve().parent.parent.parent
#: Seconds that a line may take to open, and an answer to come, where a test says nothing else: left to itself httpx2
#: gives up after 5, websockets after 10, and a machine whose disk stands still takes that now and then.
PATIENCE = 60.0
DEFAULT_TIMEOUT_CONFIG.connect = DEFAULT_TIMEOUT_CONFIG.read = PATIENCE
DEFAULT_TIMEOUT_CONFIG.write = DEFAULT_TIMEOUT_CONFIG.pool = PATIENCE
# `httpx2.get` and its kind would read all certificates of the machine for each call, 50 ms of processor time.
httpcore2.default_ssl_context = functools.cache(httpcore2.default_ssl_context)

#: What coverage hands on to the processes of a run that it watches (`make coverage`).
WATCHED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


def reserved_port() -> socket.socket:
    """A port of 127.0.0.1 that the system gives to nobody else while this socket is open. Who asks for it by number
    and reuses addresses, as servers do, gets it: the socket is bound but does not listen."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


def free_port() -> int:
    """A port that was free a moment ago."""
    with reserved_port() as sock:
        return int(sock.getsockname()[1])


def fresh() -> str:
    """The id of a session that nobody has used."""
    return f"s-{uuid.uuid4().hex[:12]}"


def wait_until(condition: Callable[[], Any], seconds: float = 20.0, what: str = "the condition") -> Any:
    """Poll `condition` until it is true; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


def migrate(path: Path) -> None:
    """Make an empty database of the newest revision."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate_sqlite(connection)


@functools.cache
def migrated() -> bytes:
    """An empty database of the newest revision, as a file holds it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        migrate(path)
        return path.read_bytes()


class ServerProcess:
    """A server that can be stopped, killed and started again on the same database and port. Its database is there
    before the first start, empty: to make one takes half of a start's time. See `FirstStart`."""

    #: Whether the first start makes the database itself.
    makes_database = False

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        # kept until the end: between two runs, or before the first, others open hundreds of connections a second
        self._reserved = reserved_port()
        self.port = int(self._reserved.getsockname()[1])
        self.base = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}"
        self.database = folder / "sessionmood.db"
        self.log = folder / "server.log"
        self.settings = settings
        self.python = [sys.executable, *(f"-X{option}" for option in sys._xoptions)]
        self.root = ROOT
        self.sk = ""
        self.pk = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.launch()
        wait_until(self.answers, 30, "the server's start")
        if not self.sk:
            printed = self.output()
            self.sk = re.search(r"sk_[A-Za-z0-9_-]+", printed)[0]  # type: ignore[index]
            self.pk = re.search(r"pk_[A-Za-z0-9_-]+", printed)[0]  # type: ignore[index]

    def launch(self) -> None:
        """Start the process, and do not wait until it answers."""
        if not self.makes_database and not self.database.exists():
            self.database.write_bytes(migrated())
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{self.database}",
            **WATCHED,
            **{name: str(value) for name, value in self.settings.items()},
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.python, "-m", "app", "serve"], cwd=self.root, env=environment, stdout=log, stderr=log
            )

    def answers(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"the server stopped by itself with {code}:\n{self.output()}"
        try:
            ready = httpx2.get(f"{self.base}/readyz", timeout=2).status_code == 200
        except httpx2.TransportError:
            return False
        return ready and "SessionMood is up" in self.output()

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """As a power cut would: no chance to finish anything."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 40.0) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            if WATCHED:  # a killed process keeps its figures to itself
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
            self.kill()
        self._reserved.close()

    # Talking to it

    def url(self, session: str, call: str = "events") -> str:
        return f"{self.base}/v1/sessions/{session}/{call}"

    def post(self, session: str, body: Any, key: str | None = None, **headers: str) -> httpx2.Response:
        lines = {"x-api-key": key or self.sk, "content-type": "application/json", **headers}
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return httpx2.post(self.url(session), content=content, headers=lines)

    def get(self, path: str, key: str | None = None, **headers: str) -> httpx2.Response:
        return httpx2.get(self.base + path, headers={"x-api-key": key or self.sk, **headers})

    @contextlib.asynccontextmanager
    async def socket(self, session: str, key: str | None = None, **options: Any) -> AsyncIterator["Socket"]:
        """A socket with the key in the handshake's headers (the secret one unless told otherwise; "" for none)."""
        headers = dict(options.pop("headers", {}))
        if key != "":
            headers["x-api-key"] = key or self.sk
        address = f"{self.ws}/v1/sessions/{session}/ws"
        options.setdefault("open_timeout", PATIENCE)
        async with websockets.connect(address, additional_headers=headers, **options) as raw:
            yield Socket(raw)


class Socket:
    """A WebSocket client that speaks JSON."""

    def __init__(self, raw: ClientConnection) -> None:
        self.raw = raw

    async def send(self, frame: Any) -> None:
        await self.raw.send(frame if isinstance(frame, str | bytes) else msgspec.json.encode(frame).decode())

    async def receive(self, seconds: float = 20.0) -> dict[str, Any]:
        return msgspec.json.decode(await asyncio.wait_for(self.raw.recv(), seconds), type=dict[str, Any])

    async def until(self, op: str, seconds: float = 20.0, **fields: Any) -> dict[str, Any]:
        """The next frame with this `op` and these fields; others before it are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                frame = await self.receive(seconds)
                if frame["op"] == op and all(frame.get(name) == value for name, value in fields.items()):
                    return frame

    async def hello(self, **fields: Any) -> dict[str, Any]:
        """Say hello; the welcome."""
        await self.send({"op": "hello", **fields})
        return await self.until("welcome")

    async def closed(self, seconds: float = 20.0) -> tuple[int, list[dict[str, Any]]]:
        """Wait for the server to close: the code, and the frames that came before."""
        frames: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    frames.append(msgspec.json.decode(await self.raw.recv(), type=dict[str, Any]))
        except websockets.ConnectionClosed:
            assert self.raw.close_code is not None
            return self.raw.close_code, frames


class FirstStart(ServerProcess):
    """A server that finds an empty folder, as at a customer's."""

    makes_database = True


@contextlib.contextmanager
def running(
    folder: Path, kind: type[ServerProcess] = ServerProcess, /, **settings: object
) -> Iterator[ServerProcess]:
    """A started server, killed at the end."""
    server = kind(folder, **settings)
    try:
        server.start()
        yield server
    finally:
        server.close()
