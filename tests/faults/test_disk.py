"""A disk that fails under a running server: events are held and nacked, moods go on, it recovers by itself."""

import asyncio
import contextlib
import re
import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults import truth
from tests.faults.disk import Disk
from tests.faults.http import Answer, request
from tests.support.server import FirstStart, ServerProcess, running

Fault = Callable[[ServerProcess, Disk], "contextlib.AbstractContextManager[None]"]
#: Batches of one page load, by their first number.
FIRST, SECOND = 1, 4


def rage(seq: int) -> dict[str, Any]:
    return {"op": "events", "seq": seq, "events": [{"type": "rage_click", "target": "#pay"}] * 3}


@contextlib.contextmanager
def locked(server: ServerProcess, disk: Disk) -> Iterator[None]:
    """Somebody else writes to the database, and takes their time."""
    with contextlib.closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def limited(server: ServerProcess, disk: Disk) -> Iterator[None]:
    """No file of the server's may grow: `ulimit -f`, set from outside."""
    assert server.process is not None
    pid, kind = server.process.pid, resource.RLIMIT_FSIZE
    _, hard = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (1024, hard))
    yield
    resource.prlimit(pid, kind, (hard, hard))


def failing(how: str) -> Fault:
    @contextlib.contextmanager
    def fault(server: ServerProcess, disk: Disk) -> Iterator[None]:
        disk.fail(how)
        yield
        disk.heal()

    return fault


FAULTS: dict[str, tuple[Fault, str]] = {
    "locked": (locked, "database is locked"),
    "file size limit": (limited, "disk I/O error"),
    "disk full": (failing("full"), "database or disk is full"),
    "disk read-only": (failing("readonly"), "disk I/O error"),
    "disk broken": (failing("broken"), "disk I/O error"),
}


@pytest.mark.slow
async def test_events_are_held_and_nacked_then_acked_once(tmp_path: Path) -> None:
    """Each fault with a server of its own, side by side: most of the time passes in waiting."""
    with contextlib.ExitStack() as stack:
        async with asyncio.TaskGroup() as group:
            for name, (fault, reason) in FAULTS.items():
                folder = tmp_path / name.replace(" ", "-")
                folder.mkdir()
                disk = Disk(folder)
                server = stack.enter_context(running(folder, FirstStart, **disk.settings))
                group.create_task(suffer(server, disk, fault, reason), name=name)


async def suffer(server: ServerProcess, disk: Disk, fault: Fault, reason: str) -> None:
    async with server.socket("s") as socket:
        await socket.hello(producer="p", every=True)
        await socket.send(rage(FIRST))
        assert (await socket.until("ack"))["seq"] == 3
        with fault(server, disk):
            await socket.send(rage(SECOND))
            assert (await socket.until("mood"))["event_count"] == 6  # moods go on
            nack = await socket.until("nack")
            assert (nack["seq"], nack["code"]) == (SECOND, "storage_unavailable")
            assert nack["retry_ms"] > 0
            await until(server, "/readyz", 503)
            assert reason in (await get(server, "/readyz")).body.decode()
            assert (await get(server, "/livez")).status == 200
            assert (await get(server, "/v1/sessions/s/mood")).body["event_count"] == 6
            refused = await post(server, "s", [{"type": "click"}])
            assert (refused.status, refused.body["code"]) == (503, "storage_unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            async with server.socket("s") as other:  # who comes back now is let in, and told the truth
                welcome = await other.hello(producer="p")
                assert (welcome["ack"], welcome["mood"]["event_count"]) == (3, 7)
                await other.send(rage(SECOND))
                assert (await other.until("nack"))["seq"] == SECOND
        assert (await socket.closed())[0] == 4202  # the other one took over
    await until(server, "/readyz", 200)
    async with server.socket("s") as socket:
        assert (await socket.hello(producer="p"))["ack"] == 6
        await socket.send(rage(SECOND))
        ack = await socket.until("ack")
        assert (ack["seq"], ack["accepted"], ack["duplicates"]) == (6, 0, 3)
    server.kill()
    await asyncio.to_thread(server.start)
    async with server.socket("s") as socket:
        welcome = await socket.hello(producer="p")
        assert (welcome["ack"], welcome["mood"]["event_count"]) == (6, 7)
    rows = truth.log_of(server.database, "s")
    assert [(row.producer, row.first_seq, row.size) for row in rows] == [
        ("p", 1, 3),
        ("p", 4, 3),
        (None, None, 1),
    ]
    assert "Traceback" not in server.output()


@pytest.mark.slow
async def test_a_slow_disk_delays_acks_and_nothing_else(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with running(tmp_path, FirstStart, **disk.settings) as server:
        async with server.socket("s") as socket:
            await socket.hello(producer="p", every=True)
            disk.fail("slow 6000")
            await socket.send(rage(FIRST))
            posting = asyncio.create_task(post(server, "t", [{"type": "click"}]))
            assert (await socket.until("mood"))["event_count"] == 3
            async with server.socket("s") as other:
                assert (await other.hello(producer="q"))["mood"]["event_count"] == 3
            await until(server, "/readyz", 503)
            assert "more than" in (await get(server, "/readyz")).body.decode()
            disk.heal()
            assert (await socket.until("ack"))["seq"] == 3
            assert (await posting).status in (200, 503)  # it waits for two commits, and ten seconds at most
            await until(server, "/readyz", 200)
            assert (await get(server, "/v1/sessions/t/mood")).body["event_count"] == 1
            told = re.findall(
                r"sessionmood_slow_commits_total (\d+)", (await get(server, "/metrics")).body.decode()
            )
            assert int(float(told[0])) >= 1
        assert re.search(r"the disk is slow: a commit took \d+\.\d s \(\d+ over 1 s", server.output())
        assert "Traceback" not in server.output()


@pytest.mark.slow
async def test_damaged_pages_are_told_of_and_a_mended_file_is_used_again(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert server.post("s", [{"type": "click"}] * 50).status_code == 200
        assert server.stop() == 0
        whole = server.database.read_bytes()
        _damage(server.database)
        server.start()
        refused = await get(server, "/v1/sessions/s/mood")
        assert (refused.status, refused.body["code"]) == (503, "storage_unavailable")
        assert "malformed" in refused.body["detail"]
        assert (await post(server, "fresh", [{"type": "click"}])).status == 503
        await until(server, "/readyz", 503)
        assert "malformed" in (await get(server, "/readyz")).body.decode()
        with server.database.open("r+b") as file:  # in place: the server has it open
            file.write(whole)
        await until(server, "/readyz", 200)
        assert (await post(server, "s", [{"type": "click"}])).body["mood"]["event_count"] == 51


def _damage(database: Path) -> None:
    """Overwrite the root pages of the log and its index."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        roots = connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'log'").fetchall()
    with database.open("r+b") as file:
        for (root,) in roots:
            file.seek((root - 1) * size)
            file.write(b"\xa5" * size)


async def get(server: ServerProcess, path: str) -> Answer:
    return await request(server.port, "GET", path, {"x-api-key": server.sk})


async def post(server: ServerProcess, session: str, body: Any) -> Answer:
    headers = {"x-api-key": server.sk, "content-type": "application/json"}
    path = f"/v1/sessions/{session}/events"
    return await request(server.port, "POST", path, headers, msgspec.json.encode(body))


async def until(server: ServerProcess, path: str, status: int, seconds: float = 30.0) -> None:
    """Wait until `path` answers with `status`."""
    await _until(lambda: get(server, path), status, seconds)


async def _until(ask: Callable[[], Awaitable[Answer]], status: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while (await ask()).status != status:
            await asyncio.sleep(0.05)
