import json
from pathlib import Path

import msgspec
import pytest

from tests.cli.running import RECORDINGS, sessionmood
from tests.support.labelled import site


def labelled(tmp_path: Path, people: int = 12) -> Path:
    path = tmp_path / "labelled.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(recording) for _, recording in site(people, 4)))
    return path


def test_it_offers_a_model_that_replay_takes_and_writes_only_when_asked(tmp_path: Path) -> None:
    visits = labelled(tmp_path, people=6)
    before = sorted(tmp_path.iterdir())
    dry = sessionmood("tune", visits)
    assert dry.code == 0, dry.err
    assert "Held-out people" in dry.out
    assert "--out FILE" in dry.err
    assert sorted(tmp_path.iterdir()) == before
    visits = labelled(tmp_path)
    model = tmp_path / "model.json"
    ran = sessionmood("tune", visits, "--out", model)
    assert ran.code == 0, ran.err
    written = json.loads(model.read_text())
    assert written["_frustrated"].startswith("held-out AUC 0.")
    assert "weight.unanswered_clicks.frustrated" in written
    replayed = sessionmood("replay", visits, "--model", model)
    assert replayed.code == 0, replayed.err


def test_a_model_that_is_no_better_is_not_written(tmp_path: Path) -> None:
    lines = []
    for at, (_, recording) in enumerate(site(12, 4)):
        # the coin says frustrated or not: half of each kind of session
        recording.labels = {"frustrated": float(at // 2 % 2)}
        lines.append(msgspec.json.encode(recording))
    visits = tmp_path / "coin.jsonl"
    visits.write_bytes(b"\n".join(lines))
    model = tmp_path / "model.json"
    ran = sessionmood("tune", visits, "--out", model)
    assert ran.code == 1
    assert "shipped" in ran.err
    assert not model.exists()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (RECORDINGS / "bored.jsonl", "no labels and no feedback events"),
        ("nowhere.jsonl", "cannot be read"),
    ],
)
def test_mistakes_are_told_in_words(file: object, said: str) -> None:
    ran = sessionmood("tune", file)
    assert (ran.code, said in ran.err) == (1, True), ran.err
