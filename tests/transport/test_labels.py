"""Words for the moods that name no feeling: shown beside the mood wherever it is told, and only where it is wished."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.mood import MOODS, Model
from app.mood.model.numbers import NEUTRAL_LABELS
from tests.cli.running import sessionmood
from tests.support.server import ServerProcess, fresh, running

KINDS = ("page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click")


def labels_in(told: Any) -> list[str]:
    """All labels of a body, however deep."""
    if isinstance(told, dict):
        own = [told["label"]] if "label" in told else []
        return own + [label for value in told.values() for label in labels_in(value)]
    return [label for value in told for label in labels_in(value)] if isinstance(told, list) else []


async def everything(server: ServerProcess) -> tuple[dict[str, Any], str]:
    """What each door tells of one frustrated visit; and its id."""
    session = fresh()
    async with server.socket(session) as socket:
        welcome = await socket.hello(producer="page")
        assert welcome["mood"] is None
        first = server.post(session, {"type": KINDS[0]}).json()
        for kind in KINDS[1:]:
            last = server.post(session, {"type": kind}).json()
        pushed = await socket.until("mood", mood="frustrated")
    rows = server.get("/v1/sessions").json()["sessions"]
    return {
        "first": first["mood"],
        "answer": last["mood"],
        "pushed": pushed,
        "asked": server.get(f"/v1/sessions/{session}/mood").json(),
        "row": next(row for row in rows if row["session"] == session),
        "page": server.get(f"/v1/sessions/{session}").json(),
        "timeline": server.get(f"/v1/sessions/{session}/timeline").json()["changes"],
    }, session


async def test_where_it_is_wished_each_door_adds_a_neutral_label(tmp_path: Path) -> None:
    with running(tmp_path, SESSIONMOOD_NEUTRAL_LABELS=1) as server:
        told, session = await everything(server)
        server.stop()
    assert told["first"]["label"] == "active"
    assert told["first"]["because"][0]["text"].endswith("every visit starts as active")
    for name in ("answer", "pushed", "asked", "row"):
        # the contract stays: apps that act on the mood go on as before
        assert (told[name]["mood"], told[name]["label"]) == ("frustrated", "hindered"), name
    assert set(told["asked"]["scores"]) == set(MOODS)
    assert told["row"]["worst"]["label"] == "hindered"
    assert told["page"]["mood"]["label"] == told["page"]["last"]["label"] == "hindered"
    assert [change["label"] for change in told["timeline"]] == ["active", "hindered"]
    environment = {"DATABASE_URL": f"sqlite:///{server.database}", "SESSIONMOOD_NEUTRAL_LABELS": "1"}
    explained = sessionmood("explain", "--session", session, stdin=b"", **environment)
    assert "the visitor was hindered" in explained.out, explained.err


async def test_nothing_is_added_by_default(server: ServerProcess) -> None:
    told, _ = await everything(server)
    assert labels_in(list(told.values())) == []
    assert told["first"]["because"][0]["text"].endswith("every visit starts as engaged")


async def test_a_model_file_has_words_of_its_own(tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    model.write_text(json.dumps({"label.frustrated": "stuck"}))
    with running(tmp_path, SESSIONMOOD_MODEL=model, SESSIONMOOD_NEUTRAL_LABELS=1) as server:
        told, _ = await everything(server)
    assert told["asked"]["label"] == "stuck"
    assert told["first"]["label"] == "active"


def test_neutral_labels_are_words_of_their_own_and_name_no_mood() -> None:
    assert set(NEUTRAL_LABELS) == set(MOODS)
    assert len(set(NEUTRAL_LABELS.values())) == len(MOODS)
    assert not set(NEUTRAL_LABELS.values()) & set(MOODS)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("label.frustrated", "", "1 to 64"),
        ("label.frustrated", 3, "a label is a text"),
        ("label.sad", "low", "no mood 'sad'"),
    ],
)
def test_a_label_that_cannot_be_shown_is_refused(key: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Model.with_overrides({key: value})
