import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.mood import MOODS
from tests.cli.running import RECORDINGS, ROOT, sessionmood

KEYS = ["id", "events", "mean", "peak", "final", "changes", "offers"]


def replayed(*args: object, stdin: bytes = b"") -> list[dict[str, object]]:
    ran = sessionmood("replay", *args, "--format", "jsonl", stdin=stdin)
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.lines]


@pytest.mark.parametrize("mood", MOODS)
def test_each_mood_has_a_recording_that_is_read_as_it(mood: str) -> None:
    (row,) = replayed(RECORDINGS / f"{mood}.jsonl")
    assert list(row) == KEYS
    mean, peak = row["mean"], row["peak"]
    assert isinstance(mean, dict)
    assert isinstance(peak, dict)
    assert list(mean) == list(MOODS)
    assert max(mean, key=lambda name: mean[name]) == mood
    assert sum(mean.values()) == pytest.approx(1, abs=1e-4)
    assert all(peak[name] >= mean[name] - 1e-6 for name in MOODS)


def test_changes_and_offers_are_those_of_the_contract() -> None:
    (row,) = replayed(RECORDINGS / "frustrated.jsonl")
    changes = row["changes"]
    assert isinstance(changes, list)
    first = changes[0]
    assert list(first) == ["at", "mood", "confidence", "suggested_action", "signals"]
    assert (first["mood"], first["suggested_action"]) == ("frustrated", "offer_help")
    assert row["offers"]
    assert all(list(offer) == ["at"] for offer in row["offers"])  # type: ignore[attr-defined]


def test_fast_clicks_that_are_answered_are_no_frustration() -> None:
    (row,) = replayed(RECORDINGS / "repeat_use.jsonl")
    assert "frustrated" not in [change["mood"] for change in row["changes"]]  # type: ignore[attr-defined]
    assert row["offers"] == []


def test_plain_gzip_and_standard_input_give_the_same(tmp_path: Path) -> None:
    content = (RECORDINGS / "bored.jsonl").read_bytes()
    packed = tmp_path / "bored.jsonl.gz"
    packed.write_bytes(gzip.compress(content))
    plain = replayed(RECORDINGS / "bored.jsonl")
    assert replayed(packed) == plain
    assert replayed("-", stdin=content) == plain
    assert replayed("-", stdin=gzip.compress(content)) == plain


def test_many_processors_answer_as_one_does_and_in_order(tmp_path: Path) -> None:
    every = b"".join(path.read_bytes() for path in sorted(RECORDINGS.glob("*.jsonl")))
    many = tmp_path / "many.jsonl"
    many.write_bytes(
        b"".join(every.replace(b'{"id":"', f'{{"id":"{at}-'.encode()) for at in range(800_000 // len(every)))
    )
    alone = sessionmood("replay", many, "--format", "jsonl", "--processes", 1)
    together = sessionmood("replay", many, "--format", "jsonl", "--processes", 3)
    assert alone.code == together.code == 0
    assert together.out == alone.out
    ids = [json.loads(line)["id"] for line in many.read_text().splitlines()]
    assert [json.loads(line)["id"] for line in alone.lines] == ids


def test_a_bad_line_is_named_after_the_good_ones_before_it(tmp_path: Path) -> None:
    path = tmp_path / "visits.jsonl"
    path.write_bytes((RECORDINGS / "bored.jsonl").read_bytes() + b'{"id": "x", "events": [{"at": 1}]}\n')
    ran = sessionmood("replay", path, "--format", "jsonl")
    assert ran.code == 1
    assert [json.loads(line)["id"] for line in ran.lines] == ["bored"]
    assert "visits.jsonl, line 2: " in ran.err
    assert "events[0]" in ran.err


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["replay"], 2, "Missing argument"),
        (["replay", "nowhere.jsonl"], 1, "nowhere.jsonl: cannot be read: No such file"),
        (["replay", "README", "--format", "xml"], 2, "xml"),
        (["replay", "tests"], 1, "tests: cannot be read"),
        (["replay", "-", "--model", "nowhere.json"], 1, "nowhere.json: cannot be read"),
        (["rewind"], 2, "No such command"),
    ],
)
def test_mistakes_are_told_in_words(args: list[str], code: int, said: str) -> None:
    ran = sessionmood(*args)
    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_a_model_file_changes_the_reading_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    model.write_text('{"_why": "a test", "weight.long_idle.bored": 0, "weight.skimming.bored": 0}')
    (shipped,) = replayed(RECORDINGS / "bored.jsonl")
    (changed,) = replayed(RECORDINGS / "bored.jsonl", "--model", model)
    assert changed["mean"]["bored"] < shipped["mean"]["bored"] - 0.1  # type: ignore[index]
    for content, said in [
        ('{"weight.luck.bored": 1}', "luck"),
        ('{"enter.bored": 7}', "enter.bored"),
        ("[]", "not a JSON object"),
    ]:
        model.write_text(content)
        ran = sessionmood("replay", RECORDINGS / "bored.jsonl", "--model", model)
        assert ran.code == 1
        assert "model.json" in ran.err
        assert said in ran.err


def test_the_table_is_aligned() -> None:
    ran = sessionmood("replay", *sorted(RECORDINGS.glob("*.jsonl")), "--format", "table")
    assert ran.code == 0
    head, *rows = ran.lines
    assert len(rows) == 7
    column = head.index("mostly")
    assert {row[column:].split()[0] for row in rows} >= set(MOODS)
    assert "7 sessions" in ran.err


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes((RECORDINGS / "bored.jsonl").read_bytes() * 1000)
    command = f"{sys.executable} -m app replay {many} --format jsonl --processes 1 | head -n 1"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, cwd=ROOT, timeout=60, check=True)
    assert json.loads(ran.stdout)["id"] == "bored"
    assert b"Traceback" not in ran.stderr
    assert b"BrokenPipe" not in ran.stderr
