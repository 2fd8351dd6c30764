"""Which sessions are surely not in the file: never said of one that is."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from app import errors
from app.storage.sqlite import names as sqlite_names
from app.storage.sqlite.database import SQLiteStorage
from app.storage.sqlite.names import Filter, Names
from tests.support.stored import entry, until

Rows = list[tuple[str, str]]


class File:
    """The names in a file, and what reading them runs into."""

    def __init__(self, names: Rows) -> None:
        self.names = names
        self.failures: list[Exception] = []
        self.reads = 0
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, after: int, limit: int) -> tuple[Rows, int | None]:
        self.reads += 1
        await self.open.wait()
        if self.failures:
            raise self.failures.pop()
        found = self.names[after : after + limit]
        return found, after + limit if len(found) == limit else None

    async def count(self) -> int:
        return len(self.names)

    async def settled(self) -> None:
        pass


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_names, "PAUSE", 0)
    monkeypatch.setattr(sqlite_names, "AGAIN_AFTER", 0)


def of(count: int, project: str = "p") -> Rows:
    return [(project, f"s{number}") for number in range(count)]


def test_a_filter_has_what_was_added_and_seldom_more() -> None:
    found = Filter(1024)
    for name in of(1024):
        found.add(name)
    assert all(map(found.has, of(1024)))
    assert abs(found.count - 1024) < 20
    assert sum(map(found.has, of(10_000, "q"))) < 100


async def test_what_is_in_the_file_or_was_added_is_not_lacking(at_once: None) -> None:
    file = File(of(2000))
    names = Names(file.read, file.count, file.settled)
    assert not names.lacks(("p", "new")), "nothing is certain before the file was read"
    file.open.clear()
    names.start()
    await until(lambda: file.reads)
    names.add(("p", "meanwhile"))
    assert not names.lacks(("p", "new"))
    file.open.set()
    await until(lambda: names.lacks(("p", "new")))
    names.add(("p", "later"))
    for name in [*of(2000), ("p", "meanwhile"), ("p", "later")]:
        assert not names.lacks(name)
    assert names.lacks(("q", "later"))


async def test_more_than_has_room_is_read_with_more(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_names, "FEWEST", 256)
    file = File(of(1000))
    names = Names(file.read, file.count, file.settled)
    names.start()
    await until(lambda: names.lacks(("p", "new")))
    assert not any(map(names.lacks, of(1000)))
    assert sum(map(names.lacks, of(1000, "q"))) > 980

    reads, file.names = file.reads, of(1000) + of(20_000, "more")
    for name in of(20_000, "more"):
        names.add(name)
    assert sum(map(names.lacks, of(1000, "q"))) < 980
    await until(lambda: sum(map(names.lacks, of(1000, "q"))) > 980)
    assert file.reads > reads
    assert not any(map(names.lacks, file.names))


async def test_a_filter_has_a_largest_size(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_names, "FEWEST", 64)
    monkeypatch.setattr(sqlite_names, "MOST", 256)
    file = File(of(1000))
    names = Names(file.read, file.count, file.settled)
    names.start()
    await until(lambda: any(map(names.lacks, of(1000, "q"))))
    reads = file.reads
    for name in of(1000, "more"):
        names.add(name)
    await asyncio.sleep(0)
    assert file.reads == reads, "it is not read again: no more has room"
    assert not any(map(names.lacks, of(1000) + of(1000, "more")))


async def test_a_file_that_can_not_be_read_now_is_read_later(at_once: None) -> None:
    file = File(of(1000))
    file.failures = [errors.StorageUnavailable("the disk is away")] * 3
    names = Names(file.read, file.count, file.settled)
    names.start()
    await until(lambda: names.lacks(("p", "new")))
    assert not any(map(names.lacks, of(1000)))


@pytest.mark.parametrize("failure", [errors.Damaged("pages"), RuntimeError("a bug")])
async def test_where_names_can_not_be_read_nothing_is_lacking(
    at_once: None, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    file = File(of(1000))
    file.failures = [failure]
    names = Names(file.read, file.count, file.settled)
    names.start()
    await until(lambda: caplog.records)
    assert "who connects is looked for in the file" in caplog.text
    assert not names.lacks(("p", "new"))
    await until(lambda: names._failed)
    reads = file.reads
    names.start()
    await asyncio.sleep(0)
    assert file.reads == reads, "it is told once"


async def test_a_server_knows_its_file(path: Path) -> None:
    for opened in range(2):
        storage = SQLiteStorage(path, sole=True)
        await storage.open()
        try:
            await until(lambda storage=storage: storage.lacks("p", "new"))  # type: ignore[misc]
            assert storage.lacks("p", "a") == (not opened)
            durable = storage.submit(entry("a", opened + 1))
            assert not storage.lacks("p", "a"), "also while it waits for the disk"
            await durable
            assert not storage.lacks("p", "a")
            assert storage.lacks("q", "a")
            if not opened:
                await storage.submit(entry("b"))
                await storage.erase("p", "b")
        finally:
            await storage.close()
    assert storage.lacks("p", "b"), "erased before the last start"


async def test_names_that_are_no_text_cost_nobody_the_rest(path: Path) -> None:
    storage = SQLiteStorage(path)
    await storage.open()
    await asyncio.wait({storage.submit(entry(session)) for session in ("a", "b", "c", "d")})
    await storage.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE sessions SET session = x'ff00' WHERE session = 'a'")
        connection.execute("UPDATE sessions SET session = CAST(x'80' AS TEXT) WHERE session = 'b'")
    connection.close()
    storage = SQLiteStorage(path, sole=True)
    await storage.open()
    try:
        await until(lambda: storage.lacks("p", "new"))
        assert not storage.lacks("p", "c")
        assert not storage.lacks("p", "d")
    finally:
        await storage.close()


async def test_a_command_beside_the_server_is_certain_of_nothing(storage: SQLiteStorage) -> None:
    await storage.settled()
    assert not storage.lacks("p", "new")
