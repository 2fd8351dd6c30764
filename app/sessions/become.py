"""A session in memory that storage has gone past takes over what was read there."""

from app.sessions.producers import MAX_PRODUCERS, Producer
from app.sessions.session import Session


def become(session: Session, other: Session) -> None:
    """Have `session` say what `other` says, which was read from storage: other nodes have written. Who listens stays,
    and so does what was measured of clocks here."""
    for id, known in session.producers.items():
        read = other.producers.get(id)
        if read is None:
            if len(other.producers) < MAX_PRODUCERS:
                other.producers[id] = Producer(0, known.offset if known.measured else None, known.reports)
        elif known.measured and not read.measured and known.offset is not None:
            read.measure(known.offset)
    session.created_at, session.last_at = other.created_at, other.last_at
    session.publishable, session.nonce = other.publishable, other.nonce
    session.incarnation = other.incarnation
    session.engine, session.change, session.offer, session.page = (
        other.engine,
        other.change,
        other.offer,
        other.page,
    )
    session.producers = other.producers
    session.version = other.version
    session.snapshot_version, session.snapshot_events = other.snapshot_version, other.snapshot_events
    session.stored_row = other.stored_row
    session.history, session.history_stored = other.history, other.history_stored
    session.visit = other.visit
