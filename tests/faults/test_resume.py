"""What a client finds when it comes back: after a kill, an erasure, with a clock that is wrong."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.mood import Change, MoodEngine
from app.protocol.batches import decode_log
from app.protocol.events import to_event
from tests.faults import truth
from tests.faults.http import request
from tests.support.server import ServerProcess, running, wait_until

#: Seconds before a change that time brings, in which a server must start, take a batch and be killed.
MARGIN = 8


ANGRY = ("rage_click", "dead_click", "error", "error")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that may be killed."""
    with running(tmp_path) as server:
        yield server


def events(*kinds: str, at: int | None = None) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = [{"type": kind, "target": "#pay"} for kind in kinds]
    return facts if at is None else [{**fact, "at": at} for fact in facts]


def now() -> int:
    return time.time_ns() // 1_000_000


def changes(database: Path, session: str) -> list[tuple[int, str]]:
    query = (
        "SELECT changes.at, changes.mood FROM changes JOIN sessions ON sessions.id = changes.session_id "
        "WHERE sessions.session = ? ORDER BY changes.at, changes.id"
    )
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return [(at, mood) for at, mood in connection.execute(query, (session,))]


def to_come(rows: list[truth.Row], session: str, until: int) -> list[tuple[int, str]]:
    """The changes that the log and time alone make up to `until`."""
    found: list[tuple[int, str]] = []
    engine: MoodEngine | None = None
    for row in rows:
        for wire in decode_log(row.events):
            event = to_event(wire, row.reports)
            engine = engine or MoodEngine(session, event.at)
            found += [(c.at, c.mood) for c in engine.receive(event) if isinstance(c, Change)]
    assert engine is not None
    return found + [(c.at, c.mood) for c in engine.advance(until) if isinstance(c, Change)]


@pytest.mark.slow
async def test_a_session_nobody_asks_about_goes_on_after_a_restart(own: ServerProcess) -> None:
    """The batch is dated so that the change that time brings comes a few seconds after the kill."""
    trial = own.post("trial", events(*ANGRY)).json()
    assert trial["mood"]["mood"] == "frustrated"
    rows = truth.log_of(own.database, "trial")
    first, *others = to_come(rows, "trial", now() + 3_600_000)
    lasts = next(at for at, _ in others if at > first[0]) - first[0]
    async with own.socket("s") as socket:
        await socket.hello(producer="p", now=now())
        at = now() - lasts + MARGIN * 1000
        await socket.send({"op": "events", "seq": 1, "events": events(*ANGRY, at=at)})
        await socket.until("ack", seq=4)
    own.kill()
    rows = truth.log_of(own.database, "s")
    known = changes(own.database, "s")
    expected = to_come(rows, "s", now() + 3_600_000)[: len(known) + 1]
    assert expected[-1][0] - now() > 0, "the kill came too late for this test to tell anything"
    await asyncio.to_thread(own.start)
    wait_until(lambda: changes(own.database, "s") == expected, 30 + MARGIN, "the change")


async def test_erasing_a_session_ends_all_who_hold_it(own: ServerProcess) -> None:
    key = {"x-api-key": own.sk}
    async with own.socket("s") as one, own.socket("s") as two:
        await one.hello(producer="one")
        await two.hello(producer="two")
        await one.send({"op": "events", "seq": 1, "events": events("click")})
        await one.until("ack")
        poll = asyncio.create_task(request(own.port, "GET", "/v1/sessions/s/mood?wait=60", key))
        sending = asyncio.create_task(chatter(two))
        await asyncio.sleep(0)
        assert (await request(own.port, "DELETE", "/v1/sessions/s", key)).status == 204
        assert (await one.closed())[0] == 4005
        assert (await two.closed())[0] == 4005
        sending.cancel()
        answer = await poll
        assert answer.status == 404 or (answer.status == 200 and answer.body["event_count"] >= 1)
    assert truth.log_of(own.database, "s") == []
    assert (await request(own.port, "GET", "/v1/sessions/s/mood", key)).status == 404
    async with own.socket("s") as fresh:
        assert (await fresh.hello(producer="one"))["ack"] == 0
        await fresh.send({"op": "events", "seq": 1, "events": events("click")})
        assert (await fresh.until("ack"))["accepted"] == 1
    assert [row.version for row in truth.log_of(own.database, "s")] == [1]
    assert "Traceback" not in own.output()


async def chatter(socket: Any) -> None:
    for seq in range(1, 10_000):
        await socket.send({"op": "events", "seq": seq, "events": events("click")})
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("skew", [3 * 3_600_000, -3 * 3_600_000, -20_000])
async def test_a_wrong_clock_stays_understood_after_a_restart(own: ServerProcess, skew: int) -> None:
    began = now()
    async with own.socket("s") as socket:
        await socket.hello(producer="p", now=now() + skew)
        for seq in (1, 2):
            await socket.send({"op": "events", "seq": seq, "events": events("error", at=now() + skew)})
            await socket.until("ack", seq=seq)
    own.kill()
    await asyncio.to_thread(own.start)
    restarted = now()
    body = {"producer": "p", "seq": 3, "events": events("error", at=now() + skew), "now": now() + skew}
    assert own.post("s", body).json()["ack"] == 3
    async with own.socket("s") as socket:
        assert (await socket.hello(producer="p", now=now() + skew))["ack"] == 3
        await socket.send({"op": "events", "seq": 4, "events": events("error", at=now() + skew)})
        await socket.until("ack", seq=4)
    times = [int(e.at or 0) for row in truth.log_of(own.database, "s") for e in decode_log(row.events)]
    assert times == sorted(times)
    assert began <= times[0] <= times[1] <= restarted <= times[2] <= times[3] <= now()


async def test_who_is_ahead_is_not_sent_back(own: ServerProcess) -> None:
    """A reading is pushed before it is kept; whoever saw one that a kill took away says so."""
    async with own.socket("s") as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": events("click")})
        mood = await socket.until("mood")
        await socket.until("ack")
    async with own.socket("s") as socket:
        welcome = await socket.hello(producer="p", every=True, have=[2, mood["as_of"] + 60_000])
        assert (welcome["ack"], welcome["mood"]) == (1, None)
        await socket.send({"op": "events", "seq": 2, "events": events("click")})
        await socket.until("ack", seq=2)
        await socket.send({"op": "events", "seq": 3, "events": events("click")})
        assert (await socket.until("mood"))["event_count"] == 3


async def test_a_line_that_broke_before_the_token_came_locks_nobody_out(own: ServerProcess) -> None:
    async with own.socket("s", key="") as socket:
        await socket.send({"op": "hello", "key": own.pk, "producer": "p"})
    async with asyncio.timeout(20):
        while (welcome := await _enter(own)) is None:  # the server has not noticed yet
            pass
    assert welcome["ack"] == 0
    assert own.post("s", events("click"), own.pk, **{"x-session-token": welcome["token"]}).status_code == 200
    assert await _enter(own) is None


async def _enter(server: ServerProcess) -> dict[str, Any] | None:
    """Come in without a token; None when that is refused."""
    async with server.socket("s", key="") as socket:
        await socket.send({"op": "hello", "key": server.pk, "producer": "p"})
        frame = await socket.receive()
        if frame["op"] == "welcome":
            return frame
        assert frame["code"] == "bad_token"
        return None
