"""Kept sessions as recordings."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from app.mood.events import REPORTS_DEAD_CLICK, REPORTS_RESPONSE
from app.recordings import RecordedEvent, Recording
from app.storage import Storage

_PAGE: Final = 500
_decode_log = msgspec.json.Decoder(list[RecordedEvent]).decode


async def recorded(store: Storage, project: str, session: str) -> Recording | None:
    """The session as it was folded: replaying it gives the readings that were pushed. None if unknown."""
    row = await store.row(project, session)
    if row is None:
        return None
    events: list[RecordedEvent] = []
    reports_from: list[tuple[int, list[str]]] = []
    mask = None
    version = 0
    while batches := await store.batches(project, session, version, _PAGE):
        for batch in batches:
            if batch.reports != mask and batch.count:
                mask = batch.reports
                reports_from.append((len(events), _names(mask)))
            events += [_tidy(event) for event in _decode_log(batch.events)]
        version = batches[-1].version
    reports = reports_from.pop(0)[1] if reports_from else []
    return Recording(
        id=session, events=events, reports=reports, reports_from=reports_from, started_at=row.created_at
    )


async def every_session(store: Storage, project: str) -> AsyncIterator[Recording]:
    """All sessions of the project, the newest activity first."""
    cursor = None
    while True:
        page = await store.sessions(project, cursor=cursor, limit=_PAGE)
        for row in page.sessions:
            recording = await recorded(store, project, row.session)
            if recording is not None:
                yield recording
        cursor = page.cursor
        if cursor is None:
            return


def _tidy(event: RecordedEvent) -> RecordedEvent:
    """Whole numbers without a decimal point."""
    for field in ("at", "x", "y", "value", "dy"):
        number = getattr(event, field)
        if number is not None and number.is_integer():
            setattr(event, field, int(number))
    return event


def _names(mask: int) -> list[str]:
    bits = {"response": REPORTS_RESPONSE, "dead_click": REPORTS_DEAD_CLICK}
    return [name for name, bit in bits.items() if mask & bit]
