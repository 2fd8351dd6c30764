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
    """What lists show. It may lag behind the log, by a few seconds of `last_at`; the mood and its changes never do. Of
    `version` 0 is one that nothing happened in yet: its id was reserved by minting a token, and lists leave it out.

    `version` grows by one with each batch; `due_at`: not later than when time alone may next change the mood (ms), None
    when it can't. `mood`, `confidence` and `suggested_action` are as of `mood_at` (ms), when the visitor was last seen;
    empty and 0 before that. `traits`: what `Traits` choose by.
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
    mood_at: int
    traits: int
    page: str | None
    due_at: int | None
    publishable: bool  # it belongs to whoever holds its token; else the server named it, and mints
    nonce: str = ""  # tokens are for this incarnation of the id; "" in sessions older than nonces


class HistoryRow(msgspec.Struct, frozen=True, gc=False):
    """What the visit's history holds beyond its row; kept apart, since it seldom changes. The worst mood was
    `worst_mood` at `worst_at` (ms), on `worst_page`; `evidence` and `offers` are JSON."""

    worst_mood: str
    worst_confidence: float
    worst_at: int
    worst_page: str | None
    evidence: bytes
    offers: bytes


class Traits(msgspec.Struct, frozen=True, array_like=True):
    """Chooses sessions whose `traits`, under `mask`, are one of `values`."""

    mask: int
    values: tuple[int, ...]


class Lagging(msgspec.Struct, frozen=True):
    """Sessions whose log has gone on without their row, by project and name, as far as a part of the log tells; `after`:
    where to look on, None at the end."""

    names: list[tuple[str, str]]
    after: tuple[int, int] | None


class ProducerState(msgspec.Struct, frozen=True, gc=False):
    """How far a page load has come: its highest event number in the log, and what it `reports`."""

    producer: str
    last_seq: int
    reports: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One step of one session, written whole or not at all.

    `row`: the session's row where it is due to be written; the log is ahead of it otherwise. A session's first
    entry has one. `batch`: None when only time passed. `snapshot` (msgpack): the state after this entry, when one is
    due; then `row` is there too. `of`: project and session, where there is no `row` to say so."""

    row: SessionRow | None
    batch: Batch | None = None
    changes: Sequence[MoodChange] = ()
    snapshot: bytes | None = None
    history: HistoryRow | None = None
    of: tuple[str, str] = ("", "")

    @property
    def name(self) -> tuple[str, str]:
        """Project and session."""
        return self.of if self.row is None else (self.row.project, self.row.session)

    @property
    def version(self) -> int:
        """The session's version after this step; 0 where nothing says so."""
        if self.batch is not None:
            return self.batch.version
        return 0 if self.row is None else self.row.version


class Stored(msgspec.Struct, frozen=True):
    """A session as kept: state = `snapshot` + fold of `batches`, which hold all batches with
    version > `snapshot_version`, in order. `history` is as of `row`."""

    row: SessionRow
    snapshot: bytes | None
    snapshot_version: int
    batches: list[Batch]
    history: HistoryRow | None = None


#: What can be damaged: see `Damage`.
DAMAGED_PARTS = ("session", "log", "snapshot", "change", "history", "key", "erase", "retention")


class Damage(msgspec.Struct, frozen=True):
    """Something that is kept and cannot be read. `part`: one of DAMAGED_PARTS;
    `session` is a key's id where it is key. `at`: when it was found (ms)."""

    project: str
    session: str
    part: str
    at: int
    reason: str


class Epoch(msgspec.Struct, frozen=True):
    """One history of a database. A restore begins another: positions and numbers that clients have from before
    `began_at` (ms; 0 for the first) need not be found again."""

    name: str
    began_at: int


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


class ElementRow(msgspec.Struct, frozen=True):
    """What was learned of one element of a project's pages: counts, faded to `at` (ms)."""

    project: str
    target: str
    at: int
    visitors: float
    clicks: float
    runs: float
    answered: float
    dead: float
    waited: float


class State(msgspec.Struct, frozen=True):
    """How writing fares. `commit_seconds`: what all `commits` took together; `committed_since`: when the last
    one that is done was begun (`time.monotonic`), None before the first. `damaged`: how many things were found
    since the start that cannot be read, by `Damage.part`. `slow_commits`: those over a second. `file_bytes`, `log_bytes`,
    `free_bytes`: of the database, its write-ahead log, and what is left on their disk."""

    queued_entries: int
    queued_bytes: int
    commits: int
    commit_seconds: float
    failures: int
    failing: bool
    committed_since: float | None
    damaged: dict[str, int] = {}
    slow_commits: int = 0
    file_bytes: int = 0
    log_bytes: int = 0
    free_bytes: int = 0


class Page(msgspec.Struct, frozen=True):
    """One page of the sessions list, with the history of each; `cursor` is None on the last."""

    sessions: list[SessionRow]
    cursor: str | None
    histories: list[HistoryRow | None] = []


class Storage(Protocol):
    """The contract. Every method may raise errors.StorageUnavailable. `epoch`: known once it is open."""

    epoch: Epoch

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

    async def load(self, project: str, session: str) -> Stored | None:
        """None if unknown. Rows of the log that cannot be read are left out and reported. Raises Damaged when the
        session cannot be read at all."""

    async def due(self, before: int, limit: int) -> list[tuple[str, str]]:
        """Project and name of sessions whose `due_at` is at or before `before` (ms), the most overdue first."""

    async def lagging(self, within: int, after: tuple[int, int] | None = None) -> Lagging:
        """Sessions whose row a crash left behind their log, by what came in the log's last `within` ms. `after`: of
        the `Lagging` to go on from."""

    async def sessions(
        self,
        project: str,
        *,
        traits: Traits | None = None,
        active_since: int | None = None,
        quiet_since: int | None = None,
        since: int | None = None,
        before: int | None = None,
        page: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Newest activity first. `since`, `before`: last activity at or after, or before, that moment (ms); so too
        `active_since` and `quiet_since`, for which the pages that follow keep to the first page's moment. A cursor
        that is not ours raises errors.BadRequest.
        """

    async def row(self, project: str, session: str) -> SessionRow | None: ...

    async def newest(self) -> int | None:
        """When (ms) the last event of any session came; None without one."""

    async def changes(self, project: str, session: str, limit: int = 1000) -> list[MoodChange]: ...

    async def batches(self, project: str, session: str, after: int = 0, limit: int = 1000) -> list[Batch]:
        """The log of a session from version `after` + 1 on, oldest first."""

    async def producer_state(self, project: str, session: str, producer: str) -> ProducerState | None:
        """How far a page load has come; None where the log has nothing of it. One session's log is looked through at a
        time, in parts: it may be long, and others read too."""

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

    def report_damage(self, project: str, session: str, part: str, reason: object) -> None:
        """Note that something kept cannot be read (`Damage`): logged once, counted, and kept for `doctor`. Does
        not wait. A session with a damage of part "session" is not `due` until the next start."""

    async def damages(self) -> list[Damage]:
        """What was found that cannot be read, of all projects, oldest first."""

    async def check(self) -> None:
        """Raise StorageUnavailable if a write would not succeed now."""

    def state(self) -> State:
        """For the metrics: costs next to nothing."""

    async def secret(self, name: str) -> bytes:
        """A random secret of 32 bytes, made on first use and the same ever after."""

    async def add_key(self, key: Key) -> None: ...

    async def keys(self) -> list[Key]:
        """Every key of every project, revoked ones too."""

    async def revoke_key(self, key_id: str, at: int) -> Key | None: ...

    async def elements(self, limit: int) -> list[ElementRow]:
        """What was learned of elements: the latest used, at most so many, the longest unused of them first."""

    async def store_elements(self, rows: Sequence[ElementRow], before: int) -> None:
        """Replace what was learned of these elements, and forget those not used since `before` (ms; 0: none)."""

    async def count_session(self, key_id: str, month: str, session: str, limit: int | None = None) -> int:
        """Count a session that `key_id` opened in `month` ("2026-11"), once; how many so far. One that would
        be past `limit` is not counted nor remembered; the answer is then `limit` + 1."""

    async def sessions_counted(self, key_id: str, month: str, session: str) -> tuple[int, bool]:
        """How many sessions of `key_id` were counted in `month`, and whether `session` is one of them."""
