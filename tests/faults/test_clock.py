"""A server on a machine whose clock is wrong, or is set while it runs."""

import asyncio
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.cli.running import sessionmood
from tests.support.server import ROOT, ServerProcess, fresh, wait_until

CLICK = {"type": "click"}
HOUR = 3_600
DAY = 86_400


class Clocked(ServerProcess):
    """A server whose machine's clock can be set."""

    def __init__(self, folder: Path, **settings: object) -> None:
        super().__init__(folder, **settings)
        self.file = folder / "clock"
        self.set_clock(0)
        self.python = [sys.executable, str(ROOT / "tests" / "faults" / "clocked.py"), str(self.file)]

    def set_clock(self, seconds: float) -> None:
        """So far from the real one."""
        fresh_file = self.file.with_suffix(".new")
        fresh_file.write_text(str(seconds))
        fresh_file.replace(self.file)

    def gauge(self, name: str) -> float:
        text = httpx2.get(f"{self.base}/metrics").text
        return float(text.partition(f"\n{name} ")[2].split()[0])

    def stepped(self, times: int) -> bool:
        return self.gauge("sessionmood_clock_steps") == times

    def moment(self, session: str) -> int:
        """When this session's newest event came, as the server has it."""
        return int(self.get(f"/v1/sessions/{session}").json()["last_at"])


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    server = Clocked(tmp_path, SESSIONMOOD_SESSION_EVENTS_PER_SECOND=10)
    try:
        server.start()
        yield server
    finally:
        server.close()


def may_read(clocked: Clocked, session: str, token: str) -> bool:
    answer = clocked.get(f"/v1/sessions/{session}/mood", clocked.pk, **{"x-session-token": token})
    assert answer.status_code in (200, 429)
    return answer.status_code == 200


async def test_an_hour_back_and_seventy_days_ahead_stop_nothing(clocked: Clocked) -> None:
    session = fresh()
    async with clocked.socket(session, key="") as socket:
        token = (await socket.hello(key=clocked.pk, producer="p", every=True))["token"]
        await socket.send({"op": "events", "seq": 1, "events": [CLICK]})
        await socket.until("ack")
        last, seq = clocked.moment(session), 2
        for steps, off in ((1, -HOUR), (2, 70 * DAY), (3, 0)):
            clocked.set_clock(off)
            wait_until(partial(clocked.stepped, steps), what="the step")
            refusals = 0
            op = "nack"
            while op == "nack" or not refusals:  # the bucket is emptied, and fills again as time goes on
                await socket.send({"op": "events", "seq": seq, "events": [CLICK] * 60})
                frame = await socket.receive()
                while (op := frame["op"]) not in ("ack", "nack"):
                    frame = await socket.receive()
                if op == "nack":
                    refusals += 1
                    assert 0 < frame["retry_ms"] <= 6_000
                    await asyncio.sleep(frame["retry_ms"] / 1000)
                else:
                    seq += 60
            now = clocked.moment(session)
            assert last < now < last + 300_000
            last = now
            assert clocked.post(fresh(), CLICK, clocked.pk).status_code == 200
            # reading draws from the bucket that was just emptied
            wait_until(partial(may_read, clocked, session, token), what="the reading")
            ready = clocked.get("/readyz")
            assert (ready.status_code, "clock: " in ready.text) == (200, off != 0)
    said = clocked.output()
    assert "was set back" in said
    assert "was set ahead by 70.0 days" in said
    assert "Traceback" not in said


def test_a_start_a_hundred_days_ahead_erases_nothing_and_says_so(clocked: Clocked) -> None:
    sessions = [fresh() for _ in range(5)]
    for session in sessions:
        assert clocked.post(session, CLICK).status_code == 200
    clocked.kill()
    clocked.set_clock(100 * DAY)
    clocked.start()
    wait_until(lambda: clocked.gauge("sessionmood_retention_refused") == 1, what="the refusal")
    assert [clocked.get(f"/v1/sessions/{session}/mood").status_code for session in sessions] == [200] * 5
    ready = clocked.get("/readyz")
    assert ready.status_code == 200
    assert ready.text.startswith("ok\nretention: nothing is erased: the clock is 100 days ahead")
    assert "retention: nothing is erased" in clocked.output()
    asked = sessionmood(
        "doctor", "--url", clocked.base, stdin=b"", DATABASE_URL=f"sqlite:///{clocked.database}"
    )
    assert "/readyz remarks: retention: nothing is erased" in asked.out
    fresh_one = fresh()
    assert clocked.post(fresh_one, CLICK, clocked.pk).status_code == 200
    clocked.kill()
    clocked.set_clock(0)  # it was wrong, and what came meanwhile has its dates
    clocked.start()
    assert all(clocked.post(session, CLICK).status_code == 200 for session in [*sessions, fresh_one])
    assert "days behind the newest event that is kept: is it right?" in clocked.output()
    assert clocked.get("/readyz").text == "ok\n"
    assert "Traceback" not in clocked.output()


async def test_a_start_a_little_behind_goes_on_where_it_was(clocked: Clocked) -> None:
    session = fresh()
    async with clocked.socket(session) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [CLICK]})
        await socket.until("ack")
    before = clocked.moment(session)
    clocked.kill()
    clocked.set_clock(-HOUR)
    clocked.start()
    for _ in range(3):
        assert clocked.post(session, CLICK).status_code == 200
        now = clocked.moment(session)
        assert before < now < before + 300_000
        before = now
        await asyncio.sleep(0.01)


# The clocks of those who send


@pytest.mark.parametrize("producer", ["p", None])
@pytest.mark.parametrize("step", [-HOUR, -300, 7_200])
async def test_a_pages_clock_may_be_set_while_its_socket_is_open(
    server: ServerProcess, step: int, producer: str | None
) -> None:
    def now() -> int:
        return time.time_ns() // 1_000_000

    async with server.socket(fresh(), key="") as socket:
        reports = ["response", "dead_click"]
        await socket.hello(key=server.pk, producer=producer, now=now(), reports=reports, every=True)
        first = {"type": "page_view", "at": now(), "url": "/"}
        await socket.send({"op": "events", "seq": 1, "events": [first]})
        await socket.until("ack")
        for n in range(6):
            at = now() + step * 1000
            both = [{"type": kind, "at": at, "target": "#pay"} for kind in ("click", "dead_click")]
            await socket.send({"op": "events", "seq": 2 + 2 * n, "events": both})
            await socket.until("ack")
            await asyncio.sleep(0.3)
        reading = await socket.until("mood", mood="frustrated")
        assert reading["confidence"] > 0.6


@pytest.mark.parametrize("late", [0, 120, 590, 86_400, -120])
def test_a_servers_clock_may_be_minutes_off(server: ServerProcess, late: int) -> None:
    at = time.time_ns() // 1_000_000 - late * 1000
    kinds = ("click", "rage_click", "dead_click", "dead_click", "dead_click", "dead_click")
    answer = server.post(fresh(), [{"type": kind, "target": "#pay", "at": at} for kind in kinds])
    assert answer.json()["mood"]["mood"] == "frustrated"
