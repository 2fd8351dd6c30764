import json

import pytest

from app.lab.recordings import Line, decode
from app.lab.replay import replay
from app.lab.simulate.crowd import socket_address
from app.lab.simulate.personas import PERSONAS
from app.lab.simulate.record import record
from app.mood import DEFAULT
from tests.cli.running import sessionmood
from tests.support.server import ServerProcess


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_every_persona_is_read_as_meant_within_a_minute(persona: object, seed: int) -> None:
    assert isinstance(persona, type(PERSONAS[0]))
    result = replay(record(persona, persona.name, seed, 60), DEFAULT)
    moods = ["engaged", *(change.mood for change in result.changes)]
    assert persona.mood in moods
    assert max(result.mean, key=lambda mood: result.mean[mood]) == persona.mood, result.changes
    if persona.mood != "frustrated":
        assert "frustrated" not in moods
        assert result.offers == []


def test_the_same_seed_makes_the_same_recordings() -> None:
    first = sessionmood("simulate", "--record", "--seed", 3, "--minutes", 0.2)
    assert first.code == 0, first.err
    assert first.out == sessionmood("simulate", "--record", "--seed", 3, "--minutes", 0.2).out
    assert first.out != sessionmood("simulate", "--record", "--seed", 4, "--minutes", 0.2).out
    for line in first.lines:
        assert decode(Line("x", 1, line.encode())).events
        assert json.loads(line)["reports"] == ["response", "dead_click"]


@pytest.mark.slow
def test_a_newcomer_sees_all_six_moods_of_a_running_server(server: ServerProcess) -> None:
    ran = sessionmood("simulate", "--url", server.base, "--key", server.pk, "--minutes", 0.25, "--speed", 2)
    assert ran.code == 0, ran.err
    assert "all six moods were seen within" in ran.err, ran.out + ran.err
    assert "engaged > frustrated" in ran.out
    sent, kept = (
        int(part.split()[0].replace(",", "")) for part in ran.err.split("visitors, ")[1].split(", ")[:2]
    )
    assert sent == kept > 100


def test_mistakes_are_told_in_words(server: ServerProcess) -> None:
    for args, code, said in [
        (["--url", server.base], 2, "--key"),
        (["--url", "nowhere", "--key", "sk_x"], 2, "an address like"),
        (["--url", server.base, "--key", "sk_x"], 1, "not known"),
        (["--url", "http://127.0.0.1:1", "--key", "sk_x"], 1, "no server answers"),
    ]:
        ran = sessionmood("simulate", "--minutes", 0.05, *args)
        assert (ran.code, said in ran.err) == (code, True), ran.err
        assert "sk_x" not in ran.err


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000"),
        ("https://mood.example/", "wss://mood.example"),
        ("https://example.org/mood/", "wss://example.org/mood"),
    ],
)
def test_the_sockets_address(url: str, address: str) -> None:
    assert socket_address(url) == address
