import gzip
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.recordings import Line, RecordingError, decode, read, recordings, set_name
from app.mood.events import REPORTS_RESPONSE

A_LINE = b'{"id": "a", "events": [{"type": "click", "at": 5}]}\n'


def test_gzip_and_plain_files_read_alike(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.jsonl", tmp_path / "packed.jsonl.gz"
    plain.write_bytes(A_LINE + b"\n" + A_LINE)
    packed.write_bytes(gzip.compress(A_LINE + b"\n" + A_LINE))
    for path in (plain, packed):
        assert [(line.number, line.raw) for line in read([str(path)])] == [(1, A_LINE), (3, A_LINE)]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (A_LINE, gzip.compress(A_LINE)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
        assert [line.raw for line in read(["-"])] == [A_LINE]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"id": "a"', "truncated"),
        (b'{"id": "a"}', "events"),
        (b'{"id": "a", "events": [{"type": "click"}, {"at": 3}]}', r"events\[1\]"),
        (b'{"id": "a", "events": [{"type": "click", "at": "soon"}]}', r"events\[0\].at"),
        (b'{"id": "a", "events": [{"type": "cl\xff"}]}', "UTF-8|utf-8"),
        (b"[]", "object"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_place(raw: bytes, reason: str) -> None:
    with pytest.raises(RecordingError, match=rf"^visits\.jsonl, line 7: .*({reason})"):
        decode(Line("visits.jsonl", 7, raw))


def test_a_missing_and_a_broken_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere\.jsonl: cannot be read: No such file"):
        list(read([str(tmp_path / "nowhere.jsonl")]))
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(A_LINE * 100)[:-9])
    with pytest.raises(RecordingError, match=r"cut\.jsonl\.gz: cannot be read"):
        list(read([str(cut)]))


@given(st.lists(st.one_of(st.none(), st.integers(-100, 10_000), st.floats(0, 10_000))))
def test_time_never_runs_backwards(times: list[float | None]) -> None:
    events = ", ".join(
        '{"type": "click"}' if at is None else f'{{"type": "click", "at": {at}}}' for at in times
    )
    facts = decode(Line("x", 1, f'{{"id": "a", "events": [{events}]}}'.encode())).facts()
    assert len(facts) == len(times)
    ats = [fact.at for fact in facts]
    assert ats == sorted(ats)
    given_times = [int(at) for at in times if at is not None]
    if facts and given_times and times[0] is not None:
        assert facts[-1].at == max(given_times)


def test_reports_reach_each_event_and_may_change_on_the_way() -> None:
    raw = (
        b'{"id": "a", "reports": ["response"], "reports_from": [[1, []], [2, ["response"]]],'
        b' "events": [{"type": "click"}, {"type": "click"}, {"type": "click"}]}'
    )
    facts = decode(Line("x", 1, raw)).facts()
    assert [fact.reports for fact in facts] == [REPORTS_RESPONSE, 0, REPORTS_RESPONSE]


def test_what_it_does_not_know_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "visits.jsonl"
    path.write_bytes(b'{"id": "a", "outcome": {"cart": 1}, "events": [{"type": "warp", "zz": [1]}]}\n')
    ((name, recording),) = recordings([str(path)])
    assert (name, recording.id, recording.events[0].type) == ("visits", "a", "warp")


@pytest.mark.parametrize("source", ["maps.jsonl.gz", "/x/y.z/maps.jsonl", "maps"])
def test_a_set_is_named_after_its_file(source: str) -> None:
    assert set_name(source) == "maps"
