import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from app.lab.simulate.personas import PERSONAS
from app.lab.simulate.record import record
from tests.cli.running import RECORDINGS, ROOT, sessionmood

SHARED = ROOT.parent / "shared" / "evaluation"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Six people who say what they played; each once frustrated, once satisfied, else nothing was asked."""
    said = {"Fay": {"frustrated": 1.0, "satisfied": 0.0}, "Sam": {"frustrated": 0.0, "satisfied": 1.0}}
    lines = []
    for person in range(6):
        for persona in PERSONAS:
            visit = record(persona, f"{persona.name}-{person}", person, 42)
            visit.person = person
            visit.labels = dict(said.get(persona.name, {}))
            lines.append(msgspec.json.encode(visit))
    path = tmp_path / "visits.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


def test_it_prints_every_part_and_draws_the_picture(labelled: Path, tmp_path: Path) -> None:
    picture = tmp_path / "accuracy.svg"
    ran = sessionmood("evaluate", labelled, "--picture", picture, "--ablations")
    assert ran.code == 0, ran.err
    for part in (
        "Delivered: what",
        "Ranking",
        "Calibration",
        "Ordinary sessions",
        "Ablations: AUC",
        "without-response",
    ):
        assert part in ran.out
    ranked = ran.out[ran.out.index("\nRanking") :].splitlines()
    row = next(line.split() for line in ranked if line.startswith("visits  frustrated"))
    assert row[:6] == ["visits", "frustrated", "12", "6", "6", "1.00"]
    assert picture.read_text().startswith("<?xml")


def test_json_holds_the_same_and_ablations_change_it(labelled: Path) -> None:
    full = json.loads(sessionmood("evaluate", labelled, "--json").out)
    assert {row["label"]: row["auc"] for row in full["ranking"]} == {"frustrated": 1.0, "satisfied": 1.0}
    poorer = json.loads(sessionmood("evaluate", labelled, "--json", "--without", "response").out)
    assert poorer["without"] == ["response"]
    assert poorer["events"] < full["events"] or poorer["ranking"] != full["ranking"]


def test_recordings_without_labels_have_no_ranking() -> None:
    report = json.loads(sessionmood("evaluate", RECORDINGS / "engaged.jsonl", "--json").out)
    assert report["ranking"] == report["calibration"] == []
    assert report["ordinary"][0]["frustrated"] == 0


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--picture", "a.gif"], 2, "must end in .svg or .png"),
        (["--without", "luck"], 2, "luck"),
        (["--picture", "no/such/folder/a.svg"], 1, "cannot be written"),
    ],
)
def test_mistakes_are_told_in_words(args: list[str], code: int, said: str) -> None:
    ran = sessionmood("evaluate", RECORDINGS / "engaged.jsonl", *args)
    assert (ran.code, said in ran.err) == (code, True), ran.err


@pytest.mark.recordings
@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded sessions of ../shared/evaluation are not here")
def test_the_independent_check_reads_replay_and_agrees_with_evaluate(tmp_path: Path) -> None:
    files = [SHARED / "maps.jsonl.gz", SHARED / "videos.jsonl.gz"]
    replay = tmp_path / "replay.jsonl"
    ran = sessionmood("replay", *files, "--format", "jsonl")
    assert ran.code == 0, ran.err
    replay.write_text(ran.out)
    checked = subprocess.run(
        [sys.executable, SHARED / "score.py", "--json", replay], capture_output=True, timeout=120, check=True
    )
    theirs = json.loads(checked.stdout)
    ours = json.loads(sessionmood("evaluate", *files, "--json").out)
    found = {(row["set"], row["label"]): row for row in theirs["labels"] if row["set"] == "maps"}
    assert len(found) == len(ours["ranking"]) == 3
    for row in ours["ranking"]:
        other = found[row["set"], row["label"]]
        for mine, its in [
            ("auc", "auc"),
            ("within", "within_person"),
            ("peak", "auc_peak"),
            ("final", "auc_final"),
        ]:
            assert row[mine] == pytest.approx(other[its]), (row["label"], mine)
    shares = {row["set"]: row["frustrated_share"] for row in theirs["ordinary"] if row["sessions"]}
    for row in ours["ordinary"]:
        assert row["frustrated"] == pytest.approx(shares[row["set"]])
    pushed = {row["label"]: row for row in theirs["pushed"] if row["set"] == "maps"}
    for row in ours["delivered"]:
        if other := pushed.get(row["label"]):
            for mine, its in [("caught", "caught"), ("false", "false"), ("error", "calibration_error")]:
                assert row[mine] == pytest.approx(other[its]), (row["label"], mine)
    assert set(pushed) <= {row["label"] for row in ours["delivered"]}
