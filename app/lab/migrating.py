"""Moves everything that is kept from one database to another: sessions page by page, each compared at the end."""

from collections.abc import Callable
from typing import Final

import msgspec

from app.storage.whole import OTHERS, Name, Place

#: Sessions in a transaction.
PAGE: Final = 200
_FIRST: Final = ("", "")


class Moved(msgspec.Struct):
    """What became of it. `there`: sessions that were there already, from a run that was cut short. `differ`: sessions
    (project, name) that are not the same in both; `extra`: sessions that only the target has."""

    sessions: int = 0
    events: int = 0
    there: int = 0
    differ: list[Name] = []
    extra: int = 0


async def migrate(source: Place, target: Place, progress: Callable[[int, int], None]) -> Moved:
    """Copy what the target does not have yet, or has otherwise, then compare both, session by session. May be run again
    after a cut: what is there is not written twice. `progress`: how much of how much is done."""
    moved = Moved()
    whole = 2 * await source.count()
    for table in OTHERS:
        await target.put_others(table, await source.others(table))
    after: Name = _FIRST
    done = 0
    while page := await source.page(after, PAGE):
        there = await target.digests([each.name for each in page])
        missing = [each for each in page if there.get(each.name) != each.digest()]
        if missing:
            await target.put(missing)
        moved.there += len(page) - len(missing)
        moved.sessions += len(page)
        moved.events += sum(each.events for each in page)
        after = page[-1].name
        done += len(page)
        progress(done, whole)
    after = _FIRST
    while page := await source.page(after, PAGE):
        there = await target.digests([each.name for each in page])
        moved.differ += [each.name for each in page if there.get(each.name) != each.digest()]
        after = page[-1].name
        done += len(page)
        progress(done, whole)
    moved.extra = await target.count() - moved.sessions
    return moved
