import json
from itertools import pairwise
from pathlib import Path
from typing import cast

import msgspec
import pytest

from app.ingest.shadow import Beside, Shadow, Tally
from app.lab.recordings import Recording, recordings
from app.lab.shadowing import compare
from app.mood import DEFAULT, MOODS, Event, Model, MoodEngine
from tests.cli.running import RECORDINGS, sessionmood
from tests.support.server import ServerProcess, running

CALM = {"enter.frustrated": 1.0}
OURS = sorted(RECORDINGS.glob("*.jsonl"))


def one(path: Path) -> Recording:
    ((_, recording),) = recordings([str(path)])
    return recording


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_a_model_beside_itself_never_differs(path: Path) -> None:
    tally = compare(one(path), DEFAULT, Model.with_overrides({}))
    assert (tally.sessions, tally.differed, tally.differed_ms, tally.pairs) == (1, 0, 0, {})
    assert tally.live == tally.candidate
    assert tally.agreement == 1


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_the_time_apart_is_what_a_naive_comparison_finds(path: Path) -> None:
    candidate = Model.with_overrides(CALM)
    tally = compare(one(path), DEFAULT, candidate)
    # both engines for themselves, asked at every millisecond that something could happen
    moods: list[dict[int, int]] = []
    for model in (DEFAULT, candidate):
        facts = one(path).facts()
        engine = MoodEngine(path.stem, facts[0].at, model)
        seen: dict[int, int] = {}
        for fact in facts:
            while (due := engine.due_at()) is not None and due < fact.at:
                engine.advance(due)
                seen[due] = engine.decision.mood
            engine.receive(fact)
            seen[fact.at] = engine.decision.mood
        moods.append(seen)
    live, other = moods
    assert list(live) == list(other)
    times = sorted(live)
    apart = sum(after - at for at, after in pairwise(times) if live[at] != other[at])
    assert tally.differed_ms == apart
    assert tally.watched_ms == times[-1] - times[0]
    assert sum(pair.ms for pair in tally.pairs.values()) == apart


def test_what_differs_is_told_by_mood() -> None:
    tally = compare(one(RECORDINGS / "frustrated.jsonl"), DEFAULT, Model.with_overrides(CALM))
    assert tally.differed == 1
    assert (tally.live.frustrated, tally.candidate.frustrated) == (1, 0)
    assert tally.live.offers > tally.candidate.offers == 0
    assert all(name.split(" > ")[0] in MOODS for name in tally.pairs)
    assert any(name.startswith("frustrated > ") for name in tally.pairs)


def test_tallies_add_up() -> None:
    total = Tally()
    parts = [compare(one(path), DEFAULT, Model.with_overrides(CALM)) for path in OURS]
    for part in parts:
        total.add(part)
    assert total.sessions == len(OURS)
    assert total.events == sum(part.events for part in parts)
    assert sum(pair.ms for pair in total.pairs.values()) == total.differed_ms
    assert msgspec.convert(msgspec.to_builtins(total), Tally) == total


def test_a_session_that_had_begun_is_not_compared() -> None:
    shadow = Shadow(DEFAULT)
    engine = MoodEngine("a", 0, DEFAULT)
    engine.receive(Event("click", 0))
    beside = shadow.observe("p", "a")
    for at in (10, 20):
        event = Event("click", at)
        engine.receive(event)
        beside.receive(event, engine)
        beside.advance(at, engine)
    assert (shadow.tallies["p"].sessions, shadow.tallies["p"].skipped) == (0, 1)


def test_a_candidate_that_fails_stops_itself_only() -> None:
    class Broken:
        def receive(self, event: Event) -> list[object]:
            raise ZeroDivisionError

    tally = Tally()
    beside = Beside("a", DEFAULT, tally)
    engine = MoodEngine("a", 0, DEFAULT)
    first = Event("click", 0)
    engine.receive(first)
    beside.receive(first, engine)
    beside._candidate = cast(MoodEngine, Broken())
    for at in (10, 20):
        event = Event("click", at)
        engine.receive(event)
        beside.receive(event, engine)
    assert (tally.sessions, tally.failed, tally.events) == (1, 1, 2)


def test_offline_report(tmp_path: Path) -> None:
    model = tmp_path / "candidate.json"
    model.write_text(json.dumps(CALM))
    ran = sessionmood("replay", *OURS, "--shadow", model, "--format", "table")
    assert ran.code == 0, ran.err
    assert ran.lines[0].startswith("7 sessions, ")
    assert "frustrated" in ran.out
    as_json = json.loads(sessionmood("replay", *OURS, "--shadow", model, "--format", "jsonl").out)
    assert (as_json["sessions"], as_json["live"]["frustrated"], as_json["candidate"]["frustrated"]) == (
        7,
        1,
        0,
    )


def test_a_server_reports_to_secret_keys_where_its_candidate_differs(tmp_path: Path) -> None:
    model = tmp_path / "candidate.json"
    model.write_text(json.dumps({"_made": "for a test", **CALM}))
    with running(tmp_path, SESSIONMOOD_SHADOW_MODEL=model) as server:
        for _ in range(3):
            assert server.post("visit", [{"type": "rage_click"}, {"type": "error"}]).status_code == 200
        mood = server.get("/v1/sessions/visit/mood").json()
        assert mood["mood"] == "frustrated"
        assert server.get("/v1/shadow", key=server.pk).status_code == 403
        report = server.get("/v1/shadow").json()
        assert (report["sessions"], report["live"]["frustrated"], report["candidate"]["frustrated"]) == (
            1,
            1,
            0,
        )
        shown = sessionmood("shadow", "--url", server.base, "--key", server.sk)
        assert shown.code == 0, shown.err
        assert shown.lines[0].startswith("1 session, 6 events")


def test_without_a_candidate_the_call_says_how_to_set_one(server: ServerProcess) -> None:
    assert server.get("/v1/shadow").status_code == 404
    ran = sessionmood("shadow", "--url", server.base, "--key", server.sk)
    assert (ran.code, "SESSIONMOOD_SHADOW_MODEL" in ran.err) == (1, True), ran.err
    for args, code, said in [
        (["--key", "sk_x"], 1, "not known"),
        ([], 2, "--key"),
        (["--key", "sk_x", "--url", "http://127.0.0.1:1"], 1, "no server answers"),
        (["--key", "sk_x", "--url", "file:///etc"], 2, "an address like"),
    ]:
        ran = sessionmood("shadow", *(["--url", server.base] if "--url" not in args else []), *args)
        assert (ran.code, said in ran.err) == (code, True), ran.err
