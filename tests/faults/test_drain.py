"""SIGTERM: readiness goes first, then sockets leave one after the other, and the process is gone in time."""

import asyncio
import contextlib
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults.disk import Disk
from tests.faults.http import CutOff, request
from tests.security.hostile import broken_utf8
from tests.support.lines import Line, Target
from tests.support.server import FirstStart, ServerProcess, Socket, running

#: Slack for a machine that is busy with other things (seconds).
SLACK = 10.0
#: The grace of `quick` (seconds): clients that leave make it stop long before, stalls may last as long.
GRACE = 60
#: Events in a batch of `chatter`.
CHATTER = 5


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose drain takes about three seconds, and that takes whatever comes until then. Of its grace a
    tenth is for the last acks: more than a disk stalls."""
    times = {"SESSIONMOOD_DRAIN_GAP": 2, "SESSIONMOOD_DRAIN_SPREAD": 1.0, "SESSIONMOOD_DRAIN_GRACE": GRACE}
    rates = {"SESSIONMOOD_SESSION_EVENTS_PER_SECOND": 0, "SESSIONMOOD_ADDRESS_EVENTS_PER_SECOND": 0}
    with running(tmp_path, **times, **rates) as server:
        yield server


def process(server: ServerProcess) -> "subprocess.Popen[bytes]":
    assert server.process is not None
    return server.process


async def gone(server: ServerProcess, seconds: float) -> int:
    """Wait for the server's exit; its code, which is 0 only if it kept within the configured grace."""
    return await asyncio.to_thread(process(server).wait, seconds)


async def ready(server: ServerProcess) -> tuple[int, bytes]:
    answer = await request(server.port, "GET", "/readyz", {})
    return answer.status, answer.body


async def leaving(server: ServerProcess) -> None:
    """Wait until the server says that it is about to stop."""
    async with asyncio.timeout(20):
        while await ready(server) == (200, b"ok\n"):
            pass
    assert await ready(server) == (503, b"draining\n")


async def test_sockets_leave_one_after_the_other(tmp_path: Path) -> None:
    """The gap is long: what is tried in it must be over when the first is asked to leave."""
    times = {"SESSIONMOOD_DRAIN_GAP": 8, "SESSIONMOOD_DRAIN_SPREAD": 1.0, "SESSIONMOOD_DRAIN_GRACE": 30}
    with running(tmp_path, **times) as server:
        told = await leave(server)
        assert await gone(server, 30 + SLACK) == 0
        after = sorted(frames[-2]["after_ms"] for frames in told)
        assert after == [100 * n for n in range(10)]
        for frames in told:
            assert frames[-1]["code"] == "draining"
        assert "Traceback" not in server.output()


async def leave(server: ServerProcess) -> list[list[dict[str, Any]]]:
    """Ten clients, the server's stop, and what may still be done meanwhile; the frames that each client got."""
    async with asyncio.TaskGroup() as group:
        opened = asyncio.Barrier(11)
        told = [group.create_task(stay(server, f"s{n}", opened)) for n in range(10)]
        await opened.wait()
        process(server).terminate()
        await leaving(server)
        answer = await request(
            server.port, "POST", "/v1/sessions/rest/events", {"x-api-key": server.sk}, b'{"type":"click"}'
        )
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        async with server.socket("late") as late:
            assert (await late.closed())[0] == 4200
    return [task.result() for task in told]


async def stay(server: ServerProcess, session: str, opened: asyncio.Barrier) -> list[dict[str, Any]]:
    """A client that pays no heed to `drain`; the frames it got until it was closed with 4200."""
    async with server.socket(session) as client:
        await client.hello(producer="p")
        await opened.wait()
        code, frames = await client.closed()
        assert code == 4200
        return frames


async def test_a_client_that_comes_back_later_finds_everything(tmp_path: Path) -> None:
    """The spread is as long as the client may take between `drain` and its events; it ends when the client leaves."""
    with running(tmp_path, SESSIONMOOD_DRAIN_SPREAD=30, SESSIONMOOD_DRAIN_GRACE=GRACE) as server:
        async with server.socket("s") as client:
            await client.hello(producer="p")
            process(server).terminate()
            await client.until("drain")
            await client.send({"op": "events", "seq": 1, "events": [{"type": "click"}] * 3})
            assert (await client.until("ack"))["seq"] == 3
        assert await gone(server, GRACE + SLACK) == 0
        await asyncio.to_thread(server.start)
        async with server.socket("s") as client:
            welcome = await client.hello(producer="p")
            assert (welcome["ack"], welcome["mood"]["event_count"]) == (3, 3)


async def test_what_was_sent_before_the_end_is_acked_before_the_close(quick: ServerProcess) -> None:
    """Batches go out without a pause until the server closes: each is acked, or was never folded."""
    async with quick.socket("s") as client:
        welcome = await client.hello(producer="p")
        window = asyncio.Semaphore(welcome["limits"]["inflight"])
        sender = asyncio.create_task(chatter(client, window))
        process(quick).terminate()
        acked = 0
        while (frame := await client.receive())["op"] != "error":
            if frame["op"] == "ack":
                for _ in range(acked, frame["seq"], CHATTER):
                    window.release()
                acked = frame["seq"]
        assert frame["code"] == "draining"
        assert await client.closed() == (4200, [])
        sender.cancel()
    assert acked > 0
    assert await gone(quick, GRACE + SLACK) == 0
    await asyncio.to_thread(quick.start)
    async with quick.socket("s") as client:
        welcome = await client.hello(producer="p")
        assert (welcome["ack"], welcome["mood"]["event_count"]) == (acked, acked)


async def test_who_still_waits_for_the_handshake_is_told_too(quick: ServerProcess) -> None:
    target = Target(quick, quick.pk, "misuser", [])
    for _ in range(10):  # enough that the next one from this address is held back
        await broken_utf8(target)
    await shows(quick, "sessionmood_connections 0.0")
    line = await Line.open(target)
    entering = asyncio.create_task(line.handshake(target))
    await shows(quick, "sessionmood_connections 1.0")  # a server that knows of nobody waits for nobody
    process(quick).terminate()
    await entering
    assert await line.code() == 4200
    line.close()
    assert await gone(quick, GRACE + SLACK) == 0
    assert "Traceback" not in quick.output()


async def chatter(client: Socket, window: asyncio.Semaphore) -> None:
    """Batches without a pause, no more of them without an ack than `window` lets through."""
    seq = 1
    while True:
        await window.acquire()
        await client.send({"op": "events", "seq": seq, "events": [{"type": "click"}] * CHATTER})
        seq += CHATTER
        await asyncio.sleep(0.001)


async def test_held_requests_are_answered(quick: ServerProcess) -> None:
    quick.post("s", [{"type": "click"}])
    headers = {"x-api-key": quick.sk}
    polls = [
        asyncio.create_task(request(quick.port, "GET", "/v1/sessions/s/mood?wait=60", headers, seconds=30))
        for _ in range(5)
    ]
    await shows(quick, f"sessionmood_held_requests {len(polls):.1f}")
    process(quick).terminate()
    assert await gone(quick, GRACE + SLACK) == 0
    for poll in polls:
        assert (await poll).status == 200


async def shows(server: ServerProcess, line: str) -> None:
    """Wait until this line is among the server's metrics."""
    async with asyncio.timeout(60):
        while line not in (await request(server.port, "GET", "/metrics", {})).body.decode().splitlines():
            pass


async def test_clients_that_never_read_or_never_finish_hold_nobody_up(tmp_path: Path) -> None:
    # less than the default gap and spread; a fifth of it is left when the last request was cut off, for stalls
    with running(tmp_path, SESSIONMOOD_DRAIN_GRACE=9) as server:
        deaf = [await open_deaf(server, f"deaf{n}") for n in range(3)]
        asked = asyncio.Event()
        slow = asyncio.create_task(dribble(server, asked))
        await asked.wait()
        process(server).terminate()
        assert await gone(server, 9 + SLACK) == 0
        assert await slow == 503
        for raw in deaf:
            raw.close()
        assert "Traceback" not in server.output()


async def open_deaf(server: ServerProcess, session: str) -> socket.socket:
    """A socket that asks for a reading with each of many batches, and reads none."""
    raw = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", server.port))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lines = (
        f"GET /v1/sessions/{session}/ws HTTP/1.1",
        "host: x",
        "upgrade: websocket",
        "connection: upgrade",
        f"x-api-key: {server.sk}",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "\r\n",
    )
    event = msgspec.json.encode({"type": "click", "target": "#a"})
    frame = bytes([0x81, 0x80 | len(event), 0, 0, 0, 0]) + event
    raw.settimeout(0.5)
    raw.sendall("\r\n".join(lines).encode())
    try:
        for _ in range(200):
            raw.sendall(frame * 100)
    except TimeoutError:
        pass  # the server stopped reading: nothing more fits in between
    return raw


async def dribble(server: ServerProcess, asked: asyncio.Event) -> int | None:
    """A request whose body never ends; the answer's status, None when there was none. `asked`: it is on its way."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"POST /v1/sessions/s/events HTTP/1.1\r\nhost: x\r\nx-api-key: {server.sk}\r\ncontent-length: 999\r\n"
    )
    writer.write(head.encode() + b"\r\n[")
    asked.set()
    try:
        line = await asyncio.wait_for(reader.readline(), 40)
        return int(line.split()[1]) if line else None
    except OSError:
        return None
    finally:
        writer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, SESSIONMOOD_DRAIN_GAP=60, SESSIONMOOD_DRAIN_GRACE=120) as server:
        async with server.socket("s") as client:
            await client.hello(producer="p")
            process(server).send_signal(number)
            await leaving(server)
            process(server).send_signal(number)
            assert await gone(server, 20) == 1


async def test_nobody_there_nobody_waited_for(tmp_path: Path) -> None:
    with running(tmp_path, SESSIONMOOD_DRAIN_GAP=60, SESSIONMOOD_DRAIN_GRACE=120) as server:
        process(server).send_signal(signal.SIGINT)
        assert await gone(server, 20) == 0
        with pytest.raises(CutOff):
            await ready(server)


async def test_a_disk_that_hangs_does_not_hold_the_stop_up(tmp_path: Path) -> None:
    """What could not be kept was never acked; its client sends it again."""
    # the store is given up when a tenth of the grace is left: more than a machine stalls
    with running(tmp_path, SESSIONMOOD_DRAIN_GRACE=15) as server:
        async with server.socket("s") as client:
            await client.hello(producer="p")
            await client.send({"op": "events", "seq": 1, "events": [{"type": "click"}] * 2})
            await client.until("ack", seq=2)
            with contextlib.closing(sqlite3.connect(server.database, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await client.send({"op": "events", "seq": 3, "events": [{"type": "click"}] * 2})
                process(server).terminate()
                code, frames = await client.closed()
                assert code == 4200
                assert not any(frame["op"] == "ack" for frame in frames)
                assert await gone(server, 15 + SLACK) == 0
        await asyncio.to_thread(server.start)
        async with server.socket("s") as client:
            assert (await client.hello(producer="p"))["ack"] == 2


async def test_who_waits_too_long_for_an_ack_is_told_to_come_back(tmp_path: Path) -> None:
    """The disk is still at it when the time for the last acks is over. The code is that of every stop, not
    uvicorn's own; the batch was kept after all, and its client finds it."""
    disk = Disk(tmp_path)
    times = {"SESSIONMOOD_DRAIN_GAP": 0, "SESSIONMOOD_DRAIN_SPREAD": 0, "SESSIONMOOD_DRAIN_GRACE": 20}
    with running(tmp_path, FirstStart, **times, **disk.settings) as server:
        async with server.socket("s") as client:
            await client.hello(producer="p", every=True)
            disk.fail("slow 10000")
            await client.send({"op": "events", "seq": 1, "events": [{"type": "click"}] * 2})
            await client.until("mood", event_count=2)  # folded: the ack is owed
            process(server).terminate()
            code, frames = await client.closed()
            assert (code, frames[-1]["op"], frames[-1]["code"]) == (4200, "error", "draining")
            assert not any(frame["op"] == "ack" for frame in frames)
        disk.heal()
        assert await gone(server, 20 + SLACK) == 0
        await asyncio.to_thread(server.start)
        async with server.socket("s") as client:
            assert (await client.hello(producer="p"))["ack"] == 2
