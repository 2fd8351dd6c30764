"""What is kept and cannot be read: found once, told once, and never in the way of the rest."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec

from app import errors
from app.storage import Batch, Damage, ElementRow, HistoryRow, SessionRow

logger = logging.getLogger("sessionmood.storage")

#: Damages remembered so that each is told once; past that all are forgotten, and told again.
MAX_TOLD: Final = 10_000
#: Characters of a reason that are kept.
MAX_REASON: Final = 300
#: Damages that `doctor` reads at most.
MAX_READ: Final = 1000

#: (project, session, part, reason): a damage that was found
Found = tuple[str, str, str, str]
_Row = TypeVar("_Row", bound=msgspec.Struct)


def _types(row: type[msgspec.Struct]) -> tuple[tuple[type, ...], ...]:
    """What each column of `row` may be. A bool is kept as an integer, a float may be a whole number."""
    more: dict[type, tuple[type, ...]] = {float: (float, int), bool: (bool, int)}
    hints = get_type_hints(row).values()
    return tuple(tuple(chain.from_iterable(more.get(k, (k,)) for k in get_args(h) or (h,))) for h in hints)


TYPES: Final[dict[type[msgspec.Struct], tuple[tuple[type, ...], ...]]] = {
    row: _types(row) for row in (SessionRow, Batch, ElementRow, HistoryRow)
}


def checked(row: type[_Row], values: tuple[Any, ...]) -> _Row:
    """Raises Damaged where a column has a type that was never put there."""
    for name, kinds, value in zip(row.__struct_fields__, TYPES[row], values, strict=True):
        if not isinstance(value, kinds):
            raise errors.Damaged(f"`{name}` is {type(value).__name__}, not {kinds[0].__name__}")
    return row(*values)


def fits(row: type[msgspec.Struct], values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, kinds) for kinds, value in zip(TYPES[row], values, strict=True))


class Damages:
    """`counts`: found since the start, by part. `keep` writes one; its future may fail."""

    def __init__(self, keep: "Callable[[Damage], asyncio.Future[Any]]") -> None:
        self._keep = keep
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
        damage = Damage(*name, time.time_ns() // 1_000_000, text)
        try:
            self._keep(damage).add_done_callback(_forget_failure)
        except errors.StorageUnavailable:
            self._told.discard(name)  # it is told again once it can be kept

    def report_all(self, found: list[Found]) -> None:
        for damage in found:
            self.report(*damage)


def _forget_failure(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
