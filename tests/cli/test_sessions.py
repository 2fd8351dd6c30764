import asyncio
import contextlib
import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from app.cli import sessions
from app.storage.file_lock import FileLock
from app.storage.sqlite.database import SQLiteStorage
from app.storage.sqlite.identity import SERVER_LOCK
from tests.cli.running import RECORDINGS, sessionmood
from tests.support.server import ServerProcess, running, wait_until


class Stopped(NamedTuple):
    """A database, and the mood changes that the server told of "visit-1" before it stopped."""

    path: Path
    changes: list[dict[str, Any]]
    sk: str

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """A server that has read a frustrated visit and stopped."""
    visit = json.loads((RECORDINGS / "frustrated.jsonl").read_text())
    with running(tmp_path_factory.mktemp("stopped")) as server:
        dated = [event | {"at": 1_700_000_000_000 + event["at"]} for event in visit["events"]]
        now = dated[-1]["at"]
        body = {"producer": "p", "seq": 1, "reports": visit["reports"], "now": now, "events": dated}
        answer = server.post("visit-1", body)
        assert answer.status_code == 200, answer.text
        server.post("visit-2", {"type": "click"})
        changes = server.get("/v1/sessions/visit-1/timeline").json()["changes"]
        server.stop()
    return Stopped(server.database, changes, server.sk)


@pytest.fixture
def copied(stopped: Stopped, tmp_path: Path) -> Stopped:
    """The same to spoil."""
    for path in stopped.path.parent.glob("sessionmood.db*"):
        shutil.copy(path, tmp_path)
    return stopped._replace(path=tmp_path / stopped.path.name)


def test_an_exported_session_replays_to_what_the_server_pushed(stopped: Stopped) -> None:
    database = stopped.url
    exported = sessionmood("export", "visit-1", DATABASE_URL=database)
    assert exported.code == 0, exported.err
    (line,) = exported.lines
    recording = json.loads(line)
    assert recording["reports"] == ["response", "dead_click"]
    assert isinstance(recording["events"][0]["at"], int)
    ran = sessionmood("replay", "-", "--format", "jsonl", stdin=exported.out.encode())
    replayed = json.loads(ran.out)
    pushed = [(change["at"], change["mood"]) for change in stopped.changes[1:]]
    # the server's clock may have gone on for a moment after the last event
    until = recording["events"][-1]["at"]
    assert [(change["at"], change["mood"]) for change in replayed["changes"]] == [
        change for change in pushed if change[0] <= until
    ]
    assert "frustrated" in [mood for _, mood in pushed]


def test_export_of_everything_and_of_nothing(stopped: Stopped) -> None:
    database = stopped.url
    every = sessionmood("export", DATABASE_URL=database)
    assert sorted(json.loads(line)["id"] for line in every.lines) == ["visit-1", "visit-2"]
    for args in (["export", "visit-3"], ["explain", "--session", "visit-3"], ["erase", "visit-3"]):
        ran = sessionmood(*args, DATABASE_URL=database)
        assert (ran.code, "there is no session visit-3" in ran.err) == (1, True), ran.err
    assert sessionmood("export", "--project", "other", DATABASE_URL=database).out == ""


def test_explain_reads_the_database(stopped: Stopped) -> None:
    ran = sessionmood("explain", "--session", "visit-1", DATABASE_URL=stopped.url)
    assert ran.code == 0, ran.err
    assert "the visitor was frustrated: " in ran.out
    assert "rage_click +" in ran.out


def test_erase_leaves_nothing_behind(copied: Stopped) -> None:
    database = copied.url
    assert sessionmood("erase", "visit-1", DATABASE_URL=database).code == 0
    assert [json.loads(line)["id"] for line in sessionmood("export", DATABASE_URL=database).lines] == [
        "visit-2"
    ]
    for path in copied.path.parent.glob("sessionmood.db*"):
        assert b"visit-1" not in path.read_bytes()
        # in quotes, as events have it: what is learned of a page's elements is no visitor's
        assert b'"#pay"' not in path.read_bytes()


async def test_erase_beside_a_server_does_what_delete_does(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        database = f"sqlite:///{server.database}"
        server.post("MARKED-1", {"type": "click", "target": "#MARKED"})
        server.post("other", {"type": "click"})
        async with server.socket("MARKED-1") as socket, server.socket("other") as other:
            await socket.send({"op": "events", "events": [{"type": "click", "target": "#MARKED"}]})
            await socket.until("ack")
            held = asyncio.create_task(asyncio.to_thread(held_request, server, "MARKED-1"))
            await until_held(server)
            assert any(has(path, "MARKED") for path in tmp_path.glob("sessionmood.db*"))
            ran = await asyncio.to_thread(sessionmood, "erase", "MARKED-1", DATABASE_URL=database)
            assert (ran.code, ran.err) == (0, "sessionmood: MARKED-1 is erased\n")
            for path in tmp_path.glob("sessionmood.db*"):
                assert not has(path, "MARKED"), path
            code, frames = await socket.closed()
            assert (code, frames[-1]["code"]) == (4005, "revoked")
            assert await held == 404
            assert server.get("/v1/sessions/MARKED-1").status_code == 404
            await other.send({"type": "click"})
            await other.until("ack")
        assert server.post("MARKED-1", {"type": "click"}).json()["mood"]["event_count"] == 1
        assert server.get("/v1/sessions/other").json()["mood"]["event_count"] == 2
        await asyncio.to_thread(server.stop)
        exported = await asyncio.to_thread(sessionmood, "export", DATABASE_URL=database)
        assert sorted(json.loads(line)["id"] for line in exported.lines) == ["MARKED-1", "other"]


def held_request(server: ServerProcess, session: str) -> int:
    """The status that ends a request that waits for a change; other changes are waited past."""
    path, tag = f"/v1/sessions/{session}/mood", "none"
    while True:
        answer = server.get(f"{path}?wait=20", **{"if-none-match": tag})
        if answer.status_code not in (200, 304):
            return answer.status_code
        tag = answer.headers["etag"]


async def until_held(server: ServerProcess) -> None:
    """Until the server holds a request."""
    await asyncio.to_thread(
        wait_until,
        lambda: "sessionmood_held_requests 1" in server.get("/metrics").text,
        what="a held request",
    )


def has(path: Path, text: str) -> bool:
    """By another process: closing a database's file here would drop SQLite's locks on it."""
    return subprocess.run(["grep", "-qF", text, path], check=False).returncode == 0


def test_erase_beside_a_server_of_a_session_that_is_not_there(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.post("visit-1", {"type": "click"})
        database = f"sqlite:///{server.database}"
        for args in (["visit-3"], ["visit-1", "--project", "MARKED"]):
            ran = sessionmood("erase", *args, DATABASE_URL=database)
            assert (ran.code, f"there is no session {args[0]}" in ran.err) == (1, True), ran.err
        assert not any(
            has(path, "MARKED") or has(path, "visit-3") for path in tmp_path.glob("sessionmood.db*")
        )
        assert server.post("visit-1", {"type": "click"}).json()["mood"]["event_count"] == 2


def test_a_request_left_behind_is_carried_out_at_the_next_start(copied: Stopped) -> None:
    async def leave() -> None:
        store = SQLiteStorage(copied.path)
        await store.open()
        await store.request_erasure("default", "visit-1")
        await store.close()

    asyncio.run(leave())
    server = ServerProcess(copied.path.parent)
    server.sk = copied.sk
    try:
        server.start()
        wait_until(lambda: server.get("/v1/sessions/visit-1").status_code == 404, what="the erasure")
        assert server.get("/v1/sessions/visit-2").status_code == 200
    finally:
        server.close()


def test_a_server_that_does_not_answer_is_told_of_and_the_request_taken_back(
    copied: Stopped, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lock is held, but nobody reads requests: a server that hangs."""
    monkeypatch.setattr(sessions, "ERASE_SECONDS", 0.3)
    lock = FileLock(str(copied.path) + SERVER_LOCK)
    assert lock.acquire(0)
    try:
        with pytest.raises(typer.Exit) as ended:
            sessions.erase("visit-1", "default", copied.url)
    finally:
        lock.close()
    assert ended.value.exit_code == 1
    assert "did not erase visit-1" in capsys.readouterr().err
    with contextlib.closing(sqlite3.connect(copied.path)) as connection:
        assert connection.execute("SELECT count(*) FROM erase_requests").fetchone() == (0,)
    assert sessionmood("export", "visit-1", DATABASE_URL=copied.url).code == 0


def test_a_backup_is_a_database(stopped: Stopped, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    ran = sessionmood("backup", copy, DATABASE_URL=stopped.url)
    assert ran.code == 0, ran.err
    original = sessionmood("export", DATABASE_URL=stopped.url).out
    assert sessionmood("export", DATABASE_URL=f"sqlite:///{copy}").out == original
    ran = sessionmood("backup", tmp_path / "no" / "copy.db", DATABASE_URL=stopped.url)
    assert (ran.code, "there is no such folder" in ran.err) == (1, True)
