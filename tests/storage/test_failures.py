"""What a storage says and keeps when its own ground gives way: the line, the lock, the disk, a job of somebody's."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app import errors
from app.storage import Entry
from app.storage.damage import MAX_TOLD, Damages
from app.storage.file_lock import FileLock, Gate
from app.storage.postgres.connection import Connection
from app.storage.postgres.database import PostgresStorage
from app.storage.postgres.nodes import is_served
from app.storage.queue import Group, Job, Outcome, WriteQueue
from app.storage.sqlite.commit import write_group
from app.storage.sqlite.database import SQLiteStorage
from tests.support.engines import Postgres
from tests.support.server import free_port

from .contract import batch, entry, row


def group(*entries: Entry, jobs: tuple[Callable[[Any], Any], ...] = ()) -> Group:
    loop = asyncio.get_running_loop()
    made = Group(asyncio.Future(loop=loop))  # type: ignore[arg-type]
    made.entries += entries
    made.jobs += [Job(work, loop.create_future()) for work in jobs]
    return made


def fails(error: Exception) -> Callable[[Any], Any]:
    def work(_: Any) -> None:
        raise error

    return work


#: Its version is no number that a database has room for.
TOO_LARGE = Entry(row(version=2), batch(2**70))


# Lines to Postgres


@pytest.fixture
async def postgres_storage(postgres_url: str) -> Any:
    storage = PostgresStorage(postgres_url, server="sole", retry_scale=0.02)
    await storage.open()
    yield storage
    await storage.close()


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ([ConnectionResetError("cut")], None),
        ([ConnectionResetError("cut")] * 2, errors.StorageUnavailable),
        ([asyncpg.DiskFullError("no room")], errors.StorageUnavailable),
        ([ValueError("a defect")], ValueError),
        ([ConnectionResetError("cut"), ValueError("a defect")], ValueError),
    ],
    ids=["once", "twice", "disk", "defect", "defect at last"],
)
async def test_a_reading_is_tried_once_more_where_the_line_was_cut(
    postgres_storage: PostgresStorage, raised: list[Exception], told: type[Exception] | None
) -> None:
    left = list(raised)

    async def work(connection: Connection) -> Any:
        if left:
            raise left.pop(0)
        return await connection.fetchval("SELECT 1")

    if told is None:
        assert await postgres_storage._pool.run(work) == 1
    else:
        with pytest.raises(told):
            await postgres_storage._pool.run(work)
    assert left == []


async def test_whether_a_server_is_there_is_asked_of_any_database(postgres: Postgres) -> None:
    with postgres.database() as empty:
        assert not await is_served(postgres.url(empty))
    with pytest.raises(errors.StorageUnavailable):
        await is_served(postgres.url("postgres", free_port()))


async def test_a_job_in_a_group_with_a_bad_entry_has_its_own_end(postgres_storage: PostgresStorage) -> None:
    """The others are written, the bad one is dropped, and each job gets what it returned or raised."""

    async def asks(connection: Connection) -> Any:
        return await connection.fetchval("SELECT count(*) FROM log")

    async def breaks(connection: Connection) -> Any:
        raise ValueError("a defect")

    jobs: list[Callable[[Any], Awaitable[Any]]] = [asks, breaks]
    postgres_storage.submit(Entry(row(version=1), batch(1)))
    refused = postgres_storage.submit(TOO_LARGE)
    results = await asyncio.gather(
        *(postgres_storage.queue.run(work) for work in jobs), return_exceptions=True
    )
    assert results[0] == 1
    assert isinstance(results[1], ValueError)
    with pytest.raises(errors.SessionMoodError):
        await refused
    assert [each.version for each in await postgres_storage.batches("p", "s")] == [1]


# SQLite's commit


async def test_a_job_that_fails_costs_nothing_beside_it(storage: SQLiteStorage) -> None:
    corrupt = sqlite3.DatabaseError("database disk image is malformed")
    corrupt.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    storage.submit(Entry(row(), batch()))
    results = await asyncio.gather(
        *(
            storage.queue.run(work)
            for work in (fails(ValueError("a defect")), fails(corrupt), lambda _: "done")
        ),
        return_exceptions=True,
    )
    assert isinstance(results[0], ValueError)
    assert isinstance(results[1], errors.Damaged)
    assert results[2] == "done"
    assert [each.version for each in await storage.batches("p", "s")] == [1]


async def test_a_full_disk_is_nobodys_entry(storage: SQLiteStorage) -> None:
    """Also while a group is written one by one, and in a job: all of it is held, and tried again."""
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    good = Entry(row(), batch())

    async def write(made: Group) -> Outcome:
        assert storage._writer is not None
        return await storage._writer.run(lambda connection: write_group(connection, made))

    for made in (group(good, jobs=(fails(full),)), group(good, TOO_LARGE, jobs=(fails(full),))):
        with pytest.raises(sqlite3.OperationalError):
            await write(made)
        assert await storage.batches("p", "s") == []
    done = await write(group(good, TOO_LARGE))
    assert [refused for refused, _ in done.refused] == [TOO_LARGE]
    assert [each.version for each in await storage.batches("p", "s")] == [1]


# Locks, and what is told


def test_who_finds_the_gate_closed_is_told_that_somebody_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "gate")
    with contextlib.closing(FileLock(path)) as other, contextlib.closing(Gate(path, patience=0.05)) as gate:
        assert other.acquire(0)
        with pytest.raises(sqlite3.OperationalError) as told, gate:
            pass
        assert told.value.sqlite_errorcode == sqlite3.SQLITE_BUSY
        other.release()
        with gate, gate:  # it may be entered by who has entered it
            assert not other.acquire(0)
        assert other.acquire(0)
    gate.close()  # twice does no harm


async def test_memory_of_what_was_told_is_bounded() -> None:
    kept: list[str] = []

    def keep(damage: Any) -> "asyncio.Future[Any]":
        kept.append(damage.session)
        return asyncio.get_running_loop().create_future()

    damages = Damages(keep)
    for index in range(MAX_TOLD):
        damages.report("p", f"s{index}", "log", "bad")
    damages.report("p", "s0", "log", "bad")
    assert len(kept) == MAX_TOLD
    damages.report("p", "one more", "log", "bad")
    damages.report("p", "s0", "log", "bad")  # forgotten meanwhile, so told again
    assert kept[MAX_TOLD:] == ["one more", "s0"]
    assert damages.counts["log"] == MAX_TOLD + 2


async def test_what_fails_after_it_was_given_up_is_told_to_be_lost() -> None:
    writing: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    queue = WriteQueue(lambda _: writing, max_bytes=1_000_000)
    durable = queue.submit(entry())
    job = queue.run(lambda _: None)
    while queue._writing is None:
        await asyncio.sleep(0)
    assert queue.abandon() == 1
    writing.set_exception(OSError("no"))
    for future in (durable, job):
        with pytest.raises(errors.StorageUnavailable):
            await future
    while queue.pending:
        await asyncio.sleep(0)
    assert queue.queued_entries == 0
