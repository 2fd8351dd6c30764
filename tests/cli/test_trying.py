"""`sessionmood try`: a visit for each mood, against a real server."""

import msgspec
import pytest

from app.lab.simulate.stories import story
from app.mood import MOODS
from tests.cli.running import sessionmood
from tests.support.server import ServerProcess, free_port, fresh


@pytest.mark.parametrize("mood", MOODS)
def test_each_mood_has_a_visit_that_is_read_so(server: ServerProcess, mood: str) -> None:
    id = fresh()
    ran = sessionmood("try", mood, "--key", server.sk, "--session", id, PORT=str(server.port))
    reading = msgspec.json.decode(ran.out)
    assert reading["mood"] == mood, ran.out
    assert reading["event_count"] == len(story(mood).events)
    assert f"sent {len(story(mood).events)} events as session {id}" in ran.err
    assert server.get(f"/v1/sessions/{id}").json()["last"]["mood"] == mood


def test_what_goes_wrong_is_said(server: ServerProcess) -> None:
    unknown = sessionmood("try", "angry")
    assert unknown.code == 2
    assert "there is no story 'angry'; there are frustrated, engaged" in " ".join(unknown.err.split())
    assert "--key" in sessionmood("try", "bored").err
    refused = sessionmood("try", "bored", "--key", "sk_wrong", "--url", server.base)
    assert f"the server at {server.base} refused it" in refused.err
    assert "(401)" in refused.err
    assert refused.code == 1
    nobody = sessionmood("try", "bored", "--key", "sk_x", PORT=str(free_port()))
    assert "no server answers at http://127.0.0.1:" in nobody.err
