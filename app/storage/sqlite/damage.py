"""What is kept and cannot be read: found once, told once, and never in the way of the rest."""

import asyncio
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec

from app import errors
from app.storage import Batch, Damage, ElementRow, HistoryRow, SessionRow
from app.storage.sqlite.rows import SESSION_COLUMNS

logger = logging.getLogger("sessionmood.storage")

#: Damages remembered so that each is told once; past that all are forgotten, and told again.
MAX_TOLD: Final = 10_000
#: Characters of a reason that are kept.
MAX_REASON: Final = 300
#: Damages that `doctor` reads at most.
MAX_READ: Final = 1000

#: Lines of SQLite's own about damaged pages that are told.
MAX_TOLD_PAGES: Final = 5

_COLUMNS: Final = "project, session, part, at, reason"
_INSERT: Final = f"INSERT INTO damages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
_READ: Final = f"SELECT {_COLUMNS} FROM damages ORDER BY at, session, part LIMIT {MAX_READ}"  # noqa: S608

_BAD_LOG: Final = f"""
SELECT sessions.project, sessions.session, min(log.version) FROM log JOIN sessions ON sessions.id = log.session_id
WHERE typeof(log.events) <> 'blob' OR NOT json_valid(CAST(log.events AS TEXT))
GROUP BY sessions.id LIMIT {MAX_READ}
"""  # noqa: S608

_Row = TypeVar("_Row", bound=msgspec.Struct)


def _types(row: type[msgspec.Struct]) -> tuple[tuple[type, ...], ...]:
    """What each column of `row` may be. A bool is kept as an integer, a float may be a whole number."""
    more: dict[type, tuple[type, ...]] = {float: (float, int), bool: (bool, int)}
    hints = get_type_hints(row).values()
    return tuple(tuple(chain.from_iterable(more.get(k, (k,)) for k in get_args(h) or (h,))) for h in hints)


_TYPES: Final[dict[type[msgspec.Struct], tuple[tuple[type, ...], ...]]] = {
    row: _types(row) for row in (SessionRow, Batch, ElementRow, HistoryRow)
}
_AFFINITY: Final[dict[type, str]] = {
    int: "integer", str: "text", float: "real", bool: "integer", type(None): "null", bytes: "blob"
}  # fmt: skip
#: Holds for rows of `sessions` that can be read: SQLite keeps any type in any column.
SOUND: Final = " AND ".join(
    f"typeof({name}) IN ({', '.join(sorted({repr(_AFFINITY[kind]) for kind in kinds}))})"
    for name, kinds in zip(SESSION_COLUMNS.split(", "), _TYPES[SessionRow], strict=True)
)

Run = Callable[[Callable[[sqlite3.Connection], Any]], "asyncio.Future[Any]"]
#: (project, session, part, reason): a damage that a function of a connection found
Found = tuple[str, str, str, str]


def checked(row: type[_Row], values: tuple[Any, ...]) -> _Row:
    """Raises Damaged where a column has a type that was never put there."""
    for name, kinds, value in zip(row.__struct_fields__, _TYPES[row], values, strict=True):
        if not isinstance(value, kinds):
            raise errors.Damaged(f"`{name}` is {type(value).__name__}, not {kinds[0].__name__}")
    return row(*values)


def fits(row: type[msgspec.Struct], values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, kinds) for kinds, value in zip(_TYPES[row], values, strict=True))


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


def examine(connection: sqlite3.Connection) -> tuple[list[str], list[Found]]:
    """Look through the whole file: what SQLite says of its pages, and the rows that cannot be read. Takes as long
    as reading all of it: about 2 s a GB."""
    says = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({MAX_TOLD_PAGES})").fetchall()]
    if says != ["ok"]:
        return [line.replace("\n", " ") for line in says], []
    found: list[Found] = []
    bad = connection.execute(
        f"SELECT project, session FROM sessions WHERE NOT ({SOUND}) LIMIT {MAX_READ}"  # noqa: S608
    )
    found += [(str(p), str(s), "session", "a column of its row has a wrong type") for p, s in bad.fetchall()]
    bad = connection.execute(_BAD_LOG)
    found += [(str(p), str(s), "log", f"the row of version {v!r} is no JSON") for p, s, v in bad.fetchall()]
    return [], found


def forget_quarantine(connection: sqlite3.Connection) -> None:
    """At a start: sessions that could not be read at all, or not erased, get another try."""
    connection.execute("DELETE FROM damages WHERE part IN ('session', 'erase', 'retention')")


def is_corrupt(error: BaseException | None) -> bool:
    """Whether SQLite found pages of the file that make no sense."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
