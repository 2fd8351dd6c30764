"""A server on Postgres: what was acked is there after kills of either, and nothing is acked meanwhile."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import sessionmood
from tests.support import engines
from tests.support.server import ServerProcess, fresh, running, wait_until


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    with running(tmp_path, DATABASE_URL=postgres_url) as server:
        yield server


def clicks(first: int, count: int) -> dict[str, object]:
    return {"producer": "tab", "seq": first, "events": [{"type": "click", "target": "#pay"}] * count}


def counted(server: ServerProcess, session: str) -> int:
    return int(server.get(f"/v1/sessions/{session}/mood").json()["event_count"])


def test_what_was_acked_outlives_a_kill(served: ServerProcess) -> None:
    session = fresh()
    assert served.post(session, clicks(1, 30)).status_code == 200
    served.kill()
    served.start()
    assert counted(served, session) == 30
    again = served.post(session, clicks(1, 31)).json()
    assert (again["accepted"], again["duplicates"]) == (1, 30)
    assert counted(served, session) == 31


async def test_nothing_is_acked_while_postgres_is_down(
    served: ServerProcess, postgres: engines.Postgres
) -> None:
    session = fresh()
    async with served.socket(session) as socket:
        await socket.hello(producer="tab")
        await socket.send({"op": "events", **clicks(1, 20)})
        await socket.until("ack")
        postgres.kill()
        try:
            await socket.send({"op": "events", **clicks(21, 20)})
            nack = await socket.until("nack")
            assert nack["retry_ms"] > 0
            refused = await asyncio.to_thread(served.post, fresh(), clicks(1, 1))
            assert refused.status_code == 503
            assert float(refused.headers["retry-after"]) > 0
            assert served.get("/readyz").status_code == 503
        finally:
            postgres.start()
        await asyncio.to_thread(wait_until, lambda: served.get("/readyz").status_code == 200, 30)
        await socket.send({"op": "events", **clicks(21, 20)})
        ack = await socket.until("ack")
        assert ack["seq"] == 40
    served.kill()
    served.start()
    assert counted(served, session) == 40


def test_a_second_server_is_refused_in_one_sentence(served: ServerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    refusal = r"another server runs on this database already.*REDIS_URL"
    with (
        contextlib.closing(ServerProcess(folder, **served.settings)) as second,
        pytest.raises(AssertionError, match=refusal),
    ):
        second.start()
    assert "postgres@" in served.output()  # where it writes to


def test_commands_beside_a_server(served: ServerProcess, postgres_url: str) -> None:
    def run(*args: str) -> str:
        ran = sessionmood(*args, DATABASE_URL=postgres_url)
        assert ran.code == 0, ran.out + ran.err
        return ran.out + ran.err

    session = fresh()
    served.post(session, clicks(1, 30))
    made = run("keys", "create", "--kind", "sk", "--name", "more")
    assert "more" in run("keys", "list")
    key = next(word for word in made.split() if word.startswith("sk_"))
    wait_until(lambda: served.get("/v1/sessions", key=key).status_code == 200, what="the new key")
    assert session in run("export")
    told = sessionmood("doctor", DATABASE_URL=postgres_url)
    assert [line for line in told.lines if line.startswith("fail")] == [
        "fail  fsync is off: what was acked could be lost with the machine"  # as the tests' Postgres has it
    ]
    assert "Postgres 18" in told.out
    assert "is erased" in run("erase", session)
    assert served.get(f"/v1/sessions/{session}").status_code == 404
    ran = sessionmood("backup", "copy.db", DATABASE_URL=postgres_url)
    assert ran.code == 1
    assert "pg_dump" in ran.err
