"""Kept sessions as recordings."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from app.errors import Damaged
from app.lab.recordings import RecordedEvent, Recording
from app.mood.events import REPORTS_DEAD_CLICK, REPORTS_RESPONSE
from app.storage import Storage

_PAGE: Final = 500
_decode_log = msgspec.json.Decoder(list[RecordedEvent]).decode


async def recorded(store: Storage, project: str, session: str) -> Recording | None:
    """The session as it was folded: replaying it gives the readings that were pushed. None if unknown.
    Rows of its log that can't be read are left out and reported."""
    row = await store.row(project, session)
    if row is None:
        return None
    events: list[RecordedEvent] = []
    reports_from: list[tuple[int, list[str]]] = []
    mask = None
    version = 0
    while batches := await store.batches(project, session, version, _PAGE):
        for batch in batches:
            try:
                recorded_events = _decode_log(batch.events)
            except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
                store.report_damage(project, session, "log", f"the row of version {batch.version}: {error}")
                continue
            if batch.reports != mask and batch.count:
                mask = batch.reports
                reports_from.append((len(events), _names(mask)))
            events += [_tidy(event) for event in recorded_events]
        version = batches[-1].version
    reports = reports_from.pop(0)[1] if reports_from else []
    return Recording(
        id=session, events=events, reports=reports, reports_from=reports_from, started_at=row.created_at
    )


async def every_session(store: Storage, project: str) -> AsyncIterator[Recording]:
    """All sessions of the project, the newest activity first. One that can't be read is left out and reported."""
    cursor = None
    while True:
        page = await store.sessions(project, cursor=cursor, limit=_PAGE)
        for row in page.sessions:
            try:
                recording = await recorded(store, project, row.session)
            except Damaged as error:
                store.report_damage(project, row.session, "session", error)
                continue
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
