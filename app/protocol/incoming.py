"""What comes over a socket: text frames read into batches and the like.

What is done for each frame, so it is compiled with the engine; the shapes themselves (`frames`, `batches`) can't be.
"""

from collections.abc import Sequence

import msgspec

from app.errors import BadRequest, SessionMoodError, TooLarge
from app.protocol.batches import Batch, Limits, bare_event, check_events, guarded, typed_events
from app.protocol.events import to_events
from app.protocol.fields import whole_numbers
from app.protocol.frames import (
    EventsFrame,
    Frame,
    Ping,
    Pong,
    decode_events_frame,
    decode_full,
    decode_hello,
    decode_op,
)


def decode_frame(text: str, limits: Limits) -> Frame:
    """One text frame of a client.

    Raises TooLarge, BadBatch (an event is malformed), or BadRequest for what is no frame of the contract.
    """
    if len(text) > limits.bytes or (len(text) * 4 > limits.bytes and len(text.encode()) > limits.bytes):
        raise TooLarge(f"a frame may have {limits.bytes} bytes at most")
    try:
        frame = decode_full(text)
        if frame.op == "events" and frame.events is not msgspec.UNSET:
            seq, lost = whole_numbers(frame.seq, frame.lost)
            events = frame.events
            try:
                if len(events) > limits.events:
                    check_events(events, limits)
                facts = to_events(events)
            except SessionMoodError as error:
                error.extra["seq"] = seq
                raise
            return Batch(events=events, facts=facts, seq=seq, lost=lost)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass  # the slow path below finds out what is wrong, and where
    return _decode_other(text.removeprefix("\ufeff"), limits)


def decode_usual(texts: list[str], limits: Limits, most_events: int) -> list[Batch | Pong]:
    """The first of `texts`, as many as are what comes most: pongs, and batches of at most `most_events`."""
    frames: list[Batch | Pong] = []
    for text in texts:
        try:
            frame = decode_frame(text, limits)
        except SessionMoodError:
            break
        if isinstance(frame, Batch):
            if len(frame.events) > most_events:
                break
        elif not isinstance(frame, Pong):
            break
        frames.append(frame)
    return frames


def run_of(frames: Sequence[Batch | Pong], start: int, most_events: int) -> list[Batch]:
    """The batches from `start` on that follow one another by their numbers, so that they may be folded as one of at most
    `most_events`; none where a pong stands there."""
    first = frames[start]
    if not isinstance(first, Batch):
        return []
    run = [first]
    if first.seq is not None:
        next_seq = first.seq + len(first.events)
        for frame in frames[start + 1 :]:
            if not isinstance(frame, Batch) or frame.seq != next_seq or frame.lost or not frame.events:
                break
            next_seq += len(frame.events)
            if next_seq > first.seq + most_events:
                break
            run.append(frame)
    return run


def _decode_other(text: str, limits: Limits) -> Frame:
    op = guarded(decode_op, text).op
    if op is msgspec.UNSET:
        return Batch(events=bare_event(text), bare=True)
    name = guarded(msgspec.json.decode, bytes(op))
    if name == "hello":
        return guarded(decode_hello, text)
    if name == "events":
        return _batch_of(guarded(decode_events_frame, text), limits)
    if name == "ping":
        return Ping()
    if name == "pong":
        return Pong()
    raise BadRequest(f"unknown op {str(name)[:64]!r}: a client sends hello, events, ping or pong")


def _batch_of(frame: EventsFrame, limits: Limits) -> Batch:
    seq, lost = whole_numbers(frame.seq, frame.lost)
    try:
        events = typed_events(frame.events, limits)
    except SessionMoodError as error:
        error.extra["seq"] = seq
        raise
    return Batch(events=events, seq=seq, lost=lost)
