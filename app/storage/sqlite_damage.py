"""What is kept and cannot be read: found once, told once, and never in the way of the rest."""

import asyncio
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from app import errors
from app.storage import Damage

logger = logging.getLogger("sessionmood.storage")

#: Damages remembered so that each is told once; past that all are forgotten, and told again.
MAX_TOLD: Final = 10_000
#: Characters of a reason that are kept.
MAX_REASON: Final = 300
#: Damages that `doctor` reads at most.
MAX_READ: Final = 1000

_COLUMNS: Final = "project, session, part, at, reason"
_INSERT: Final = f"INSERT INTO damages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
_READ: Final = f"SELECT {_COLUMNS} FROM damages ORDER BY at, session, part LIMIT {MAX_READ}"  # noqa: S608

Run = Callable[[Callable[[sqlite3.Connection], Any]], "asyncio.Future[Any]"]
#: (project, session, part, reason): a damage that a function of a connection found
Found = tuple[str, str, str, str]


class Damages:
    """`counts`: found since the start, by part. `run` writes (`WriteQueue.run`)."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._told: set[tuple[str, str, str]] = set()
        self.counts: Counter[str] = Counter()

    def report(self, project: str, session: str, part: str, reason: object) -> None:
        """Log, count and keep it, unless that was done before."""
        name = (str(project), str(session), part)
        if name in self._told:
            return
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._told.add(name)
        self.counts[part] += 1
        text = f"{type(reason).__name__}: {reason}" if isinstance(reason, BaseException) else str(reason)
        text = text[:MAX_REASON]
        what = "a key" if part == "key" else "a session"
        logger.error(
            "%s cannot be read (%s: %s); it is passed over, `sessionmood doctor` names it",
            what,
            part,
            text,
            extra={"session": name[1]},
        )
        damage = (*name, time.time_ns() // 1_000_000, text)
        try:
            self._run(partial(_insert, damage)).add_done_callback(_forget_failure)
        except errors.StorageUnavailable:
            self._told.discard(name)  # it is told again once it can be kept

    def report_all(self, found: list[Found]) -> None:
        for damage in found:
            self.report(*damage)


def _insert(damage: tuple[Any, ...], connection: sqlite3.Connection) -> None:
    connection.execute(_INSERT, damage)


def _forget_failure(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


def read_damages(connection: sqlite3.Connection) -> list[Damage]:
    return [Damage(*row) for row in connection.execute(_READ).fetchall()]


def forget_quarantine(connection: sqlite3.Connection) -> None:
    """At a start: sessions that could not be read at all, or not erased, get another try."""
    connection.execute("DELETE FROM damages WHERE part IN ('session', 'erase', 'retention')")


def is_corrupt(error: BaseException | None) -> bool:
    """Whether SQLite found pages of the file that make no sense."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
