"""One session, told by everybody who tells of it: each push, each answer, `replay` and `explain` say the same."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from app.config.model_file import served_numbers
from app.config.settings import Settings
from app.lab.recordings import Recording
from app.lab.simulate.stories import story
from app.mood import DEFAULT, MOODS, Model, MoodEngine
from app.protocol.readings import reading_dict
from tests.cli.running import sessionmood
from tests.support.server import ServerProcess, fresh, running, wait_until

#: Help comes at once here, and never in `explain` by the shipped numbers: a visit is too short.
HELP = {"SESSIONMOOD_HELP_WARMUP": 0, "SESSIONMOOD_HELP_HOLDOUT": 0}
#: A visit is over after so many seconds without an event.
IDLE = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running(tmp_path_factory.mktemp("one"), SESSIONMOOD_VISIT_IDLE=IDLE, **HELP) as process:
        yield process


def as_sent(reading: object) -> Any:
    return json.loads(msgspec.json.encode(reading))


def read_again(recording: Recording, model: Model, count: int, at: int) -> Any:
    """What the engine says at `at` of the first `count` events as they were kept."""
    facts = recording.facts()[:count]
    engine = MoodEngine(recording.id, recording.begins(), model)
    for fact in facts:
        engine.receive(fact)
    engine.advance(at)
    return as_sent(reading_dict(engine.reading(at)))


def plain(told: dict[str, Any]) -> dict[str, Any]:
    """The reading in a frame or answer, without what goes along with it."""
    return {name: value for name, value in told.items() if name not in ("op", "help", "ended_at")}


async def visited(server: ServerProcess, mood: str) -> tuple[str, list[dict[str, Any]]]:
    """A visit by both doors, as one page load: the session, and every reading that was told of it meanwhile."""
    id, visit = fresh(), story(mood)
    begins = time.time() * 1000 - float(visit.events[-1].at or 0)
    events = [as_sent(event) | {"at": begins + float(event.at or 0)} for event in visit.events]
    half = len(events) // 2
    envelope = {"producer": "page", "reports": visit.reports}
    sent = {**envelope, "seq": 1, "now": time.time() * 1000, "events": events[:half]}
    answer = await asyncio.to_thread(server.post, id, sent)
    assert answer.status_code == 200, answer.text
    told = [answer.json()["mood"]]
    async with server.socket(id) as socket:
        welcome = await socket.hello(**envelope, every=True, now=time.time() * 1000)
        assert welcome["ack"] == half
        told.append(welcome["mood"])
        for seq, event in enumerate(events[half:], start=half + 1):
            await socket.send({"op": "events", "seq": seq, "events": [event]})
            told.append(await socket.until("mood", event_count=seq))
        await socket.until("ack", seq=len(events))
        told.append((await asyncio.to_thread(server.get, f"/v1/sessions/{id}/mood")).json())
        # a socket that comes while the visitor is there is told what REST tells
        async with server.socket(id) as other:
            told.append((await other.hello(producer="other"))["mood"])
    return id, told


def ended(server: ServerProcess, id: str, *, offered: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The reading and the page of a visit that is over, once everything that came of it is written."""

    def look() -> Any:
        reading = server.get(f"/v1/sessions/{id}/mood").json()
        page = server.get(f"/v1/sessions/{id}").json()
        return "ended_at" in reading and (page["help"] or not offered) and (reading, page)

    reading, page = wait_until(look, 60, "the visit's end")
    return reading, page


async def test_whoever_tells_of_a_session_says_the_same(server: ServerProcess) -> None:
    visits = await asyncio.gather(*(visited(server, mood) for mood in MOODS))
    environment = {
        "DATABASE_URL": f"sqlite:///{server.database}",
        **{name: str(value) for name, value in HELP.items()},
    }
    model = DEFAULT.with_overrides(served_numbers(Settings.from_env(environment), {}))
    exported = server.folder / "one.jsonl"

    def told_by(*command: object) -> Any:
        ran = sessionmood(*command, stdin=b"", **environment)
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    for mood, (id, told) in zip(MOODS, visits, strict=True):
        exported.write_text(json.dumps(told_by("export", id)))
        recording = msgspec.json.decode(exported.read_bytes(), type=Recording)
        # each reading that was told live follows from the events that were kept
        for reading in told:
            live = plain(reading)
            assert live == read_again(recording, model, live["event_count"], live["as_of"]), mood
        # when the visit is over, the doors, `replay` and `explain` tell how it ended
        ending, page = ended(server, id, offered=mood == "frustrated")
        assert plain(page["mood"]) == plain(ending)
        assert ending["mood"] == mood
        replayed = told_by("replay", exported, "--format", "jsonl")
        assert replayed["final"] == {name: round(score, 6) for name, score in ending["scores"].items()}
        explained = told_by("explain", "--session", id, "--json")
        assert explained == told_by("explain", exported, "--json")
        last = explained["seconds"][-1]
        assert (last["mood"], last["confidence"]) == (ending["mood"], ending["confidence"])
        assert last["shares"] == [
            {"signal": part["signal"], "points": round(part["points"], 3), "text": part["text"]}
            for part in ending["because"]
        ]
        assert explained["events"] == replayed["events"] == ending["event_count"] == len(recording.events)
        # so do they of its changes, and of the help that was due. (The timeline dates a change by when it was told,
        # which is later where events come late; tests/cli/test_sessions.py compares it with `replay` otherwise.)
        begins = recording.begins()
        changes = [(change["at"], change["mood"]) for change in replayed["changes"]]
        spans = [(round(begins + span["start"] * 1000), span["mood"]) for span in explained["spans"]]
        assert spans[1:] == changes
        offers = [offer["at"] for offer in page["help"]["offers"]] if page["help"] else []
        assert [round(begins + offer * 1000) for offer in explained["offers"]] == offers
        # a replay ends with the last event, and help may come while the visitor waits
        assert [offer["at"] for offer in replayed["offers"]] == [at for at in offers if at <= ending["as_of"]]
        assert bool(offers) == (mood == "frustrated")
