"""Sessions moved from one database to another, whole: what is read there is what was read here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.storage import ElementRow, Entry, HistoryRow, Key
from app.storage.postgres.database import PostgresStorage
from app.storage.postgres.place import PostgresPlace
from app.storage.sqlite.database import SQLiteStorage
from app.storage.sqlite.place import SQLitePlace
from app.storage.whole import OTHERS, Name, Place
from tests.support.stored import batch, change, row

HISTORY = HistoryRow("bored", 0.5, 1_001, "/", b'{"event_count":2,"signals":[],"because":[]}', b"[]")


@pytest.fixture
async def here(path: Path) -> AsyncIterator[SQLiteStorage]:
    storage = SQLiteStorage(path, sole=True)
    await storage.open()
    yield storage
    await storage.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def there(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "sqlite":
        storage = SQLiteStorage(tmp_path / "other.db", sole=True)
        await storage.open()
        yield SQLitePlace(storage)
        await storage.close()
    else:
        other = PostgresStorage(request.getfixturevalue("postgres_url"), server="sole")
        await other.open()
        yield PostgresPlace(other)
        await other.close()


async def names(place: Place) -> list[Name]:
    return [whole.name for whole in await place.page(("", ""), 100)]


async def test_sessions_are_the_same_in_both_also_where_a_move_was_cut_short(
    here: SQLiteStorage, there: Place
) -> None:
    place = SQLitePlace(here)
    for version in (1, 2):
        await here.submit(
            Entry(row(version=version, publishable=True), batch(version), [change(version)], b"x", HISTORY)
        )
    await here.submit(Entry(row("brief", version=0), None))
    wholes = await place.page(("", ""), 100)
    assert [whole.name for whole in wholes] == [("p", "brief"), ("p", "s")]
    await there.put(wholes)
    await here.submit(Entry(row(version=3, page="/a\0b"), batch(3)))
    wholes = await place.page(("p", "brief"), 100)
    assert (wholes[0].version, wholes[0].events) == (3, 6)
    assert await there.digests([("p", "s")]) != await place.digests([("p", "s")])
    for _ in range(2):  # what was there goes first, however much of it
        await there.put(wholes)
    assert await names(there) == [("p", "brief"), ("p", "s")]
    assert await there.count() == 2
    asked = [("p", "s"), ("p", "brief"), ("p", "never was")]
    assert await there.digests(asked) == await place.digests(asked)
    assert len(await there.digests(asked)) == 2


async def test_what_is_kept_beside_sessions_is_moved_once(here: SQLiteStorage, there: Place) -> None:
    place = SQLitePlace(here)
    await here.add_key(Key("k", "p", "pk", b"\x01" * 32, "", 1))
    await here.secret("token")
    await here.count_session("k", "2026-11", "s")
    await here.see_clock(5)
    await here.store_elements([ElementRow("p", "#a\0", 1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)], 0)
    await here.request_erasure("p", "s")
    for _ in range(2):
        for table in OTHERS:
            await there.put_others(table, await place.others(table))
    for table in OTHERS:
        ours, theirs = await place.others(table), await there.others(table)
        assert len(theirs) == len(ours) > 0
        if table not in ("elements",):  # Postgres' texts have no NUL
            assert sorted(map(str, theirs)) == sorted(map(str, ours))
