"""Rows as both databases have them: their columns, in order, and what stands in them."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app import errors
from app.storage import Batch, HistoryRow, Key, MoodChange
from app.storage.damage import Found, checked, fits

SESSION_COLUMNS: Final = (
    "project, session, version, created_at, last_at, event_count, mood, confidence, suggested_action, mood_at, traits, "
    "page, due_at, publishable, nonce"
)
BATCH_COLUMNS: Final = "version, at, producer, first_seq, last_seq, reports, count, events"
CHANGE_COLUMNS: Final = "at, mood, previous, confidence, suggested_action, signals, event_count, page"
SNAPSHOT_COLUMNS: Final = "version, state"
HISTORY_COLUMNS: Final = "worst_mood, worst_confidence, worst_at, worst_page, evidence, offers"
KEY_COLUMNS: Final = (
    "id, project, kind, digest, name, created_at, revoked_at, origins, monthly_sessions, events_per_second"
)
ELEMENT_COLUMNS: Final = "project, target, at, visitors, clicks, runs, answered, dead, waited"
DAMAGE_COLUMNS: Final = "project, session, part, at, reason"
#: Where the history of a listed session begins.
HISTORY_AT: Final = SESSION_COLUMNS.count(",") + 1

SECRET_BYTES: Final = 32

Row = Sequence[Any]


def batches_of(rows: Iterable[Row], project: str, session: str, damages: list[Found]) -> list[Batch]:
    """Those of `rows` that can be read; `damages` takes note of the others."""
    batches = []
    for row in rows:
        try:
            batches.append(checked(Batch, tuple(row)))
        except errors.Damaged as error:
            damages.append((project, session, "log", f"the row of version {row[0]!r}: {error}"))
    return batches


def history_of(values: Row | None) -> HistoryRow | None:
    """None where there is none, or none that can be read: then the log gives it once more."""
    return HistoryRow(*values) if values is not None and fits(HistoryRow, tuple(values)) else None


def change_values(change: MoodChange) -> tuple[Any, ...]:
    return (
        change.at,
        change.mood,
        change.previous,
        change.confidence,
        change.suggested_action,
        msgspec.json.encode(change.signals).decode(),
        change.event_count,
        change.page,
    )


def changes_of(rows: Iterable[Row], project: str, session: str, damages: list[Found]) -> list[MoodChange]:
    """Those of `rows` that can be read; `damages` takes note of the others."""
    changes = []
    for row in rows:
        try:
            change = MoodChange(*(*row[:5], msgspec.json.decode(row[5], type=list[str]), *row[6:]))
            changes.append(msgspec.convert(msgspec.structs.asdict(change), MoodChange))
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            damages.append((project, session, "change", f"the change at {row[0]!r}: {error}"))
    return changes


def key_values(key: Key) -> tuple[Any, ...]:
    return (
        key.id,
        key.project,
        key.kind,
        key.digest,
        key.name,
        key.created_at,
        key.revoked_at,
        msgspec.json.encode(key.origins).decode(),
        key.monthly_sessions,
        key.events_per_second,
    )


def key_of(row: Row) -> Key:
    return Key(*(*row[:7], msgspec.json.decode(row[7], type=tuple[str, ...]), *row[8:]))


def keys_of(rows: Iterable[Row], damages: list[Found]) -> list[Key]:
    """One that cannot be read opens nothing, and stops no other."""
    keys = []
    for row in rows:
        try:
            keys.append(msgspec.convert(msgspec.structs.asdict(key_of(row)), Key))
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            damages.append((str(row[1]), str(row[0]), "key", str(error)))
    return keys


def quota_digest(secret: bytes, session: str) -> bytes:
    """A session in a quota's count, which must not hold its id. `secret`: the one called "quota"."""
    return hmac.digest(secret, session.encode(), hashlib.sha256)[:16]
