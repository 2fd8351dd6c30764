"""`GET /v1/sessions/{id}/timeline`: the events of a session and what its moods did, told in pieces."""

from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.responses import StreamingResponse

from app import protocol
from app.ingest import MAX_FOLD_EVENTS
from app.ingest.history_rows import labelled
from app.mood import Model
from app.storage import Batch, MoodChange
from app.transport import Doors


def timeline(
    doors: Doors,
    project: str,
    id: str,
    changes: Sequence[MoodChange],
    batches: Sequence[Batch],
    after: int | None,
) -> StreamingResponse:
    """The answer; `after`: where the next page begins, None where this one is the last."""
    return StreamingResponse(
        _pieces(doors, project, id, changes, batches, after),
        headers={"cache-control": "no-store"},
        media_type="application/json",
    )


async def _pieces(
    doors: Doors,
    project: str,
    id: str,
    changes: Sequence[MoodChange],
    batches: Sequence[Batch],
    after: int | None,
) -> AsyncIterator[bytes]:
    """The JSON object. A page may hold half a million events: MAX_FOLD_EVENTS of them are told at a time, and a row of
    the log at most on top, between which others have their turn."""
    yield b'{"changes":['
    for start in range(0, len(changes), MAX_FOLD_EVENTS):
        if start:
            await doors.ingest.loader.turn()
        part = [
            _change(change, doors.ingest.sessions.model)
            for change in changes[start : start + MAX_FOLD_EVENTS]
        ]
        yield _joined(part, more=start > 0)
    yield b'],"events":['
    events: list[dict[str, object]] = []
    begun = False
    for batch in batches:
        events += _events(doors, project, id, batch)
        if len(events) >= MAX_FOLD_EVENTS:
            yield _joined(events, more=begun)
            events, begun = [], True
            await doors.ingest.loader.turn()
    yield _joined(events, more=begun)
    yield b'],"after":' + protocol.encode(after) + b"}"


def _joined(items: list[dict[str, object]], *, more: bool) -> bytes:
    """The elements of an array, without its brackets; `more`: others stand before them."""
    inner = protocol.encode(items)[1:-1]
    return b"," + inner if more and inner else inner


def _events(doors: Doors, project: str, id: str, batch: Batch) -> list[dict[str, object]]:
    """The events of a row of the log; none where it can't be read, which is reported."""
    try:
        wires = protocol.decode_log(batch.events)
    except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
        reason = f"the row of version {batch.version}: {error}"
        doors.store.report_damage(project, id, "log", reason)
        return []
    return [
        {
            "producer": batch.producer,
            "seq": _seq(batch.first_seq, i),
            **_event(event),
        }
        for i, event in enumerate(wires)
    ]


def _change(change: MoodChange, model: Model) -> dict[str, object]:
    fields = {name: getattr(change, name) for name in change.__struct_fields__}
    return labelled(fields | {"confidence": round(change.confidence, 4)}, model)


def _event(event: protocol.WireEvent) -> dict[str, object]:
    """An event of the log; with a session's first click on an element also what is usual for it, where it is known."""
    fields: dict[str, object] = msgspec.to_builtins(event)
    fields["at"] = int(event.at or 0)
    if fields.pop("~usual", None) is not None and event.usual is not None:
        visitors, _, answered, wait, in_a_row = event.usual
        fields["usual"] = {
            "visitors": visitors,
            "answered": answered,
            "wait_ms": int(wait),
            "clicks_in_a_row": in_a_row,
        }
    return fields


def _seq(first: int | None, index: int) -> int | None:
    return None if first is None else first + index
