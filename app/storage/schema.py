"""The tables, for SQLite and Postgres alike. `migrations/` makes them; a test holds the two together.

A session's text ids stand in `sessions` only, and in `erase_requests` and `damages` until it is erased: all else
points at it by integer, which keeps the log small and erasure complete. Times are integer ms.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite makes a rowid alias of INTEGER only; Postgres needs the eight bytes said.
Id = BigInteger().with_variant(Integer, "sqlite")


def _session_id() -> "Column[int]":
    return Column("session_id", Id, ForeignKey("sessions.id"), nullable=False)


sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("event_count", BigInteger, nullable=False),
    Column("mood", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("suggested_action", Text, nullable=False),
    Column("page", Text),
    Column("due_at", BigInteger),
    Column("publishable", Boolean, nullable=False),
    Column("mood_at", BigInteger, nullable=False, server_default="0"),
    Column("traits", BigInteger, nullable=False, server_default="0"),
    Column("nonce", Text, nullable=False, server_default=""),
    Index("ix_sessions_name", "project", "session", unique=True),
    # `id` last makes the order total, so that a list can be cut anywhere and go on.
    Index("ix_sessions_recent", "project", "last_at", "id"),
    # `traits` is one number for all that lists are filtered by: sessions have few different ones, so one walk for
    # each that is wanted is merged. That serves every filter, and any two together, with one index.
    Index("ix_sessions_traits", "project", "traits", "last_at", "id"),
    Index("ix_sessions_page", "project", "page", "traits", "last_at", "id"),
    Index(
        "ix_sessions_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

# One row per batch, appended; the index finds a session's rows. Measured against a row per event: 10x.
log = Table(
    "log",
    metadata,
    Column("id", Id, primary_key=True),
    _session_id(),
    Column("version", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("producer", Text),
    Column("first_seq", BigInteger),
    Column("last_seq", BigInteger),
    Column("reports", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("events", LargeBinary, nullable=False),
    Index("ix_log_session", "session_id", "version", unique=True),
)

# Apart from `sessions`, so that a new last_at does not write the state again.
snapshots = Table(
    "snapshots",
    metadata,
    Column("session_id", Id, ForeignKey("sessions.id"), primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

# Apart from `sessions` too: it changes a few times in a visit.
histories = Table(
    "histories",
    metadata,
    Column("session_id", Id, ForeignKey("sessions.id"), primary_key=True, autoincrement=False),
    Column("worst_mood", Text, nullable=False),
    Column("worst_confidence", Float, nullable=False),
    Column("worst_at", BigInteger, nullable=False),
    Column("worst_page", Text),
    Column("evidence", LargeBinary, nullable=False),  # JSON: how many events, which signals, what they say
    Column("offers", LargeBinary, nullable=False),  # JSON array: what help was due, and what came of it
)

changes = Table(
    "changes",
    metadata,
    Column("id", Id, primary_key=True),
    _session_id(),
    Column("at", BigInteger, nullable=False),
    Column("mood", Text, nullable=False),
    Column("previous", Text),
    Column("confidence", Float, nullable=False),
    Column("suggested_action", Text, nullable=False),
    Column("signals", Text, nullable=False),  # JSON array of names
    Column("event_count", BigInteger, nullable=False),
    Column("page", Text),
    Index("ix_changes_session", "session_id", "at", "mood", unique=True),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("origins", Text, nullable=False),  # JSON array
    Column("monthly_sessions", BigInteger),
    Column("events_per_second", Float),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# How many sessions a key opened in a month, and which were counted already: as keyed digests, since a
# session's id must not outlive its erasure here.
quotas = Table(
    "quotas",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
)
quota_sessions = Table(
    "quota_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("month", Text, primary_key=True),
)

# One row while something that was erased is still to be wiped from the file.
wipes = Table(
    "wipes",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("erasures", BigInteger, nullable=False),
)

# What a command asked the running server to erase: it alone can forget what it has in memory.
erase_requests = Table(
    "erase_requests",
    metadata,
    Column("project", Text, primary_key=True),
    Column("session", Text, primary_key=True),
)

# One row: what the clock said when retention last found it believable.
clock = Table(
    "clock",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("seen_at", BigInteger, nullable=False),
)

# What could not be read: kept for `doctor`, gone with its session. `session` is the id of a key where `part` is
# "key".
damages = Table(
    "damages",
    metadata,
    Column("project", Text, primary_key=True),
    Column("session", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

# One row: which history of the database this is. A restore begins another (`sqlite_identity`).
epochs = Table(
    "epochs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False),
)

# What is usual for each element of a project's pages, learned across visits: counts, faded to `at`. Names no session.
elements = Table(
    "elements",
    metadata,
    Column("project", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("visitors", Float, nullable=False),
    Column("clicks", Float, nullable=False),
    Column("runs", Float, nullable=False),
    Column("answered", Float, nullable=False),
    Column("dead", Float, nullable=False),
    Column("waited", Float, nullable=False),
)

# The one row that `check` writes to find out whether writing works.
probe = Table(
    "probe",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
)
