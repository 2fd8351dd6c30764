"""A session that was erased and one that began anew under its name are told apart. The functions that commits call."""

from alembic import op

revision = "p0002"
down_revision = "p0001"
branch_labels = None
depends_on = None

# 0: of before, which any will do for. Servers of before go on with the functions that they know, which have fewer
# arguments, while they are replaced one after the other.
INCARNATION = "ALTER TABLE heads ADD COLUMN incarnation bigint NOT NULL DEFAULT 0"

_LOG = "id, day, version, at, producer, first_seq, last_seq, reports, count, writer, events"
_APPENDED = """
    l_id bytea[], l_version bigint[], l_at bigint[], l_producer text[], l_first_seq bigint[], l_last_seq bigint[],
    l_reports bigint[], l_count bigint[], l_events bytea[]"""
_OF_HEADS = "h_id bytea[], h_day integer[], h_expect bigint[], h_newest bigint[], h_incarnation bigint[]"
# Plans are cached with a function by the server, which needs no named statement of a client. Sequential scans are off
# within: fresh tables look small, and a cached plan must serve them when they are large.
_PLANS = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"

# Appends a group of rows, at most one run of versions a session, and tells of those that lost: up to `kept` the rows
# are this node's all the same, written by a commit whose outcome it never learned.
APPEND = f"""
CREATE FUNCTION sessionmood_append(node bigint, repeated boolean, {_OF_HEADS}, {_APPENDED})
RETURNS TABLE (lost bytea, kept bigint) LANGUAGE plpgsql {_PLANS}
AS $$
DECLARE
    won bytea[];
    own bigint[] := h_expect;
    head record;
BEGIN
    -- In the same order in every transaction, so that none waits for another in a circle.
    IF 0 = ANY (h_expect) THEN
        INSERT INTO heads (id, day, version, writer, incarnation)
        SELECT u.id, u.day, 0, node, u.incarnation
        FROM unnest(h_id, h_day, h_expect, h_incarnation) AS u (id, day, expect, incarnation)
        WHERE u.expect = 0 AND u.day IS NOT NULL ORDER BY u.id
        ON CONFLICT DO NOTHING;
    END IF;
    PERFORM 1 FROM unnest(h_id) AS u (id) JOIN heads ON heads.id = u.id ORDER BY heads.id FOR UPDATE OF heads;
    WITH moved AS (
        UPDATE heads SET version = u.newest, writer = node
        FROM unnest(h_id, h_expect, h_newest, h_incarnation) AS u (id, expect, newest, incarnation)
        WHERE heads.id = u.id AND heads.version = u.expect AND heads.incarnation = u.incarnation
        RETURNING heads.id
    )
    SELECT coalesce(array_agg(moved.id), '{{}}') INTO won FROM moved;
    IF cardinality(won) < cardinality(h_id) THEN
        FOR head IN
            SELECT u.place, u.id, u.expect, u.newest, heads.version, heads.day,
                heads.incarnation = u.incarnation AS is_same
            FROM unnest(h_id, h_expect, h_newest, h_incarnation) WITH ORDINALITY
                AS u (id, expect, newest, incarnation, place)
            LEFT JOIN heads ON heads.id = u.id
            WHERE u.id <> ALL (won)
        LOOP
            lost := head.id;
            kept := head.expect;
            IF repeated AND head.is_same AND head.version > head.expect THEN
                SELECT coalesce(max(log.version), head.expect) INTO kept FROM log
                WHERE log.id = head.id AND log.day = head.day AND log.writer = node
                  AND log.version > head.expect AND log.version <= head.newest;
            END IF;
            IF kept = head.newest AND kept > head.expect THEN
                own[head.place] := kept;
            ELSIF kept = head.version AND kept > head.expect THEN
                UPDATE heads SET version = head.newest, writer = node WHERE heads.id = head.id;
                own[head.place] := kept;
                won := won || head.id;
            ELSE
                RETURN NEXT;
            END IF;
        END LOOP;
    END IF;
    IF own = h_expect AND cardinality(won) = cardinality(h_id) THEN
        INSERT INTO log ({_LOG})
        SELECT u.id, heads.day, u.version, u.at, u.producer, u.first_seq, u.last_seq, u.reports, u.count, node, u.events
        FROM unnest(l_id, l_version, l_at, l_producer, l_first_seq, l_last_seq, l_reports, l_count, l_events)
            AS u (id, version, at, producer, first_seq, last_seq, reports, count, events)
        JOIN heads ON heads.id = u.id;
    ELSIF cardinality(won) > 0 THEN
        INSERT INTO log ({_LOG})
        SELECT u.id, heads.day, u.version, u.at, u.producer, u.first_seq, u.last_seq, u.reports, u.count, node, u.events
        FROM unnest(l_id, l_version, l_at, l_producer, l_first_seq, l_last_seq, l_reports, l_count, l_events)
            AS u (id, version, at, producer, first_seq, last_seq, reports, count, events)
        JOIN heads ON heads.id = u.id
        WHERE u.id = ANY (won) AND u.version > own[array_position(h_id, u.id)];
    END IF;
END
$$;
"""

# The same, with what follows from the rows: none of it is written for sessions that lost.
COMMIT = f"""
CREATE FUNCTION sessionmood_commit(
    node bigint, repeated boolean, {_OF_HEADS}, {_APPENDED},
    s_id bytea[], s_project text[], s_session text[], s_version bigint[], s_created_at bigint[], s_last_at bigint[],
    s_event_count bigint[], s_mood text[], s_confidence double precision[], s_suggested_action text[],
    s_mood_at bigint[], s_traits bigint[], s_page text[], s_due_at bigint[], s_publishable boolean[], s_nonce text[],
    c_id bytea[], c_at bigint[], c_mood text[], c_previous text[], c_confidence double precision[],
    c_suggested_action text[], c_signals text[], c_event_count bigint[], c_page text[],
    n_id bytea[], n_version bigint[], n_state bytea[],
    y_id bytea[], y_worst_mood text[], y_worst_confidence double precision[], y_worst_at bigint[], y_worst_page text[],
    y_evidence bytea[], y_offers bytea[]
)
RETURNS TABLE (lost bytea, kept bigint) LANGUAGE plpgsql {_PLANS}
AS $$
DECLARE
    losers bytea[] := '{{}}';
BEGIN
    FOR lost, kept IN
        SELECT * FROM sessionmood_append(node, repeated, h_id, h_day, h_expect, h_newest, h_incarnation,
            l_id, l_version, l_at, l_producer, l_first_seq, l_last_seq, l_reports, l_count, l_events)
    LOOP
        losers := losers || lost;
        RETURN NEXT;
    END LOOP;
    INSERT INTO sessions AS old (id, project, session, version, created_at, last_at, event_count, mood, confidence,
        suggested_action, mood_at, traits, page, due_at, publishable, nonce)
    SELECT * FROM unnest(s_id, s_project, s_session, s_version, s_created_at, s_last_at, s_event_count, s_mood,
        s_confidence, s_suggested_action, s_mood_at, s_traits, s_page, s_due_at, s_publishable, s_nonce) AS u (id)
    WHERE u.id <> ALL (losers)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, created_at = excluded.created_at,
        last_at = excluded.last_at,
        event_count = excluded.event_count, mood = excluded.mood, confidence = excluded.confidence,
        suggested_action = excluded.suggested_action, mood_at = excluded.mood_at, traits = excluded.traits,
        page = excluded.page, due_at = excluded.due_at, publishable = excluded.publishable, nonce = excluded.nonce
    WHERE old.version <= excluded.version;
    IF cardinality(c_id) > 0 THEN
        INSERT INTO changes (id, at, mood, previous, confidence, suggested_action, signals, event_count, page)
        SELECT * FROM unnest(c_id, c_at, c_mood, c_previous, c_confidence, c_suggested_action, c_signals,
            c_event_count, c_page) AS u (id)
        WHERE u.id <> ALL (losers)
        ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(n_id) > 0 THEN
        INSERT INTO snapshots AS old (id, version, state)
        SELECT * FROM unnest(n_id, n_version, n_state) AS u (id) WHERE u.id <> ALL (losers)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state
        WHERE old.version <= excluded.version;
    END IF;
    IF cardinality(y_id) > 0 THEN
        INSERT INTO histories (id, worst_mood, worst_confidence, worst_at, worst_page, evidence, offers)
        SELECT * FROM unnest(y_id, y_worst_mood, y_worst_confidence, y_worst_at, y_worst_page, y_evidence, y_offers)
            AS u (id)
        WHERE u.id <> ALL (losers)
        ON CONFLICT (id) DO UPDATE SET worst_mood = excluded.worst_mood,
            worst_confidence = excluded.worst_confidence, worst_at = excluded.worst_at,
            worst_page = excluded.worst_page, evidence = excluded.evidence, offers = excluded.offers;
    END IF;
END
$$;
"""


def upgrade():
    op.execute(INCARNATION)
    op.execute(APPEND)
    op.execute(COMMIT)
