"""What the REST door tells of visits that are over, against a real server."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.server import ServerProcess, fresh, running, wait_until

STORY = ["page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click"]
IDLE = 2  # seconds without an event after which a visit of `brief` is over


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose visits are soon over, and which keeps hardly any session in memory."""
    settings = {
        "SESSIONMOOD_VISIT_IDLE": IDLE,
        "SESSIONMOOD_SESSION_IDLE": 0.5,
        "SESSIONMOOD_HELP_WARMUP": 0,
        "SESSIONMOOD_HELP_HOLDOUT": 0,
    }
    with running(tmp_path_factory.mktemp("brief"), **settings) as process:
        yield process


def struggle(server: ServerProcess, session: str, page: str, seconds_ago: float = 0) -> Any:
    """A visit in the style of the original's example, whose last event was some time ago; the last reading."""
    at = time.time() * 1000 - seconds_ago * 1000
    events = [{"type": kind, "at": at - (7 - n) * 3000, "url": page} for n, kind in enumerate(STORY)]
    # with the clock told: without, so old a batch would be taken for one of a clock that is wrong
    answer = server.post(session, {"now": time.time() * 1000, "events": events})
    assert answer.status_code == 200
    return answer.json()["mood"]


def test_a_visit_that_is_over_shows_how_it_ended(brief: ServerProcess) -> None:
    session, page = fresh(), f"/{fresh()}"
    told = struggle(brief, session, page)
    path = f"/v1/sessions/{session}/mood"
    # Its mood fades while the visitor may still be there; when the visit is over, it is told as it ended.
    ended = wait_until(
        lambda: (answer := brief.get(path)) and "ended_at" in answer.json() and answer, 30, "the visit's end"
    )
    reading = ended.json()
    assert list(reading)[:5] == ["mood", "confidence", "suggested_action", "signals", "event_count"]
    assert (reading["mood"], reading["event_count"], told["event_count"]) == ("frustrated", 8, 8)
    one = brief.get(f"/v1/sessions/{session}").json()
    assert reading["as_of"] == one["last_at"]
    assert one["mood"] | {"ended_at": one["ended_at"]} == reading
    assert one["ended_at"] == reading["ended_at"] == one["last_at"] + IDLE * 1000
    (row,) = brief.get(f"/v1/sessions?page={page}").json()["sessions"]
    assert (row["mood"], row["confidence"]) == ("frustrated", reading["confidence"])
    assert row["ended_at"] == one["ended_at"]
    assert row["worst"] == one["worst"]
    assert row["help"] == one["help"]
    tag = ended.headers["etag"]
    assert brief.get(path, **{"if-none-match": tag}).status_code == 304
    assert brief.get(f"{path}?wait=0.1", **{"if-none-match": tag}).status_code == 304
    # Who comes back goes on.
    assert brief.post(session, {"type": "click"}).json()["mood"]["event_count"] == 9
    again = brief.get(path, **{"if-none-match": tag})
    assert again.status_code == 200
    assert "ended_at" not in again.json()


def test_a_row_remembers_what_time_makes_of_the_mood(brief: ServerProcess) -> None:
    session, page = fresh(), f"/{fresh()}"
    struggle(brief, session, page, seconds_ago=400)  # the mood has faded before it is even asked for
    assert "ended_at" in brief.get(f"/v1/sessions/{session}/mood").json()

    def row() -> Any:
        (found,) = brief.get(f"/v1/sessions?page={page}").json()["sessions"]
        return found

    expected = {"mood": "frustrated", "suggested_action": "offer_help", "moods": ["frustrated", "engaged"]}
    for _ in range(2):
        found = row()
        assert {name: found[name] for name in expected} == expected
        worst = found["worst"]
        assert (worst["mood"], worst["page"], "rage_click" in worst["signals"]) == ("frustrated", page, True)
        assert sum(part["points"] for part in worst["because"]) > 0
        assert found["help"] == {
            "outcome": "unreported",
            "offers": [{**found["help"]["offers"][0], "id": "h1", "outcome": "unreported"}],
        }
        brief.stop()
        brief.start()
    brief.post(session, {"type": "help", "kind": "accepted", "name": "h1"})
    assert row()["help"]["outcome"] == "accepted"


def test_lists_can_be_asked_what_was(server: ServerProcess) -> None:
    page = f"/{fresh()}"
    hard, helped, calm = fresh(), fresh(), fresh()
    struggle(server, hard, page, seconds_ago=300)
    struggle(server, helped, page, seconds_ago=200)
    now = time.time() * 1000
    no = {"type": "help", "kind": "dismissed", "name": "h1", "at": now - 199_000}
    server.post(helped, {"now": now, "events": [no]})
    server.post(calm, {"now": now, "events": [{"type": "page_view", "url": page, "at": now - 100_000}]})

    def listed(query: str) -> list[str]:
        answer = server.get(f"/v1/sessions?page={page}&{query}")
        assert answer.status_code == 200, answer.text
        return [row["session"] for row in answer.json()["sessions"]]

    assert listed("was=frustrated") == [helped, hard]
    assert listed("mood=frustrated") == [helped, hard]
    assert listed("was=satisfied") == []
    assert listed("was=engaged") == [calm, helped, hard]
    assert listed("offered=dismissed") == [helped]
    assert set(listed("offered=true") + listed("offered=held_out")) == {helped, hard}
    assert listed("offered=false&was=engaged")[0] == calm
    assert listed("was=frustrated&mood=engaged") == []
    last = {
        row["session"]: row["last_at"] for row in server.get(f"/v1/sessions?page={page}").json()["sessions"]
    }
    assert listed(f"from={last[helped]}") == [calm, helped]
    assert listed(f"to={last[helped]}") == [hard]
    assert listed(f"from={last[hard]}&to={last[helped]}&was=frustrated") == [hard]
    moment = datetime.fromtimestamp(last[helped] / 1000, UTC)
    assert listed(f"from={moment.isoformat().replace('+00:00', 'Z')}") == [calm, helped]
    assert listed(f"from={moment.isoformat()}&was=engaged") == [calm, helped]
    assert listed(f"to={moment.date()}&from=2020-01-01") == [calm, helped, hard] or moment.hour == 0
    assert listed("to=2020-01-01") == []
    # A cursor goes on with its own list only.
    first = server.get(f"/v1/sessions?page={page}&was=engaged&limit=1").json()
    second = server.get(f"/v1/sessions?page={page}&was=engaged&limit=5&cursor={first['cursor']}").json()
    assert [row["session"] for row in first["sessions"] + second["sessions"]] == [calm, helped, hard]
    for other in ("", "was=frustrated", "was=engaged&from=0", "was=engaged&offered=true"):
        refused = server.get(f"/v1/sessions?page={page}&{other}&cursor={first['cursor']}")
        assert refused.status_code == 400


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("was=angry", "`was` is 'angry', not one of frustrated, engaged"),
        ("offered=maybe", "`offered` is 'maybe', not true, false, held_out, unreported"),
        ("from=yesterday", "`from` is 'yesterday', neither ms since 1970 nor a date"),
        ("to=2026-13-01", "`to` is '2026-13-01'"),
        ("from=1969-12-31", "`from` is '1969-12-31'"),
        ("from=2026-11-27&to=2026-11-26", "`from` must be before `to`"),
        ("from=5&to=5", "`from` must be before `to`"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(server: ServerProcess, query: str, named: str) -> None:
    answer = server.get(f"/v1/sessions?{query}")
    assert answer.status_code == 400
    assert named in answer.json()["detail"]
