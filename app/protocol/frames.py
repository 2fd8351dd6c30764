"""Frames of a client: hello, events, ping, pong. What they look like; `incoming` reads them."""

import re
from typing import Final

import msgspec

from app.protocol.batches import Batch, WireEvent
from app.protocol.fields import Count, Producer, Reports, Secret, Seq, Time

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


class Op(msgspec.Struct):
    """What any frame says it is."""

    op: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class EventsFrame(msgspec.Struct, kw_only=True):
    """`events`, whose own events are looked at one by one."""

    events: list[msgspec.Raw]
    seq: Seq | None = None
    lost: Count = 0


class FullFrame(msgspec.Struct, kw_only=True):
    """The hot frame decoded in one go: `events` with everything typed."""

    op: str | msgspec.UnsetType = msgspec.UNSET
    events: list[WireEvent] | msgspec.UnsetType = msgspec.UNSET
    seq: Seq | None = None
    lost: Count = 0


decode_full = msgspec.json.Decoder(FullFrame).decode
decode_op = msgspec.json.Decoder(Op).decode
decode_events_frame = msgspec.json.Decoder(EventsFrame).decode
decode_hello = msgspec.json.Decoder(Hello).decode
