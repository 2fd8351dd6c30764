"""Which frames that came together are folded as one."""

import msgspec
import pytest

from app.protocol.batches import Batch, Limits, joined
from app.protocol.frames import Pong
from app.protocol.incoming import decode_usual, run_of

LIMITS = Limits(events=500, bytes=262_144, inflight=64)


def events(seq: int | None, count: int = 1, **more: object) -> str:
    frame = {"op": "events", "events": [{"type": "click"}] * count, **more}
    return msgspec.json.encode(frame if seq is None else {**frame, "seq": seq}).decode()


def runs(*texts: str, most: int = 100) -> list[int]:
    """How many frames each run has; 0 for a pong."""
    frames = decode_usual(list(texts), LIMITS, most)
    found, start = [], 0
    while start < len(frames):
        run = run_of(frames, start, most)
        found.append(len(run))
        start += len(run) or 1
    return found


def test_batches_that_follow_one_another_are_one() -> None:
    texts = [events(5, 2, lost=4), events(7), events(8, 3)]
    frames = decode_usual(texts, LIMITS, 100)
    batches = [frame for frame in frames if isinstance(frame, Batch)]
    whole = joined(batches)
    assert runs(*texts) == [3]
    assert (whole.seq, whole.lost, len(whole.events)) == (5, 4, 6)
    assert whole.events == [event for batch in batches for event in batch.events]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([events(1), events(3)], [1, 1], id="one is missing"),
        pytest.param([events(1), events(1)], [1, 1], id="sent twice"),
        pytest.param([events(1, 3), events(2)], [1, 1], id="they overlap"),
        pytest.param([events(1), events(2, lost=1)], [1, 1], id="a loss in between"),
        pytest.param([events(1), events(2, 0), events(2)], [1, 2], id="an empty one begins anew"),
        pytest.param([events(None), events(None)], [1, 1], id="no numbers"),
        pytest.param([events(1), events(None), events(2)], [1, 1, 1], id="one has no number"),
        pytest.param(['{"type": "click"}', '{"type": "click"}'], [1, 1], id="events by themselves"),
        pytest.param([events(1), '{"op": "pong"}', events(2)], [1, 0, 1], id="a pong in between"),
    ],
)
def test_others_are_not(texts: list[str], expected: list[int]) -> None:
    assert runs(*texts) == expected


def test_a_run_has_no_more_events_than_are_folded_at_once() -> None:
    assert runs(*(events(1 + 3 * n, 3) for n in range(8)), most=10) == [3, 3, 2]
    assert runs(*(events(1 + 5 * n, 5) for n in range(4)), most=10) == [2, 2]


@pytest.mark.parametrize(
    "last",
    ["nonsense", '{"op": "hello"}', '{"op": "ping"}', '{"op": "events", "events": [{}]}', events(3, 11)],
)
def test_what_needs_the_reader_and_all_behind_it_is_left(last: str) -> None:
    frames = decode_usual([events(1), '{"op": "pong"}', last, events(2)], LIMITS, 10)
    assert [type(frame) for frame in frames] == [Batch, Pong]
