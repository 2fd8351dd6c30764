"""Frames of a client: hello, events, ping, pong."""

import re
from typing import Final

import msgspec

from app.errors import BadRequest, SessionMoodError, TooLarge
from app.protocol.batches import Batch, Limits, WireEvent, bare_event, check_events, guarded, typed_events
from app.protocol.events import to_events
from app.protocol.fields import Count, Producer, Reports, Secret, Seq, Time, whole_numbers

SUBPROTOCOL: Final = "sessionmood.v1"
SESSION_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class Hello(msgspec.Struct, kw_only=True):
    """The first frame of a socket."""

    key: Secret | None = None
    token: Secret | None = None
    producer: Producer | None = None
    now: Time | None = None
    have: tuple[float, float] | None = None
    reports: Reports | None = None
    every: bool = False  # push the reading after each batch, not only when the mood changes


class Ping(msgspec.Struct):
    """`ping`: answered with a pong."""


class Pong(msgspec.Struct):
    """`pong`: proof of life."""


Frame = Hello | Batch | Ping | Pong


class _Op(msgspec.Struct):
    op: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _EventsFrame(msgspec.Struct, kw_only=True):
    events: list[msgspec.Raw]
    seq: Seq | None = None
    lost: Count = 0


class _FullFrame(msgspec.Struct, kw_only=True):
    """The hot frame decoded in one go: `events` with everything typed."""

    op: str | msgspec.UnsetType = msgspec.UNSET
    events: list[WireEvent] | msgspec.UnsetType = msgspec.UNSET
    seq: Seq | None = None
    lost: Count = 0


_decode_full = msgspec.json.Decoder(_FullFrame).decode
_decode_op = msgspec.json.Decoder(_Op).decode
_decode_hello = msgspec.json.Decoder(Hello).decode


def decode_frame(text: str, limits: Limits) -> Frame:
    """One text frame of a client.

    Raises TooLarge, BadBatch (an event is malformed), or BadRequest for what is no frame of the contract.
    """
    if len(text) > limits.bytes or (len(text) * 4 > limits.bytes and len(text.encode()) > limits.bytes):
        raise TooLarge(f"a frame may have {limits.bytes} bytes at most")
    try:
        frame = _decode_full(text)
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


def _decode_other(text: str, limits: Limits) -> Frame:
    op = guarded(_decode_op, text).op
    if op is msgspec.UNSET:
        return Batch(events=bare_event(text), bare=True)
    name = guarded(msgspec.json.decode, bytes(op))
    if name == "hello":
        return guarded(_decode_hello, text)
    if name == "events":
        return _batch_of(guarded(msgspec.json.Decoder(_EventsFrame).decode, text), limits)
    if name == "ping":
        return Ping()
    if name == "pong":
        return Pong()
    raise BadRequest(f"unknown op {str(name)[:64]!r}: a client sends hello, events, ping or pong")


def _batch_of(frame: _EventsFrame, limits: Limits) -> Batch:
    seq, lost = whole_numbers(frame.seq, frame.lost)
    try:
        events = typed_events(frame.events, limits)
    except SessionMoodError as error:
        error.extra["seq"] = seq
        raise
    return Batch(events=events, seq=seq, lost=lost)
