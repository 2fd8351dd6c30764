"""Recordings: sessions kept as JSONL, one a line, `{"id", "events", "reports"?}`, gzip too.

A labelled recording adds what the person reported: `{"person", "labels": {"frustrated": 1}}`; a label that
is absent means "not asked" or "in between". `at` counts ms on the recording's own clock.
"""

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import cast

import msgspec

from app.errors import SessionMoodError
from app.mood.events import Event, Usual, reports_mask

_GZIP_MAGIC = b"\x1f\x8b"


class RecordingError(SessionMoodError):
    """A recording that cannot be read; the message names the file and, where known, the line."""

    code, title = "bad_recording", "The recording cannot be read"


class RecordedEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """An event as the wire names it. Only `type` is required. Types are checked; the wire's limits of length
    and range are not: a recording may come from anywhere."""

    type: str
    at: float | None = None
    target: str | None = None
    x: float | None = None
    y: float | None = None
    value: float | None = None
    kind: str | None = None
    name: str | None = None
    dy: float | None = None
    url: str | None = None
    usual: Usual | None = msgspec.field(name="~usual", default=None)


class Recording(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One session. `started_at`, `until`: ms, where the recording knows that the session began before its
    first event or was watched on after its last one. `reports_from`: (index of the event, reports) where a
    later page load promised other facts than `reports`."""

    id: str
    events: list[RecordedEvent]
    reports: list[str] = []
    reports_from: list[tuple[int, list[str]]] = []
    started_at: int | None = None
    until: int | None = None
    person: str | int | None = None
    labels: dict[str, float | None] = {}

    def begins(self) -> int:
        """When the engine's clock starts, ms."""
        if self.started_at is not None:
            return self.started_at
        first = self.events[0].at if self.events else None
        return int(first) if first is not None else 0

    def facts(self) -> list[Event]:
        """The events as the engine takes them. A time before the previous event's is moved up to it, as the
        server does; an event without a time happens with the previous one."""
        facts = []
        now = self.begins()
        mask = reports_mask(self.reports)
        later = {index: reports_mask(names) for index, names in self.reports_from}
        for index, event in enumerate(self.events):
            mask = later.get(index, mask)
            at = event.at
            if at is not None and at > now:
                now = int(at)
            facts.append(
                Event(
                    event.type,
                    now,
                    event.target,
                    event.x,
                    event.y,
                    event.value,
                    event.kind,
                    event.name,
                    event.dy,
                    event.url,
                    mask,
                    event.usual,
                )
            )
        return facts


class Line(msgspec.Struct, frozen=True):
    """A line of a file, not yet decoded: decoding is done on all processors."""

    source: str
    number: int
    raw: bytes


_decoder = msgspec.json.Decoder(Recording)


def decode(line: Line) -> Recording:
    """Raises RecordingError naming the file, the line and the reason."""
    try:
        return _decoder.decode(line.raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{line.source}, line {line.number}: {_reason(error)}") from None


def read(paths: Iterable[str]) -> Iterator[Line]:
    """The lines of all files, in order, blank ones left out. `-` is standard input. Gzip is recognised by its
    first bytes. Raises RecordingError."""
    for path in paths:
        source = "standard input" if path == "-" else path
        try:
            with _open(path) as stream:
                for number, raw in enumerate(_plain(stream), start=1):
                    if not raw.isspace():
                        yield Line(source, number, raw)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RecordingError(f"{source}: cannot be read: {reason}") from None


def recordings(paths: Iterable[str]) -> Iterator[tuple[str, Recording]]:
    """(name of the set, recording) of every line; a set is a file, named without its endings."""
    for line in read(paths):
        yield set_name(line.source), decode(line)


def set_name(source: str) -> str:
    """`dir/maps.jsonl.gz` -> `maps`."""
    return Path(source).name.split(".")[0]


def _open(path: str) -> AbstractContextManager[BufferedReader]:
    if path == "-":
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return Path(path).open("rb")


def _plain(stream: BufferedReader) -> Iterable[bytes]:
    return gzip.open(stream) if stream.peek(2)[:2] == _GZIP_MAGIC else stream


def _reason(error: Exception) -> str:
    """msgspec's words; its path (`$.events[3].at`) is what a person needs to find the place."""
    return f"not UTF-8 ({error})" if isinstance(error, UnicodeDecodeError) else str(error)
