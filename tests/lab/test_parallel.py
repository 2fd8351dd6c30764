import gzip
import json
from pathlib import Path

import pytest

from app.lab.parallel import BATCH_BYTES, parallel_map
from app.lab.recordings import Recording, RecordingError, read
from app.mood import Model


def name_of(recording: Recording, model: Model) -> tuple[str, float]:
    """Work that shows which session and which model it was given."""
    return recording.id, model.settings["enter.bored"]


def many(path: Path, bad: int | None = None) -> list[str]:
    """Enough lines for several batches; line `bad` is none."""
    padding = "x" * 20_000
    ids = [f"visit-{at}" for at in range(5 * BATCH_BYTES // len(padding))]
    lines = [json.dumps({"id": id, "pad": padding, "events": []}) for id in ids]
    if bad is not None:
        lines[bad - 1] = "{"
    path.write_text("\n".join(lines))
    return ids


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_lines(tmp_path: Path, processes: int) -> None:
    path = tmp_path / "many.jsonl"
    ids = many(path)
    done = list(parallel_map(read([str(path)]), name_of, {"enter.bored": 0.7}, processes))
    assert [result for _, result in done] == [(id, 0.7) for id in ids]
    assert [line.number for line, _ in done] == list(range(1, len(ids) + 1))


@pytest.mark.parametrize("processes", [1, 2])
def test_everything_before_a_bad_line_is_given_first(tmp_path: Path, processes: int) -> None:
    path = tmp_path / "many.jsonl"
    ids = many(path, bad=50)
    found = []
    with pytest.raises(RecordingError, match=r"many\.jsonl, line 50"):
        for _, (id, _) in parallel_map(read([str(path)]), name_of, {}, processes):
            found.append(id)
    assert found == ids[:49]


@pytest.mark.parametrize("processes", [1, 2])
def test_everything_before_a_break_in_the_file_is_given_first(tmp_path: Path, processes: int) -> None:
    path, whole = tmp_path / "cut.jsonl.gz", tmp_path / "many.jsonl"
    ids = many(whole)
    # two members, the second cut short: all lines of the first can be read
    path.write_bytes(gzip.compress(whole.read_bytes() + b"\n") + gzip.compress(b"x" * 1000)[:-10])
    found = []
    with pytest.raises(RecordingError, match=r"cut\.jsonl\.gz: cannot be read"):
        for _, (id, _) in parallel_map(read([str(path)]), name_of, {}, processes):
            found.append(id)
    assert found == ids


def test_no_lines_no_results() -> None:
    assert list(parallel_map([], name_of, {})) == []
