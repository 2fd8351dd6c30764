"""Commands: what `tests/cli` leaves out."""

import json
from pathlib import Path

from app.mood import MOODS
from tests.cli.running import RECORDINGS, sessionmood

LINE = ["id", "events", "mean", "peak", "final", "changes", "offers"]


def test_replay_prints_one_line_for_each_session() -> None:
    content = (RECORDINGS / "frustrated.jsonl").read_bytes()
    ran = sessionmood("replay", RECORDINGS / "frustrated.jsonl")
    assert ran.code == 0
    sessions = [json.loads(line) for line in ran.lines]
    assert [session["id"] for session in sessions] == [
        json.loads(line)["id"] for line in content.splitlines()
    ]
    for session in sessions:
        assert list(session) == LINE
        assert isinstance(session["events"], int)
        for scores in (session["mean"], session["final"]):
            assert set(scores) == set(MOODS)
            assert abs(sum(scores.values()) - 1) < 1e-4
        for change in session["changes"]:
            assert list(change) == ["at", "mood", "confidence", "suggested_action", "signals"]
        for offer in session["offers"]:
            assert list(offer) == ["at"]


def test_the_engines_clock_is_the_recordings(tmp_path: Path) -> None:
    visit = tmp_path / "old.jsonl"
    events = [{"type": "page_view", "at": 1000}] + [{"type": "rage_click", "at": 2000 + n} for n in range(4)]
    visit.write_text(json.dumps({"id": "old", "events": events}))
    session = json.loads(sessionmood("replay", visit).out)
    assert [(change["at"], change["mood"]) for change in session["changes"]][-1][1] == "frustrated"
    assert all(1000 <= change["at"] <= 2003 for change in session["changes"])


def test_every_command_of_the_contract_is_there() -> None:
    listed = sessionmood("--help").out
    for command in ("serve", "keys", "replay", "evaluate", "simulate", "export", "erase"):
        assert f" {command} " in listed
    listed = sessionmood("keys", "--help").out
    for command in ("create", "list", "revoke"):
        assert f" {command} " in listed
