"""The tables on Postgres. What is kept is what `schema.py` says; how differs: see `storage/postgres`."""

from alembic import op

revision = "p0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
-- Appending to the log is the lock: `version` is the newest row's, and who appends moves it on from the one it folded
-- on. Apart from `sessions`, whose rows are wide and have many indexes: this one is updated in place.
CREATE TABLE heads (
    id bytea PRIMARY KEY,
    day integer NOT NULL,
    version bigint NOT NULL,
    writer bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ix_heads_day ON heads (day);

CREATE TABLE sessions (
    id bytea PRIMARY KEY,
    project text NOT NULL,
    session text NOT NULL,
    version bigint NOT NULL,
    created_at bigint NOT NULL,
    last_at bigint NOT NULL,
    event_count bigint NOT NULL,
    mood text NOT NULL,
    confidence double precision NOT NULL,
    suggested_action text NOT NULL,
    mood_at bigint NOT NULL,
    traits bigint NOT NULL,
    page text,
    due_at bigint,
    publishable boolean NOT NULL,
    nonce text NOT NULL
);
CREATE INDEX ix_sessions_recent ON sessions (project, last_at, id);
CREATE INDEX ix_sessions_traits ON sessions (project, traits, last_at, id);
CREATE INDEX ix_sessions_page ON sessions (project, page, traits, last_at, id);
CREATE INDEX ix_sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;

-- A partition holds the sessions that began on a day (UTC), with all of their rows: it can go as a whole.
CREATE TABLE log (
    id bytea NOT NULL,
    day integer NOT NULL,
    version bigint NOT NULL,
    at bigint NOT NULL,
    producer text,
    first_seq bigint,
    last_seq bigint,
    reports bigint NOT NULL,
    count bigint NOT NULL,
    writer bigint NOT NULL,
    events bytea NOT NULL,
    PRIMARY KEY (id, version, day)
) PARTITION BY RANGE (day);
-- For days that have no partition: a clock far off, or nobody was there to make one.
CREATE TABLE log_other PARTITION OF log DEFAULT;

CREATE TABLE snapshots (
    id bytea PRIMARY KEY,
    version bigint NOT NULL,
    state bytea NOT NULL
);
CREATE TABLE histories (
    id bytea PRIMARY KEY,
    worst_mood text NOT NULL,
    worst_confidence double precision NOT NULL,
    worst_at bigint NOT NULL,
    worst_page text,
    evidence bytea NOT NULL,
    offers bytea NOT NULL
);
CREATE TABLE changes (
    id bytea NOT NULL,
    at bigint NOT NULL,
    mood text NOT NULL,
    previous text,
    confidence double precision NOT NULL,
    suggested_action text NOT NULL,
    signals text NOT NULL,
    event_count bigint NOT NULL,
    page text,
    place bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (id, at, mood)
);

CREATE TABLE keys (
    id text PRIMARY KEY,
    project text NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL UNIQUE,
    name text NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint,
    origins text NOT NULL,
    monthly_sessions bigint,
    events_per_second double precision
);
CREATE TABLE secrets (name text PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE quotas (
    key_id text NOT NULL,
    month text NOT NULL,
    used bigint NOT NULL,
    PRIMARY KEY (key_id, month)
);
CREATE TABLE quota_sessions (
    digest bytea NOT NULL,
    key_id text NOT NULL,
    month text NOT NULL,
    PRIMARY KEY (digest, key_id, month)
);
CREATE TABLE erase_requests (
    project text NOT NULL,
    session text NOT NULL,
    PRIMARY KEY (project, session)
);
CREATE TABLE clock (id bigint PRIMARY KEY, seen_at bigint NOT NULL);
CREATE TABLE damages (
    project text NOT NULL,
    session text NOT NULL,
    part text NOT NULL,
    at bigint NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (project, session, part)
);
-- `place`: which database this was when the epoch began. A copy that was restored is another.
CREATE TABLE epochs (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    began_at bigint NOT NULL,
    place text NOT NULL
);
CREATE TABLE elements (
    project text NOT NULL,
    target text NOT NULL,
    at bigint NOT NULL,
    visitors double precision NOT NULL,
    clicks double precision NOT NULL,
    runs double precision NOT NULL,
    answered double precision NOT NULL,
    dead double precision NOT NULL,
    waited double precision NOT NULL,
    PRIMARY KEY (project, target)
);
CREATE TABLE probe (id bigint PRIMARY KEY, at bigint NOT NULL);
-- The servers that have this database open. `sole`: one that must be alone.
CREATE TABLE nodes (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    sole boolean NOT NULL,
    seen_at timestamptz NOT NULL
);
"""


def upgrade():
    op.execute(TABLES)
