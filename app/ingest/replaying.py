"""Rows of the log, folded again."""

from app import protocol, storage
from app.mood import Change, Offer
from app.protocol.events import to_event
from app.sessions.session import Session


def replay(session: Session, batch: storage.Batch, news: list[Change | Offer]) -> Exception | None:
    """Fold a row of the log again, exactly as it was folded when it came. What went wrong, if it can't be read: its
    number and its producer's count all the same, so that the session goes on after it."""
    failure = None
    folded = False
    try:
        for wire in protocol.decode_log(batch.events):
            event = to_event(wire, batch.reports)
            session.visited().recall(event)
            session.apply(event, news)
            folded = True
    except Exception as error:
        failure = error
    if folded and session.engine is not None:
        session.history.settle(session.engine)
    session.version = batch.version
    if batch.producer is not None and batch.last_seq is not None:
        producer = session.producer(batch.producer)
        producer.ack = producer.confirmed = max(producer.ack, batch.last_seq)
        producer.reports = batch.reports
    return failure
