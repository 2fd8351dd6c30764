import json
import re
from pathlib import Path

import pytest

from tests.cli.running import RECORDINGS, sessionmood


def test_sentences_first_then_the_seconds() -> None:
    ran = sessionmood("explain", RECORDINGS / "confused.jsonl")
    assert ran.code == 0, ran.err
    assert ran.lines[0].startswith("confused: ")
    assert re.search("the visitor (was|seemed) confused: ", ran.out)
    assert any("back_and_forth +" in line for line in ran.lines)
    brief = sessionmood("explain", RECORDINGS / "confused.jsonl", "--brief")
    assert "back_and_forth" not in brief.out
    assert ran.out.startswith(brief.out)


def test_json(tmp_path: Path) -> None:
    explanation = json.loads(sessionmood("explain", RECORDINGS / "bored.jsonl", "--json").out)
    assert list(explanation) == ["id", "events", "lasted", "spans", "seconds", "offers"]
    assert "bored" in {span["mood"] for span in explanation["spans"]}


def test_which_session_must_be_clear(tmp_path: Path) -> None:
    both = tmp_path / "both.jsonl"
    both.write_bytes((RECORDINGS / "bored.jsonl").read_bytes() + (RECORDINGS / "curious.jsonl").read_bytes())
    assert sessionmood("explain", both, "--session", "curious").lines[0].startswith("curious: ")
    ran = sessionmood("explain", both)
    assert (ran.code, "more than one session" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([], 2, "name a FILE"),
        (["tests/recordings/bored.jsonl", "--session", "x"], 1, "holds no session x"),
        (["-"], 1, "holds no session"),
        (["nowhere.jsonl"], 1, "cannot be read"),
    ],
)
def test_mistakes_are_told_in_words(args: list[str], code: int, said: str) -> None:
    ran = sessionmood("explain", *args)
    assert (ran.code, said in ran.err) == (code, True), ran.err
