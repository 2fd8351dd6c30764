"""What a step of a session changed, handed to storage: nearly always a row of the log, and little else."""

import asyncio
from collections.abc import Callable
from functools import partial

from app.errors import StorageUnavailable
from app.ingest.history_rows import history_row
from app.ingest.rows import change_row, session_row
from app.mood import Change, Offer
from app.sessions.session import Session
from app.storage import Batch, Entry, Storage


class Persister:
    """Queues the steps of sessions, and notes in them what can't be lost any more."""

    def __init__(self, store: Storage) -> None:
        self.store = store
        #: told of a session that has news, once they are written; None where there is nobody to tell
        self.on_news: Callable[[Session], None] | None = None

    def persist(
        self, session: Session, batch: Batch | None, news: list[Change | Offer], snapshot: bool = False
    ) -> "asyncio.Future[None]":
        """Queue a step of `session` to be written; done when it can't be lost any more. Raises StorageUnavailable."""
        if session.stale:
            raise StorageUnavailable("the session is being read again", retry_ms=100)
        if batch is None:  # with one it was asked before the fold
            self.store.admit()
        engine = session.engine
        changes = (
            [change_row(item, session.page) for item in news if isinstance(item, Change)] if news else ()
        )
        due_at = None if engine is None else engine.due_at()
        state = session.snapshot() if snapshot or changes or session.snapshot_due() else None
        history = session.history
        news_of_history = session.history_stored != history.version
        row = None
        if batch is None or state is not None or news_of_history or session.row_due(due_at):
            row = session_row(session, due_at)
        durable = self.store.submit(
            Entry(
                row,
                batch,
                changes,
                state,
                history_row(history) if news_of_history else None,
                of=(session.project, session.id),
                incarnation=session.incarnation,
            )
        )
        if batch is None or row is not None:
            session.row_written(due_at)
        else:
            session.stored_row.passed(batch.at)
        session.history_stored = history.version
        session.pending += 1
        durable.add_done_callback(partial(self._confirm, session, batch, session.lineage))
        if news and self.on_news is not None:
            durable.add_done_callback(partial(self._tell, session))
        return durable

    def _tell(self, session: Session, durable: "asyncio.Future[None]") -> None:
        if self.on_news is None or durable.cancelled():
            return
        if isinstance(durable.exception(), StorageUnavailable):  # still queued
            self.store.settled().add_done_callback(partial(self._tell, session))
        elif durable.exception() is None:
            self.on_news(session)

    def _confirm(
        self, session: Session, batch: Batch | None, lineage: int, durable: "asyncio.Future[None]"
    ) -> None:
        failure = None if durable.cancelled() else durable.exception()
        if durable.cancelled() or isinstance(failure, StorageUnavailable):
            # still queued: the session must stay in memory until a later commit has it
            self.store.settled().add_done_callback(partial(self._confirm, session, batch, lineage))
            return
        session.pending -= 1
        if failure is not None:
            session.stored_row.last_at = -1  # its row may be missing
        if (
            failure is None
            and lineage == session.lineage  # else it may have lost to another node
            and batch is not None
            and batch.producer is not None
            and batch.last_seq is not None
        ):
            session.confirm(batch.producer, batch.last_seq)
