"""What storage takes and gives back: rows as structs."""

from collections.abc import Sequence

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
    due; then `row` is there too. `of`: project and session, where there is no `row` to say so. `incarnation`: what the
    session is known by among those that had its name one after the other; only several nodes ask."""

    row: SessionRow | None
    batch: Batch | None = None
    changes: Sequence[MoodChange] = ()
    snapshot: bytes | None = None
    history: HistoryRow | None = None
    of: tuple[str, str] = ("", "")
    incarnation: int = 0

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
    incarnation: int = 0


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
