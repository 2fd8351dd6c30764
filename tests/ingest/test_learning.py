"""What visitors teach of elements, on a real server: noted in the log, kept across a restart, part of the export."""

import json
from pathlib import Path
from typing import Any

from tests.cli.running import sessionmood
from tests.support.server import ServerProcess, fresh, running


def visit(server: ServerProcess, *kinds: str, target: str = "#more") -> str:
    """One visitor; the session's id."""
    session = fresh()
    events = [{"type": kind, "target": target, "value": 120} for kind in kinds]
    body = {"producer": "page", "seq": 1, "reports": ["response", "dead_click"], "events": events}
    answer = server.post(session, body)
    assert answer.status_code == 200, answer.text
    return session


def clicks(server: ServerProcess, session: str) -> list[dict[str, Any]]:
    events = server.get(f"/v1/sessions/{session}/timeline").json()["events"]
    return [event for event in events if event["type"] == "click"]


def test_a_visitor_is_told_what_others_met_also_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        first = visit(server, "click", "response", "click", "response")
        assert "usual" not in clicks(server, first)[0]
        visit(server, "click", "response")
        visit(server, "click", "response")
        later = clicks(server, visit(server, "click", "click"))
        assert later[0]["usual"] == {
            "visitors": 3.0,
            "answered": 1.0,
            "wait_ms": 120,
            "clicks_in_a_row": 1.3,
        }
        assert "usual" not in later[1]

        server.stop()
        server.start()
        session = visit(server, "click")
        assert clicks(server, session)[0]["usual"]["visitors"] == 4.0

        # what a client says of this itself is dropped
        server.post("liar", [{"type": "click", "target": "#lie", "~usual": [9, 9, 1, 1, 9]}])
        assert "usual" not in clicks(server, "liar")[0]
        server.stop()
    exported = sessionmood("export", session, DATABASE_URL=f"sqlite:///{server.database}")
    assert json.loads(exported.out)["events"][0]["~usual"][0] == 4.0


def test_nothing_is_learned_where_the_operator_says_so(tmp_path: Path) -> None:
    with running(tmp_path, SESSIONMOOD_LEARN_ELEMENTS=0) as server:
        for _ in range(4):
            session = visit(server, "click", "response")
        assert "usual" not in clicks(server, session)[0]
