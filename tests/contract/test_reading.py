"""The reading: its shape, its sums, its order."""

from typing import Any

import pytest

from app.mood import MOODS
from tests.support.server import ServerProcess, fresh

FIELDS = ["mood", "confidence", "suggested_action", "signals", "event_count", "scores", "because", "since",
          "as_of", "previous"]  # fmt: skip
ACTIONS = {
    "frustrated": "offer_help", "confused": "show_guidance", "bored": "re_engage",
    "curious": "highlight_features", "engaged": "none", "satisfied": "ask_feedback",
}  # fmt: skip
VISITS: list[list[dict[str, Any]]] = [
    [{"type": "click"}],
    [{"type": "rage_click", "target": "#pay"}] * 4,
    [{"type": "idle", "value": 600}],
    [{"type": "page_view"}, {"type": "click"}, {"type": "response", "value": 80}, {"type": "goal", "name": "bought"}],
    [{"type": "feedback", "name": "confused", "value": 1}],
    [{"type": "hologram"}],
]  # fmt: skip


@pytest.mark.parametrize("events", VISITS, ids=lambda events: str(events[-1]["type"]))
async def test_every_door_gives_the_same_whole_reading(
    server: ServerProcess, events: list[dict[str, Any]]
) -> None:
    session = fresh()
    async with server.socket(session) as socket:
        await socket.send({"op": "ping"})
        await socket.until("pong")  # it listens: the handshake's answer comes before that
        reading = server.post(session, events).json()["mood"]
        pushed = await socket.until("mood", event_count=len(events))
    assert list(reading)[: len(FIELDS)] == FIELDS
    assert set(reading) <= {*FIELDS, "help"}
    assert {name: pushed[name] for name in FIELDS} == {name: reading[name] for name in FIELDS}
    got = server.get(f"/v1/sessions/{session}/mood").json()
    assert list(got)[: len(FIELDS)] == FIELDS
    assert isinstance(reading["confidence"], float)
    assert 0 <= reading["confidence"] <= 1
    assert reading["suggested_action"] == ACTIONS[reading["mood"]]
    assert isinstance(reading["event_count"], int)
    assert set(reading["scores"]) == set(MOODS)
    assert abs(sum(reading["scores"].values()) - 1) < 1e-9
    assert all(0 <= score <= 1 for score in reading["scores"].values())
    assert isinstance(reading["since"], int)
    assert isinstance(reading["as_of"], int)
    assert reading["since"] <= reading["as_of"]
    for part in reading["because"]:
        assert list(part) == ["signal", "points", "count", "text"]
        assert part["text"]
        assert part["count"] >= 1
    raised = {part["signal"] for part in reading["because"] if part["points"] > 0}
    assert set(reading["signals"]) <= raised


def test_the_previous_mood_is_null_first_and_then_the_one_before(server: ServerProcess) -> None:
    session = fresh()
    first = server.post(session, {"type": "click"}).json()["mood"]
    assert first["previous"] is None
    then = server.post(session, [{"type": "rage_click"}] * 4).json()["mood"]
    assert (then["mood"], then["previous"]) == ("frustrated", first["mood"])
    assert then["since"] >= first["since"]


async def test_positions_never_go_back(server: ServerProcess) -> None:
    session = fresh()
    positions = []
    async with server.socket(session) as socket:
        for event in ("click", "hologram", "rage_click", "error", "goal"):
            await socket.send({"type": event, "at": 5})
            reading = await socket.until("mood")
            positions.append((reading["event_count"], reading["as_of"]))
    assert positions == sorted(set(positions))
    got = server.get(f"/v1/sessions/{session}/mood").json()
    assert (got["event_count"], got["as_of"]) >= positions[-1]
