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
from app.storage import Entry, Key
from app.storage.damage import MAX_TOLD, Damages
from app.storage.file_lock import FileLock, Gate
from app.storage.postgres.connection import Connection
from app.storage.postgres.database import PostgresStorage
from app.storage.postgres.nodes import is_served
from app.storage.queue import Group, Job, Outcome, WriteQueue
from app.storage.sqlite import wal, wipe
from app.storage.sqlite.commit import write_group
from app.storage.sqlite.database import SQLiteStorage
from tests.support.engines import Postgres
from tests.support.refusals import Refusals
from tests.support.server import free_port
from tests.support.stored import batch, entry, row, until


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


async def test_a_line_that_is_cut_by_the_server_costs_nothing(postgres_storage: PostgresStorage) -> None:
    """Its backend is ended before and within a group: all of it is held, and written by another line."""

    async def end(connection: Connection) -> Any:
        return await connection.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")

    await postgres_storage.submit(Entry(row(version=1), batch(1)))
    postgres_storage.submit(Entry(row(version=2), batch(2)))
    with pytest.raises(errors.StorageUnavailable):
        await postgres_storage.queue.run(end)
    await until(lambda: not postgres_storage.queue.pending)
    writer = postgres_storage._writer
    assert writer is not None
    pid = writer._connection.get_server_pid()
    await postgres_storage._pool.run(lambda c: c.execute("SELECT pg_terminate_backend($1)", pid))
    with contextlib.suppress(errors.StorageUnavailable):  # as soon as it is noticed
        await postgres_storage.submit(Entry(row(version=3), batch(3)))
    await until(lambda: not postgres_storage.queue.pending)
    assert [each.version for each in await postgres_storage.batches("p", "s")] == [1, 2, 3]


async def test_who_no_longer_waits_for_a_job_is_not_served(
    postgres_storage: PostgresStorage, storage: SQLiteStorage
) -> None:
    for each in (postgres_storage, storage):
        done: list[int] = []
        job = each.queue.run(lambda _, done=done: done.append(1))  # type: ignore[misc]
        each.submit(Entry(row(), batch()))
        job.cancel()
        await each.settled()
        assert done == []
        assert await each.row("p", "s") is not None


async def test_what_is_asked_of_who_is_to_go_and_who_came_first(
    postgres_storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server has taken the database over: nothing is written, nothing is acked, and readiness says so."""
    monkeypatch.setattr("app.storage.postgres.database.BEAT_SECONDS", 0.01)
    taken = errors.StorageUnavailable("another server has taken this database over")
    beats = Refusals(postgres_storage._pool.run, ZeroDivisionError(), taken, taken)
    node = postgres_storage._node
    assert node is not None

    async def run(work: Any, *more: Any) -> Any:
        return await (beats(work, *more) if work == node.beat else pool(work, *more))

    pool = postgres_storage._pool.run
    monkeypatch.setattr(postgres_storage._pool, "run", run)
    beating = asyncio.create_task(postgres_storage._beat(node))
    await until(lambda: postgres_storage._usurped is not None)
    assert postgres_storage._usurped is taken
    await until(lambda: postgres_storage._usurped is None)  # it was there again
    beating.cancel()
    postgres_storage._usurped = taken
    with pytest.raises(errors.StorageUnavailable, match="taken this database over"):
        await postgres_storage.check()
    with pytest.raises(errors.StorageUnavailable, match="taken this database over"):
        await postgres_storage.submit(Entry(row(), batch()))
    postgres_storage._usurped = None
    await until(lambda: not postgres_storage.queue.pending)
    assert await postgres_storage.row("p", "s") is not None


async def test_a_key_that_a_broken_line_hid_is_there_once(
    postgres_storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Key("k", "p", "pk", b"\x01" * 32, "", 1)
    await postgres_storage.add_key(key)
    await postgres_storage.add_key(key)  # as one whose first try was written and not heard of
    assert await postgres_storage.keys() == [key]
    with pytest.raises(errors.BadRequest, match="such a key"):
        await postgres_storage.add_key(Key("k", "other", "pk", b"\x02" * 32, "", 1))


async def test_a_closed_storage_erases_nothing(postgres_storage: PostgresStorage) -> None:
    await postgres_storage.close()
    with pytest.raises(errors.StorageUnavailable, match="closed"):
        await postgres_storage.erase("p", "s")


async def test_a_restored_copy_tells_another_history(
    postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    storage = PostgresStorage(postgres_url, server="sole")
    await storage.open()
    await storage.submit(Entry(row(), batch()))
    before = storage.epoch
    await storage.close()
    with postgres.database(template=postgres_url.rpartition("/")[2].partition("?")[0]) as copy:
        restored = PostgresStorage(postgres.url(copy), server="sole")
        await restored.open()
        assert await restored.row("p", "s") is not None
        assert restored.epoch.name != before.name
        assert restored.epoch.began_at > 0
        again = restored.epoch
        await restored.close()
        restored = PostgresStorage(postgres.url(copy), server="sole")
        await restored.open()
        assert restored.epoch == again
        await restored.close()
    assert caplog.text.count("a restored copy of the database served last") == 1


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


async def test_a_large_entry_that_has_no_room_is_held_with_what_stands_beside_it(
    storage: SQLiteStorage,
) -> None:
    """Also where the group is written one by one, for the sake of one that no database takes."""
    big = Entry(row(), batch(1, b"[" + b"1," * 500_000 + b"1]"))
    assert storage._writer is not None
    await storage._writer.run(lambda c: c.execute("PRAGMA max_page_count = 1").fetchall())
    both = group(big, TOO_LARGE)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await storage._writer.run(lambda c: write_group(c, both))
    await storage._writer.run(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchall())
    assert await storage.batches("p", "s") == []


async def test_a_connection_that_is_closed_says_so(storage: SQLiteStorage) -> None:
    writer = storage._writer
    assert writer is not None
    await storage.close()
    with pytest.raises(errors.StorageUnavailable, match="closed"):
        await writer.run(lambda _: None)
    with pytest.raises(errors.StorageUnavailable, match="closed"):
        storage._write(group(entry()))


async def test_a_checkpoint_that_fails_comes_again(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one beside a reader is no measure of the log's length."""
    monkeypatch.setattr(wal, "BUSY_PAGES", 1)
    monkeypatch.setattr(wal, "_checkpoint", Refusals(wal._checkpoint, sqlite3.OperationalError("no")))
    await storage.submit(entry(version=1))
    await until(lambda: not storage.wal._running)
    assert storage.wal.checkpoints == 0
    with contextlib.closing(sqlite3.connect(storage.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM sessions").fetchall()
        for version in range(2, 40):
            await storage.submit(entry(version=version))
        await until(lambda: storage.wal.checkpoints)
        reader.execute("COMMIT")
    seen = storage.wal.checkpoints
    await storage.submit(entry(version=40))
    await until(lambda: storage.wal.checkpoints > seen)
    assert [each.version for each in await storage.batches("p", "s")] == list(range(1, 41))


# Erasing, wiping


async def test_a_session_that_cannot_be_erased_costs_no_other_its_end(storage: SQLiteStorage) -> None:
    for name in ("a", "bad", "c"):
        await storage.submit(entry(name))
    assert storage._writer is not None
    await storage._writer.run(
        lambda c: c.execute(
            "CREATE TRIGGER no BEFORE DELETE ON sessions WHEN old.session = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'it stays'); END"
        ).fetchall()
    )
    names = [("p", name) for name in ("a", "bad", "c")]
    assert await storage.expire(names, 10**9) == 2
    assert [row.session for row in (await storage.sessions("p")).sessions] == ["bad"]
    await storage.settled()
    (damage,) = await storage.damages()
    assert (damage.session, damage.part, "it stays" in damage.reason) == ("bad", "retention", True)
    assert await storage.expired(10**9, 10) == []  # not before the next start


async def test_wiping_goes_on_past_what_is_wrong_for_the_moment(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    busy, full = sqlite3.OperationalError("database is locked"), OSError(28, "no space left")
    monkeypatch.setattr(wipe, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(wipe, "_wipe_slice", Refusals(wipe._wipe_slice, busy, full))
    for name in ("a", "b", "c"):
        await storage.submit(entry(name))
    gone = asyncio.gather(*(storage.erase("p", name) for name in ("a", "b")))
    storage.wiper.ask().cancel()  # who asked has left
    assert await gone == [True, True]
    assert not await storage.erasure_pending("p", "a")
    monkeypatch.setattr(wipe, "_MAX_BYTES", 0)
    assert await storage.erase("p", "c")
    assert "too large to wipe" in caplog.text
    assert await storage.row("p", "c") is None
    assert await storage.erasure_pending("p", "c")  # the next start tries again


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


async def test_what_was_found_damaged_is_told_again_once_it_can_be_kept() -> None:
    tries = Refusals(
        lambda damage: asyncio.get_running_loop().create_future(), errors.StorageUnavailable("away")
    )
    damages = Damages(tries)
    for _ in range(3):
        damages.report_all([("p", "s", "log", "bad"), ("p", "t", "key", "bad")])
    assert (damages.counts, tries.through) == ({"log": 2, "key": 1}, 2)


async def test_a_column_of_another_type_costs_its_row(storage: SQLiteStorage) -> None:
    for name in ("a", "b"):
        await storage.submit(entry(name))
    assert storage._writer is not None
    await storage._writer.run(
        lambda c: c.execute("UPDATE sessions SET created_at = 'never' WHERE session = 'a'").fetchall()
    )
    with pytest.raises(errors.Damaged, match="`created_at` is str"):
        await storage.load("p", "a")
    assert [row.session for row in (await storage.sessions("p")).sessions] == ["b"]


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
