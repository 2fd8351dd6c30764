"""What storage promises, whichever database stands behind it.

Writes go through one queue: `submit` hands over entries without waiting; everything that arrived while the
previous commit ran is written in ONE transaction. Reads see committed data only.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec


class Batch(msgspec.Struct, frozen=True, gc=False):
    """One row of the log: events that arrived together, as they were folded.

    `first_seq`..`last_seq` name the events in their producer's numbering (None without a producer);
    `last_seq` counts declared losses too. `reports`: bits of `reports_mask`. `events`: a JSON array of the
    events with `at` on the server's clock. `version`: the session's version after this batch.
    """

    version: int
    at: int
    producer: str | None
    first_seq: int | None
    last_seq: int | None
    reports: int
    count: int
    events: bytes


class MoodChange(msgspec.Struct, frozen=True, gc=False):
    """A row of the timeline. `at`: ms. (session, at, mood) is unique: a change replayed after a crash is kept
    once."""

    at: int
    mood: str
    previous: str | None
    confidence: float
    suggested_action: str
    signals: list[str]
    event_count: int
    page: str | None


class SessionRow(msgspec.Struct, frozen=True, gc=False):
    """What lists show and what decides who may take the next batch. Of `version` 0 is one that nothing happened in
    yet: its id was reserved by minting a token, and lists leave it out.

    `version` grows by one with each batch; `due_at`: when time alone may next change the mood (ms), None when
    it can't. `mood`, `confidence` and `suggested_action` are as of the last change; empty and 0 while no event of a
    known type has come.
    """

    project: str
    session: str
    version: int
    created_at: int
    last_at: int
    event_count: int
    mood: str
    confidence: float
    suggested_action: str
    page: str | None
    due_at: int | None
    publishable: bool  # it belongs to whoever holds its token; else the server named it, and mints
    nonce: str = ""  # tokens are for this incarnation of the id; "" in sessions older than nonces


class Numbering(msgspec.Struct, frozen=True, gc=False):
    """How far a page load has come that the session's snapshots hold no more: its highest event number, and
    what it `reports`."""

    producer: str
    last_seq: int
    reports: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One step of one session, written whole or not at all. `batch` is None when only time passed.
    `snapshot` (msgpack) stands for the state after this entry, when one is due. `put_away`: what it, and those
    that follow, may leave out."""

    row: SessionRow
    batch: Batch | None = None
    changes: Sequence[MoodChange] = ()
    snapshot: bytes | None = None
    put_away: Sequence[Numbering] = ()


class Stored(msgspec.Struct, frozen=True):
    """A session as kept: state = `snapshot` + fold of `batches`, which hold all batches with
    version > `snapshot_version`, in order."""

    row: SessionRow
    snapshot: bytes | None
    snapshot_version: int
    batches: list[Batch]


class Key(msgspec.Struct, frozen=True):
    """A key as kept. `id` is public (shown in lists and logs), `digest` the SHA-256 of the whole key."""

    id: str
    project: str
    kind: str  # "sk" | "pk"
    digest: bytes
    name: str
    created_at: int
    revoked_at: int | None = None
    origins: tuple[str, ...] = ()  # empty: any origin
    monthly_sessions: int | None = None  # quota; None: no limit
    events_per_second: float | None = None  # rate; None: the server's default


class State(msgspec.Struct, frozen=True):
    """How writing fares. `commit_seconds`: what all `commits` took together; `committed_since`: when the last
    one that is done was begun (`time.monotonic`), None before the first."""

    queued_entries: int
    queued_bytes: int
    commits: int
    commit_seconds: float
    failures: int
    failing: bool
    committed_since: float | None


class Page(msgspec.Struct, frozen=True):
    """One page of the sessions list; `cursor` is None on the last."""

    sessions: list[SessionRow]
    cursor: str | None


class Storage(Protocol):
    """The contract. Every method may raise errors.StorageUnavailable."""

    async def open(self) -> None:
        """Migrate the schema to the newest revision, then be ready."""

    async def close(self) -> None:
        """Write what is queued, then release everything. Idempotent."""

    def submit(self, entry: Entry) -> "asyncio.Future[None]":
        """Queue `entry` and return at once; the future is done when it is durable. All entries of a
        commit share it. If the commit fails the future gets StorageUnavailable, but the entries stay
        queued, in order, and the commit is tried again until it succeeds. Raises StorageUnavailable at once,
        keeping nothing, when the queue is full."""

    def admit(self) -> None:
        """Raise StorageUnavailable if `submit` would refuse an entry now: asked before a batch is folded."""

    def settled(self) -> "asyncio.Future[None]":
        """Done when everything submitted so far is durable; the same failure rule as `submit`."""

    async def load(self, project: str, session: str) -> Stored | None: ...

    async def due(self, before: int, limit: int) -> list[tuple[str, str]]:
        """Project and name of sessions whose `due_at` is at or before `before` (ms), the most overdue first."""

    async def sessions(
        self,
        project: str,
        *,
        mood: str | None = None,
        active_since: int | None = None,
        quiet_since: int | None = None,
        page: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Newest activity first. `active_since`, `quiet_since`: last activity at or after, or before, that moment
        (ms); the pages that follow keep to the first page's. A cursor that is not ours raises errors.BadRequest.
        """

    async def row(self, project: str, session: str) -> SessionRow | None: ...

    async def newest(self) -> int | None:
        """When (ms) the last event of any session came; None without one."""

    async def changes(self, project: str, session: str, limit: int = 1000) -> list[MoodChange]: ...

    async def batches(self, project: str, session: str, after: int = 0, limit: int = 1000) -> list[Batch]:
        """The log of a session from version `after` + 1 on, oldest first."""

    async def numbering(self, project: str, session: str, producer: str) -> Numbering | None:
        """What an entry put away of this page load last."""

    async def erase(self, project: str, session: str) -> bool:
        """Remove everything of the session, from free pages and the write-ahead log too. False if unknown.
        Entries of it that are still queued are written first, then erased."""

    async def request_erasure(self, project: str, session: str) -> bool:
        """Ask the server that has the storage open to erase a session. False if no such session is kept; the
        server is asked all the same, since it may have one in memory."""

    async def withdraw_erasure(self, project: str, session: str) -> bool:
        """Take a request back. False if there is none (any more)."""

    async def erasure_pending(self, project: str, session: str) -> bool:
        """Whether it is still requested, or something that was erased is still to be wiped."""

    async def erasure_requests(self) -> list[tuple[str, str]]:
        """Project and session of some that are requested; `erase` removes a session's request."""

    async def expired(self, before: int, limit: int) -> list[tuple[str, str]]:
        """Project and name of sessions whose last activity was before `before` (ms), at most `limit`."""

    async def expire(self, names: Sequence[tuple[str, str]], before: int) -> int:
        """Erase those of `names` whose last activity was before `before` (ms); how many went. Whoever loads one
        meanwhile waits, and finds none."""

    async def clock_seen(self) -> int | None:
        """What `see_clock` noted last (ms), None before the first time."""

    async def see_clock(self, at: int) -> None:
        """Note that the service saw its clock at `at` (ms), and that this was believable."""

    async def backup(self, path: str) -> None:
        """A consistent copy, made while serving."""

    async def check(self) -> None:
        """Raise StorageUnavailable if a write would not succeed now."""

    def state(self) -> State:
        """For the metrics: costs nothing."""

    async def secret(self, name: str) -> bytes:
        """A random secret of 32 bytes, made on first use and the same ever after."""

    async def add_key(self, key: Key) -> None: ...

    async def keys(self) -> list[Key]:
        """Every key of every project, revoked ones too."""

    async def revoke_key(self, key_id: str, at: int) -> Key | None: ...

    async def count_session(self, key_id: str, month: str, session: str, limit: int | None = None) -> int:
        """Count a session that `key_id` opened in `month` ("2026-11"), once; how many so far. One that would
        be past `limit` is not counted nor remembered; the answer is then `limit` + 1."""

    async def sessions_counted(self, key_id: str, month: str, session: str) -> tuple[int, bool]:
        """How many sessions of `key_id` were counted in `month`, and whether `session` is one of them."""
