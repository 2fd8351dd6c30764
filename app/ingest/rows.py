"""A live session as storage has it: its row and its changes of mood."""

from app.ingest.history_rows import mood_columns
from app.mood import Change
from app.sessions.session import Session
from app.storage import MoodChange, SessionRow


def change_row(change: Change, page: str | None) -> MoodChange:
    return MoodChange(
        change.at,
        change.mood,
        change.previous,
        change.confidence,
        change.suggested_action,
        change.signals,
        change.event_count,
        page,
    )


def session_row(session: Session, due_at: int | None) -> SessionRow:
    """The session as lists show it."""
    return SessionRow(
        session.project,
        session.id,
        session.version,
        session.created_at,
        session.last_at,
        session.event_count,
        *mood_columns(session.history, session.model),
        session.page,
        due_at,
        session.publishable,
        session.nonce,
    )
