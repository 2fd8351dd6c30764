"""One item that cannot be read costs itself only: it is passed over, logged once, counted, and `doctor` names it."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.running import Ran, sessionmood
from tests.support.server import ServerProcess, running, wait_until

#: More than MAX_FOLD_EVENTS: sessions whose snapshot is behind their log too
CLICKS = [{"type": "click", "target": "#pay", "x": 1, "y": 1}] * 6
NAMES = ("log", "typed", "snapshot", "change", "old", "odd", "blob", "asked", "sound")
#: How long the server may take to come to what is due: a round of the sweep is 5 s, and the machine may be busy.
SOON = 60.0


def run(database: Path, *statements: str) -> list[Any]:
    """The rows of the last statement."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=20)) as connection:
        rows: list[Any] = []
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        return rows


def one(database: Path, statement: str) -> Any:
    return run(database, statement)[0][0]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on a database in which something of each kind is damaged, and stands before what is sound."""
    with running(tmp_path_factory.mktemp("damaged"), SESSIONMOOD_LOG_LEVEL="info") as server:
        for name in NAMES:
            for _ in range(2):
                assert server.post(name, CLICKS).status_code == 200
        assert server.stop() == 0
        of = "WHERE session_id = (SELECT id FROM sessions WHERE session = '{}')"
        run(
            server.database,
            f"UPDATE log SET events = x'00ff7b' {of.format('log')} AND version = 1",
            f"DELETE FROM snapshots {of.format('log')}",
            "UPDATE sessions SET due_at = 1 WHERE session = 'log'",
            "UPDATE sessions SET created_at = 'long ago', due_at = 2 WHERE session = 'typed'",
            f"UPDATE snapshots SET state = x'c1c1' {of.format('snapshot')}",
            "UPDATE sessions SET due_at = 3 WHERE session = 'snapshot'",
            f"UPDATE changes SET signals = 'none' {of.format('change')}",
            "UPDATE sessions SET due_at = 4 WHERE session = 'sound'",
            # what nobody can erase, before what is to be erased
            "CREATE TRIGGER stuck BEFORE DELETE ON log WHEN OLD.session_id = (SELECT id FROM sessions "
            "WHERE session = 'odd') BEGIN SELECT RAISE(ABORT, 'this row cannot go'); END",
            "UPDATE sessions SET last_at = 1 WHERE session = 'odd'",
            "UPDATE sessions SET last_at = 1, session = x'ff' WHERE session = 'blob'",
            "UPDATE sessions SET last_at = 2 WHERE session = 'old'",
            "INSERT INTO erase_requests SELECT project, session FROM sessions WHERE session IN (x'ff', 'odd')",
            "INSERT INTO erase_requests VALUES ('default', 'asked')",
            "INSERT INTO keys SELECT 'key_bad', project, kind, x'00', name, 1, NULL, 'https://x', NULL, NULL "
            "FROM keys LIMIT 1",
        )
        server.start()
        yield server


def gone(server: ServerProcess, session: str) -> bool:
    return bool(one(server.database, f"SELECT count(*) FROM sessions WHERE session = '{session}'") == 0)


def woken(database: Path, due: str) -> bool:
    return bool(one(database, due) > 8)


def test_what_is_due_behind_it_wakes(damaged: ServerProcess) -> None:
    due = "SELECT ifnull(due_at, 9) FROM sessions WHERE session = '{}'"
    for name in ("log", "snapshot", "sound"):
        wait_until(partial(woken, damaged.database, due.format(name)), SOON, f"the waking of {name}")
    assert one(damaged.database, due.format("typed")) == 2


def test_what_is_to_be_erased_behind_it_goes(damaged: ServerProcess) -> None:
    wait_until(lambda: gone(damaged, "old") and gone(damaged, "asked"), SOON, "the erasures")


def test_the_session_itself_goes_on_without_the_row(damaged: ServerProcess) -> None:
    reading = damaged.get("/v1/sessions/log/mood")
    assert (reading.status_code, reading.json()["event_count"]) == (200, len(CLICKS))
    assert damaged.post("log", CLICKS).json()["accepted"] == len(CLICKS)
    timeline = damaged.get("/v1/sessions/log/timeline")
    assert (timeline.status_code, len(timeline.json()["events"])) == (200, 2 * len(CLICKS))
    whole = damaged.get("/v1/sessions/snapshot/mood").json()
    assert whole["event_count"] == 2 * len(CLICKS)  # the log has it all
    assert damaged.get("/v1/sessions/change/timeline").status_code == 200


def test_a_session_that_cannot_be_read_at_all_is_refused_and_no_other(damaged: ServerProcess) -> None:
    refused = damaged.get("/v1/sessions/typed/mood")
    assert (refused.status_code, refused.json()["title"]) == (
        503,
        "What is kept of this session cannot be read",
    )
    listed = damaged.get("/v1/sessions").json()["sessions"]
    assert {"log", "snapshot", "sound"} <= {each["session"] for each in listed}
    assert "typed" not in {each["session"] for each in listed}


def command(server: ServerProcess, *args: str) -> Ran:
    return sessionmood(*args, DATABASE_URL=f"sqlite:///{server.database}")


def test_an_export_leaves_it_out_and_says_so(damaged: ServerProcess) -> None:
    ran = command(damaged, "export")
    assert ran.code == 1
    assert "what cannot be read is left out" in ran.err
    exported = {msgspec.json.decode(line, type=dict[str, Any])["id"] for line in ran.lines}
    assert {"log", "snapshot", "sound"} <= exported


def test_an_operator_sees_it(damaged: ServerProcess) -> None:
    # of each kind something: those that nothing has come to yet are looked at here
    for name in ("log", "typed", "snapshot"):
        damaged.get(f"/v1/sessions/{name}/mood")
    damaged.get("/v1/sessions/change/timeline")
    expected = {"log", "session", "snapshot", "change", "key", "erase", "retention"}

    def counted() -> set[str]:
        metrics = damaged.get("/metrics").text
        return set(re.findall(r'^sessionmood_damages_total\{part="(\w+)"\} [1-9]', metrics, re.MULTILINE))

    wait_until(lambda: counted() == expected, SOON, "the counts")
    lines = [line for line in damaged.output().splitlines() if "cannot be read" in line]
    assert len(lines) == len(expected) + 1  # each once, however often it was met; two could not be erased
    assert "Traceback" not in damaged.output()
    ran = command(damaged, "doctor")
    for named in ("session log of default: log cannot", "session typed of default: session", "key key_bad"):
        assert named in ran.out, ran.out
