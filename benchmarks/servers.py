"""The processes of a run: the service, the echoes beside it, and the one that makes the load."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks.jobs import Job, Result, Target
from tests.server import ROOT, ServerProcess, free_port, wait_until

_R = TypeVar("_R", bound=Result)

#: Limits that protect a server from few loud visitors are off: here all come from one machine.
SETTINGS = {
    "SESSIONMOOD_CONNECTS_PER_SECOND": 0,
    "SESSIONMOOD_MAX_CONNECTIONS": 19_000,
    "SESSIONMOOD_MAX_CONNECTIONS_PER_ADDRESS": 0,
    "SESSIONMOOD_SESSION_EVENTS_PER_SECOND": 0,
    "SESSIONMOOD_ADDRESS_EVENTS_PER_SECOND": 0,
}


@contextlib.contextmanager
def service(folder: Path, *options: str) -> Iterator[Target]:
    """SessionMood on an empty database in `folder`; `options`: of Python."""
    folder.mkdir()
    server = ServerProcess(folder, **SETTINGS)
    server.python = [sys.executable, *options]
    try:
        server.start()
        assert server.process is not None
        yield Target(server.port, server.process.pid, server.sk)
    finally:
        server.close()


@contextlib.contextmanager
def echo(kind: str) -> Iterator[Target]:
    """A bare uvicorn; `kind`: "raw" or "starlette"."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.echo", kind, str(port)], cwd=ROOT)
    try:
        wait_until(lambda: _listens(port), what="the echo's start")
        yield Target(port, process.pid, echo=True)
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Load:
    """The load process. It takes one job at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run(self, job: Job, kind: type[_R]) -> _R:
        """Raises RuntimeError when the load process could not do it; it has said why on standard error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(job) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load process failed: {job}")
        return msgspec.json.decode(line, type=kind)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def load() -> Iterator[Load]:
    process = Load()
    try:
        yield process
    finally:
        process.close()
