"""Sessions keep their last mood while the visitor was there, their worst one, and what came of help.

Filled from the timeline as far as it goes: a change has the mood's confidence as it began, and the names of its
signals only. What came of help is read from the log of the sessions that were ever frustrated.
"""

import json
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# As app/sessions/history.py had them when this revision was made.
MOODS = ["frustrated", "engaged", "bored", "confused", "curious", "satisfied"]
SEVERITY = {"frustrated": 5, "confused": 4, "bored": 3, "engaged": 2, "curious": 1, "satisfied": 0}
TROUBLE = 4
OUTCOMES = ["none", "held_out", "unreported", "expired", "shown", "snoozed", "dismissed", "accepted"]
MAX_OFFERS = 20
AT_ONCE = 1000


def upgrade():
    op.add_column("sessions", sa.Column("mood_at", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("traits", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "histories",
        sa.Column("session_id", Id, sa.ForeignKey("sessions.id"), primary_key=True, autoincrement=False),
        sa.Column("worst_mood", sa.Text, nullable=False),
        sa.Column("worst_confidence", sa.Float, nullable=False),
        sa.Column("worst_at", sa.BigInteger, nullable=False),
        sa.Column("worst_page", sa.Text),
        sa.Column("evidence", sa.LargeBinary, nullable=False),
        sa.Column("offers", sa.LargeBinary, nullable=False),
    )
    op.drop_index("ix_sessions_mood", "sessions")
    op.drop_index("ix_sessions_page", "sessions")
    _fill(op.get_bind())
    op.create_index("ix_sessions_traits", "sessions", ["project", "traits", "last_at", "id"])
    op.create_index("ix_sessions_page", "sessions", ["project", "page", "traits", "last_at", "id"])


def _fill(connection):
    sessions = sa.text(
        "SELECT id, last_at, mood, confidence, suggested_action FROM sessions WHERE id > :after "
        "ORDER BY id LIMIT :limit"
    )
    after = 0
    while rows := connection.execute(sessions, {"after": after, "limit": AT_ONCE}).fetchall():
        changes = _changes(connection, after, rows[-1].id)
        after = rows[-1].id
        updates, histories = [], []
        for row in rows:
            update, history = _history(connection, row, changes.get(row.id, []))
            updates.append(update)
            if history is not None:
                histories.append(history)
        connection.execute(
            sa.text(
                "UPDATE sessions SET mood = :mood, confidence = :confidence, suggested_action = :action, "
                "mood_at = :mood_at, traits = :traits WHERE id = :id"
            ),
            updates,
        )
        if histories:
            connection.execute(
                sa.text(
                    "INSERT INTO histories (session_id, worst_mood, worst_confidence, worst_at, worst_page, evidence, "
                    "offers) VALUES (:id, :mood, :confidence, :at, :page, :evidence, :offers)"
                ),
                histories,
            )


def _changes(connection, after, last):
    found = connection.execute(
        sa.text(
            "SELECT session_id, at, mood, confidence, suggested_action, signals, event_count, page FROM changes "
            "WHERE session_id > :after AND session_id <= :last ORDER BY session_id, at, id"
        ),
        {"after": after, "last": last},
    )
    return {id: list(changes) for id, changes in groupby(found, lambda change: change.session_id)}


def _history(connection, row, changes):
    """The new values of a session's row, and its history, None where nothing is known."""
    changes = [change for change in changes if change.mood in SEVERITY]
    # What only time did after the last event does not count, unless it was trouble.
    here = [c for c in changes if c.at <= row.last_at or SEVERITY[c.mood] >= TROUBLE]
    seen = {"id": row.id, "mood": row.mood, "confidence": row.confidence, "action": row.suggested_action}
    seen["mood_at"] = row.last_at
    before = [c for c in here if c.at <= row.last_at]
    if before:
        seen |= {
            "mood": before[-1].mood,
            "confidence": before[-1].confidence,
            "action": before[-1].suggested_action,
        }
    for change in here[len(before) :]:
        if SEVERITY[change.mood] > SEVERITY.get(seen["mood"], -1):
            seen |= {"mood": change.mood, "confidence": change.confidence, "action": change.suggested_action}
            seen["mood_at"] = change.at
    had = {change.mood for change in changes} | ({row.mood} & SEVERITY.keys())
    offers = _offers(connection, row.id) if "frustrated" in had else []
    outcome = max((OUTCOMES.index(offer["outcome"]) for offer in offers), default=0)
    mood = MOODS.index(seen["mood"]) if seen["mood"] in MOODS else 7
    seen["traits"] = mood | sum(1 << MOODS.index(each) for each in had) << 3 | outcome << 9
    if not here:
        return seen, None
    worst = max(here, key=lambda c: (SEVERITY[c.mood], c.confidence))
    evidence = {"event_count": worst.event_count, "signals": json.loads(worst.signals), "because": []}
    return seen, {
        "id": row.id,
        "mood": worst.mood,
        "confidence": worst.confidence,
        "at": worst.at,
        "page": worst.page,
        "evidence": json.dumps(evidence, separators=(",", ":")).encode(),
        "offers": json.dumps(offers[-MAX_OFFERS:], separators=(",", ":")).encode(),
    }


def _offers(connection, session_id):
    offers = {}
    batches = connection.execute(
        sa.text("SELECT events FROM log WHERE session_id = :id ORDER BY version"), {"id": session_id}
    )
    for (events,) in batches:
        if b'"help"' not in bytes(events):
            continue
        for event in json.loads(bytes(events)):
            kind, id = event.get("kind"), event.get("name") or ""
            if event["type"] != "help" or kind not in OUTCOMES[3:]:
                continue
            at = int(event["at"])
            offer = offers.setdefault(id, {"id": id, "at": at, "outcome": kind, "outcome_at": at})
            if OUTCOMES.index(kind) > OUTCOMES.index(offer["outcome"]):
                offer |= {"outcome": kind, "outcome_at": at}
    return list(offers.values())
