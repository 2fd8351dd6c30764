"""All that is kept of sessions, as both databases have it: to be moved from one to the other."""

import hashlib
from typing import Any, Final, Protocol

import msgspec

from app.storage.rows import ELEMENT_COLUMNS, KEY_COLUMNS, Row

Name = tuple[str, str]

#: What is kept besides sessions: tables, with their columns, the first of which are their keys.
OTHERS: Final[dict[str, str]] = {
    "keys": KEY_COLUMNS,
    "secrets": "name, value",
    "quotas": "key_id, month, used",
    "quota_sessions": "digest, key_id, month",
    "clock": "id, seen_at",
    "elements": ELEMENT_COLUMNS,
    "erase_requests": "project, session",
}


class Whole(msgspec.Struct):
    """One session with everything of it. Rows are in the order of their columns in `rows`."""

    row: Row
    history: Row | None
    snapshot: Row | None  # version, state
    batches: list[Row]
    changes: list[Row]

    @property
    def name(self) -> Name:
        return self.row[0], self.row[1]

    @property
    def version(self) -> int:
        """The newest in the log, or the row's where nothing was logged."""
        newest: int = max(self.row[2], self.batches[-1][0] if self.batches else 0)
        return newest

    @property
    def events(self) -> int:
        return sum(row[6] for row in self.batches)

    def digest(self) -> bytes:
        """The same for the same content, whichever database it was read from."""
        parts: list[Any] = [self.row, self.history, self.snapshot, self.batches, self.changes]
        return hashlib.blake2b(msgspec.msgpack.encode(_plain(parts)), digest_size=16).digest()


def _plain(value: Any) -> Any:
    """Without what differs between the databases: how a truth is written, and that Postgres' texts have no NUL."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


class Place(Protocol):
    """A database to move sessions from or to, while nobody else serves it."""

    async def count(self) -> int:
        """Sessions in it."""

    async def page(self, after: Name, limit: int) -> list[Whole]:
        """The next sessions by project and name, at most `limit`."""

    async def digests(self, names: list[Name]) -> dict[Name, bytes]:
        """Those of `names` that are there."""

    async def put(self, wholes: list[Whole]) -> None:
        """Write sessions, in one transaction; those of the same names go first."""

    async def others(self, table: str) -> list[Row]:
        """The rows of one of OTHERS."""

    async def put_others(self, table: str, rows: list[Row]) -> None:
        """Write rows of one of OTHERS in the place of those with the same keys."""
