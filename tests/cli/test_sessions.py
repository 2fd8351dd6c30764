import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.running import RECORDINGS, sessionmood
from tests.server import running


class Stopped(NamedTuple):
    """A database, and the mood changes that the server told of "visit-1" before it stopped."""

    path: Path
    changes: list[dict[str, Any]]

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
    return Stopped(server.database, changes)


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
        assert b"#pay" not in path.read_bytes()


def test_erase_beside_a_server_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.post("visit-1", {"type": "click"})
        database = f"sqlite:///{server.database}"
        ran = sessionmood("erase", "visit-1", DATABASE_URL=database)
        assert (ran.code, "DELETE /v1/sessions/visit-1" in ran.err) == (1, True), ran.err
        assert server.get("/v1/sessions/visit-1/mood").json()["event_count"] == 1
        assert len(sessionmood("export", DATABASE_URL=database).lines) == 1
        assert server.post("visit-1", {"type": "click"}).json()["mood"]["event_count"] == 2
        server.stop()
        assert sessionmood("erase", "visit-1", DATABASE_URL=database).code == 0
        assert sessionmood("export", DATABASE_URL=database).out == ""


def test_a_backup_is_a_database(stopped: Stopped, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    ran = sessionmood("backup", copy, DATABASE_URL=stopped.url)
    assert ran.code == 0, ran.err
    original = sessionmood("export", DATABASE_URL=stopped.url).out
    assert sessionmood("export", DATABASE_URL=f"sqlite:///{copy}").out == original
    ran = sessionmood("backup", tmp_path / "no" / "copy.db", DATABASE_URL=stopped.url)
    assert (ran.code, "there is no such folder" in ran.err) == (1, True)
