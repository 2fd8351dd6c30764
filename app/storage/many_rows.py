"""Inserts of many rows in as few steps as possible."""

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import Any

# `executemany` gives the interpreter lock away once a row, and gets it back from a busy event loop only every
# 5 ms: a commit of 256 rows took up to 4 s beside a busy thread, in one statement 30 ms. Few sizes, so that
# each is compiled once; rows in between are filled up by repeating the last, which changes nothing.
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


class ManyRows:
    """`row`: the placeholders of one row. `on_conflict` must make a repeated row harmless."""

    def __init__(self, head: str, row: str, on_conflict: str) -> None:
        self._statements = [f"{head} VALUES {', '.join([row] * size)} {on_conflict}" for size in SIZES]

    def insert(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """How many rows were changed, which counts repeated ones only if they change something."""
        changed = 0
        for start in range(0, len(rows), SIZES[-1]):
            part = rows[start : start + SIZES[-1]]
            which = bisect_left(SIZES, len(part))
            values = [*chain.from_iterable(part), *(part[-1] * (SIZES[which] - len(part)))]
            changed += connection.execute(self._statements[which], values).rowcount
        return changed
